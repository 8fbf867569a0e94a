"""How many are there, and how long has the longest waited? One query for everything that is ongoing.

The counters obey every filter but tab and status, so that a tile says what a click on it will show. The list takes
its total from here, not from a count of its own: tiles, tabs and pages cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from conversations.models import ConversationQuerySet, Direction, Sentiment
from conversations.reports.durations import Band, Clock, queue_wait, waiting_since_sql
from conversations.reports.filters import Filter, Status, Tab
from routing import selectors as routing_selectors
from routing.models import BasePresence, Queue


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest wait of a set, and the queue in which it is."""

    clock: Clock
    queue: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of the report.

    ``by_status``: M5a, M6, M7, M8, M9 of domain.md 5.2. ``older``: ongoing ones before the window (D2).
    ``oldest_open``: the open one that waits longest. ``longest``: M4 over inbound ones, and over those back in
    the queue, whose wait runs since they came back (its queue variant): the longest wait that a row shows.
    ``worst_open``: the worst band among the open ones; every queue has its own limits. ``unhappy``: the ongoing ones
    whose sentiment is negative in any degree (M35).
    """

    by_status: Mapping[Status, int]
    closed: int
    older: int
    oldest_open: Longest | None
    longest: Longest | None
    worst_open: str
    unhappy: int = 0

    @property
    def ongoing(self) -> int:
        """M10: M5a + M6 + M7 + M8 + M9."""
        return sum(self.by_status.values())

    @property
    def all(self) -> int:
        """Ongoing and closed."""
        return self.ongoing + self.closed

    def shown(self, filter_: Filter) -> int:
        """How many rows the list of this filter has, over all its pages."""
        if filter_.statuses:
            return 0 if filter_.tab is Tab.CLOSED else sum(self.by_status[status] for status in filter_.statuses)
        return {Tab.ONGOING: self.ongoing, Tab.CLOSED: self.closed, Tab.ALL: self.all}[filter_.tab]


UNHAPPY = frozenset({Sentiment.VERY_NEGATIVE, Sentiment.NEGATIVE, Sentiment.SLIGHTLY_NEGATIVE})
"""The steps of sentiment below neutral."""


def count(visible: ConversationQuerySet, filter_: Filter, queues: Mapping[int, Queue], now: datetime) -> Counts:
    """Count what is visible under a filter. Two queries: the ongoing ones by queue, and the closed ones.

    Both keep to their partial index (``closed_at IS NULL`` and ``IS NOT NULL``). The first is linear in the
    ongoing conversations: 0.8 ms at 10,000, 7 ms at 100,000; beyond that it wants to be kept, not counted.
    """
    inside, rows = filter_.created(now), filter_.narrowed(visible)
    before = ~inside if inside else Q(pk__in=[])
    is_open = Status.OPEN.where & inside
    found: list[Mapping[str, Any]] = list(
        rows.ongoing()
        .values("queue_id")
        .annotate(
            **{status.value: Count("pk", filter=status.where & inside) for status in Status},
            older=Count("pk", filter=before),
            unhappy=Count("pk", filter=Q(sentiment__in=UNHAPPY) & inside),
            open_since=Min(waiting_since_sql(), filter=is_open),
            wait_since=Min(waiting_since_sql(), filter=Q(direction=Direction.INBOUND) & inside),
        )
        .order_by()
    )
    waits = {
        name: [
            (row[name], queue, queue_wait(row[name], queue.wait_warning_seconds, queue.wait_critical_seconds, now))
            for row in found
            if row[name] is not None and (queue := queues.get(row["queue_id"])) is not None
        ]
        for name in ("open_since", "wait_since")
    }
    bands = {clock.band for _since, _queue, clock in waits["open_since"]}
    return Counts(
        by_status={status: sum(row[status.value] for row in found) for status in Status},
        closed=rows.closed().filter(inside).count(),
        older=sum(row["older"] for row in found),
        oldest_open=_longest(waits["open_since"]),
        longest=_longest(waits["wait_since"]),
        unhappy=sum(row["unhappy"] for row in found),
        worst_open=next((band for band in (Band.CRITICAL, Band.AT_RISK) if band in bands), ""),
    )


def _longest(waits: list[tuple[datetime, Queue, Clock]]) -> Longest | None:
    if not waits:
        return None
    _since, queue, clock = min(waits, key=lambda wait: wait[0])
    return Longest(clock, queue.name)


@dataclass(frozen=True, slots=True)
class Staffing:
    """Agents in a scope: ``available``, and ``on_shift``, that is logged in (domain.md M36, M37)."""

    available: int
    on_shift: int


def staffing(queue_ids: frozenset[int] | None) -> Staffing:
    """Count the agents of these queues, or all of them; bots do not count. One query."""
    agents = routing_selectors.agents().exclude(presence__base=BasePresence.OFFLINE)
    if queue_ids is not None:
        agents = agents.filter(memberships__queue_id__in=queue_ids)
    found = dict(agents.values_list("presence__base").annotate(Count("pk", distinct=True)).order_by())
    return Staffing(found.get(BasePresence.AVAILABLE.value, 0), sum(found.values()))
