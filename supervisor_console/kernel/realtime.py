"""How a committed change reaches the sockets, surely: an outbox row, and a hint through the channel layer.

A service is an ``action``: what it announces is written to the outbox inside its transaction, and
after the commit one message goes through the channel layer. Each process subscribes once and hands
frames to its own sockets by topic, so the layer's work does not grow with the number of consoles
(platform.md 4). The layer may drop messages, be restarted, or the process may die between commit and
push: every process reads the newest outbox rows every few seconds and delivers what it missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync, sync_to_async
from channels.layers import get_channel_layer
from django.db import close_old_connections, transaction
from django.utils import timezone

from supervisor_console.kernel import idempotency
from supervisor_console.kernel.events import Json
from supervisor_console.models import Announcement

logger = logging.getLogger(__name__)

FLOOR = "floor"
"""The one channel-layer group: every process of the product is in it."""

LAYER, OUTBOX = "layer", "outbox"
"""Which way an announcement came to a process; each frame says so in ``via``."""

RENEW_SECONDS = 3600
"""Group membership ends silently after a day (platform.md 4), so it is renewed each hour."""

CATCH_UP_SECONDS = 3.0
"""How often a process looks into the outbox for what the channel layer did not bring."""

KEEP = timedelta(minutes=10)
"""How long outbox rows are kept; far longer than any process needs to catch up."""

REMEMBERED = 1000
"""How many announcements a process remembers as delivered, at least. A row is written at the very end of
its action, so ids that become visible late are a few behind the newest, never a thousand."""

PUSH_SECONDS = 1.0
"""How long an action waits for the channel layer to take its message."""

REST_SECONDS = 2.0
"""For how long the layer is not asked after it did not take one: actions do not wait again and again."""

SUBSCRIBE_SECONDS = 3.0
PROVE_SECONDS = 5.0
"""After so long without a word through the layer, a process says one itself …"""

PROVE_WITHIN_SECONDS = 2.0
"""… and subscribes afresh if that does not come back: a connection can be dead without saying so."""

P = ParamSpec("P")
T = TypeVar("T")

Frame = dict[str, Json]
Deliver = Callable[[frozenset[str], Frame], None]

_frames: ContextVar[list[Json] | None] = ContextVar("frames", default=None)


class Action:
    """One durable transaction, and what it announces leaves with it or not at all; never nested.

    Announcements are one outbox row and, after the commit, one message through the channel layer. As the decorator
    of a service it also knows a request that was carried out before, and returns the event of the first time.
    """

    def __enter__(self) -> None:
        self._transaction = _transaction()
        self._transaction.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._transaction.__exit__(kind, error, trace)

    def __call__(self, service: Callable[P, T]) -> Callable[P, T]:
        """The service as an action."""
        verb = f"{service.__module__}.{service.__qualname__}"

        @wraps(service)
        def act(*args: P.args, **kwargs: P.kwargs) -> T:
            with _transaction():
                row, before = idempotency.claim(verb, args, kwargs)
                if before is not None:
                    return cast(T, before)
                outcome = service(*args, **kwargs)
                if row is not None:
                    idempotency.note(row, outcome)
                return outcome

        return act


def action() -> Action:
    """The transaction of one action: the decorator of every service."""
    return Action()


@contextlib.contextmanager
def _transaction() -> Iterator[None]:
    token = _frames.set([])
    try:
        with transaction.atomic(durable=True):
            yield
            _post(_frames.get() or [])
    finally:
        _frames.reset(token)


def announce(topics: Iterable[str], frame: Frame) -> None:
    """Tell everybody who listens to one of ``topics``, once the running action commits."""
    frames = _frames.get()
    if frames is None:
        raise RuntimeError("announce() belongs inside an action()")
    frames.append({"topics": cast(Json, sorted(set(topics))), "frame": frame})


def hint(topics: Iterable[str], frame: Frame) -> None:
    """Tell whoever listens right now, once and without a trace: no row, no transaction, and it may get lost.

    For what is true for seconds only, such as that somebody is typing.
    """
    entry: Json = {"topics": cast(Json, sorted(set(topics))), "frame": frame}
    _send({"type": "floor.frames", "id": None, "frames": [entry]})


def _post(frames: list[Json]) -> None:
    if not frames:
        return
    row = Announcement.objects.create(frames=frames, at=timezone.now())
    message = {"type": "floor.frames", "id": row.pk, "frames": frames}
    transaction.on_commit(lambda: _send(message), robust=True)


_rests_until = 0.0


def _send(message: dict[str, Any]) -> None:
    global _rests_until
    if time.monotonic() < _rests_until:
        return
    try:
        async_to_sync(_push)(message)
    except Exception as error:
        # The outbox has it: every process will find it there, so a committed action stays a success.
        _rests_until = time.monotonic() + REST_SECONDS
        logger.warning("The channel layer did not take an announcement, the outbox will: %r", error)


async def _push(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    async with asyncio.timeout(PUSH_SECONDS):
        await layer.group_send(FLOOR, message)


async def round_trip(within: float) -> float:
    """The seconds that a message takes through the channel layer and back; raises what the layer raises."""
    layer = get_channel_layer()
    assert layer is not None
    async with asyncio.timeout(within):
        channel = await layer.new_channel()
        group = f"trip.{uuid.uuid4().hex}"
        await layer.group_add(group, channel)
        try:
            began = time.perf_counter()
            await layer.group_send(group, {"type": "trip"})
            await layer.receive(channel)
            return time.perf_counter() - began
        finally:
            receiver = asyncio.create_task(layer.receive(channel))
            await asyncio.sleep(0)
            await _leave(layer, group, channel, receiver)


async def _leave(layer: Any, group: str, channel: str, receiver: asyncio.Task[Any]) -> None:
    """Give a channel back: the pub/sub layer lets go of one when its receiver is cancelled."""
    receiver.cancel()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(PUSH_SECONDS):
            await layer.group_discard(group, channel)
            await asyncio.wait({receiver})


def prune(now: datetime) -> int:
    """Delete announcements that every process has seen long ago; reads first, so that it seldom locks."""
    old = Announcement.objects.filter(at__lt=now - KEEP)
    return old.delete()[0] if old.exists() else 0


class Seen:
    """Which announcements a process has delivered: the latest by their ids, and everything before those."""

    def __init__(self, ids: Collection[int] = ()) -> None:
        self.ids = set(ids)
        self.floor = min(self.ids, default=1) - 1

    def add(self, pk: int) -> bool:
        """Whether this one is new."""
        if pk <= self.floor or pk in self.ids:
            return False
        self.ids.add(pk)
        if len(self.ids) > 2 * REMEMBERED:
            self.ids = set(sorted(self.ids)[-REMEMBERED:])
            self.floor = min(self.ids) - 1
        return True


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
        self._listeners: dict[str, set[Deliver]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._seen = Seen()

    @property
    def is_listening(self) -> bool:
        """Whether this process listens to the channel layer and the outbox: it does while it has a socket."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

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
            self._seen = Seen(await sync_to_async(_newest, thread_sensitive=False)())
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
            await _leave(layer, FLOOR, channel, hearing)

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
            await _push({"type": "floor.frames", "id": None, "frames": []})
            await asyncio.wait({hearing}, timeout=PROVE_WITHIN_SECONDS)
            if not self._heard_since(asked):
                raise ConnectionError("the subscription is silent")

    def _heard_since(self, moment: float) -> bool:
        return self.pulse.layer_at is not None and self.pulse.layer_at >= moment

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(CATCH_UP_SECONDS)
            try:
                missed = await sync_to_async(_missed, thread_sensitive=False)(
                    self._seen.floor, frozenset(self._seen.ids)
                )
            except Exception:
                logger.exception("The outbox cannot be read; trying again")
                continue
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
            for deliver in set().union(*(self._listeners.get(topic, ()) for topic in topics)):
                try:
                    deliver(topics, frame)
                except Exception:
                    logger.exception("A socket could not take a frame; the others can")


def _newest() -> list[int]:
    """The latest ids: what a process that starts now counts as delivered already."""
    close_old_connections()
    try:
        return sorted(Announcement.objects.order_by("-pk").values_list("pk", flat=True)[:REMEMBERED])
    finally:
        close_old_connections()


def _missed(floor: int, known: frozenset[int]) -> list[tuple[int, list[dict[str, Any]]]]:
    """The announcements after ``floor`` that are not in ``known``, oldest first."""
    close_old_connections()
    try:
        ids = [
            pk
            for pk in Announcement.objects.filter(pk__gt=floor).order_by("pk").values_list("pk", flat=True)
            if pk not in known
        ]
        rows = Announcement.objects.in_bulk(ids)
        return [(pk, rows[pk].frames) for pk in ids if pk in rows]
    finally:
        close_old_connections()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
