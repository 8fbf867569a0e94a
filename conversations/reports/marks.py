"""When does a row say something else than before? Its mark differs; the passing of time alone changes no mark."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from conversations.reports.durations import Clock
from conversations.reports.rows import Row

MARK_BYTES = 9


@dataclass(frozen=True, slots=True)
class Marked:
    """A row and its mark."""

    row: Row
    mark: bytes


def marked(row: Row) -> Marked:
    """A row with its mark."""
    return Marked(row, mark_of(repr(quiet(row))))


def mark_of(words: str) -> bytes:
    """A short name of what was said; different words have different ones."""
    return hashlib.blake2s(words.encode(), digest_size=MARK_BYTES).digest()


def quiet(row: Row) -> Row:
    """A row without what only the passing of time changes: clocks that run are told by their start."""
    return replace(
        row,
        wait=still(row.wait),
        handle=still(row.handle),
        state_since=still(row.state_since),
        unanswered=still(row.unanswered),
    )


def still(clock: Clock) -> Clock:
    """A clock that runs, without what it shows at a moment."""
    return replace(clock, text="", band="") if clock.since else clock
