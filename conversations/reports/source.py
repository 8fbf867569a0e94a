"""What do several reports that are read at the same moment have in common? It is asked of the database once.

A page reads one report, and nothing is shared. The live views of a process are read together: whatever their filters,
orders and pages are, they share queues, settings, rows, the counters of a filter, the agents and the lane of a scope.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import QuerySet

from conversations import selectors
from conversations.models import SupervisorSettings
from conversations.reports import counts, needs
from conversations.reports.address import Address
from conversations.reports.concern import interest_of
from conversations.reports.controls import PAGE_SIZE
from conversations.reports.counts import Counts, Staffing
from conversations.reports.filters import Filter, Tab
from conversations.reports.marks import Marked, marked
from conversations.reports.needs import Lane
from conversations.reports.orders import page_ids
from conversations.reports.rows import Row, rows
from conversations.reports.scope import seen_by
from conversations.reports.sieve import Order, OrderKey
from routing.models import Queue
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.questions import question

SHARED_PAGES = 10
"""Pages up to this one are read from the beginning of their list, for all views that show a part of it."""

ROWS_AT_ONCE = 500
"""So many of the rows that are going to be asked for are read along with one that is."""


class Source:
    """Reads each thing once, for one moment.

    ``known`` are rows and ``orders`` beginnings of lists that are still as they were read before. ``pages`` says how
    many pages of a list, and ``soon`` which rows, are going to be asked for; who reads one page says neither.
    """

    def __init__(
        self,
        now: datetime,
        known: Mapping[int, Marked] | None = None,
        orders: Mapping[OrderKey, Order] | None = None,
        pages: Mapping[OrderKey, int] | None = None,
        soon: Collection[int] = (),
    ) -> None:
        self.now = now
        self.found: dict[int, Marked] = dict(known or {})
        self.orders: dict[OrderKey, Order] = dict(orders or {})
        self._pages = pages
        self._soon = list(soon)
        self._queues: dict[int, Queue] | None = None
        self._settings: SupervisorSettings | None = None
        self._counts: dict[tuple[Actor, Filter, int], Counts] = {}
        self._staffing: dict[frozenset[int] | None, Staffing] = {}
        self._lanes: dict[Actor, Lane] = {}

    def beside(self, fresh: timedelta, soon: Collection[int] = ()) -> Source:
        """A source of the same moment that takes only what is fresh for known; all else is read once for both."""
        self.queues()
        self.settings()
        other, since = copy(self), self.now - fresh
        other.found = {pk: one for pk, one in self.found.items() if one.read_at > since}
        other.orders = {key: order for key, order in self.orders.items() if order.read_at > since}
        other._soon = list(soon)
        return other

    def queues(self) -> dict[int, Queue]:
        """Every queue by its id, in the order of names."""
        if self._queues is None:
            self._queues = {queue.pk: queue for queue in _queues()}
        return self._queues

    def counts(self, actor: Actor, filter_: Filter, most: int) -> Counts:
        """The counters of a filter, each up to so many; tab and statuses make no difference to them."""
        key = seen_by(actor), replace(filter_, tab=Tab.ONGOING, statuses=frozenset()), most
        if key not in self._counts:
            self._counts[key] = counts.count(*key[:2], self.queues(), self.now, most)
        return self._counts[key]

    def staffing(self, queue_ids: frozenset[int] | None) -> Staffing:
        """The agents of these queues, or all of them."""
        if queue_ids not in self._staffing:
            self._staffing[queue_ids] = counts.staffing(queue_ids)
        return self._staffing[queue_ids]

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """The rows of these conversations, in this order; those that are known are not read again."""
        missing = [pk for pk in ids if pk not in self.found]
        if missing:
            self._soon = [pk for pk in self._soon if pk not in self.found]
            missing = list({*missing, *self._soon[:ROWS_AT_ONCE]})
            switches = selectors.switches(self.settings())
            self.found |= {row.id: marked(row, self.now) for row in rows(missing, self.queues(), switches, self.now)}
        return [self.found[pk].row for pk in ids if pk in self.found]

    def ids(self, actor: Actor, address: Address, figures: Counts) -> list[int]:
        """The conversations of a page, in their order, of a list with these counters. Its pages are read together."""
        total, found = figures.shown(address.filter), figures.ids(address.filter)
        if not total:
            return []
        begin, end = (address.page - 1) * PAGE_SIZE, address.page * PAGE_SIZE
        if self._pages is None or address.page > SHARED_PAGES:
            return page_ids(seen_by(actor), address, self.now, PAGE_SIZE, total, found)
        key = order_key(actor, address)
        order = self.orders.get(key)
        if order is None or not order.answers(min(end, total), total):
            limit = max(address.page, self._pages.get(key, 1)) * PAGE_SIZE
            ids = page_ids(key.scope, replace(address, page=1), self.now, limit, total, found)
            order = Order(tuple(ids), limit, interest_of(actor, address), frozenset(ids), self.now)
            self.orders[key] = order
        return list(order.ids[begin:end])

    def settings(self) -> SupervisorSettings:
        """The organisation's settings."""
        if self._settings is None:
            self._settings = selectors.settings_row()
        return self._settings

    def lane(self, actor: Actor) -> Lane:
        """What needs a supervisor in a scope, whatever a view filters."""
        scope = seen_by(actor)
        if scope not in self._lanes:
            self._lanes[scope] = needs.lane(scope, self.queues(), self.settings(), self.now)
        return self._lanes[scope]


def order_key(actor: Actor, address: Address) -> OrderKey:
    """Which list it is of which an address shows a page, to whom."""
    return OrderKey(seen_by(actor), address.filter, address.sort)


@question
def _queues() -> QuerySet[Queue]:
    return Queue.objects.order_by("name")
