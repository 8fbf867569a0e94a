"""Shared parts of services, on locked rows: change a presence, remember the one of who left, keep what was done."""

from __future__ import annotations

from datetime import datetime

from routing.locks import LockedAgent
from routing.models import BasePresence, Presence, PresenceChange, SetAfter, SetBy, StaffingChange
from routing.models.presence import INACTIVE
from routing.signals import person_is_told
from supervisor_console.kernel import realtime
from supervisor_console.kernel.actor import SYSTEM, Actor
from supervisor_console.kernel.events import Event, Json

LEFT = ("left_presence", "left_set_by", "left_set_after")
"""What is remembered of the presence of somebody who left."""


def base_presence(base: BasePresence) -> Presence:
    """The presence that comes with the product for this base."""
    return Presence.objects.get(code=base.value)


def inactive_presence() -> Presence:
    """The presence a missed offer sets."""
    return Presence.objects.get(code=INACTIVE)


def change_presence(
    agent: LockedAgent,
    presence: Presence,
    *,
    set_by: SetBy,
    actor: Actor,
    now: datetime,
    after: SetAfter | None = None,
) -> None:
    """Set an agent's presence, end the stay in the former one, and tell desks and reports.

    ``after`` says what it is set after, where that is to be known. A clock that runs behind the one that wrote the
    former stay does not make a stay of negative length. What was remembered of somebody who had left is forgotten.
    """
    now = max(now, agent.presence_since)
    PresenceChange.objects.filter(agent=agent, ended_at=None).update(ended_at=now)
    PresenceChange.objects.create(
        agent=agent,
        presence=presence,
        started_at=now,
        set_by=set_by,
        set_by_user_id=actor.user_id if set_by != SetBy.SYSTEM or after == SetAfter.RESET else None,
        set_after=after or "",
    )
    agent.presence = presence
    agent.presence_since = now
    agent.presence_set_by = set_by
    agent.presence_set_after = after or ""
    agent.left_presence, agent.left_set_by, agent.left_set_after = None, "", ""
    agent.save(update_fields=["presence", "presence_since", "presence_set_by", "presence_set_after", *LEFT])
    realtime.announce(
        ["agents", f"user:{agent.user_id}"],
        {"type": "event", "code": "agent.presence_changed", "agent": agent.pk, "at": now.isoformat()},
    )


def went(agent: LockedAgent, *, now: datetime) -> None:
    """Note since when an agent is away, which the work that they hold depends on (domain.md T17)."""
    agent.left_at = now
    agent.save(update_fields=["left_at"])


def came(agent: LockedAgent) -> None:
    """Note that an agent is there."""
    if agent.left_at is not None:
        agent.left_at = None
        agent.save(update_fields=["left_at"])


def leave(agent: LockedAgent, *, now: datetime) -> None:
    """Show an agent whose last page went away as Offline, and remember what they were (domain.md 1.3)."""
    before, set_by, after = agent.presence, agent.presence_set_by, agent.presence_set_after
    change_presence(agent, base_presence(BasePresence.OFFLINE), set_by=SetBy.SYSTEM, actor=SYSTEM, now=now)
    agent.left_presence, agent.left_set_by, agent.left_set_after = before, set_by, after
    agent.save(update_fields=LEFT)


def forget(agent: LockedAgent) -> None:
    """Forget what somebody was who left: they signed out since."""
    agent.left_presence, agent.left_set_by, agent.left_set_after = None, "", ""
    agent.save(update_fields=LEFT)


def record(agent: LockedAgent, event: Event) -> None:
    """Keep what somebody did about an agent."""
    StaffingChange.objects.create(
        agent=agent,
        code=event.code,
        at=event.at,
        actor_user_id=event.actor.user_id,
        actor_name=event.actor.name,
        data=event.data(),
    )


def tell(agent: LockedAgent, code: str, *, actor: Actor, now: datetime, **params: Json) -> None:
    """Tell an agent what somebody changed about them, by name: a notice that stays, and a toast where they are.

    Nobody is told of what they did themselves.
    """
    if actor.user_id != agent.user_id:
        known = {"name": actor.name, **params}
        person_is_told.send(sender=None, user_id=agent.user_id, code=code, params=known, now=now)
