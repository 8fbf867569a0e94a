"""What an event is: the frozen fact that a service returns, from which audit and push are made."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import ClassVar

from supervisor_console.kernel.actor import Actor

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, once, by somebody, at a time.

    ``code`` is stable and is what history, push and (later) webhooks call it.
    """

    code: ClassVar[str]
    actor: Actor
    at: datetime

    def data(self) -> dict[str, Json]:
        """The event's own facts as JSON, without actor and time, for the history."""
        return {
            field.name: _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name not in _COMMON
        }


_COMMON = frozenset({"actor", "at", "conversation_id", "version", "from_state", "to_state", "reason"})


def _plain(value: object) -> Json:
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        items = sorted(value, key=str) if isinstance(value, frozenset | set) else value
        return [_plain(item) for item in items]
    raise TypeError(f"{type(value).__name__} cannot go into the history")
