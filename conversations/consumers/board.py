"""Which views of the report does this process hold, who has them open, and when is each looked at again?

A change marks the views that it concerns. All that are marked are looked at together, in one round (``looking``);
after that comes a rest as long as the round took, and a quarter of a second at least: a burst is one round, and the
last change is never lost. What a look found goes to every console of the view as the same text.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from conversations.consumers.looking import Job, Known, Look, Reader, look_at
from conversations.reports.concern import Happening, Interest, happening_of
from conversations.reports.live import Snapshot, View
from conversations.reports.sieve import OrderKey
from supervisor_console.kernel import clock
from supervisor_console.kernel.loops import OnePerLoop, in_thread
from supervisor_console.kernel.realtime import Frame, hub

logger = logging.getLogger(__name__)

TOPICS = ("report:all", "agents", "settings")
"""What makes a report look different: conversations, presences, the switches."""

SHORTEST_PAUSE = 0.25
"""Seconds between two rounds, at least."""

REST = 0.5
"""A rest is this many times as long as the round before: looking takes two thirds of the time, at most."""

RETRY = 1.0
"""Seconds until a round is tried again after a view could not be looked at."""

SELF_CHECK = 5.0
"""Seconds after which a view is looked at without a cause: time passes, and nothing may be missed for long …"""

SELF_CHECK_LONGEST = 12.0
"""… also where there are so many views that checking all of them takes more than …"""

SELF_CHECK_SHARE = 0.1
"""… this share of the time. Then a view is checked less often, and takes for known what others have just read; both
together are at most that long."""

SELF_CHECK_TOGETHER = 0.15
"""Views that are due within this share of that time are checked along: they share what they read."""

SELF_CHECK_EARLIEST = 0.5
"""The share of that time after which a view may be checked: views that were opened together, after a restart say, are
not checked together, and what changed does not wait for all that did not."""

Send = Callable[[str], None]


@dataclass(slots=True)
class Shown:
    """What a console shows, and when it was last told anything (seconds of the monotonic clock)."""

    digest: str
    told_at: float = 0.0


class LiveView:
    """One view and the consoles that have it open."""

    def __init__(self, view: View, user_id: int) -> None:
        self.view = view
        self.reader = Reader(view, user_id)
        self.consoles: dict[Send, Shown] = {}
        self.snapshot: Snapshot | None = None
        self.is_marked = True
        self.checked_at = 0.0
        self.patience = 1.0
        self.cost = 0.0
        self.order: OrderKey | None = None
        self._interest: Interest | None = None
        self._is_looked_at = False
        self._since: datetime | None = None

    def hear(self, what: Happening, at: datetime) -> None:
        """Something happened at a moment; the oldest that is not shown yet counts for the delay."""
        if self._is_looked_at or self._interest is None or self.snapshot is None:
            pass  # What it will show is not known yet.
        elif not self._interest.concerns(what, self.snapshot.rows):
            return
        self._since = min(self._since or at, at)
        self.is_marked = True

    def due(self, every: float) -> float:
        """When the view is to be checked, where that is done ``every`` so many seconds at least (monotonic clock)."""
        return self.checked_at + self.patience * every

    def begin(self, *, is_check: bool) -> Job:
        """A look begins: whatever comes from now on needs another one."""
        since, self._since = self._since, None
        self.is_marked = False
        self._is_looked_at = True
        if is_check or self.snapshot is None:
            self.checked_at = time.monotonic()
            self.patience = random.uniform(SELF_CHECK_EARLIEST, 1.0)  # noqa: S311  It keeps no secret.
        shown = frozenset(console.digest for console in self.consoles.values())
        return Job(self.view, self.reader, self.snapshot, shown, since, is_check or self.snapshot is None)

    def end(self, job: Job, look: Look | None) -> None:
        """A look has ended: send what it found. One that failed is tried again."""
        self._is_looked_at = False
        if look is None:
            self._since = min(filter(None, (self._since, job.since)), default=None)
            self.is_marked = True
            return
        self.snapshot, self._interest, self.order = look.snapshot, look.interest, look.order
        if job.is_check:
            self.cost = look.seconds
        fresh, now, beat = look.snapshot.digest, time.monotonic(), ""
        for send, console in self.consoles.items():
            text = look.changes if look.was and console.digest == look.was else look.everything
            if console.digest == fresh:
                if now - console.told_at < SELF_CHECK * (SELF_CHECK_EARLIEST - SELF_CHECK_TOGETHER) - SHORTEST_PAUSE:
                    continue  # Every check is told, so that what got lost on the way is made good by the next one.
                text = beat = beat or json.dumps({"type": "beat", "now": clock.now().isoformat(), "digest": fresh})
            elif text:
                console.digest = fresh
            else:
                continue  # It came meanwhile, and the next look is for it.
            console.told_at = now
            send(text)


class Board:
    """All views that the consoles of this process have open."""

    def __init__(self) -> None:
        self._views: dict[View, LiveView] = {}
        self._known = Known()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failed = False

    def open(self, view: View, user_id: int, send: Send, digest: str) -> None:
        """A console opens a view, showing what ``digest`` names; it is told of every difference from now on."""
        if not self._views:
            hub().subscribe(TOPICS, self.hear)
        live = self._views.get(view)
        if live is None:
            live = self._views[view] = LiveView(view, user_id)
        live.consoles[send] = Shown(digest)
        live.is_marked = True
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def close(self, view: View, send: Send) -> None:
        """A console closes a view; one that nobody has open is not read any more."""
        live = self._views.get(view)
        if live is None:
            return
        live.consoles.pop(send, None)
        if not live.consoles:
            del self._views[view]
        if not self._views:
            hub().unsubscribe(self.hear)
            self._known = Known()  # Nobody tells it any more what happened.
            self.stop()

    def stop(self) -> None:
        """Look at nothing any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def hear(self, topics: frozenset[str], frame: Frame) -> None:
        """Called by the hub for every change."""
        at = frame.get("at")
        moment = datetime.fromisoformat(at) if isinstance(at, str) else clock.now()
        what = happening_of(topics, frame)
        self._known.forget(what)
        for live in self._views.values():
            live.hear(what, moment)
            if live.is_marked:
                self._wake.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._until_check()):
                    await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._round()
            except Exception:
                logger.exception("The views of the report could not be looked at; trying again")
                for live in self._views.values():
                    live.is_marked = True
                self._wake.set()
                self._failed = True
            pause = RETRY if self._failed else SHORTEST_PAUSE
            await asyncio.sleep(max(pause, REST * (time.monotonic() - began)))

    async def _round(self) -> None:
        """Look at every view that is marked or due for a check; each is sent as soon as it was looked at."""
        (every, fresh), now = self._check_every(), time.monotonic()
        due = {view for view, live in self._views.items() if live.due(every) <= now + SHORTEST_PAUSE}
        if due:
            along = now + SELF_CHECK_TOGETHER * every
            due = {view for view, live in self._views.items() if live.due(every) <= along}
        chosen = [live for live in self._views.values() if live.is_marked or live.view in due]
        jobs = {id(job): (job, live) for live in chosen for job in [live.begin(is_check=live.view in due)]}
        self._failed = False
        if not jobs:
            return
        loop = asyncio.get_running_loop()

        def end(job: Job, look: Look | None) -> None:
            self._failed |= look is None
            jobs[id(job)][1].end(job, look)

        def tell(job: Job, look: Look | None) -> None:
            loop.call_soon_threadsafe(end, job, look)

        found = await in_thread(look_at, [job for job, _live in jobs.values()], self._known.begin(), tell, fresh)
        shown = (live.snapshot.rows.keys() for live in self._views.values() if live.snapshot is not None)
        orders = frozenset(live.order for live in self._views.values() if live.order is not None)
        self._known.take(found, frozenset().union(*shown), orders)
        if any(live.is_marked for live in self._views.values()):
            self._wake.set()

    def _check_every(self) -> tuple[float, float]:
        """Seconds between two checks of a view, and how old may be what a check takes for known.

        Together they are how long something may stay unseen that nobody announced: longer where there are many views.
        """
        cost = sum(live.cost for live in self._views.values())
        unseen = max(SELF_CHECK, min(SELF_CHECK_LONGEST, cost / SELF_CHECK_SHARE))
        every = max(SELF_CHECK, unseen / 2)
        return every, unseen - every

    def _until_check(self) -> float:
        every, _fresh = self._check_every()
        return max(0.0, min((live.due(every) for live in self._views.values()), default=0.0) - time.monotonic())


board = OnePerLoop(Board)
"""The board of the running event loop."""
