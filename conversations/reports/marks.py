"""When does a row say something else than before? Its mark differs; the passing of time alone changes no mark."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from conversations.reports.durations import Clock
from conversations.reports.rows import Row

MARK_BYTES = 9


@dataclass(frozen=True, slots=True)
class Marked:
    """A row and its mark, as it was read at a moment."""

    row: Row
    mark: bytes
    read_at: datetime


def marked(row: Row, read_at: datetime) -> Marked:
    """A row with its mark."""
    clocks = [(one.since, one.warn, one.urgent) if one.since else (one.text, one.band) for one in _clocks(row)]
    return Marked(row, mark_of(repr((lasting(row), clocks))), read_at)


def mark_of(words: str) -> bytes:
    """A short name of what was said; different words have different ones."""
    return hashlib.blake2s(words.encode(), digest_size=MARK_BYTES).digest()


CLOCKS = ("wait", "handle", "state_since", "unanswered")
"""What the passing of time alone changes in a row."""

lasting = attrgetter(*(field.name for field in fields(Row) if field.name not in CLOCKS))
"""All that a row says beside its clocks, as a tuple."""

_clocks = attrgetter(*CLOCKS)


def still(clock: Clock) -> Clock:
    """A clock that runs, without what it shows at a moment."""
    return Clock("", clock.since, clock.warn, clock.urgent) if clock.since else clock
