"""Set and reset presences (domain.md 1.3)."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing import steps
from routing.events import PresenceChanged
from routing.locks import lock_agents
from routing.models import Presence, SetBy
from routing.signals import agent_became_free
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, Kind, NotVisible, Refusal
from supervisor_console.kernel.realtime import action

PRESENCE_NOT_SELECTABLE = Refusal(
    "presence_not_selectable",
    _("This presence is set by the product only. Choose another one."),
    kind=Kind.INVALID,
)


@action()
def set_presence(actor: Actor, agent_id: int, *, presence_id: int, now: datetime | None = None) -> PresenceChanged:
    """Set an agent's presence by hand; assigned work stays (domain.md 1.3).

    The agent may set their own, a supervisor anybody's. Raises ``NotVisible`` for somebody else's,
    ``ActionRefused`` for a presence that people cannot choose. Announced to the agent's desk and
    the reports.
    """
    if actor.agent_id != agent_id and not actor.is_supervisor:
        raise NotVisible
    agent = lock_agents([agent_id]).get(agent_id)
    presence = Presence.objects.filter(pk=presence_id).first()
    if agent is None or presence is None:
        raise NotVisible
    if not presence.is_selectable:
        raise ActionRefused(PRESENCE_NOT_SELECTABLE)
    now = now or timezone.now()
    set_by = SetBy.AGENT if actor.agent_id == agent_id else SetBy.SUPERVISOR
    event = PresenceChanged(
        actor=actor,
        at=now,
        agent_id=agent_id,
        from_presence=agent.presence.name,
        to_presence=presence.name,
        set_by=set_by.value,
    )
    steps.change_presence(agent, presence, set_by=set_by, actor=actor, now=now)
    agent_became_free.send(sender=None, agent_id=agent_id)
    return event
