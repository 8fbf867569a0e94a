"""Can a change have moved the beginning of a list? Decided in Python, from the changed row as it is now.

Which conversations stand on a page, and in which order, is the dearest question of a live view, and most changes leave
the answer as it was. An ``Order`` keeps it. A conversation that did not stand in it before, and does not pass the
filter now or belongs behind its last one, has moved nothing in it. Whatever Python cannot compare as the database does
(words, what is empty, who may see it) counts as moved: then the database is asked again. So it is at every check of a
view, and now and then where the passing of time alone moves what is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from conversations.models import Conversation, State
from conversations.reports.columns import SortKey, order_by
from conversations.reports.concern import Happening, Interest
from conversations.reports.filters import Filter, Status, Tab, Window
from conversations.reports.statements import NOW
from routing.models import Channel
from supervisor_console.kernel.actor import Actor

DRIFTS = timedelta(seconds=5)
"""How long a list is kept that time alone changes: one with a window, or one that is sorted by a time that runs."""

HAPPENED_MOST = 300
"""After more than this, asking the database again costs less than looking at each."""


class Facts(NamedTuple):
    """What a list is filtered and ordered by, as a row has it; its names are the columns."""

    pk: int
    queue_id: int
    channel: str
    state: str
    status_place: int
    sentiment: int
    holder: int | None
    priority: int
    transfer_count: int
    handled: timedelta
    standing: int
    standing_since: datetime | None
    created_at: datetime
    first_wait_started_at: datetime | None
    accepted_at: datetime | None
    state_changed_at: datetime
    last_activity_at: datetime
    unanswered_since: datetime | None
    handling_since: datetime | None
    closed_at: datetime | None


def facts_of(ids: Collection[int]) -> dict[int, Facts]:
    """The facts of these conversations. One query; none for none."""
    rows = Conversation.objects.filter(pk__in=ids).values_list(*Facts._fields) if ids else ()
    return {one.pk: one for one in map(Facts._make, rows)}


@dataclass(frozen=True, slots=True)
class OrderKey:
    """Which list: of what is visible to whom (``seen_by``), under which filter, sorted how."""

    scope: Actor
    filter: Filter
    sort: tuple[SortKey, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The ids of a list from its beginning, ``limit`` at most, as they were read; what concerns it."""

    ids: tuple[int, ...]
    limit: int
    interest: Interest
    members: frozenset[int]
    read_at: datetime

    @property
    def last(self) -> int | None:
        """The conversation behind which nothing moves anything; None where the list ends before its limit."""
        return self.ids[-1] if len(self.ids) == self.limit else None

    def answers(self, end: int, total: int) -> bool:
        """Whether it is known so far, and has as many as there are."""
        is_whole = len(self.ids) < self.limit
        return len(self.ids) == total if is_whole else total >= self.limit >= end


def unmoved(orders: Mapping[OrderKey, Order], happened: Collection[Happening], now: datetime) -> dict[OrderKey, Order]:
    """Those orders that nothing of what happened can have moved. One query at most."""
    if len(happened) > HAPPENED_MOST or any(what.conversation is None for what in happened):
        return {}
    lasting = {key: order for key, order in orders.items() if now - order.read_at < DRIFTS or not drifts(key)}
    if not happened or not lasting:
        return lasting
    touched = {what.conversation for what in happened if what.conversation is not None}
    facts = facts_of(touched | {order.last for order in lasting.values() if order.last is not None})
    return {
        key: order
        for key, order in lasting.items()
        if not any(may_move(key, order, what, facts, now) for what in happened)
    }


def drifts(key: OrderKey) -> bool:
    """Whether the passing of time alone may change a list."""
    return key.filter.window is not Window.ALL or any(one.column in LENGTHS for one in key.sort)


def may_move(key: OrderKey, order: Order, what: Happening, facts: Mapping[int, Facts], now: datetime) -> bool:
    """Whether what happened may have changed which conversations stand in this order, or how."""
    if not order.interest.concerns(what, order.members):
        return False
    if what.conversation is None or what.conversation in order.members:
        return True
    row = facts.get(what.conversation)
    if row is None or not may_pass(key.filter, row, now):
        return False
    last = facts.get(order.last) if order.last is not None else None
    return last is None or not is_behind(row, last, key.sort, key.filter.tab, now)


def may_pass(filter_: Filter, row: Facts, now: datetime) -> bool:
    """Whether a conversation may be in the list; no is certain. The words of a search are the database's business."""
    start = filter_.window.start(now)
    return not (
        row.channel == Channel.RECORD
        or (filter_.queues and row.queue_id not in filter_.queues)
        or (filter_.channels and row.channel not in filter_.channels)
        or (filter_.sentiments and row.sentiment not in filter_.sentiments)
        or ((filter_.agents or filter_.unassigned) and not _is_held(filter_, row))
        or (start is not None and row.created_at < start)
        or (filter_.tab is Tab.ONGOING and row.closed_at is not None)
        or (filter_.tab is Tab.CLOSED and row.closed_at is None)
        or (filter_.statuses and (row.closed_at is not None or _status(row) not in filter_.statuses))
    )


def _is_held(filter_: Filter, row: Facts) -> bool:
    return filter_.unassigned if row.holder is None else row.holder in filter_.agents


STATUSES = tuple(Status)


def _status(row: Facts) -> Status | None:
    return STATUSES[row.status_place] if row.status_place < len(STATUSES) else None


# --- the order in Python ---------------------------------------------------------------------------------------------


def _wait(row: Facts, now: datetime) -> timedelta | None:
    """``durations.wait_sql``."""
    if row.state == State.OPEN and row.accepted_at is not None:
        return now - row.state_changed_at
    if row.first_wait_started_at is None:
        return None
    return (row.accepted_at or row.closed_at or now) - row.first_wait_started_at


def _handle(row: Facts, now: datetime) -> timedelta:
    """``durations.handle_sql``."""
    return now - row.handling_since if row.handling_since is not None else row.handled


VALUES: Mapping[str, Any] = {
    "status": attrgetter("status_place"),
    "sentiment": lambda row: row.sentiment or None,
    "created": attrgetter("created_at"),
    "state_since": attrgetter("state_changed_at"),
    "unanswered": attrgetter("unanswered_since"),
    "activity": attrgetter("last_activity_at"),
    "transfers": attrgetter("transfer_count"),
    "priority": attrgetter("priority"),
    "closed": attrgetter("closed_at"),
}
LENGTHS: Mapping[str, Any] = {"wait": _wait, "handle": _handle}
DEFAULTS: Mapping[Tab, tuple[str, ...]] = {
    Tab.ONGOING: ("standing", "standing_since", "pk"),
    Tab.CLOSED: ("closed_at", "pk"),
    Tab.ALL: ("created_at", "pk"),
}
"""The default order of ``columns`` by its columns; the directions are asked of it."""


def is_behind(row: Facts, last: Facts, sort: tuple[SortKey, ...], tab: Tab, now: datetime) -> bool:
    """Whether a row certainly stands behind another one in this order."""
    pairs = [
        *_sorted_pairs(row, last, sort, now),
        *((getattr(row, name), getattr(last, name)) for name in DEFAULTS[tab]),
    ]
    for place, ((one, other), falls) in enumerate(zip(pairs, _falling(sort, tab), strict=True)):
        if one is UNKNOWN:
            return False
        if one == other:
            continue
        if one is None or other is None:
            # Empty values stand last where a column was chosen; in the default order each database has its own way.
            return one is None and place < len(sort)
        return bool(one < other if falls else one > other)
    return False


@lru_cache(maxsize=512)
def _falling(sort: tuple[SortKey, ...], tab: Tab) -> tuple[bool, ...]:
    """Which values of the order fall, as the list itself is ordered; it is the same at any moment."""
    return tuple(bool(one.descending) for one in order_by(sort, tab, NOW))


UNKNOWN = object()
"""What Python does not compare: words have an order of the database's own."""


def _sorted_pairs(row: Facts, last: Facts, sort: tuple[SortKey, ...], now: datetime) -> Iterable[tuple[Any, Any]]:
    for key in sort:
        if (value := VALUES.get(key.column)) is not None:
            yield value(row), value(last)
        elif (length := LENGTHS.get(key.column)) is not None:
            yield length(row, now), length(last, now)
        else:
            yield UNKNOWN, UNKNOWN
