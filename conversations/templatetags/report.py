"""What does the report print again and again as it was? Each part is rendered once, and kept by what it says.

The markup is in templates/conversations/report/. What changes from one moment to the next has a place in what is kept,
and the places are filled each time: the clocks of a row, and in the region the figures, the lane, the rows, the pages.
A frame of a live view is then strings that are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django import template
from django.conf import settings
from django.template.loader import get_template
from django.urls import get_script_prefix
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from conversations.reports.controls import Group, Pages
from conversations.reports.durations import Clock
from conversations.reports.marks import CLOCKS, lasting
from conversations.reports.needs import Lane
from conversations.reports.ongoing import Report
from conversations.reports.rows import Row
from conversations.reports.tiles import Tile
from supervisor_console.kernel.latest import Latest
from supervisor_console.templatetags.ui import clock

register = template.Library()

ROWS_KEPT = 4096
"""About 3 kB each, so at most 12 MB; as many rows as 80 views show that have none in common."""

REGIONS_KEPT = 512
"""About 20 kB each: as many views as may be open in one process."""

Pairs = tuple[tuple[str, object], ...]
T = TypeVar("T")


# --- places --------------------------------------------------------------------------------------------------------


@register.simple_tag
def place(name: str, which: object = "") -> SafeString:
    """Where something will stand: between characters that forms and PostgreSQL refuse, so in nobody's text."""
    return mark_safe(f"\0{name}{which}\0")  # noqa: S308  A name of ours.


def _markup(name: str, **values: object) -> str:
    return str(get_template(f"conversations/report/{name}.html").render(values))


def _kept(find: Any) -> Callable[..., Any]:
    """What is kept, or what is printed afresh where templates are being written."""
    chosen: Callable[..., Any] = find.__wrapped__ if settings.DEBUG else find
    return chosen


class _Key(Generic[T]):
    """What a part says, for looking it up; what it is printed from is needed where it is not there yet."""

    __slots__ = ("source", "words")

    def __init__(self, words: tuple[object, ...], source: T) -> None:
        self.words = words
        self.source: T | None = source

    def __hash__(self) -> int:
        return hash(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.words == other.words


# --- the region ------------------------------------------------------------------------------------------------------


@register.simple_tag
def report_region(report: Report, digest: str = "", same: Collection[int] = ()) -> SafeString:
    """The whole region, with the rows of ``same`` as empty stubs."""
    address = replace(report.address, open=None)
    chips, links = tuple(chip.label for chip in report.chips), tuple(bool(tile.url) for tile in report.tiles)
    here = get_language(), get_script_prefix()
    key = address, report.scope, chips, links, bool(report.rows), bool(report.groups), *here
    pieces = list(_kept(_kept_region)(_Key(key, report)))
    filled = dict(_fillings(report, digest, same or ()))
    pieces[1::2] = [filled[name] for name in pieces[1::2]]
    return mark_safe("".join(pieces))  # noqa: S308  Rendered with escaping, piece by piece.


@lru_cache(maxsize=REGIONS_KEPT)
def _kept_region(key: _Key[Report]) -> tuple[str, ...]:
    """The outline of a region: markup and, at every second place, the name of what stands there."""
    html = _markup("_region", report=key.source)
    key.source = None  # The words are kept, not the report.
    return tuple(html.split("\0"))


def _fillings(report: Report, digest: str, same: Container[int]) -> Iterator[tuple[str, str]]:
    language = get_language()
    yield "digest", escape(digest)
    yield "older", _markup("_older", text=report.older, url=report.older_url).rstrip() if report.older else ""
    for tile in report.tiles:
        yield f"tile{tile.key}", _kept(_kept_tile)(language, replace(tile, url="", is_current=False))
    for number, tab in enumerate(report.tabs):
        yield f"tab{number}", tab.said
    lane = report.lane
    yield "lane", _kept(_kept_lane)(language, lane) if lane is not None and lane.total else ""
    if report.groups:
        yield "groups", report_groups(report.groups, report.clear_url)
    if not report.rows:
        yield "empty", _empty(report)
        yield "pages", ""
        return
    shown, drops = tuple(report.shown.items()), tuple(report.drops.items())
    lines = (
        f'<tr id="row-{row.id}" data-same></tr>' if row.id in same else _row(row, _pieces(language, row, shown, drops))
        for row in report.rows
    )
    yield "rows", "\n".join(["", *lines])
    yield "pages", _pages(language, report.pages)


def _empty(report: Report) -> str:
    empty = report.empty
    if empty is None:
        return ""
    names = ("icon", "title", "text", "url", "label", "good")
    return get_template("components/_empty.html").render({name: getattr(empty, name) for name in names})


@lru_cache(maxsize=4096)
def _kept_tile(language: str | None, tile: Tile) -> str:
    return _markup("_tile", tile=tile)


@lru_cache(maxsize=64)
def _kept_lane(language: str | None, lane: Lane) -> str:
    return _markup("_lane", lane=lane)


def _pages(language: str | None, pages: Pages) -> str:
    numbers = {"first": pages.first, "last": pages.last, "total": pages.of}
    html: str = _kept(_kept_pages)(language, replace(pages, first=0, last=0, total=0, of=""))
    for name, number in numbers.items():
        html = html.replace(place(name), str(number))
    return html


@lru_cache(maxsize=REGIONS_KEPT)
def _kept_pages(language: str | None, pages: Pages) -> str:
    context = {
        **{name: place(name) for name in ("first", "last", "total")},
        "pages": pages.pages,
        "previous_url": pages.previous_url,
        "next_url": pages.next_url,
        "target": "report",
    }
    return get_template("components/_pagination.html").render(context)


# --- rows ------------------------------------------------------------------------------------------------------------


def _row(row: Row, pieces: tuple[str, ...]) -> str:
    """One row of the list: what is kept of it, with its clocks as they are now."""
    filled = list(pieces)
    for where in range(1, len(filled), 2):
        one: Clock = getattr(row, filled[where])
        filled[where] = clock(one.text, one.since, one.warn, one.urgent, one.band)
    return "".join(filled)


_kept_rows: Latest[tuple[str, ...]] = Latest(ROWS_KEPT)
"""What is kept of each row: what it said before its last change, nobody will ask for."""


def _pieces(language: str | None, row: Row, shown: Pairs, drops: Pairs) -> tuple[str, ...]:
    """A row with the columns that are shown: markup and, at every second place, the name of the clock there."""

    def printed() -> tuple[str, ...]:
        clocks = {name: place(name) for name in CLOCKS}
        html = _markup("_row", row=row, shown=dict(shown), drops=dict(drops), clocks=clocks)
        return tuple(html.split("\0"))

    if settings.DEBUG:
        return printed()
    return _kept_rows.of((language, row.id, shown, drops), lasting(row), printed)


# --- filters ---------------------------------------------------------------------------------------------------------


@register.simple_tag
def report_groups(groups: list[Group], clear_url: str) -> str:
    """The boxes of the filter menu; hundreds of agents stand in it."""
    return _kept_groups(get_language(), tuple(groups), clear_url)


@lru_cache(maxsize=64)
def _kept_groups(language: str | None, groups: tuple[Group, ...], clear_url: str) -> str:
    return _markup("_groups", groups=groups, clear_url=clear_url)
