"""Set and reset presences (domain.md 1.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing import policy, selectors, steps
from routing.events import PresenceChanged
from routing.locks import lock_agents
from routing.models import BasePresence, Presence, SetBy
from routing.policy import Load
from routing.signals import agent_became_free
from supervisor_console.kernel.actor import SYSTEM, Actor
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
    if not actor.is_active or (actor.agent_id != agent_id and not actor.is_supervisor):
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


LoadOf = Callable[[int, datetime], Load]
"""How sign-in learns what an agent holds: work is known to the app above, so the caller brings the question."""


@action()
def sign_in(agent_id: int, *, load_of: LoadOf, now: datetime | None = None) -> bool:
    """An agent who was signed out comes: the default presence, or the one of their load (domain.md 1.3).

    A default of Offline or Away (by its base) is applied as it is; with any other, or none, the
    load decides. Who is there already, in another browser, keeps their presence. Returns whether it
    changed; if so, desks, reports and distribution hear of it.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None or agent.presence.base != BasePresence.OFFLINE or agent.presence_set_by != SetBy.SYSTEM:
        return False
    now = now or timezone.now()
    presence = agent.default_presence
    if presence is None or presence.base not in (BasePresence.OFFLINE, BasePresence.AWAY):
        limits = selectors.limits_of([agent])[agent.pk]
        presence = steps.base_presence(policy.presence_from_capacity(load_of(agent.pk, now), limits))
    if presence == agent.presence:
        return False
    steps.change_presence(agent, presence, set_by=SetBy.SYSTEM, actor=SYSTEM, now=now)
    agent_became_free.send(sender=None, agent_id=agent.pk)
    return True


@action()
def sign_out(agent_id: int, *, now: datetime | None = None) -> bool:
    """An agent signs out: Offline, whoever set what before; the work stays (domain.md 1.3).

    Returns whether it changed. Announced to desks and reports.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None or (agent.presence.base == BasePresence.OFFLINE and agent.presence_set_by == SetBy.SYSTEM):
        return False
    offline = steps.base_presence(BasePresence.OFFLINE)
    steps.change_presence(agent, offline, set_by=SetBy.SYSTEM, actor=SYSTEM, now=now or timezone.now())
    return True
