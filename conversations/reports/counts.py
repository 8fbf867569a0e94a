"""How many are there, and how long has the longest waited?

The counters obey every filter but tab and status, so that a tile says what a click on it will show. The list takes
its total from here, not from a count of its own: tiles, tabs and pages cannot contradict each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Aggregate, Case, Count, DateTimeField, F, Min, Q, QuerySet, TextField, Value, When
from django.utils.formats import number_format

from conversations import selectors
from conversations.models import Conversation, ConversationQuerySet, Direction, Sentiment
from conversations.reports import statements
from conversations.reports.durations import Band, Clock, queue_wait
from conversations.reports.filters import Filter, Status, Tab, begun_since, plainly, sieved
from conversations.reports.statements import NEVER, NOW, At, Literal, Part
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, Queue
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.questions import Among, question

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

LIMIT = 10_000
"""Numbers are exact up to this one; of more it is said that they are more."""

MANY = 2_000
"""Of as many that mention a word, a page is found sooner along its order than by the word."""


def said(number: int) -> str:
    """A number as it is printed: ``10,000+`` where it is not counted any further."""
    return str(number) if number <= LIMIT else f"{number_format(LIMIT, force_grouping=True)}+"


@dataclass(frozen=True, slots=True)
class Longest:
    """The longest wait of a set, and the queue in which it is."""

    clock: Clock
    queue: str


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of the report; of a number above the limit it is known only that it is above (see ``count``).

    ``by_status``: M5a, M6, M7, M8, M9 of domain.md 5.2. ``older``: ongoing ones before the window (D2).
    ``oldest_open``: the open one that waits longest. ``longest``: M4 over inbound ones, and over those back in
    the queue, whose wait runs since they came back (its queue variant): the longest wait that a row shows.
    ``worst_open``: the worst band among the open ones; every queue has its own limits. ``unhappy``: the ongoing ones
    whose sentiment is negative in any degree (M35). ``found``: of a search, the ids of those that are counted by
    status, where they are few: what was found once need not be found again to list it.
    """

    by_status: Mapping[Status, int]
    closed: int
    older: int
    oldest_open: Longest | None
    longest: Longest | None
    worst_open: str
    unhappy: int = 0
    found: Mapping[Status, Sequence[int]] | None = None

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

    def ids(self, filter_: Filter) -> list[int] | None:
        """The ids that the list of this filter has over all its pages, in no order; None where they are not known."""
        if self.found is None or filter_.tab is not Tab.ONGOING:
            return None
        return [pk for status in filter_.statuses or Status for pk in self.found.get(status, ())]


UNHAPPY = frozenset({Sentiment.VERY_NEGATIVE, Sentiment.NEGATIVE, Sentiment.SLIGHTLY_NEGATIVE})
"""The steps of sentiment below neutral."""

IS_UNHAPPY = Q(sentiment__in=[Literal(step) for step in sorted(UNHAPPY)])
MAY_WAIT = Q(status_place__in=[0, 1])
"""Open or offered."""

OPEN_SINCE = Min("standing_since", filter=Status.OPEN.where)
WAIT_SINCE = Min(
    Case(
        When(Status.OPEN.where, then=F("standing_since")),
        When(MAY_WAIT, accepted_at__isnull=True, then=F("first_wait_started_at")),
        default=None,
        output_field=DateTimeField(),
    ),
    filter=Q(direction=Direction.INBOUND),
)
"""The earliest ``durations.waiting_since`` of those that may wait."""


def count(actor: Actor, filter_: Filter, queues: Mapping[int, Queue], now: datetime, most: int = LIMIT) -> Counts:
    """Count what this actor sees under a filter, the ongoing ones and the closed ones. One query, two for a search.

    Each counter is a walk along an index that holds all it reads, and ends after ``most`` conversations: a number above
    it says that there are more. Words are looked for once for all counters.
    """
    found = _at_once(actor, filter_, now) if filter_.search else _Found()
    found.take(statements.fetch(_composed(actor, filter_, most), now))
    open_since, wait_since = (
        [
            (since, queue, queue_wait(since, queue.wait_warning_seconds, queue.wait_critical_seconds, now))
            for queue_id, since in waits
            if (queue := queues.get(queue_id)) is not None
        ]
        for waits in (found.open_since, found.wait_since)
    )
    bands = {clock.band for _since, _queue, clock in open_since}
    return Counts(
        by_status={status: found.by_status.get(place, 0) for place, status in enumerate(Status)},
        closed=found.numbers[_CLOSED],
        older=found.numbers[_OLDER],
        oldest_open=_longest(open_since),
        longest=_longest(wait_since),
        unhappy=found.numbers[_UNHAPPY],
        worst_open=next((band for band in (Band.CRITICAL, Band.AT_RISK) if band in bands), ""),
        found=found.ids() if filter_.search and sum(found.by_status.values()) < MANY else None,
    )


_STATUS, _OLDER, _UNHAPPY, _CLOSED, _OPEN_SINCE, _WAIT_SINCE = range(6)
"""What a row of the one statement tells. Beside it stand a status or a queue, a number, and a moment."""


@dataclass(slots=True)
class _Found:
    """What the database counted: by the place of the status, in all, and since when somebody waits in which queue."""

    by_status: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    open_since: list[tuple[int, datetime]] = field(default_factory=list)
    wait_since: list[tuple[int, datetime]] = field(default_factory=list)
    told_ids: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def ids(self) -> dict[Status, list[int]]:
        """The ids by their status."""
        return {
            status: [int(pk) for told in self.told_ids[place] for pk in told.split(",")]
            for place, status in enumerate(Status)
        }

    def take(self, told: Iterable[tuple[Any, ...]]) -> None:
        """Add what rows of the statement tell."""
        for kind, place, number, since in told:
            moment = statements.moment(since)
            if kind == _STATUS:
                self.by_status[place] = number
            elif moment is None:
                self.numbers[kind] += number
            else:
                (self.open_since if kind == _OPEN_SINCE else self.wait_since).append((place, moment))


@statements.kept
def _composed(actor: Actor, filter_: Filter, most: int) -> Part:
    """All that is counted by walks, in one statement."""
    visible = selectors.visible(actor)
    is_short = filter_.window.is_short
    over = filter_.narrowed(visible, by_the_way=is_short).closed().filter(filter_.created(NOW))
    closed = _counter(_CLOSED, filter_.mentioned(over, is_sieve=is_short), most + 1)
    return statements.united([closed] if filter_.search else [*_walks(visible, filter_, NOW, most + 1), closed])


PLACES = range(len(Status))

FEW_AGENTS = 10
"""Conversations of so many agents are looked at one by one; those of more are counted on the way along an index."""


def _walks(visible: ConversationQuerySet, filter_: Filter, now: At, stop: int) -> Iterator[Part]:
    """The short walks: the oldest open one of each queue, the longest wait, each status, older ones, unhappy ones."""
    inside, start = filter_.created(now), filter_.window.since(now)
    going = filter_.narrowed(visible, by_the_way=True).ongoing()
    # Nobody has an open one: whose they are is no condition, which might lead a database to an index that is longer.
    of_anybody = filter_.narrowed(visible, of_anybody=True, by_the_way=True).ongoing()
    is_open = of_anybody.filter(inside, standing=Literal(0))
    if filter_.agents and not filter_.unassigned:
        is_open = is_open.none()
    # Moments first: a union takes its types from the first of its parts.
    oldest = is_open.filter(queue_id=statements.outer("queue.id")).order_by("standing_since")
    of_queues = f" WHERE queue.id IN ({', '.join(map(str, sorted(filter_.queues)))})" if filter_.queues else ""
    yield statements.part(oldest.values_list("standing_since")[:1]).within(
        f"SELECT %s, queue.id, 0, ({{}}) FROM routing_queue AS queue{of_queues}", _OPEN_SINCE
    )
    is_nobodys = filter_.unassigned and not filter_.agents
    never = (of_anybody if is_nobodys else going).filter(inside).alias(place=plainly("status_place"))
    never = never.filter(
        place__in=[0] if is_nobodys else [0, 1], accepted_at__isnull=True, first_wait_started_at__isnull=False
    )
    again = begun_since(of_anybody.filter(standing=Literal(0), accepted_at__isnull=False), start)
    if filter_.agents and not filter_.unassigned:
        again = again.none()
    for rows, since in ((never, "first_wait_started_at"), (again, "state_changed_at")):
        first = rows.filter(direction=Direction.INBOUND).order_by(since)
        yield statements.part(first.values_list("queue_id", since)[:1]).within(
            f"SELECT %s, queue_id, 0, {since} FROM ({{}}) AS {since}_first", _WAIT_SINCE
        )
    if not (filter_.agents or filter_.unassigned) or len(filter_.agents) > FEW_AGENTS:
        yield from _along_the_filter(visible, filter_, now, stop)
        return
    # What is open nobody has; what else nobody has, or a few agents, is little.
    if filter_.unassigned:
        yield from _along_the_filter(visible, filter_, now, stop, PLACES[:1], of_anybody=True)
    yield from _by_holder(going.filter(standing=Literal(1)), filter_, now, stop)


def _along_the_filter(
    visible: ConversationQuerySet,
    filter_: Filter,
    now: At,
    stop: int,
    places: Sequence[int] = PLACES,
    *,
    of_anybody: bool = False,
) -> Iterator[Part]:
    """The numbers of these statuses, along the index that begins with what is filtered."""
    inside, start = filter_.created(now), filter_.window.since(now)
    rows = filter_.counted(visible, filter_.lead, of_anybody=of_anybody)
    yield _statuses(rows.filter(inside, status_place=statements.outer("status.place")), places, stop)
    # Said, though it is known, where an index has the status before the moment.
    is_there = Q(status_place__in=list(places))
    if start is not None:
        # PostgreSQL would take one for it that begins with the status.
        older = rows.filter(created_at__lt=start)
        is_known = filter_.lead and len(places) == len(PLACES) and connection.vendor == "postgresql"
        yield _counter(_OLDER, older if is_known else older.filter(is_there), stop)
    low_lead = filter_.lead or "sentiment"
    low = filter_.counted(visible, low_lead, of_anybody=of_anybody).filter(is_there, inside)
    low = low.filter(IS_UNHAPPY) if low_lead == "sentiment" else sieved(low, "sentiment", sorted(UNHAPPY))
    yield _counter(_UNHAPPY, low, stop)


def _by_holder(rows: ConversationQuerySet, filter_: Filter, now: At, stop: int) -> Iterator[Part]:
    """The numbers of those that are not open, along the index that begins with whose they are."""
    start = filter_.window.since(now)
    few = rows.alias(place=plainly("status_place"), began=plainly("created_at", is_moment=True))
    begun = few if start is None else few.filter(began__gte=start)
    yield _statuses(begun.filter(place=statements.outer("status.place")), PLACES[1:], stop)
    if start is not None:
        yield _counter(_OLDER, few.filter(began__lt=start), stop)
    yield _counter(_UNHAPPY, sieved(begun, "sentiment", sorted(UNHAPPY)), stop)


def _statuses(rows: ConversationQuerySet, places: Iterable[int], stop: int) -> Part:
    """How many of these have each of the statuses at these places: they are of one of them at a time."""
    of_places = " UNION ALL ".join(f"SELECT {place} AS place" for place in places)
    return statements.part(_ones(rows, stop)).within(
        f"SELECT %s, place, (SELECT COUNT(*) FROM ({{}}) AS counted), {NEVER} FROM ({of_places}) AS status", _STATUS
    )


def _counter(kind: int, rows: ConversationQuerySet, stop: int) -> Part:
    return statements.part(_ones(rows, stop)).within(
        f"SELECT %s, 0, COUNT(*), {NEVER} FROM ({{}}) AS counted{kind}", kind
    )


def _ones(rows: ConversationQuerySet, stop: int) -> QuerySet[Conversation, Any]:
    """One for each of these, up to so many: nothing has to be read of them."""
    return rows.annotate(one=Value(1)).values_list("one")[:stop]


class _Ids(Aggregate):
    """The ids of a group, with commas between them."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """PostgreSQL puts texts together, not numbers."""
        return super().as_sql(
            compiler, connection, function="STRING_AGG", template="STRING_AGG(%(expressions)s::text, ',')"
        )


def _at_once(actor: Actor, filter_: Filter, now: datetime) -> _Found:
    """One query that looks at each ongoing conversation once."""
    found, inside = _Found(by_status=defaultdict(int)), filter_.created(now)
    going = filter_.narrowed(selectors.visible(actor), by_the_way=True).ongoing()
    going = filter_.mentioned(going, is_ongoing=True)
    rows = going.annotate(is_inside=Case(When(inside, then=True), default=False) if inside else Value(True))
    for queue, place, is_inside, number, low, opened, waits, ids in (
        rows.values_list("queue_id", "status_place", "is_inside")
        .annotate(number=Count("pk"), low=Count("pk", filter=IS_UNHAPPY), opened=OPEN_SINCE, waits=WAIT_SINCE)
        .annotate(ids=_Ids("pk"))
        .order_by()
    ):
        if not is_inside:
            found.numbers[_OLDER] += number
            continue
        found.by_status[place] += number
        found.told_ids[place].append(ids)
        found.numbers[_UNHAPPY] += low
        if opened is not None:
            found.open_since.append((queue, opened))
        if waits is not None:
            found.wait_since.append((queue, waits))
    return found


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
    found = dict(_by_presence() if queue_ids is None else _by_presence_in(sorted(queue_ids)))
    return Staffing(found.get(BasePresence.AVAILABLE.value, 0), sum(found.values()))


@question
def _by_presence() -> QuerySet[Agent, Any]:
    return _counted(routing_selectors.agents())


@question
def _by_presence_in(queue_ids: Collection[int]) -> QuerySet[Agent, Any]:
    return _counted(routing_selectors.agents().filter(Among("memberships__queue", queue_ids)))


def _counted(agents: QuerySet[Agent]) -> QuerySet[Agent, Any]:
    """How many are logged in, by their base presence."""
    there = agents.exclude(presence__base=BasePresence.OFFLINE)
    return there.values_list("presence__base").annotate(Count("pk", distinct=True)).order_by()
