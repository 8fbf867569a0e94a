"""What does the address of the Agents view hold? Tab, filters, order, page and who lies open in the side panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conversations.reports.columns import SortKey
from conversations.reports.params import Pairs, Params, member, number
from routing.models import BasePresence

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Tab(StrEnum):
    """Which part of the people."""

    ONLINE = "online"
    WORKING = "working"
    OFFLINE = "offline"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the address, its head, its classes; one without ``sorts`` only tells.

    ``largest_first`` is the direction of the first click.
    """

    key: str
    label: _StrPromise
    css: str = ""
    sorts: bool = False
    largest_first: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("name", _("Agent"), "subject", sorts=True),
    Column("presence", _("Presence"), sorts=True),
    Column("since", pgettext_lazy("column", "Since"), "num drop-4", sorts=True, largest_first=True),
    Column("set_by", _("Set by"), "drop-2"),
    Column("load", _("Capacity"), "load", sorts=True, largest_first=True),
    Column("conversations", _("Conversations"), "drop-4", sorts=True, largest_first=True),
    Column("queues", _("Queues"), "drop-3"),
    Column("skills", _("Skills"), "drop-1"),
)
SORTS = {column.key: column for column in COLUMNS if column.sorts}


def sort_key(text: str) -> SortKey | None:
    """Understands ``load`` and ``-load``."""
    name = text.removeprefix("-")
    return SortKey(name, text.startswith("-")) if name in SORTS else None


@dataclass(frozen=True, slots=True)
class Filter:
    """Whom a supervisor asked to see. Empty sets mean no restriction; presences are base presences."""

    tab: Tab = Tab.ONLINE
    queues: frozenset[int] = frozenset()
    skills: frozenset[int] = frozenset()
    presences: frozenset[BasePresence] = frozenset()
    search: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the tab restricts what is shown."""
        return self != Filter(tab=self.tab)

    def cleared(self) -> Filter:
        """The same tab, nothing else."""
        return Filter(tab=self.tab)

    def within(self, params: Params, queue_ids: Iterable[int], skill_ids: Iterable[int]) -> Filter:
        """Without the queues and skills that do not exist, or are not in scope; they count as ignored."""
        queues, skills = self.queues & set(queue_ids), self.skills & set(skill_ids)
        for name, gone in (("queue", self.queues - queues), ("skill", self.skills - skills)):
            for value in sorted(gone):
                params.ignore(name, str(value))
        return replace(self, queues=queues, skills=skills)


@dataclass(frozen=True, slots=True)
class Address:
    """A view of the people. ``open`` is the agent in the side panel; without ``sort`` they stand by name."""

    filter: Filter = field(default_factory=Filter)
    sort: SortKey | None = None
    page: int = 1
    open: int | None = None

    @classmethod
    def parse(cls, params: Params) -> Address:
        """Read an address; what cannot be understood is dropped and remembered by ``params``."""
        return cls(
            filter=Filter(
                tab=params.one("tab", member(Tab), Tab.ONLINE),
                queues=frozenset(params.many("queue", number)),
                skills=frozenset(params.many("skill", number)),
                presences=frozenset(params.many("presence", member(BasePresence))),
                search=params.text("q"),
            ),
            sort=params.one("sort", lambda text: sort_key(text), None),
            page=params.one("page", number, 1),
            open=params.one("open", number, 0) or None,
        )

    def pairs(self) -> Pairs:
        """The parameters that ``parse`` reads back, in one order, without the defaults."""
        filter_ = self.filter
        return [
            *([("tab", filter_.tab.value)] if filter_.tab is not Tab.ONLINE else []),
            *(("queue", str(pk)) for pk in sorted(filter_.queues)),
            *(("skill", str(pk)) for pk in sorted(filter_.skills)),
            *(("presence", base.value) for base in BasePresence if base in filter_.presences),
            *([("q", filter_.search)] if filter_.search else []),
            *([("sort", str(self.sort))] if self.sort is not None else []),
            *([("page", str(self.page))] if self.page > 1 else []),
            *([("open", str(self.open))] if self.open is not None else []),
        ]

    @property
    def url(self) -> str:
        """The address as a link; the side panel is not part of links, the browser adds it."""
        query = urlencode(replace(self, open=None).pairs())
        base = reverse("conversations:agents")
        return f"{base}?{query}" if query else base

    def filtered(self, filter_: Filter) -> Address:
        """The same view of other people, from the first page."""
        return replace(self, filter=filter_, page=1)

    def sorted(self, column: str) -> Address:
        """What a click on a head does: its usual direction, then the other one, then by name again."""
        first = SortKey(column, SORTS[column].largest_first)
        if self.sort == first:
            return replace(self, page=1, sort=SortKey(column, not first.descending))
        if self.sort is not None and self.sort.column == column:
            return replace(self, page=1, sort=None)
        return replace(self, page=1, sort=first)

    def others(self, *names: str) -> Pairs:
        """The parameters that a form without these fields has to carry along; a form leads to the first page."""
        return [(name, value) for name, value in self.pairs() if name not in {*names, "page", "open"}]
