"""What time is it, for everything that is kept and shown? The machine's clock, but one that never goes back.

Machines are set right, and two of them never agree to the millisecond. A wait that ends before it began, or a stay of
negative length, would be refused by the database, and with it the action of somebody who did nothing wrong. So a server
process goes on from where it was when the machine's clock is set back, a tenth slower than that, until both agree; and
what it reads in a row that it has locked is never later than its own time. Set ahead, it follows at once: deadlines
that were skipped are due then, once.

Only a process that serves or works keeps such a clock (``start``); everywhere else this is the machine's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

logger = logging.getLogger(__name__)

PACE = 0.9
"""How fast it goes while it is ahead of the machine's clock: slow enough to meet it, too fast for anybody to see."""

MOST_AHEAD = timedelta(hours=1)
"""What is later than that is a mistake, not a time: nobody goes on with it for half a day."""


class Clock:
    """The time of one process, from the machine's clock and one that nobody can set (seconds)."""

    def __init__(self, wall: Callable[[], datetime], steady: Callable[[], float]) -> None:
        self._wall, self._steady = wall, steady
        self._at, self._looked = wall(), steady()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """A moment that is no earlier than any that was told, or seen, before."""
        with self._lock:
            return self._go_on()

    def saw(self, *moments: datetime | None) -> None:
        """These moments have been: they are not later than now."""
        known = [moment for moment in moments if moment is not None]
        with self._lock:
            now = self._go_on()
            self._at = max([now, *(moment for moment in known if moment - self._wall() <= MOST_AHEAD)])

    def _go_on(self) -> datetime:
        wall, steady = self._wall(), self._steady()
        passed = timedelta(seconds=max(0.0, steady - self._looked))
        if self._at + passed <= wall:
            self._at = wall
        elif self._at - wall > MOST_AHEAD:
            logger.warning("The clock was set back by more than %s; from now on it is %s", MOST_AHEAD, wall)
            self._at = wall
        else:
            self._at = max(wall, self._at + passed * PACE)
        self._looked = steady
        return self._at


_own: Clock | None = None


def start() -> None:
    """From now on the time of this process never goes back."""
    global _own
    _own = Clock(timezone.now, time.monotonic)


def now() -> datetime:
    """The time, aware and in UTC."""
    return timezone.now() if _own is None else _own.now()


def saw(*moments: datetime | None) -> None:
    """Moments of a row whose lock one holds: whatever is done to it now, is done after them."""
    if _own is not None:
        _own.saw(*moments)
