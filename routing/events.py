"""What routing announces."""

from __future__ import annotations

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
