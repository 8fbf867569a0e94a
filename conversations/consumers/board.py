"""One reading and one rendering per view and process, however many consoles have it open.

A change marks the views of this process; each is read again at once, and after that not more often than its cost
allows, so that a burst is one reading and the last change is never lost. What the reading found goes to every
console of the view as the same text.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from datetime import datetime
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.utils import timezone

from conversations.reports.live import EVERYTHING, Snapshot, Update, View, read, render
from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.realtime import Frame, hub

logger = logging.getLogger(__name__)

TOPICS = ("report:all", "agents", "settings")
"""What makes a report look different: conversations, presences, the switches."""

SHORTEST_PAUSE = 0.25
"""Seconds between two readings of one view, at least."""

COST_FACTOR = 3.0
"""A view rests this many times as long as its reading and waiting for its turn took."""

SELF_CHECK = 5.0
"""Seconds after which a view is read without a cause: time passes, and nothing may be missed for long."""

ACTOR_FOR = 30.0
"""Seconds for which the roles and the scope of a view's owner are trusted."""

Send = Callable[[str], None]


class LiveView:
    """One view and the consoles that have it open."""

    def __init__(self, view: View, user_id: int, gate: asyncio.Semaphore) -> None:
        self.view = view
        self.consoles: dict[Send, str] = {}
        self.dirty = asyncio.Event()
        self._user_id = user_id
        self._actor: Actor | None = None
        self._actor_read = 0.0
        self._gate = gate
        self._snapshot: Snapshot | None = None
        self._since: datetime | None = None
        self.task = asyncio.create_task(self._run())

    def change(self, at: datetime) -> None:
        """Something changed at a moment; the oldest that is not shown yet counts for the delay."""
        self._since = min(self._since or at, at)
        self.dirty.set()

    def join(self, send: Send, digest: str) -> None:
        """A console opens the view and says what it shows."""
        self.consoles[send] = digest
        self.dirty.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(SELF_CHECK):
                    await self.dirty.wait()
            except TimeoutError:
                pass
            self.dirty.clear()
            since, self._since = self._since, None
            began = time.monotonic()
            try:
                await self._look(since)
            except Exception:
                logger.exception("A view of the report could not be read; trying again")
                self.dirty.set()
                await asyncio.sleep(1.0)
            await asyncio.sleep(max(SHORTEST_PAUSE, COST_FACTOR * (time.monotonic() - began)))

    async def _look(self, since: datetime | None) -> None:
        async with self._gate:
            update = await sync_to_async(self._read, thread_sensitive=False)()
            fresh = update.snapshot.digest
            shown = dict(self.consoles)
            on_the_way = [send for send, digest in shown.items() if digest == update.was and digest != fresh]
            behind = [send for send, digest in shown.items() if digest not in (update.was, fresh)]
            changes = await self._print(update, since, whole=False) if on_the_way else ""
            everything = await self._print(update, since, whole=True) if behind else ""
        self._snapshot = update.snapshot
        beat = json.dumps({"type": "beat", "now": timezone.now().isoformat(), "digest": fresh})
        for sends, text in ((on_the_way, changes), (behind, everything)):
            for send in sends:
                if send in self.consoles:
                    self.consoles[send] = fresh
                    send(text)
        for send in self.consoles:
            send(beat)

    async def _print(self, update: Update, since: datetime | None, *, whole: bool) -> str:
        html = await sync_to_async(render, thread_sensitive=False)(self.view, update, whole=whole)
        return json.dumps(
            {
                "type": "region",
                "region": "report",
                "query": self.view.query,
                "was": "" if whole else update.was,
                "digest": update.snapshot.digest,
                "changed": sorted(update.changed) if not whole else [],
                "html": html,
                "at": since.isoformat() if since is not None else None,
            }
        )

    def _read(self) -> Update:
        close_old_connections()
        try:
            return read(self._reader(), self.view, now=timezone.now(), before=self._snapshot)
        finally:
            close_old_connections()

    def _reader(self) -> Actor:
        if self.view.scope == 0:
            return EVERYTHING
        if self._actor is None or time.monotonic() - self._actor_read > ACTOR_FOR:
            self._actor = routing_selectors.actor_for(User.objects.get(pk=self._user_id))
            self._actor_read = time.monotonic()
        return self._actor


class Board:
    """All views that the consoles of this process have open."""

    def __init__(self) -> None:
        self._views: dict[View, LiveView] = {}
        self._gate = asyncio.Semaphore(1)

    def open(self, view: View, user_id: int, send: Send, digest: str) -> None:
        """A console opens a view, showing what ``digest`` names; it is told of every difference from now on."""
        if not self._views:
            hub().subscribe(TOPICS, self.hear)
        live = self._views.get(view)
        if live is None:
            live = self._views[view] = LiveView(view, user_id, self._gate)
        live.join(send, digest)

    def close(self, view: View, send: Send) -> None:
        """A console closes a view; one that nobody has open is not read any more."""
        live = self._views.get(view)
        if live is None:
            return
        live.consoles.pop(send, None)
        if not live.consoles:
            live.task.cancel()
            del self._views[view]
        if not self._views:
            hub().unsubscribe(self.hear)

    def hear(self, topics: frozenset[str], frame: Frame) -> None:
        """Called by the hub for every change."""
        at = frame.get("at")
        moment = datetime.fromisoformat(at) if isinstance(at, str) else timezone.now()
        for live in self._views.values():
            live.change(moment)


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, Board] = WeakKeyDictionary()


def board() -> Board:
    """The board of the running event loop."""
    return _boards.setdefault(asyncio.get_running_loop(), Board())
