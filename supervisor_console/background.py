"""Who looks at the clock? The loop that runs what has become due, in the web process or in one of its own."""

import asyncio
import logging
import time
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.utils import timezone

from conversations.services import timers

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


def run_due_now() -> int:
    """Run what is due, on a database connection that is given back afterwards."""
    close_old_connections()
    try:
        return timers.run_due(now=timezone.now())
    finally:
        close_old_connections()


async def keep_time(stop: asyncio.Event, *, run_due: Callable[[], int] = run_due_now) -> None:
    """Run what is due about once a second until `stop` is set; a run that began is finished first.

    A failing run is logged and tried again, less and less often while it goes on failing. The work happens in a
    thread, and what it announces comes back to this loop, which owns the sockets in the single-process mode.
    """
    pause = EVERY_SECONDS
    while not stop.is_set():
        started = time.monotonic()
        try:
            await sync_to_async(run_due, thread_sensitive=False)()
        except Exception:
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            logger.exception("The background work failed; trying again in %.0f s", pause)
        else:
            pause = EVERY_SECONDS
        rest = pause - (time.monotonic() - started)
        try:
            await asyncio.wait_for(stop.wait(), timeout=max(rest, 0.05))
        except TimeoutError:
            continue
