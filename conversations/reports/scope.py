"""Who sees the same? What was read or composed for one of them serves the others."""

from __future__ import annotations

from dataclasses import replace

from conversations import selectors
from supervisor_console.kernel.actor import Actor, ActorKind, Role

EVERYTHING = Actor(
    kind=ActorKind.SYSTEM, name="", roles=frozenset({Role.SUPERVISOR}), supervised_queue_ids=None, user_id=0
)
"""Sees what everybody sees who sees all queues, and reads the views that they share: nobody's leaving changes them."""


def seen_by(actor: Actor) -> Actor:
    """The actor in whose place this one sees; all that ``selectors.visible`` looks at is the same."""
    return EVERYTHING if selectors.sees_all(actor) else replace(actor, name="")
