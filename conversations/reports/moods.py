"""How did the sentiment of a conversation go? A short series of when it changed to what (domain.md 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from conversations.models import Conversation, Sentiment, SentimentChange
from conversations.reports.labels import Labels, labels
from conversations.reports.moments import moment, short_moment

SHOWN = 8
"""Latest changes that are listed; the line is drawn from all of those that are read."""

READ = 60
"""Latest changes that are read at all."""

WIDTH, HEIGHT, MARGIN = 240, 46, 4
"""Size of the drawing in its own units."""


@dataclass(frozen=True, slots=True)
class Step:
    """One sentiment, and since when."""

    sentiment: int
    label: str
    at_iso: str
    at_text: str
    at_exactly: str


@dataclass(frozen=True, slots=True)
class Series:
    """The latest changes, newest first; ``line`` draws them over time, ``middle`` is where neutral lies."""

    steps: tuple[Step, ...]
    earlier: int
    line: str
    middle: float
    width: int = WIDTH
    height: int = HEIGHT


def shown(sentiment: int, *, is_on: bool, alone: bool = False, words: Labels | None = None) -> tuple[int, str]:
    """Step and label of a sentiment; what was read before the analysis was switched off is not shown (domain.md 7).

    ``alone`` where nothing beside it says what is off. ``words``: those of the active language, where they are at hand.
    """
    if is_on:
        return sentiment, (words or labels()).sentiment[sentiment]
    return Sentiment.NOT_AVAILABLE.value, _("Sentiment off") if alone else _("Off")


def series(conversation: Conversation, now: datetime) -> Series | None:
    """The sentiment of a conversation over time, None where nothing was kept. One query.

    The line is of steps: a sentiment holds until the next one, the last one until now, or until it was closed.
    """
    found = list(SentimentChange.objects.filter(conversation=conversation).order_by("-pk")[:READ])
    if not found:
        return None
    until = conversation.closed_at or now
    return Series(
        steps=tuple(_step(row, now) for row in found[:SHOWN]),
        earlier=max(0, len(found) - SHOWN),
        line=_line(found[::-1], until),
        middle=_y(Sentiment.NEUTRAL),
    )


def _step(row: SentimentChange, now: datetime) -> Step:
    return Step(
        row.sentiment,
        str(Sentiment(row.sentiment).label),
        row.at.isoformat(),
        short_moment(row.at, now),
        moment(row.at, now),
    )


def _y(sentiment: int) -> float:
    """The height of a step: very positive above, very negative below."""
    share = (Sentiment.VERY_POSITIVE - sentiment) / (Sentiment.VERY_POSITIVE - Sentiment.VERY_NEGATIVE)
    return round(MARGIN + share * (HEIGHT - 2 * MARGIN), 1)


def _line(rows: Sequence[SentimentChange], until: datetime) -> str:
    """The points of a polyline of steps, oldest first."""
    began = rows[0].at
    lasts = max((until - began).total_seconds(), 1.0)
    points: list[str] = []
    level = _y(rows[0].sentiment)
    for row in rows:
        x = round(min(1.0, (row.at - began).total_seconds() / lasts) * WIDTH, 1)
        points += [f"{x},{level}", f"{x},{_y(row.sentiment)}"]
        level = _y(row.sentiment)
    return " ".join([*dict.fromkeys(points), f"{WIDTH},{level}"])
