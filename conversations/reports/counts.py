"""How many are there, and how long has the longest waited?

The counters obey every filter but tab and status, so that a tile says what a click on it will show. The list takes
its total from here, not from a count of its own: tiles, tabs and pages cannot contradict each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, DateTimeField, F, Min, Q, Value, When

from conversations.models import ConversationQuerySet, Direction, Sentiment
from conversations.reports.durations import Band, Clock, queue_wait
from conversations.reports.filters import Filter, Status, Tab, begun_since
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

IS_UNHAPPY = Q(sentiment__in=sorted(UNHAPPY))
MAY_WAIT = (Status.OPEN, Status.OFFERED)
WAITING_SINCE = Case(
    When(Status.OPEN.where, then=F("standing_since")),
    When(accepted_at__isnull=True, then=F("first_wait_started_at")),
    default=None,
    output_field=DateTimeField(),
)
"""``durations.waiting_since`` of those that may wait, from what an index of them holds."""

OPEN_SINCE = Min("standing_since", filter=Status.OPEN.where)
WAIT_SINCE = Min(WAITING_SINCE, filter=Q(direction=Direction.INBOUND))


def count(visible: ConversationQuerySet, filter_: Filter, queues: Mapping[int, Queue], now: datetime) -> Counts:
    """Count what is visible under a filter, the ongoing ones and the closed ones.

    Counting is linear in the ongoing conversations (``benchmarks/results/``), so each count keeps to an index that
    holds all it reads; words are looked for once, in one query for all counts.
    """
    inside, rows = filter_.created(now), filter_.narrowed(visible)
    start, going = filter_.window.start(now), rows.ongoing()
    found = _at_once(going, inside) if filter_.search else _one_by_one(going, inside, start)
    open_since, wait_since = (
        [
            (since, queue, queue_wait(since, queue.wait_warning_seconds, queue.wait_critical_seconds, now))
            for queue_id, since in waits.items()
            if since is not None and (queue := queues.get(queue_id)) is not None
        ]
        for waits in (found.open_since, found.wait_since)
    )
    bands = {clock.band for _since, _queue, clock in open_since}
    return Counts(
        by_status={status: found.by_status.get(place, 0) for place, status in enumerate(Status)},
        closed=rows.closed().filter(inside).count(),
        older=found.older,
        oldest_open=_longest(open_since),
        longest=_longest(wait_since),
        unhappy=found.unhappy,
        worst_open=next((band for band in (Band.CRITICAL, Band.AT_RISK) if band in bands), ""),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What the database counted: by the place of the status, by queue, and in all."""

    by_status: Mapping[int, int]
    open_since: Mapping[int, datetime | None]
    wait_since: Mapping[int, datetime | None]
    older: int
    unhappy: int


def _one_by_one(going: ConversationQuerySet, inside: Q, start: datetime | None) -> _Found:
    """Four short walks along four indexes."""
    by_status: dict[int, int] = defaultdict(int)
    # Grouped by queue as well, in the order of its index: the database need not sort or hash.
    begun = begun_since(going, start)
    numbers = begun.values_list("queue_id", "status_place").annotate(number=Count("pk")).order_by()
    for _queue, place, number in numbers:
        by_status[place] += number
    waits = list(
        going.filter(inside, status_place__in=[list(Status).index(status) for status in MAY_WAIT])
        .values_list("queue_id")
        .annotate(open_since=OPEN_SINCE, wait_since=WAIT_SINCE)
        .order_by()
    )
    return _Found(
        by_status,
        {queue: since for queue, since, _ in waits},
        {queue: since for queue, _, since in waits},
        going.filter(created_at__lt=start).count() if start is not None else 0,
        going.filter(inside, IS_UNHAPPY).count(),
    )


def _at_once(going: ConversationQuerySet, inside: Q) -> _Found:
    """One query that looks at each conversation once."""
    by_status: dict[int, int] = defaultdict(int)
    open_since: dict[int, datetime | None] = {}
    wait_since: dict[int, datetime | None] = {}
    older = unhappy = 0
    rows = going.annotate(is_inside=Case(When(inside, then=True), default=False) if inside else Value(True))
    for queue, place, is_inside, number, low, opened, waits in (
        rows.values_list("queue_id", "status_place", "is_inside")
        .annotate(number=Count("pk"), low=Count("pk", filter=IS_UNHAPPY), opened=OPEN_SINCE, waits=WAIT_SINCE)
        .order_by()
    ):
        if not is_inside:
            older += number
            continue
        by_status[place] += number
        unhappy += low
        if opened is not None:
            open_since[queue] = opened
        before = wait_since.get(queue)
        wait_since[queue] = min((since for since in (before, waits) if since is not None), default=None)
    return _Found(by_status, open_since, wait_since, older, unhappy)


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
