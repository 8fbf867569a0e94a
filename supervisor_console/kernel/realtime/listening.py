"""Who in this process listens to what? One subscription for all its sockets, and a look into the outbox."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from channels.layers import get_channel_layer

from supervisor_console.kernel.loops import OnePerLoop, in_thread
from supervisor_console.kernel.realtime import outbox
from supervisor_console.kernel.realtime.frames import Frame
from supervisor_console.kernel.realtime.layer import FLOOR, PUSH_SECONDS, leave, push
from supervisor_console.kernel.realtime.outbox import Seen

logger = logging.getLogger(__name__)

LAYER, OUTBOX = "layer", "outbox"
"""Which way an announcement came to a process; each frame says so in ``via``."""

RENEW_SECONDS = 3600
"""Group membership ends silently after a day (platform.md 4), so it is renewed each hour."""

CATCH_UP_SECONDS = 3.0
"""How often a process looks into the outbox for what the channel layer did not bring."""

SUBSCRIBE_SECONDS = 3.0
PROVE_SECONDS = 5.0
"""After so long without a word through the layer, a process says one itself …"""

PROVE_WITHIN_SECONDS = 2.0
"""… and subscribes afresh if that does not come back: a connection can be dead without saying so."""

REPEATED = 500
"""How many of the latest frames a process keeps, for pages that begin to show something."""

Deliver = Callable[[frozenset[str], Frame], None]


@dataclass(slots=True)
class Pulse:
    """How announcements reach a process: how many came which way, and when each way was last known to work."""

    by_layer: int = 0
    by_outbox: int = 0
    layer_at: float | None = None
    outbox_at: float | None = None


class Hub:
    """The sockets of one process (one event loop) and the topics each of them listens to."""

    def __init__(self) -> None:
        self.pulse = Pulse()
        self.heard = 0
        self._is_heard, self._is_read = True, True
        self._latest: deque[tuple[frozenset[str], Frame]] = deque(maxlen=REPEATED)
        self._listeners: dict[str, set[Deliver]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._seen = Seen()

    @property
    def is_listening(self) -> bool:
        """Whether this process listens to the channel layer and the outbox: it does while it has a socket."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def is_prompt(self) -> bool:
        """Whether what others do comes at once; without the channel layer the outbox brings it, seconds later."""
        return self._is_heard and self._is_read

    @property
    def sockets(self) -> int:
        """How many sockets of this process listen."""
        return len(set().union(*self._listeners.values()))

    @property
    def delivered(self) -> tuple[int, frozenset[int]]:
        """Which announcements this process has delivered: all up to an id, and these after it."""
        return self._seen.floor, frozenset(self._seen.ids)

    def subscribe(self, topics: Iterable[str], deliver: Deliver) -> None:
        """Call ``deliver`` with each frame of these topics from now on."""
        for topic in topics:
            self._listeners[topic].add(deliver)

    def unsubscribe(self, deliver: Deliver) -> None:
        """Forget a socket that went away; the last one stops the process's subscription."""
        for topic in [topic for topic, found in self._listeners.items() if deliver in found]:
            self._listeners[topic].discard(deliver)
            if not self._listeners[topic]:
                del self._listeners[topic]
        if not self._listeners and not self._starting.locked():
            self._stop()

    def since(self, mark: int, deliver: Deliver) -> list[tuple[frozenset[str], Frame]] | None:
        """What a listener was handed after ``heard`` was ``mark``, or None where that is forgotten.

        Whatever was heard before the mark was committed before it: what is read after the mark shows it.
        """
        behind = self.heard - mark
        if not 0 <= behind <= len(self._latest):
            return None
        frames = islice(self._latest, len(self._latest) - behind, None)
        return [found for found in frames if any(deliver in self._listeners.get(topic, ()) for topic in found[0])]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    async def start(self) -> None:
        """Subscribe this process to the channel layer and the outbox, once; returns when it listens."""
        async with self._starting:  # All consoles may come back in the same moment.
            if self.is_listening:
                return
            self._stop()
            self._seen = Seen(await in_thread(outbox.newest))
            ready = asyncio.Event()
            self._tasks = [asyncio.create_task(self._listen(ready)), asyncio.create_task(self._catch_up())]
            await ready.wait()

    async def _listen(self, ready: asyncio.Event) -> None:
        pause = 0.2
        while True:
            began = time.monotonic()
            try:
                await self._subscription(ready)
                continue
            except Exception as error:
                logger.warning("The channel layer brings nothing; the outbox serves until it does: %r", error)
                self._is_heard = False
                ready.set()
            pause = 0.2 if time.monotonic() - began > PROVE_SECONDS else min(pause * 2, 3.0)
            await asyncio.sleep(pause)

    async def _subscription(self, ready: asyncio.Event) -> None:
        """Listen through one subscription for an hour, or until it fails."""
        layer = get_channel_layer()
        assert layer is not None
        async with asyncio.timeout(SUBSCRIBE_SECONDS):
            channel = await layer.new_channel()
            await layer.group_add(FLOOR, channel)
        ready.set()
        self._is_heard = True
        hearing = asyncio.create_task(self._hear(layer, channel))
        try:
            await self._prove(hearing)
        except Exception:
            # Nothing is left of a connection that may be dead: the next subscription makes its own.
            hearing.cancel()
            async with asyncio.timeout(PUSH_SECONDS):
                await layer.flush()
            raise
        finally:
            await leave(layer, FLOOR, channel, hearing)

    async def _hear(self, layer: Any, channel: str) -> None:
        while True:
            message = await layer.receive(channel)
            self.pulse.layer_at = time.monotonic()
            self._deliver(message["id"], message["frames"], LAYER)

    async def _prove(self, hearing: asyncio.Task[None]) -> None:
        """Wait while the subscription works; what it does not bring of oneself, it does not bring of others."""
        joined = time.monotonic()
        while time.monotonic() - joined < RENEW_SECONDS:
            asked = time.monotonic()
            await asyncio.wait({hearing}, timeout=PROVE_SECONDS)
            if hearing.done():
                hearing.result()
            if self._heard_since(asked):
                continue
            await push({"type": "floor.frames", "id": None, "frames": []})
            await asyncio.wait({hearing}, timeout=PROVE_WITHIN_SECONDS)
            if not self._heard_since(asked):
                raise ConnectionError("the subscription is silent")

    def _heard_since(self, moment: float) -> bool:
        return self.pulse.layer_at is not None and self.pulse.layer_at >= moment

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(CATCH_UP_SECONDS)
            try:
                missed = await in_thread(outbox.missed, *self.delivered)
            except Exception:
                logger.exception("The outbox cannot be read; trying again")
                self._is_read = False
                continue
            self._is_read = True
            self.pulse.outbox_at = time.monotonic()
            for pk, frames in missed:
                self._deliver(pk, frames, OUTBOX)
                await asyncio.sleep(0)  # The sockets send what they have before the next comes.

    def _deliver(self, pk: int | None, frames: list[dict[str, Any]], via: str) -> None:
        if pk is not None:
            if not self._seen.add(pk):
                return
            if via == LAYER:
                self.pulse.by_layer += 1
            else:
                self.pulse.by_outbox += 1
        for number, entry in enumerate(frames):
            topics = frozenset(entry["topics"])
            frame = {"id": f"{pk}.{number}", "via": via, **entry["frame"]}
            if pk is not None:
                self.heard += 1
                self._latest.append((topics, frame))
            for deliver in set().union(*(self._listeners.get(topic, ()) for topic in topics)):
                try:
                    deliver(topics, frame)
                except Exception:
                    logger.exception("A socket could not take a frame; the others can")


hub = OnePerLoop(Hub)
"""The hub of the running event loop."""
