"""Who looks at the clock? The loop that runs what has become due, in the web process or in one of its own."""

import asyncio
import logging
import time
from collections.abc import Callable

from django.utils import timezone

from conversations.services import timers
from supervisor_console.heartbeat import Heart
from supervisor_console.kernel.loops import in_thread

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


def run_due_now() -> int:
    """Run what is due by the clock."""
    return timers.run_due(now=timezone.now())


async def keep_time(
    stop: asyncio.Event, *, run_due: Callable[[], int] = run_due_now, heart: Heart | None = None
) -> None:
    """Run what is due about once a second until `stop` is set; a run that began is finished first.

    A failing run is logged and tried again, less and less often while it goes on failing. The work happens in a
    thread, and what it announces comes back to this loop, which owns the sockets in the single-process mode. The heart
    beats between two runs, so a run that hangs is seen as well as a process that died.
    """
    pause = EVERY_SECONDS
    while not stop.is_set():
        started = time.monotonic()
        done, failure = 0, None
        try:
            done = await in_thread(run_due)
        except Exception as error:
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            failure = error
            logger.exception("The background work failed; trying again in %.0f s", pause)
        else:
            pause = EVERY_SECONDS
        if heart is not None:
            heart.note(time.monotonic() - started, done, failure)
            if heart.is_due:
                await in_thread(heart.beat)
        rest = pause - (time.monotonic() - started)
        try:
            await asyncio.wait_for(stop.wait(), timeout=max(rest, 0.05))
        except TimeoutError:
            continue
    if heart is not None:
        await in_thread(heart.stop)
