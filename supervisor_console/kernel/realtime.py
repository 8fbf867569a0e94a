"""How a committed change reaches the sockets: one message per action, one subscription per process.

Services call ``announce`` inside their transaction; it is sent after the commit, never before.
Each process subscribes once to the channel layer and hands frames to its own sockets by topic, so
the layer's work does not grow with the number of open consoles (platform.md 4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from supervisor_console.kernel.events import Json

logger = logging.getLogger(__name__)

FLOOR = "floor"
"""The one channel-layer group: every process of the product is in it."""

RENEW_SECONDS = 3600
"""Group membership ends silently after a day (platform.md 4), so it is renewed each hour."""

Frame = dict[str, Json]
Deliver = Callable[[frozenset[str], Frame], None]


def announce(topics: Iterable[str], frame: Frame) -> None:
    """Send ``frame`` to everybody who listens to one of ``topics``, once the transaction commits."""
    message = {"type": "floor.frame", "topics": sorted(set(topics)), "frame": {"id": uuid.uuid4().hex, **frame}}
    transaction.on_commit(lambda: _send(message), robust=True)


def _send(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(FLOOR, message)
    except Exception:
        # The database is the truth and consoles heal by themselves; a lost hint must not turn a
        # committed action into an error.
        logger.exception("A change was committed but could not be announced")


class Hub:
    """The sockets of one process (one event loop) and the topics each of them listens to."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Deliver]] = defaultdict(set)
        self._pump: asyncio.Task[None] | None = None

    def subscribe(self, topics: Iterable[str], deliver: Deliver) -> None:
        """Call ``deliver`` with each frame of these topics from now on."""
        for topic in topics:
            self._listeners[topic].add(deliver)

    async def start(self) -> None:
        """Subscribe this process to the channel layer, once; returns when it is listening."""
        if self._pump is None or self._pump.done():
            ready = asyncio.Event()
            self._pump = asyncio.create_task(self._run(ready))
            await ready.wait()

    def unsubscribe(self, deliver: Deliver) -> None:
        """Forget a socket that went away."""
        for topic in [topic for topic, found in self._listeners.items() if deliver in found]:
            self._listeners[topic].discard(deliver)
            if not self._listeners[topic]:
                del self._listeners[topic]
        if not self._listeners and self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _run(self, ready: asyncio.Event) -> None:
        pause = 0.2
        while True:
            layer = get_channel_layer()
            assert layer is not None
            channel = await layer.new_channel()
            try:
                await layer.group_add(FLOOR, channel)
                ready.set()
                renewed = asyncio.get_running_loop().time()
                while True:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(RENEW_SECONDS):
                            self._dispatch(await layer.receive(channel))
                        pause = 0.2
                    if asyncio.get_running_loop().time() - renewed > RENEW_SECONDS:
                        await layer.group_add(FLOOR, channel)
                        renewed = asyncio.get_running_loop().time()
            except asyncio.CancelledError:
                with contextlib.suppress(Exception):
                    await layer.group_discard(FLOOR, channel)
                raise
            except Exception:
                logger.exception("The channel layer cannot be reached; trying again")
                ready.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    def _dispatch(self, message: dict[str, Any]) -> None:
        topics = frozenset(message["topics"])
        listeners = set().union(*(self._listeners.get(topic, ()) for topic in topics))
        for deliver in listeners:
            deliver(topics, message["frame"])


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
