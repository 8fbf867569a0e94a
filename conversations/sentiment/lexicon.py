"""The default scorer: TextBlob, a kept library that carries its (English) lexicon with it."""

from __future__ import annotations

from textblob import TextBlob


class LexiconScorer:
    """Scores with TextBlob's polarity."""

    def score(self, text: str) -> float:
        """TextBlob's polarity, −1 to 1."""
        return float(TextBlob(text).sentiment.polarity)
