"""What does the address of the report hold? Everything but the density of rows: it can be kept, shared and reloaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from urllib.parse import urlencode

from django.urls import get_script_prefix, reverse

from conversations.reports.columns import BY_KEY, DEFAULT_COLUMNS, SortKey, chosen, sort_key
from conversations.reports.filters import Filter
from conversations.reports.params import Pairs, Params, number

SORT_KEYS = 2


@dataclass(frozen=True, slots=True)
class Address:
    """A view of the report. ``open`` is the conversation in the side panel, ``sort`` at most two keys."""

    filter: Filter = field(default_factory=Filter)
    sort: tuple[SortKey, ...] = ()
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    page: int = 1
    open: int | None = None

    @classmethod
    def parse(cls, params: Params) -> Address:
        """Read an address; what cannot be understood is dropped and remembered by ``params``."""
        filter_ = Filter.parse(params)
        sort: list[SortKey] = []
        for key in params.many("sort", sort_key):
            if len(sort) < SORT_KEYS and key.column not in {other.column for other in sort}:
                sort.append(key)
            else:
                params.ignore("sort", str(key))
        return cls(
            filter=filter_,
            sort=tuple(sort),
            columns=chosen(params.many("cols", lambda name: name if name in BY_KEY else None)),
            page=params.one("page", number, 1),
            open=params.one("open", number, 0) or None,
        )

    def pairs(self) -> Pairs:
        """The parameters that ``parse`` reads back, in one order, without the defaults."""
        return [
            *self.filter.pairs(),
            *(("sort", str(key)) for key in self.sort),
            *(("cols", name) for name in self.columns if not self.has_default_columns),
            *([("page", str(self.page))] if self.page > 1 else []),
            *([("open", str(self.open))] if self.open is not None else []),
        ]

    @property
    def url(self) -> str:
        """The address as a link; the side panel is not part of links, the browser adds it."""
        return _url(get_script_prefix(), self)

    @property
    def has_default_columns(self) -> bool:
        """Whether nobody chose the columns."""
        return self.columns == DEFAULT_COLUMNS

    def filtered(self, filter_: Filter) -> Address:
        """The same view of other conversations, from the first page."""
        return replace(self, filter=filter_, page=1)

    def sorted(self, column: str) -> Address:
        """What a click on a head does: its usual direction, then the other one, then the default order again.

        The column that led before becomes the second key.
        """
        first = SortKey(column, BY_KEY[column].largest_first)
        lead = self.sort[0] if self.sort else None
        if lead == first:
            return replace(self, page=1, sort=(SortKey(column, not first.descending), *self.sort[1:]))
        if lead is not None and lead.column == column:
            return replace(self, page=1, sort=self.sort[1:])
        return replace(self, page=1, sort=(first, *self.sort[:1]))

    def others(self, *names: str) -> Pairs:
        """The parameters that a form without these fields has to carry along; a form leads to the first page."""
        return [(name, value) for name, value in self.pairs() if name not in {*names, "page", "open"}]


def url_of(pairs: Iterable[tuple[str, str]]) -> str:
    """The report with these parameters."""
    query = urlencode(list(pairs))
    base = _base(get_script_prefix())
    return f"{base}?{query}" if query else base


@lru_cache(maxsize=8192)
def _url(prefix: str, address: Address) -> str:
    """Kept: a view that is read again and again has twenty links beside the list, and writing one is slow."""
    return url_of(replace(address, open=None).pairs())


@cache
def _base(prefix: str) -> str:
    """The address of the report; finding one is slow, and a page has forty links to it."""
    return reverse("conversations:ongoing")
