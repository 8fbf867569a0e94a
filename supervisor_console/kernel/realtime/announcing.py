"""How does an action say what it did? Into the outbox with its transaction, and through the layer after the commit."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar, cast

from django.db import transaction

from supervisor_console.kernel import action_log, clock, idempotency
from supervisor_console.kernel.events import Json
from supervisor_console.kernel.realtime import layer
from supervisor_console.kernel.realtime.frames import Frame
from supervisor_console.models import Announcement

P = ParamSpec("P")
T = TypeVar("T")

_frames: ContextVar[list[Json] | None] = ContextVar("frames", default=None)


class Action:
    """One durable transaction, and what it announces leaves with it or not at all; never nested.

    Announcements are one outbox row and, after the commit, one message through the channel layer. As the decorator
    of a service it also knows a request that was carried out before, and returns the event of the first time; and it
    writes one line to the log.
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
        line_of = action_log.lines_of(service)

        @wraps(service)
        def act(*args: P.args, **kwargs: P.kwargs) -> T:
            with line_of(args, kwargs) as line, _transaction():
                row, before = idempotency.claim(verb, args, kwargs)
                if before is not None:
                    line.came(before)
                    return cast(T, before)
                outcome = service(*args, **kwargs)
                if row is not None:
                    idempotency.note(row, outcome)
                line.came(outcome)
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
    layer.send({"type": "floor.frames", "id": None, "frames": [entry]})


def _post(frames: list[Json]) -> None:
    if not frames:
        return
    row = Announcement.objects.create(frames=frames, at=clock.now())
    message = {"type": "floor.frames", "id": row.pk, "frames": frames}
    transaction.on_commit(lambda: layer.send(message), robust=True)
