"""What does the Agents view show, under this address, to this supervisor?

The names of everybody in scope are read in one query, then found, counted and sorted here: people are thousands at
most, names are searched without case and accents on every database, and load is derived. Only the rows of one page
are read in full. A fixed number of queries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from conversations import selectors
from conversations.reports import controls
from conversations.reports.agents.address import COLUMNS, Address, Filter, Tab
from conversations.reports.agents.chosen import NOBODY_SELECTED
from conversations.reports.agents.rows import AgentRow, Holding, agent_url, holdings, rows
from conversations.reports.candidates.asked import plain
from conversations.reports.params import Pairs, Params
from conversations.reports.parts import Empty
from conversations.reports.rows import reason_data
from conversations.reports.tiles import TabLink
from routing import selectors as routing_selectors
from routing.models import BasePresence, QueueMembership, Skill
from supervisor_console.kernel.actor import Actor

ORDER = (
    BasePresence.AVAILABLE,
    BasePresence.BUSY,
    BasePresence.BUSY_DND,
    BasePresence.AWAY,
    BasePresence.OFFLINE,
)
"""Presences as they are sorted: who can take work first."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in scope, as far as finding and sorting needs them."""

    id: int
    name: str
    words: str
    base: BasePresence
    since: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column; one without ``url`` does not sort."""

    key: str
    label: str
    css: str
    url: str = ""
    order: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Who lies open in the side panel."""

    id: int
    url: str
    page_url: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The whole page. ``total`` counts the tab, over all its pages."""

    address: Address
    url: str
    scope: str
    ignored: str
    tabs: list[TabLink]
    chips: list[controls.Link]
    clear_url: str
    groups: list[controls.Group]
    search_others: Pairs
    filter_others: Pairs
    heads: list[Head]
    rows: list[AgentRow]
    empty: Empty | None
    pages: controls.Pages
    panel: Panel | None
    none_refusal: str


def listing(actor: Actor, values: Mapping[str, Sequence[str]], *, now: datetime) -> Listing:
    """Read the Agents view for an address's parameters; nobody outside ``routing.selectors.supervised`` is in it."""
    params = Params(values)
    address = Address.parse(params)
    queues = dict(routing_selectors.supervised_queues(actor).order_by("name").values_list("pk", "name"))
    skills = {skill.pk: str(skill) for skill in Skill.objects.order_by("type", "name")}
    filter_ = address.filter.within(params, queues, skills)

    everybody = _everybody(actor)
    held = holdings(actor)
    found = _filtered(list(everybody.values()), filter_)
    by_tab = {tab: [one for one in found if _is_in(tab, one, held)] for tab in Tab}
    wanted = by_tab[filter_.tab]
    page = min(address.page, controls.page_count(len(wanted)))
    if page != address.page:
        params.ignore("page", str(address.page))
    panel = _panel(everybody, address.open)
    if panel is None and address.open is not None:
        params.ignore("open", str(address.open))
    address = replace(address, filter=filter_, page=page, open=panel.id if panel else None)

    start = (page - 1) * controls.PAGE_SIZE
    ids = [one.id for one in _sorted(wanted, address, held, now)[start : start + controls.PAGE_SIZE]]
    return Listing(
        address=address,
        url=address.url,
        scope=_scope(actor, queues),
        ignored=controls.ignored_text(params.finish()),
        tabs=_tabs(address, by_tab),
        chips=_chips(address, queues, skills),
        clear_url=address.filtered(filter_.cleared()).url,
        groups=_groups(filter_, queues, skills),
        search_others=address.others("q"),
        filter_others=address.others("queue", "skill", "presence"),
        heads=_heads(address),
        rows=rows(ids, held, actor.agent_id, now),
        empty=None if ids else _empty(address, everybody, by_tab),
        pages=controls.pages(page, len(wanted), lambda number: replace(address, page=number).url),
        panel=panel,
        none_refusal=json.dumps(reason_data(NOBODY_SELECTED)),
    )


# --- finding and sorting --------------------------------------------------------------------------------------------


def _everybody(actor: Actor) -> dict[int, Person]:
    """Everybody in scope by name. One query."""
    found = [
        Person(pk, f"{first} {last}".strip() or user, plain(f"{first} {last} {user}"), BasePresence(base), since)
        for pk, first, last, user, base, since in routing_selectors.supervised(actor).values_list(
            "pk", "user__first_name", "user__last_name", "user__username", "presence__base", "presence_since"
        )
    ]
    found.sort(key=lambda one: (plain(one.name), one.id))
    return {one.id: one for one in found}


def _filtered(people: list[Person], filter_: Filter) -> list[Person]:
    """Those who pass every filter but the tab. A query for queues and one for skills, where they are asked for."""
    if filter_.queues:
        members = QueueMembership.objects.filter(queue__in=filter_.queues)
        inside = set(members.values_list("agent", flat=True))
        people = [one for one in people if one.id in inside]
    if filter_.skills:
        holders = set(Skill.objects.filter(pk__in=filter_.skills).values_list("agent_skills__agent", flat=True))
        people = [one for one in people if one.id in holders]
    if filter_.presences:
        people = [one for one in people if one.base in filter_.presences]
    words = plain(filter_.search).split()
    return [one for one in people if all(word in one.words for word in words)]


def _is_in(tab: Tab, one: Person, held: Mapping[int, Holding]) -> bool:
    match tab:
        case Tab.ONLINE:
            return one.base is not BasePresence.OFFLINE
        case Tab.OFFLINE:
            return one.base is BasePresence.OFFLINE
        case Tab.WORKING:
            return one.id in held
        case Tab.ALL:
            return True


def _sorted(people: list[Person], address: Address, held: Mapping[int, Holding], now: datetime) -> list[Person]:
    """By the chosen column, then by name; sorting by capacity reads the load of everybody."""
    if address.sort is None:
        return people
    ratios = _ratios(people, now) if address.sort.column == "load" else {}
    by: dict[str, Callable[[Person], float | str]] = {
        "load": lambda one: ratios[one.id],
        "conversations": lambda one: held.get(one.id, Holding()).total,
        "since": lambda one: (now - one.since).total_seconds(),
        "presence": lambda one: ORDER.index(one.base),
        "name": lambda one: plain(one.name),
    }
    return sorted(people, key=by[address.sort.column], reverse=address.sort.descending)


def _ratios(people: list[Person], now: datetime) -> dict[int, float]:
    """How full everybody is: units used / greatest; nobody's zero counts as full once it is used."""
    ids = [one.id for one in people]
    loads = selectors.loads(ids, now)
    most = dict(routing_selectors.agents().values_list("pk", "max_units"))
    return {pk: loads[pk].units / (most[pk] or 0.5) for pk in ids}


# --- around the list ------------------------------------------------------------------------------------------------


def tab_labels() -> dict[Tab, str]:
    """What the tabs are called."""
    return {
        Tab.ONLINE: _("Online"),
        Tab.WORKING: _("With conversations"),
        Tab.OFFLINE: _("Offline"),
        Tab.ALL: pgettext("people", "All"),
    }


def _tabs(address: Address, by_tab: Mapping[Tab, list[Person]]) -> list[TabLink]:
    return [
        TabLink(
            label=label,
            count=len(by_tab[tab]),
            url=address.filtered(replace(address.filter, tab=tab)).url,
            is_current=address.filter.tab is tab,
        )
        for tab, label in tab_labels().items()
    ]


def _chips(address: Address, queues: Mapping[int, str], skills: Mapping[int, str]) -> list[controls.Link]:
    """What restricts the list, each with the address that lets go of it."""
    filter_ = address.filter
    bases = [str(base.label) for base in BasePresence if base in filter_.presences]
    parts = [
        (_("Queue"), [queues[pk] for pk in queues if pk in filter_.queues], replace(filter_, queues=frozenset())),
        (_("Skill"), [skills[pk] for pk in skills if pk in filter_.skills], replace(filter_, skills=frozenset())),
        (_("Presence"), bases, replace(filter_, presences=frozenset())),
        (_("Search"), [f"“{filter_.search}”"] if filter_.search else [], replace(filter_, search="")),
    ]
    return [
        controls.Link(f"{label}: {', '.join(names)}", address.filtered(without).url)
        for label, names, without in parts
        if names
    ]


def _groups(filter_: Filter, queues: Mapping[int, str], skills: Mapping[int, str]) -> list[controls.Group]:
    """The boxes of the filter menu."""

    def options(names: Mapping[int, str], ticked: frozenset[int]) -> tuple[controls.Option, ...]:
        return tuple(controls.Option(str(pk), name, pk in ticked) for pk, name in names.items())

    bases = tuple(controls.Option(base.value, str(base.label), base in filter_.presences) for base in BasePresence)
    return [
        controls.Group("presence", _("Presence"), bases),
        controls.Group("queue", _("Queue"), options(queues, filter_.queues), searchable=True),
        controls.Group("skill", _("Skill"), options(skills, filter_.skills), searchable=True),
    ]


def _heads(address: Address) -> list[Head]:
    sort = address.sort
    found = []
    for column in COLUMNS:
        head = Head(column.key, str(column.label), column.css)
        if column.sorts:
            head = replace(head, url=address.sorted(column.key).url)
        if sort is not None and sort.column == column.key:
            order, icon = ("descending", "arrow-down") if sort.descending else ("ascending", "arrow-up")
            head = replace(head, order=order, icon=icon)
        found.append(head)
    return found


def _scope(actor: Actor, queues: Mapping[int, str]) -> str:
    """Whose people are looked at, in words (P22)."""
    if actor.supervised_queue_ids is None:
        return _("Everybody who takes work")
    return _("Members of your queues: %(queues)s") % {"queues": ", ".join(queues.values()) or "–"}


def _panel(everybody: Mapping[int, Person], agent_id: int | None) -> Panel | None:
    if agent_id is None or agent_id not in everybody:
        return None
    return Panel(agent_id, agent_url(agent_id, "agent_panel"), agent_url(agent_id))


def _empty(address: Address, everybody: Mapping[int, Person], by_tab: Mapping[Tab, list[Person]]) -> Empty:
    """Nobody yet, nobody matches, or everybody is in another tab."""
    filter_ = address.filter
    if not everybody:
        return Empty("users", _("Nobody yet"), _("People appear here once they have an agent profile and a queue."))
    if by_tab[Tab.ALL]:
        title = {
            Tab.ONLINE: _("Nobody is online"),
            Tab.WORKING: _("Nobody has a conversation"),
            Tab.OFFLINE: _("Nobody is offline"),
        }[filter_.tab]
        everywhere = address.filtered(replace(filter_, tab=Tab.ALL)).url
        return Empty("users", title, url=everywhere, label=_("Show all"), good=filter_.tab is Tab.OFFLINE)
    return Empty(
        "filter",
        _("Nothing matches"),
        _("Nobody passes all filters."),
        address.filtered(filter_.cleared()).url,
        _("Clear filters"),
    )
