"""When are people told that a customer is unhappy? Once for each fall. Pure (domain.md 4.1, 7, F47, P24)."""

from __future__ import annotations

from enum import Enum, auto

from conversations.models import Sentiment


class News(Enum):
    """What a sentiment means for those who are told."""

    NONE = auto()
    FELL = auto()  # past the threshold: tell them
    RECOVERED = auto()  # the next fall is news again


def news(sentiment: Sentiment, threshold: int, *, was_told: bool) -> News:
    """What to do at this sentiment; ``threshold`` is the step at or below which people are told, 0 never.

    Whoever was told of a fall is told again only after the customer was neutral or better in between: a sentiment that
    goes up and down around the threshold is one fall.
    """
    if sentiment == Sentiment.NOT_AVAILABLE:
        return News.NONE
    if was_told:
        return News.RECOVERED if sentiment >= Sentiment.NEUTRAL else News.NONE
    return News.FELL if threshold and sentiment <= threshold else News.NONE
