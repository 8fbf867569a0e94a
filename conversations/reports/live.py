"""What is a console told when something changed? The same region as the page, without the rows that are as they were.

A view is what a supervisor has open: scope, address, language. Consoles with the same view share one reading and
one rendering. The digest names what a console shows: a change is applied only to the state it was made for, and a
console whose digest differs is sent everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from django.template.loader import render_to_string
from django.utils import translation

from conversations.reports import ongoing as reports
from conversations.reports.durations import Clock
from conversations.reports.marks import mark_of, still
from conversations.reports.ongoing import Report
from conversations.reports.source import Source
from supervisor_console.kernel.actor import Actor

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TEMPLATE = "conversations/report/_report.html"
QUERY_MAX = 4000


@dataclass(frozen=True, slots=True)
class View:
    """What somebody has open. ``scope`` is 0 for every queue, else the person whose queues are shown."""

    scope: int
    query: str
    language: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A view as it was at a moment: the mark of each row, and the digest of everything."""

    digest: str
    rows: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Update:
    """What a reading found: the report, and which rows are new or other than in the snapshot before."""

    report: Report
    was: str
    snapshot: Snapshot
    changed: frozenset[int]

    @property
    def is_change(self) -> bool:
        """Whether anything differs from the snapshot before."""
        return self.was != self.snapshot.digest


def view_of(actor: Actor, query: str, language: str) -> View:
    """The view of an actor with this address; everybody who sees all queues shares it."""
    scope = 0 if actor.supervised_queue_ids is None else actor.user_id or -1
    return View(scope, query[:QUERY_MAX], language)


def digest_of(report: Report) -> str:
    """A short name of what a report shows, the same for everybody who shows it."""
    figures = [
        [_words(tile) for tile in report.tiles],
        [(tab.label, tab.count) for tab in report.tabs],
        (report.lane.total, [_words(item) for item in report.lane.items]) if report.lane is not None else None,
        (report.title, report.scope, report.older, report.ignored, report.pages.total, report.url),
        report.empty,
    ]
    return mark_of(repr((figures, list(report.marks.items())))).hex()


def _words(value: DataclassInstance) -> list[object]:
    found = [getattr(value, field.name) for field in fields(value)]
    return [still(one) if isinstance(one, Clock) else one for one in found]


def read(actor: Actor, view: View, *, now: datetime, before: Snapshot | None, source: Source | None = None) -> Update:
    """Read a view and say how it differs from ``before``; all of it is new where there is no before.

    ``source`` is what views that are read together share; it is of one moment and one language.
    """
    source = source or Source(now)
    with translation.override(view.language):
        report = reports.ongoing(actor, parse_qs(view.query), now=now, with_menus=False, source=source)
        old = before.rows if before is not None else {}
        return Update(
            report=report,
            was=before.digest if before is not None else "",
            snapshot=Snapshot(digest_of(report), report.marks),
            changed=frozenset(pk for pk, mark in report.marks.items() if old.get(pk) != mark),
        )


def render(view: View, update: Update, *, whole: bool) -> str:
    """The region's HTML: all of it, or with rows that are as they were as empty stubs."""
    same = frozenset() if whole else frozenset(update.snapshot.rows) - update.changed
    context = {"report": update.report, "digest": update.snapshot.digest, "same": same}
    with translation.override(view.language):
        return render_to_string(TEMPLATE, context)
