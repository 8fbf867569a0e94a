"""What did a view of the report cost, round by round, and how many times as much at the largest size?

All sizes take part in each round, one right after the other, so that each round has a ratio of its own: a machine does
the same piece of work in half or twice its time within minutes, but hardly within the second that a round takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Looked:
    """What is the same each time: how many queries, how many conversations are listed, the plan of their list."""

    queries: int
    rows: int
    plan: str


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds of one view in one round: the request and the SQL by hand by the clock, and the CPU of each.

    ``ours`` and ``theirs`` are the CPU of the process and of the database for the request, ``by_hand`` that of both
    for the SQL. Other work on the machine makes them longer too, but not as many times as the clock.
    """

    whole: float
    bare: float
    ours: float
    theirs: float
    by_hand: float

    @property
    def cpu(self) -> float:
        """Seconds of CPU of the request, here and in the database."""
        return self.ours + self.theirs


@dataclass
class Cost:
    """One view at one size; ``page`` is the first page in the same rounds, where that was asked for beside it."""

    looked: Looked
    rounds: list[Round] = field(default_factory=list)
    page: list[Round] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Seconds of CPU of the request in the middle round."""
        return median(one.cpu for one in self.rounds)


@dataclass
class Served:
    """Seconds to the last byte through Daphne, at so many clients; and of the bare answer beside it."""

    clients: int
    page: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """One database at one size."""

    database: str
    size: int
    views: dict[str, Cost]
    served: dict[tuple[str, int], Served]
    indexes: Sequence[str] = ()


def growth(small: Cost, large: Cost) -> float:
    """How many times as much the larger size costs: the middle one of the rounds' ratios."""
    return _ratio(small.rounds, large.rounds)


def judged_growth(small: Cost, large: Cost) -> float:
    """The growth that a bar looks at: beside as many rows.

    A page of 50 rows costs more than one of 3, whatever the database holds. Where the smaller size lists fewer, the
    larger one is held against the dearer of what the smaller one costs and its first page, in the same rounds.
    """
    if not lists_fewer(small, large):
        return growth(small, large)
    dearer = [max(one, page, key=lambda found: found.cpu) for one, page in zip(small.rounds, small.page, strict=True)]
    return _ratio(dearer, large.rounds)


def lists_fewer(small: Cost, large: Cost) -> bool:
    """Whether the smaller size lists fewer conversations in this view."""
    return small.looked.rows < large.looked.rows


def _ratio(small: Sequence[Round], large: Sequence[Round]) -> float:
    return median(after.cpu / before.cpu for before, after in zip(small, large, strict=True))
