"""What do the views of this process look like now? Read and printed in one thread, for all who have them open.

The views of a round share one source: each thing is asked of the database once. Rows that nothing has happened to
since they were read, and lists that nothing of what happened can have moved (``sieve``), are not read again, except by
a self-check, which takes nothing for known, or little where there are many views.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from conversations.reports.concern import Happening, Interest, interest_of
from conversations.reports.controls import PAGE_SIZE
from conversations.reports.live import Snapshot, Update, View, read, render
from conversations.reports.marks import Marked
from conversations.reports.scope import EVERYTHING
from conversations.reports.sieve import Order, OrderKey, unmoved
from conversations.reports.source import Source, order_key
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
    order: OrderKey
    changes: str
    everything: str
    seconds: float


Tell = Callable[[Job, Look | None], None]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a process has read and keeps: rows by language and id, beginnings of lists; and what happened since."""

    rows: Mapping[str, Mapping[int, Marked]] = field(default_factory=dict)
    orders: Mapping[OrderKey, Order] = field(default_factory=dict)
    happened: tuple[Happening, ...] = ()


def look_at(jobs: Sequence[Job], kept: Kept, tell: Tell, fresh: float = 0.0) -> Kept:
    """Look at these views one after the other, and tell of each at once; None is told of one that failed.

    Those that something happened to come first. A check shares with them what is read in this round; of what was read
    before, it takes for known only what is at most ``fresh`` seconds old. Returns all that was read or is as it was.
    """
    now = clock.now()
    orders = _unmoved(kept, now)
    pages = {key: order.limit // PAGE_SIZE for key, order in kept.orders.items()}
    sources: dict[str, Source] = {}
    checks: dict[str, Source] = {}
    for job in sorted(jobs, key=attrgetter("is_check")):
        language = job.view.language
        if language not in sources:
            sources[language] = Source(now, kept.rows.get(language), orders, pages, _soon(jobs, language))
        try:
            if job.is_check and language not in checks:
                checks[language] = sources[language].beside(
                    timedelta(seconds=fresh), _soon(jobs, language, is_check=True)
                )
            found = _look(job, (checks if job.is_check else sources)[language])
        except Exception:
            logger.exception("A view of the report could not be read; trying again")
            tell(job, None)
        else:
            tell(job, found)
    rows = {language: dict(source.found) for language, source in sources.items()}
    for source in sources.values():
        orders |= source.orders
    for language, source in checks.items():
        rows[language] |= source.found
        orders |= source.orders
    return Kept(rows, orders)


def _soon(jobs: Sequence[Job], language: str, *, is_check: bool = False) -> frozenset[int]:
    """The rows that these views had: most of them are asked for again, and are read at once."""
    chosen = (job for job in jobs if job.is_check is is_check and job.view.language == language)
    return frozenset[int]().union(*(job.before.rows for job in chosen if job.before is not None))


def _unmoved(kept: Kept, now: datetime) -> dict[OrderKey, Order]:
    try:
        return unmoved(kept.orders, kept.happened, now)
    except Exception:
        logger.exception("What moved could not be told; every list is read again")
        return {}


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
        order=order_key(actor, update.report.address),
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
        },
        ensure_ascii=False,  # Half the time, for thirty kilobytes; the socket speaks UTF-8.
    )


class Known:
    """What is known of this process's views: rows, by language and id, and beginnings of lists."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[int, Marked]] = {}
        self._orders: dict[OrderKey, Order] = {}
        self._happened: dict[Happening, None] = {}

    def begin(self) -> Kept:
        """What is known as a round begins; what happens until ``take`` is held against all that it read."""
        kept = Kept({name: dict(rows) for name, rows in self._rows.items()}, self._orders, tuple(self._happened))
        # A round that fails leaves nothing: what happened before it is not held against these orders again.
        self._orders = {}
        self._happened = {}
        return kept

    def forget(self, what: Happening) -> None:
        """Something happened: the rows that it may have changed are not known any more."""
        self._happened[what] = None
        if what.conversation is not None:
            for rows in self._rows.values():
                rows.pop(what.conversation, None)
        else:
            self._rows.clear()

    def take(self, found: Kept, shown: frozenset[int], orders: frozenset[OrderKey]) -> None:
        """What a round has read is known from now on, as far as somebody shows it."""
        self._orders = {key: order for key, order in found.orders.items() if key in orders}
        gone = {what.conversation for what in self._happened}
        if None in gone:
            return
        wanted = shown - gone
        self._rows = {language: {pk: rows[pk] for pk in wanted & rows.keys()} for language, rows in found.rows.items()}
