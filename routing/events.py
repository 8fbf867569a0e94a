"""What routing announces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from supervisor_console.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged(Event):
    """An agent's presence changed; the history is in ``PresenceChange``."""

    code: ClassVar[str] = "agent.presence_changed"
    agent_id: int
    from_presence: str
    to_presence: str
    set_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceReset(PresenceChanged):
    """Somebody gave an agent the presence again that follows from their work; ``StaffingChange`` keeps it.

    ``after`` is what had set the former one: a missed or rejected offer; empty where a supervisor had.
    """

    code: ClassVar[str] = "agent.presence_reset"
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuesChanged(Event):
    """An agent belongs to other queues than before; ``StaffingChange`` keeps it. Queues by name."""

    code: ClassVar[str] = "agent.queues_changed"
    agent_id: int
    added: tuple[str, ...]
    removed: tuple[str, ...]


def queues_told(added: Collection[str], removed: Collection[str]) -> str:
    """The code of the sentence that tells of it: only added, only taken out, or both."""
    return "queues_changed" if added and removed else "queues_added" if added else "queues_removed"
