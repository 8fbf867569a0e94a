"""Which conversations stand on a page? Their ids, found by walking along indexes as far as the page is.

Most orders have an index. Two kinds have several, and a page is put together from short walks along them:

* by a time that runs for some and rests for others, or that some do not have: each *branch* has an order that does not
  change with the clock;
* by the name of a queue, a workstream or an agent: their conversations follow each other, *value* by value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db import connection
from django.db.models import Expression, F, OrderBy, Q, QuerySet
from django.db.models.functions import Lower

from conversations import selectors
from conversations.models import Conversation, ConversationQuerySet
from conversations.models.indexes import Waited
from conversations.reports import statements
from conversations.reports.address import Address
from conversations.reports.columns import SortKey, agent_name, order_by
from conversations.reports.counts import MANY
from conversations.reports.filters import Filter, Tab
from conversations.reports.statements import NOW, Literal, Part
from routing.models import Agent, Queue, Workstream
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.questions import Among, Given


@dataclass(frozen=True, slots=True)
class Branch:
    """Some of the conversations, and what orders them as the column does; ``is_since``: the earliest is the longest.

    Without a ``value`` the column is empty for all of them.
    """

    where: Q
    value: Expression | F | None = None
    is_since: bool = False


BRANCHES: Mapping[str, tuple[Branch, ...]] = {
    "wait": (
        Branch(Q(accepted_at__isnull=True, first_wait_started_at__isnull=False), F("first_wait_started_at"), True),
        Branch(Q(accepted_at__isnull=False, standing=Literal(0)), F("state_changed_at"), True),
        Branch(Q(accepted_at__isnull=False, standing=Literal(1)), Waited()),
        Branch(Q(accepted_at__isnull=True, first_wait_started_at__isnull=True)),
    ),
    "handle": (
        Branch(Q(handling_since__isnull=False), F("handling_since"), True),
        Branch(Q(handling_since__isnull=True), F("handled")),
    ),
    "unanswered": (
        Branch(Q(unanswered_since__isnull=False), F("unanswered_since"), True),
        Branch(Q(unanswered_since__isnull=True)),
    ),
    "sentiment": (Branch(Q(sentiment__gt=0), F("sentiment")), Branch(Q(sentiment=0))),
}
"""``durations.wait_sql`` and its like, without the clock."""


VALUES: Mapping[str, tuple[QuerySet[Any, Any], Expression | F, str]] = {
    "queue": (Queue.objects.all(), F("name"), "queue_id"),
    "workstream": (Workstream.objects.all(), F("name"), "workstream_id"),
    "agent": (Agent.objects.all(), agent_name("user"), "holder"),
}
"""Whose names a column shows, how they are written, and the column that says which one it is."""


def page_ids(
    actor: Actor, address: Address, now: datetime, size: int, total: int = MANY, found: Collection[int] | None = None
) -> list[int]:
    """The ids of one page of what this actor sees, in its order. One query.

    ``total`` is how many are listed, or that they are many; ``found`` are all their ids, where these are known.
    """
    if found is not None:
        page = _page_of(address.sort, address.page, size)
        return [pk for (pk,) in statements.fetch(page, now, found=found)]
    looks_up = total < MANY and address.filter.can_look_up
    page = _page(actor, address.filter, address.sort, address.page, size, looks_up=looks_up)
    return [pk for (pk,) in statements.fetch(page, now)]


@statements.kept
def _page_of(sort: tuple[SortKey, ...], number: int, size: int) -> Part:
    """The statement that puts ongoing ones in order which are ``found`` already."""
    going = Conversation.objects.ongoing().filter(Among("pk", cast(Any, Given("found"))))
    return _found(going, order_by(sort, Tab.ONGOING, NOW), (number - 1) * size, size)


@statements.kept
def _page(actor: Actor, filter_: Filter, sort: tuple[SortKey, ...], number: int, size: int, *, looks_up: bool) -> Part:
    """The statement that finds one page."""
    visible = selectors.visible(actor)
    start = (number - 1) * size
    order = order_by(sort, filter_.tab, NOW)
    if looks_up:
        return _found(filter_.shown(visible, NOW, looks_up=True), order, start, size)
    if not sort or filter_.tab is not Tab.ONGOING:
        return _ids(filter_.shown(visible, NOW), order, start, size)
    lead = sort[0]
    if lead.column in BRANCHES:
        return _by_branches(visible, filter_, lead, order, start, size)
    if lead.column == "status":  # Which says whether somebody has it, so that its index need not say it again.
        order = [one for one in order if one.expression != F("standing")]
    # Who looks for the earliest that began in the window goes there at once; the others sieve on their way.
    found = filter_.shown(visible, NOW, is_sieve=lead.column != "created")
    if lead.column not in VALUES:
        return _ids(found, order, start, size)
    values, name, column = VALUES[lead.column]
    by_name = values.order_by(OrderBy(Lower(name), descending=lead.descending), "-pk" if lead.descending else "pk")
    return _by_value(found, by_name, column, order[1:], start, size)


ALL = {"postgresql": "OFFSET 0", "sqlite": "LIMIT -1"}
"""How each database is told to find all of them before it looks at what is around."""


def _found(found: ConversationQuerySet, order: Sequence[OrderBy], start: int, size: int) -> Part:
    """Find all of them, by what they say, then sort: a walk along the order might pass by all the others."""
    keys = _keys(order)
    rows = statements.part(found.order_by().annotate(**keys).values_list("id", *keys))
    return rows.within(
        f"SELECT id FROM ({{}} {ALL[connection.vendor]}) AS found ORDER BY {_by(order)} LIMIT {size} OFFSET {start}"
    )


def _keys(order: Sequence[OrderBy]) -> dict[str, Any]:
    """What is sorted by, under names of their own."""
    return {f"key{place}": one.expression for place, one in enumerate(order)}


def _by(order: Sequence[OrderBy]) -> str:
    """The order by these names."""
    return ", ".join(
        f"key{place} {'DESC' if one.descending else 'ASC'}{' NULLS LAST' if one.nulls_last else ''}"
        for place, one in enumerate(order)
    )


def _ids(found: ConversationQuerySet, order: Sequence[OrderBy], start: int, size: int) -> Part:
    return statements.part(found.order_by(*order).values_list("pk")[start : start + size])


def _by_branches(
    visible: ConversationQuerySet, filter_: Filter, lead: SortKey, order: Sequence[OrderBy], start: int, size: int
) -> Part:
    """Merge the branches: of each as many as the page could take, along its index."""
    keys = _keys(order)
    parts: list[Part] = []
    for branch in BRANCHES[lead.column]:
        found = filter_.shown(visible, NOW, is_sieve=not branch.is_since).filter(branch.where)
        falls = lead.descending is not branch.is_since
        first = [OrderBy(branch.value, descending=falls)] if branch.value is not None else []
        rows = found.order_by(*first, *order[1:]).annotate(**keys).values_list("id", *keys)[: start + size]
        parts.append(statements.part(rows).within(f"SELECT * FROM ({{}}) AS branch{len(parts)}"))
    return statements.united(parts).within(
        f"SELECT id FROM ({{}}) AS branches ORDER BY {_by(order)} LIMIT {size} OFFSET {start}"
    )


WALKS = {
    "postgresql": "SELECT found.id FROM ({}) AS value CROSS JOIN LATERAL ({}) AS found",
    "sqlite": "SELECT found.value AS id FROM ({} LIMIT -1) AS value "
    "CROSS JOIN json_each((SELECT json_group_array(id) FROM ({}))) AS found",
}
"""For each value what belongs to it. SQLite knows no LATERAL, but a list that is read as a table may look to its left;
and without a limit it would take the order of the values for needless."""


def _by_value(
    found: ConversationQuerySet,
    by_name: QuerySet[Any, Any],
    column: str,
    order: Sequence[OrderBy],
    start: int,
    size: int,
) -> Part:
    """Value by value in the order of their names, those without one in the end.

    A nested loop keeps the order of what is outside and of what is inside, so that nothing is sorted, and it ends with
    the page.
    """
    values = statements.part(by_name.values_list("id"))
    of_value, of_nobody = (
        statements.part(found.filter(where).order_by(*order).values_list("id")[: start + size])
        for where in (Q(**{column: statements.outer("value.id")}), Q(**{f"{column}__isnull": True}))
    )
    walk = statements.joined(values, of_value, WALKS[connection.vendor])
    rest = of_nobody.within("SELECT id FROM ({}) AS nobody")
    return statements.united([walk, rest]).within(f"SELECT id FROM ({{}}) AS page LIMIT {size} OFFSET {start}")
