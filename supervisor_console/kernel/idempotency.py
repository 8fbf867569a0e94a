"""Was this very request carried out before? A double click or a retry has one effect and one outcome.

A form carries a key that is made when it is rendered. The first action of the request that names it is written down
with its event, in its own transaction; the same person sending the same thing again gets that event back. A request
that was refused leaves nothing behind, and may be tried again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, cast

from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.events import Event
from supervisor_console.models import IdempotencyKey

FIELD = "idempotency_key"
"""The name of the hidden field."""

HEADER = "Idempotency-Key"

KEY_MAX = 64

KEEP = timedelta(hours=24)
"""How long a request is recognised."""

_key: ContextVar[str] = ContextVar("idempotency_key", default="")


@contextlib.contextmanager
def request_key(key: str) -> Iterator[None]:
    """Actions inside are those of the request with this key; one that cannot be kept counts as none."""
    token = _key.set(key if len(key) <= KEY_MAX and key.isprintable() else "")
    try:
        yield
    finally:
        _key.reset(token)


def claim(verb: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[IdempotencyKey | None, Event | None]:
    """Inside the transaction of an action: the row to note its event in, or the event of the first time.

    Both are None where the request has no key or nobody in particular acts. A second request that comes while the
    first is under way waits here until that one has committed or was refused: the unique index makes it wait.
    """
    key, actor = _key.get(), args[0] if args else None
    who = _who(actor) if isinstance(actor, Actor) else ""
    if not key or not who:
        return None, None
    row, is_new = IdempotencyKey.objects.get_or_create(
        who=who, key=key, what=_what(verb, args[1:], kwargs), defaults={"at": clock.now()}
    )
    return (row, None) if is_new else (None, _thaw(row.outcome, cast(Actor, actor)))


def note(row: IdempotencyKey, event: object) -> None:
    """Write down what came of it, in the same transaction."""
    if isinstance(event, Event):
        row.outcome = _freeze(event)
        row.save(update_fields=["outcome"])
    else:
        row.delete()  # Only an event can be given twice.


def prune(now: datetime) -> int:
    """Forget requests of long ago; reads first, so that it seldom locks."""
    old = IdempotencyKey.objects.filter(at__lt=now - KEEP)
    return old.delete()[0] if old.exists() else 0


def _who(actor: Actor) -> str:
    if actor.user_id is not None:
        return f"user:{actor.user_id}"
    return f"customer:{actor.customer_id}" if actor.customer_id is not None else ""


def _what(verb: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """A short name of exactly what is asked for: a key is not honoured for another choice in the same form."""
    asked = {name: sorted(value) if isinstance(value, frozenset) else value for name, value in kwargs.items()}
    said = repr((verb, args, sorted(asked.items())))
    return hashlib.blake2s(said.encode(), digest_size=16).hexdigest()


def _freeze(event: Event) -> dict[str, Any]:
    fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event) if field.name != "actor"}
    return {"code": event.code, "fields": {**fields, "at": event.at.isoformat()}}


def _thaw(outcome: Mapping[str, Any], actor: Actor) -> Event:
    """The event of the first time; its actor is whoever asks, for a key is honoured for the same one only."""
    kind = _kinds()[outcome["code"]]
    kept: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in outcome["fields"].items()
    }
    at = datetime.fromisoformat(kept.pop("at"))
    return kind(actor=actor, at=at, **kept)


def _kinds(base: type[Event] = Event) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for kind in base.__subclasses__():
        found |= {kind.code: kind, **_kinds(kind)}
    return found
