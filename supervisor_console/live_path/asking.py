"""How is each step of the live path asked? All at once, each with a deadline, and whatever happens is an answer."""

from __future__ import annotations

import asyncio
import contextvars
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min

from supervisor_console import heartbeat
from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import action, hub, round_trip
from supervisor_console.live_path.readings import Asked, Beat, Ear, Outbox, Reach, Readings
from supervisor_console.models import Announcement, Heartbeat

T = TypeVar("T")

WITHIN_SECONDS = 3.0
"""How long a step may take to answer; longer counts as no answer."""

BEATS_MAX = 20
"""How many processes are listed at most: those heard of last."""

_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="live-path")
"""Threads of its own: a diagnosis that hangs takes none from what it looks at."""


async def ask() -> Readings:
    """Ask every step from this process; raises nothing and takes little more than ``WITHIN_SECONDS``."""
    mine = hub()
    delivered = mine.delivered if mine.is_listening else None
    database, writing, outbox, background, layer = await asyncio.gather(
        _asked(_in_thread(_reach)),
        _asked(_in_thread(_write)),
        _asked(_in_thread(partial(_outbox, delivered))),
        _asked(_in_thread(_background)),
        _asked(round_trip(WITHIN_SECONDS)),
    )
    return Readings(
        database=database,
        writing=writing,
        outbox=outbox,
        has_redis=bool(settings.REDIS_URL),
        layer=layer,
        ear=_ear(),
        background=background,
    )


async def _asked(answer: Awaitable[T]) -> Asked[T]:
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            return Asked(await answer)
    except TimeoutError:
        return Asked(is_late=True)
    except Exception as error:  # Whatever a driver raises is the answer.
        return Asked(error=heartbeat.said(error))


def _in_thread(question: Callable[[], T]) -> Awaitable[T]:
    """The question in a thread with a database connection of its own; a thread that hangs is left behind."""

    def put() -> T:
        try:
            return question()
        finally:
            connection.close()

    return asyncio.get_running_loop().run_in_executor(_threads, contextvars.copy_context().run, put)


def _reach() -> Reach:
    began = time.perf_counter()
    connection.ensure_connection()
    connected = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return Reach(connected - began, time.perf_counter() - connected)


def _write() -> float:
    """The seconds of a transaction that writes a row, takes it away again and commits: nothing is left of it."""
    connection.ensure_connection()
    now = clock.now()
    began = time.perf_counter()
    with action():
        row = Heartbeat.objects.create(process=f"probe:{uuid.uuid4()}", kind="probe", started_at=now, at=now)
        row.delete()
    return time.perf_counter() - began


def _outbox(delivered: tuple[int, frozenset[int]] | None) -> Outbox:
    found = Announcement.objects.aggregate(rows=Count("pk"), newest=Max("at"), oldest=Min("at"))
    now = clock.now()
    newest, oldest = (_age(now, at) if at is not None else None for at in (found["newest"], found["oldest"]))
    if delivered is None:
        return Outbox(found["rows"], newest, oldest)
    floor, known = delivered
    rows = Announcement.objects.filter(pk__gt=floor).values_list("pk", "at")
    waiting = [at for pk, at in rows if pk not in known]
    return Outbox(found["rows"], newest, oldest, len(waiting), _age(now, min(waiting, default=now)))


def _age(now: datetime, at: datetime) -> float:
    """Seconds; never less than none, whatever the clock of another machine says."""
    return max(0.0, (now - at).total_seconds())


def _background() -> tuple[Beat, ...]:
    now = clock.now()
    return tuple(
        Beat(
            process=row.process,
            kind=row.kind,
            age=_age(now, row.at),
            up=_age(row.at, row.started_at),
            longest=row.seconds,
            done=row.done,
            error=row.error,
        )
        for row in Heartbeat.objects.order_by("-at", "process")[:BEATS_MAX]
    )


def _ear() -> Ear:
    mine = hub()
    now = time.monotonic()
    pulse = mine.pulse
    return Ear(
        process=heartbeat.this_process(),
        is_listening=mine.is_listening,
        sockets=mine.sockets,
        by_layer=pulse.by_layer,
        by_outbox=pulse.by_outbox,
        layer=now - pulse.layer_at if pulse.layer_at is not None else None,
        outbox=now - pulse.outbox_at if pulse.outbox_at is not None else None,
    )
