"""What do the views of this process look like now? Read and printed in one thread, for all who have them open.

The views of a round share one source: each thing is asked of the database once. Rows that nothing has happened to
since they were read are not read again, except by a self-check, which takes nothing for known.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from conversations.reports.concern import Happening, Interest, interest_of
from conversations.reports.live import EVERYTHING, Snapshot, Update, View, read, render
from conversations.reports.marks import Marked
from conversations.reports.source import Source
from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor

logger = logging.getLogger(__name__)

ACTOR_FOR = 30.0
"""Seconds for which the roles and the scope of a view's owner are trusted."""


class Reader:
    """On whose behalf a view is read: everybody who sees all queues, or one person."""

    def __init__(self, view: View, user_id: int) -> None:
        self._everything = view.scope == 0
        self._user_id = user_id
        self._actor: Actor | None = None
        self._read_at = 0.0

    def actor(self) -> Actor:
        """The actor, with roles and scope as they were half a minute ago at most."""
        if self._everything:
            return EVERYTHING
        if self._actor is None or time.monotonic() - self._read_at > ACTOR_FOR:
            self._actor = routing_selectors.actor_for(User.objects.get(pk=self._user_id))
            self._read_at = time.monotonic()
        return self._actor


@dataclass(frozen=True, slots=True)
class Job:
    """One view to look at. ``shown`` are the digests of its consoles, ``since`` the oldest change they do not show."""

    view: View
    reader: Reader
    before: Snapshot | None
    shown: frozenset[str]
    since: datetime | None
    is_check: bool


@dataclass(frozen=True, slots=True)
class Look:
    """What was found: ``changes`` for consoles that show ``was``, ``everything`` for those that show something else.

    Empty where nobody needs it.
    """

    was: str
    snapshot: Snapshot
    interest: Interest
    changes: str
    everything: str
    seconds: float


Tell = Callable[[Job, Look | None], None]


def look_at(jobs: Iterable[Job], known: Mapping[str, Mapping[int, Marked]], tell: Tell) -> dict[str, dict[int, Marked]]:
    """Look at these views one after the other, and tell of each at once; None is told of one that failed.

    ``known`` are the rows by language that are as they were; returns all rows that were read or known.
    """
    now = clock.now()
    sources: dict[tuple[str, bool], Source] = {}
    for job in jobs:
        key = job.view.language, job.is_check
        if key not in sources:
            sources[key] = Source(now, None if job.is_check else known.get(job.view.language))
        try:
            found = _look(job, sources[key])
        except Exception:
            logger.exception("A view of the report could not be read; trying again")
            tell(job, None)
        else:
            tell(job, found)
    rows: dict[str, dict[int, Marked]] = {}
    for (language, _is_check), source in sorted(sources.items()):
        rows.setdefault(language, {}).update(source.found)
    return rows


def _look(job: Job, source: Source) -> Look:
    began = time.perf_counter()
    actor = job.reader.actor()
    update = read(actor, job.view, now=source.now, before=job.before, source=source)
    fresh = update.snapshot.digest
    on_the_way = job.before is not None and update.was in job.shown and update.was != fresh
    behind = bool(job.shown - {update.was or fresh, fresh})
    return Look(
        was=update.was,
        snapshot=update.snapshot,
        interest=interest_of(actor, update.report.address),
        changes=_print(job, update, whole=False) if on_the_way else "",
        everything=_print(job, update, whole=True) if behind else "",
        seconds=time.perf_counter() - began,
    )


def _print(job: Job, update: Update, *, whole: bool) -> str:
    return json.dumps(
        {
            "type": "region",
            "region": "report",
            "query": job.view.query,
            "was": "" if whole else update.was,
            "digest": update.snapshot.digest,
            "changed": sorted(update.changed) if not whole else [],
            "html": render(job.view, update, whole=whole),
            "at": job.since.isoformat() if job.since is not None else None,
        }
    )


class Known:
    """The rows of this process that are as they were when they were read, by language and id."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, Marked]] = {}
        self._gone: set[int] = set()
        self._all_gone = False

    def begin(self) -> dict[str, dict[int, Marked]]:
        """What is known as a round begins; what happens until ``take`` makes a row that it read unknown again."""
        self._gone.clear()
        self._all_gone = False
        return {language: dict(rows) for language, rows in self._rows.items()}

    def forget(self, what: Happening) -> None:
        """Something happened: the rows that it may have changed are not known any more."""
        if what.conversation is not None:
            self._gone.add(what.conversation)
            for rows in self._rows.values():
                rows.pop(what.conversation, None)
        else:
            self._all_gone = True
            self._rows.clear()

    def take(self, found: Mapping[str, Mapping[int, Marked]], shown: frozenset[int]) -> None:
        """What a round has read is known from now on, as far as somebody shows it."""
        if self._all_gone:
            return
        wanted = shown - self._gone
        self._rows = {language: {pk: rows[pk] for pk in wanted & rows.keys()} for language, rows in found.items()}
