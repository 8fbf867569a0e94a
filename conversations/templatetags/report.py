"""What does the report print again and again as it was? Rows and the menu of filters: each is rendered once, and kept.

The markup is in templates/conversations/report/. Clocks are what the passing of time alone changes in a row: their
places are kept in its text, and filled each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter

from django import template
from django.conf import settings
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from conversations.reports.controls import Group
from conversations.reports.marks import CLOCKS, lasting
from conversations.reports.rows import Row
from supervisor_console.templatetags.ui import clock

register = template.Library()

ROWS_KEPT = 8192
"""About 3 kB each, so at most 25 MB; as many rows as 160 different views show."""

Pairs = tuple[tuple[str, object], ...]

_clocks = attrgetter(*CLOCKS)


@register.simple_tag
def report_row(row: Row, shown: Mapping[str, bool], drops: Mapping[str, str]) -> SafeString:
    """One row of the list, with the columns that are shown."""
    key = _Key(lasting(row), row)
    find = _kept_row.__wrapped__ if settings.DEBUG else _kept_row
    html: str = find(get_language(), key, tuple(shown.items()), tuple(drops.items()))
    for name, one in zip(CLOCKS, _clocks(row), strict=True):
        if (place := _place(name)) in html:
            html = html.replace(place, clock(one.text, one.since, one.warn, one.urgent, one.band))
    return mark_safe(html)  # noqa: S308  Rendered with escaping, and so are the clocks.


class _Key:
    """What a row says beside its clocks, for looking it up; the row itself is needed where it is not there yet."""

    __slots__ = ("row", "words")

    def __init__(self, words: tuple[object, ...], row: Row) -> None:
        self.words = words
        self.row: Row | None = row

    def __hash__(self) -> int:
        return hash(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.words == other.words


@lru_cache(maxsize=ROWS_KEPT)
def _kept_row(language: str | None, key: _Key, shown: Pairs, drops: Pairs) -> str:
    clocks = {name: _place(name) for name in CLOCKS}
    context = {"row": key.row, "shown": dict(shown), "drops": dict(drops), "clocks": clocks}
    html = str(get_template("conversations/report/_row.html").render(context))
    key.row = None  # The words are kept, not the row.
    return html


def _place(name: str) -> str:
    """Where a clock will stand: a character that forms and PostgreSQL refuse, so that it stands in nobody's text."""
    return f"\0{name}\0"


@register.simple_tag
def report_groups(groups: list[Group], clear_url: str) -> str:
    """The boxes of the filter menu; hundreds of agents stand in it."""
    return _kept_groups(get_language(), tuple(groups), clear_url)


@lru_cache(maxsize=64)
def _kept_groups(language: str | None, groups: tuple[Group, ...], clear_url: str) -> str:
    return get_template("conversations/report/_groups.html").render({"groups": groups, "clear_url": clear_url})
