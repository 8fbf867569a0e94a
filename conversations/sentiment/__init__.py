"""How does the customer feel? Seven steps from their last six messages (domain.md 1.5).

The scorer is a setting (``SENTIMENT_SCORER``, a dotted path to a class); any class with ``score``
will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from conversations.models import Sentiment

WINDOW = 6
"""How many of the customer's latest messages count."""

STEPS: tuple[tuple[float, Sentiment], ...] = (
    (-0.6, Sentiment.VERY_NEGATIVE),
    (-0.3, Sentiment.NEGATIVE),
    (-0.05, Sentiment.SLIGHTLY_NEGATIVE),
    (0.05, Sentiment.NEUTRAL),
    (0.3, Sentiment.SLIGHTLY_POSITIVE),
    (0.6, Sentiment.POSITIVE),
)
"""Upper bound of each step but the last, on a scale from −1 to 1."""


class Scorer(Protocol):
    """Tells how a text sounds, from −1 (very negative) to 1 (very positive)."""

    def score(self, text: str) -> float:
        """The score of one text."""


@cache
def scorer(path: str) -> Scorer:
    """The scorer at a dotted path, made once."""
    found: Scorer = import_string(path)()
    return found


def sentiment_of(texts: Sequence[str]) -> Sentiment:
    """The step for a customer's messages, oldest first: the mean of the last six, neutral for none."""
    latest = texts[-WINDOW:]
    if not latest:
        return Sentiment.NEUTRAL
    scoring = scorer(settings.SENTIMENT_SCORER)
    mean = sum(scoring.score(text) for text in latest) / len(latest)
    return next((step for bound, step in STEPS if mean <= bound), Sentiment.VERY_POSITIVE)
