"""What do several reports that are read at the same moment have in common? It is asked of the database once.

A page reads one report, and nothing is shared. The live views of a process are read together: whatever their filters,
orders and pages are, they share queues, settings, rows, the counters of a filter, the agents and the lane of a scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from conversations import selectors
from conversations.models import ConversationQuerySet, SupervisorSettings
from conversations.reports import counts, needs
from conversations.reports.counts import Counts, Staffing
from conversations.reports.filters import Filter, Tab
from conversations.reports.marks import Marked, marked
from conversations.reports.needs import Lane
from conversations.reports.rows import Row, rows
from routing.models import Queue
from supervisor_console.kernel.actor import Actor


class Source:
    """Reads each thing once, for one moment. ``known`` are rows that are still as they were read before."""

    def __init__(self, now: datetime, known: Mapping[int, Marked] | None = None) -> None:
        self.now = now
        self.found: dict[int, Marked] = dict(known or {})
        self._queues: dict[int, Queue] | None = None
        self._settings: SupervisorSettings | None = None
        self._counts: dict[tuple[int | None, Filter, int], Counts] = {}
        self._staffing: dict[frozenset[int] | None, Staffing] = {}
        self._lanes: dict[int | None, Lane] = {}

    def queues(self) -> dict[int, Queue]:
        """Every queue by its id, in the order of names."""
        if self._queues is None:
            self._queues = {queue.pk: queue for queue in Queue.objects.order_by("name")}
        return self._queues

    def counts(self, actor: Actor, visible: ConversationQuerySet, filter_: Filter, most: int) -> Counts:
        """The counters of a filter, each up to so many; tab and statuses make no difference to them."""
        key = _scope(actor), replace(filter_, tab=Tab.ONGOING, statuses=frozenset()), most
        if key not in self._counts:
            self._counts[key] = counts.count(visible, filter_, self.queues(), self.now, most)
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
            switches = selectors.switches(self.settings())
            self.found |= {row.id: marked(row) for row in rows(missing, self.queues(), switches, self.now)}
        return [self.found[pk].row for pk in ids if pk in self.found]

    def settings(self) -> SupervisorSettings:
        """The organisation's settings."""
        if self._settings is None:
            self._settings = selectors.settings_row()
        return self._settings

    def lane(self, actor: Actor, visible: ConversationQuerySet) -> Lane:
        """What needs a supervisor in a scope, whatever a view filters."""
        scope = _scope(actor)
        if scope not in self._lanes:
            self._lanes[scope] = needs.lane(visible, self.queues(), self.settings(), self.now)
        return self._lanes[scope]


def _scope(actor: Actor) -> int | None:
    """Whose queues are read; None for every queue."""
    return None if actor.supervised_queue_ids is None else actor.user_id
