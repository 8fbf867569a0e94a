"""What are status, channel and sentiment called? Their words in one language, found once for all rows of a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language

from conversations.models import Sentiment, State
from conversations.reports.filters import STATUS_LABELS
from routing.models import Channel


@dataclass(frozen=True, slots=True)
class Labels:
    """Words by what is stored; a status is one of ``filters.Status``, or closed."""

    status: Mapping[str, str]
    channel: Mapping[str, str]
    sentiment: Mapping[int, str]


def labels() -> Labels:
    """The words in the active language."""
    return _labels(get_language())


@lru_cache(maxsize=64)
def _labels(language: str | None) -> Labels:
    return Labels(
        status={State.CLOSED.value: str(State.CLOSED.label)}
        | {status.value: str(label) for status, label in STATUS_LABELS.items()},
        channel={channel.value: str(channel.label) for channel in Channel},
        sentiment={step.value: str(step.label) for step in Sentiment},
    )
