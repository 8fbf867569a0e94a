"""Who looks at the clock? The loop that runs what has become due, in the web process or in one of its own."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from conversations.services import timers
from supervisor_console.heartbeat import Heart
from supervisor_console.kernel import clock
from supervisor_console.kernel.loops import in_thread
from supervisor_console.kernel.pages import LOST_AFTER

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0

STANDSTILL = timedelta(seconds=6)
"""After so long without a look, nobody is blamed for what they could not do or say meanwhile."""


class Watch:
    """For how long has this process looked on without a break?

    A break may be of any kind: it has only begun, the database was away or stood still, the process or its machine
    slept, its clock was set. What happened to this process happened to the others too, most likely.
    """

    def __init__(self) -> None:
        self._since: datetime | None = None
        self._began: tuple[datetime, float] | None = None
        self._ended = 0.0
        self.is_back = True
        """Whether the look under way is the first one after a break."""

    def begin(self, now: datetime, steady: float) -> None:
        """A look begins, at a moment of the clock that people know and of one that nobody sets."""
        if self._began is not None and not self.is_back:
            passed, elapsed = now - self._began[0], timedelta(seconds=steady - self._began[1])
            was_set = abs(passed - elapsed) > STANDSTILL
            self.is_back = was_set or timedelta(seconds=steady - self._ended) > STANDSTILL
        if self.is_back:
            self._since = now
        self._began = now, steady

    def misses(self, now: datetime) -> bool:
        """Whether everybody has had the time to say that they are there."""
        return self._since is not None and now - self._since >= LOST_AFTER

    def end(self, steady: float, *, failed: bool = False) -> None:
        """The look has ended. One that failed, or hung, was none."""
        assert self._began is not None
        self._ended = steady
        self.is_back = failed or timedelta(seconds=steady - self._began[1]) > LOST_AFTER


_watch = Watch()


def run_due_now() -> int:
    """Run what is due by the clock."""
    now, failed = clock.now(), True
    _watch.begin(now, time.monotonic())
    try:
        given = timers.resume(now=now) if _watch.is_back else 0
        done = timers.run_due(now=now, misses=_watch.misses(now))
        failed = False
        return given + done
    finally:
        _watch.end(time.monotonic(), failed=failed)


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
