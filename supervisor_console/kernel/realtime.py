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
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
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

RENEW_SECONDS = 3600
"""Group membership ends silently after a day (platform.md 4), so it is renewed each hour."""

CATCH_UP_SECONDS = 3.0
"""How often a process looks into the outbox for what the channel layer did not bring."""

KEEP = timedelta(minutes=10)
"""How long outbox rows are kept; far longer than any process needs to catch up."""

REMEMBERED = 1000
"""How many announcements a process remembers as delivered. A row is written at the very end of its
action, so ids that become visible late are a few behind the newest, never a thousand."""

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


def _post(frames: list[Json]) -> None:
    if not frames:
        return
    row = Announcement.objects.create(frames=frames, at=timezone.now())
    message = {"type": "floor.frames", "id": row.pk, "frames": frames}
    transaction.on_commit(lambda: _send(message), robust=True)


def _send(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(FLOOR, message)
    except Exception as error:
        # The outbox has it: every process will find it there, so a committed action stays a success.
        logger.warning("The channel layer did not take an announcement, the outbox will: %s", error)


def prune(now: datetime) -> int:
    """Delete announcements that every process has seen long ago; reads first, so that it seldom locks."""
    old = Announcement.objects.filter(at__lt=now - KEEP)
    return old.delete()[0] if old.exists() else 0


class Hub:
    """The sockets of one process (one event loop) and the topics each of them listens to."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Deliver]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self._delivered: deque[int] = deque(maxlen=REMEMBERED)
        self._known: set[int] = set()

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
        if not self._listeners:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    async def start(self) -> None:
        """Subscribe this process to the channel layer and the outbox, once; returns when it listens."""
        if self._tasks and not any(task.done() for task in self._tasks):
            return
        for task in self._tasks:
            task.cancel()
        newest = await sync_to_async(_newest, thread_sensitive=False)()
        for pk in newest:
            self._remember(pk)
        ready = asyncio.Event()
        self._tasks = [asyncio.create_task(self._listen(ready)), asyncio.create_task(self._catch_up())]
        await ready.wait()

    async def _listen(self, ready: asyncio.Event) -> None:
        pause = 0.2
        while True:
            layer = get_channel_layer()
            assert layer is not None
            try:
                channel = await layer.new_channel()
                await layer.group_add(FLOOR, channel)
                ready.set()
                joined = asyncio.get_running_loop().time()
                while asyncio.get_running_loop().time() - joined < RENEW_SECONDS:
                    message = await layer.receive(channel)
                    self._deliver(message["id"], message["frames"])
                    pause = 0.2
                await layer.group_discard(FLOOR, channel)
            except Exception:
                logger.exception("The channel layer cannot be reached; the outbox serves until it can")
                ready.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(CATCH_UP_SECONDS)
            try:
                missed = await sync_to_async(_missed, thread_sensitive=False)(self._floor(), frozenset(self._known))
            except Exception:
                logger.exception("The outbox cannot be read; trying again")
                continue
            for pk, frames in missed:
                self._deliver(pk, frames)

    def _floor(self) -> int:
        """The lowest id worth asking for: everything before it was delivered or is too old."""
        return min(self._delivered, default=0)

    def _remember(self, pk: int) -> bool:
        if pk in self._known:
            return False
        if len(self._delivered) == self._delivered.maxlen:
            self._known.discard(self._delivered[0])
        self._delivered.append(pk)
        self._known.add(pk)
        return True

    def _deliver(self, pk: int, frames: list[dict[str, Any]]) -> None:
        if not self._remember(pk):
            return
        for number, entry in enumerate(frames):
            topics = frozenset(entry["topics"])
            frame = {"id": f"{pk}.{number}", **entry["frame"]}
            for deliver in set().union(*(self._listeners.get(topic, ()) for topic in topics)):
                deliver(topics, frame)


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
