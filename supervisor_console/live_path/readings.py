"""What did each step of the live path answer? Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """What came back, or why nothing did; ``is_late`` when there was no answer in time."""

    value: T | None = None
    error: str = ""
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How long it took to get a connection to the database, and to ask it for nothing."""

    connect: float
    read: float


@dataclass(frozen=True, slots=True)
class Outbox:
    """The outbox: its rows, how old the newest and the oldest are, and what the asking process has not delivered yet.

    ``behind`` is the number of those, ``behind_for`` the age of the oldest of them; None where nobody listens there.
    """

    rows: int
    newest: float | None
    oldest: float | None
    behind: int | None = None
    behind_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Ear:
    """How announcements reach this process: what came which way, and how long ago each way last worked."""

    process: str
    is_listening: bool
    sockets: int
    by_layer: int
    by_outbox: int
    layer: float | None
    outbox: float | None


@dataclass(frozen=True, slots=True)
class Beat:
    """The latest sign of life of a process that does the background work."""

    process: str
    kind: str
    age: float
    up: float
    longest: float
    done: int
    error: str


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything that was asked in one go."""

    database: Asked[Reach]
    writing: Asked[float]
    outbox: Asked[Outbox]
    has_redis: bool
    layer: Asked[float]
    ear: Ear
    background: Asked[tuple[Beat, ...]]
