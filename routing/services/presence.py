"""Set presences, and follow who comes and goes (domain.md 1.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from routing import policy, selectors, steps
from routing.events import PresenceChanged, PresenceReset
from routing.locks import LockedAgent, lock_agents
from routing.models import BasePresence, Connection, Presence, SetAfter, SetBy
from routing.models.presence import DECLINES
from routing.policy import Load, PresenceNow, Standing
from routing.signals import agent_became_free
from supervisor_console.kernel import clock, pages
from supervisor_console.kernel.actor import SYSTEM, Actor
from supervisor_console.kernel.errors import ActionRefused, Kind, NotVisible, Refusal, require
from supervisor_console.kernel.realtime import action

PRESENCE_NOT_SELECTABLE = Refusal(
    "presence_not_selectable",
    _("This presence is set by the product only. Choose another one."),
    kind=Kind.INVALID,
)


@action()
def set_presence(actor: Actor, agent_id: int, *, presence_id: int, now: datetime | None = None) -> PresenceChanged:
    """Set an agent's presence by hand; assigned work stays (domain.md 1.3).

    The agent may set their own, a supervisor that of anybody they supervise (D13). Raises ``NotVisible`` for
    somebody else's, ``ActionRefused`` for a presence that people cannot choose. Announced to the agent's desk
    and the reports; an agent whose presence somebody else sets gets a notice.
    """
    agent = _own_or_supervised(actor, agent_id)
    presence = Presence.objects.filter(pk=presence_id).first()
    if presence is None:
        raise NotVisible
    if not presence.is_selectable:
        raise ActionRefused(PRESENCE_NOT_SELECTABLE)
    now = now or clock.now()
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
    steps.tell(agent, "presence_set", actor=actor, now=now, presence=presence.name)
    agent_became_free.send(sender=None, agent_id=agent_id)
    return event


LoadOf = Callable[[int, datetime], Load]
"""How to learn what an agent holds: work is known to the app above, so the caller brings the question."""


@action()
def reset_presence(actor: Actor, agent_id: int, *, load_of: LoadOf, now: datetime | None = None) -> PresenceReset:
    """Give an agent the presence that follows from their work, after a missed or rejected offer (domain.md 4.3).

    Also after a supervisor had set one. The agent may reset their own, a supervisor that of anybody they supervise.
    Raises ``NotVisible`` for somebody else's, ``ActionRefused`` with the reasons of ``policy.why_not_reset``. Kept in
    ``StaffingChange``. Announced to desk, reports and distribution; an agent whose presence somebody else resets gets
    a notice.
    """
    agent = _own_or_supervised(actor, agent_id)
    set_by, has_left = SetBy(agent.presence_set_by), _is_gone(agent) or agent.left_at is not None
    require(policy.why_not_reset(Standing(agent.name, str(agent.presence.name), set_by, agent.needs_reset, has_left)))
    now = now or clock.now()
    base = policy.presence_from_capacity(load_of(agent.pk, now), selectors.limits_of([agent])[agent.pk])
    presence = steps.base_presence(base)
    event = PresenceReset(
        actor=actor,
        at=now,
        agent_id=agent_id,
        from_presence=agent.presence.name,
        to_presence=presence.name,
        set_by=SetBy.SYSTEM.value,
        after=agent.presence_set_after,
    )
    steps.change_presence(agent, presence, set_by=SetBy.SYSTEM, actor=actor, now=now, after=SetAfter.RESET)
    steps.record(agent, event)
    steps.tell(agent, "presence_reset", actor=actor, now=now, presence=presence.name)
    agent_became_free.send(sender=None, agent_id=agent_id)
    return event


def _own_or_supervised(actor: Actor, agent_id: int) -> LockedAgent:
    """Lock this agent for themselves, or for somebody who supervises them (D13); ``NotVisible`` for others."""
    if not actor.is_active or (actor.agent_id != agent_id and not selectors.supervises(actor, agent_id)):
        raise NotVisible
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None:
        raise NotVisible
    return agent


@action()
def sign_in(agent_id: int, *, load_of: LoadOf, now: datetime | None = None) -> bool:
    """An agent who was signed out comes: the default presence, or the one of their load (domain.md 1.3).

    A default of Offline or Away (by its base) is applied as it is; with any other, or none, the
    load decides. Who is there already, in another browser, keeps their presence. Returns whether it
    changed; if so, desks, reports and distribution hear of it.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None:
        return False
    steps.came(agent)
    return _come(agent, load_of, now or clock.now())


@action()
def sign_out(agent_id: int, *, now: datetime | None = None) -> bool:
    """An agent signs out: Offline, whoever set what before; the work stays (domain.md 1.3).

    Since when they are away, the last of their pages says when it closes.
    Returns whether it changed. Announced to desks and reports.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None:
        return False
    now = now or clock.now()
    if _is_gone(agent):
        steps.forget(agent)
        return False
    offline = steps.base_presence(BasePresence.OFFLINE)
    steps.change_presence(agent, offline, set_by=SetBy.SYSTEM, actor=SYSTEM, now=now)
    return True


def _is_gone(agent: LockedAgent) -> bool:
    """Offline because they signed out or all their pages are closed; not because somebody chose it."""
    return agent.presence.base == BasePresence.OFFLINE and agent.presence_set_by == SetBy.SYSTEM


def _come(agent: LockedAgent, load_of: LoadOf, now: datetime) -> bool:
    if not _is_gone(agent):
        return False
    presence = agent.default_presence
    if presence is None or presence.base not in (BasePresence.OFFLINE, BasePresence.AWAY):
        limits = selectors.limits_of([agent])[agent.pk]
        presence = steps.base_presence(policy.presence_from_capacity(load_of(agent.pk, now), limits))
    if presence == agent.presence:
        return False
    steps.change_presence(agent, presence, set_by=SetBy.SYSTEM, actor=SYSTEM, now=now)
    agent_became_free.send(sender=None, agent_id=agent.pk)
    return True


# --- connections: the presence of a person is one over all their pages (domain.md 1.3, F31) ----------------------


@action()
def connected(
    agent_id: int, key: UUID, *, process: UUID, load_of: LoadOf, remembered_for: timedelta, now: datetime | None = None
) -> bool:
    """A page of an agent is connected. Who was gone is there again (domain.md 1.3).

    Back within ``remembered_for``, they have the presence again that they left; later, the one that signing in would
    give. Returns whether it changed; if so, desks, reports and distribution hear of it.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None:
        return False
    steps.came(agent)
    now = now or clock.now()
    Connection.objects.filter(pages.over(now), agent=agent).delete()
    live = {"agent": agent, "process": process, "seen_at": now, "closed_at": None}
    Connection.objects.update_or_create(key=key, defaults=live)
    left, left_at = agent.left_presence, agent.presence_since
    if left is None or not _is_gone(agent) or now - left_at > remembered_for:
        return _come(agent, load_of, now)
    set_by = SetBy(agent.left_set_by)
    after = SetAfter(agent.left_set_after) if agent.left_set_after else None
    before = PresenceNow(BasePresence(left.base), set_by, left.is_inactive, after in DECLINES)
    base = policy.presence_on_return(before, load_of(agent.pk, now), selectors.limits_of([agent])[agent.pk])
    presence = left if base is None or base == left.base else steps.base_presence(base)
    held = after if after in DECLINES else None
    steps.change_presence(agent, presence, set_by=set_by, actor=SYSTEM, now=now, after=held)
    agent_became_free.send(sender=None, agent_id=agent.pk)
    return True


def keep_alive(process: UUID, *, closed: Iterable[UUID] = (), now: datetime | None = None) -> frozenset[UUID]:
    """A process says which of its pages closed, and that the others live; returns the keys of those.

    One that is missing there is new, or counted as lost meanwhile, and has to be connected. Whether
    the agent of a closed one is gone, ``leave`` decides later.
    """
    return pages.keep_alive(Connection.objects.all(), process, closed, now or clock.now())


def gone(now: datetime, *, misses: bool = True) -> list[int]:
    """The agents who were connected and are not any more. Nobody who never was is among them."""
    return pages.gone(Connection.objects.all(), "agent_id", now, misses=misses)


@action()
def leave(agent_id: int, *, now: datetime | None = None) -> bool:
    """The last page of an agent is gone: Offline, and what they were is remembered (domain.md 1.3).

    The work stays for a while: ``left_at`` says since when they are away. Nothing happens if a page came back
    meanwhile. Returns whether the presence
    changed; if so, desks and reports hear of it.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    now = now or clock.now()
    mine = Connection.objects.filter(agent=agent_id)
    if agent is None or not mine.exists() or mine.exclude(pages.over(now)).exists():
        return False
    mine.delete()
    steps.went(agent, now=now)
    if agent.presence.base == BasePresence.OFFLINE:
        return False
    steps.leave(agent, now=now)
    return True
