"""Take people on, and say where they work: users with roles, agents with a first presence, members of queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from routing import selectors, steps
from routing.events import QueuesChanged, queues_told
from routing.locks import LockedAgent, LockedQueue, lock_agents, lock_queues
from routing.models import Agent, BasePresence, PresenceChange, QueueMembership, SetBy, User
from routing.policy.staffing import Membership, why_not_change_queues
from routing.signals import agent_became_free
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import Kind, NotVisible, Refusal, require
from supervisor_console.kernel.realtime import action, announce

API_ROLE_CONFLICT = Refusal(
    "api_role_conflict",
    _("The API access role cannot be combined with another role: assignments to such a person fail."),
    kind=Kind.INVALID,
)


def why_not_roles(roles: frozenset[Role]) -> Refusal | None:
    """Why nobody can hold these roles together (domain.md 1.3, P4)."""
    return API_ROLE_CONFLICT if Role.API_ACCESS in roles and len(roles) > 1 else None


@action()
def give_roles(user_id: int, roles: frozenset[Role]) -> None:
    """Make these the roles of a person; raises ``ActionRefused`` for API access beside a human role."""
    set_roles(User.objects.get(pk=user_id), roles)


def set_roles(user: User, roles: frozenset[Role]) -> None:
    """The part of ``give_roles`` that admin forms use inside their own transaction.

    The administrators' pages open to administrators and to nobody else, so that door follows the role.
    """
    require(why_not_roles(roles))
    user.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    user.is_staff = user.is_superuser or Role.ADMINISTRATOR in roles
    user.save(update_fields=["is_staff"])
    user.__dict__.pop("role_set", None)  # It may have been read before.


@action()
def make_agent(user_id: int, *, max_units: int = 100, is_bot: bool = False, now: datetime | None = None) -> Agent:
    """Give a person (or bot) an agent profile, Offline until they come to their desk."""
    return add_agent_profile(user_id, max_units=max_units, is_bot=is_bot, now=now or clock.now())


def add_agent_profile(user_id: int, *, max_units: int, is_bot: bool, now: datetime) -> Agent:
    """The part of ``make_agent`` that admin forms use inside their own transaction."""
    offline = steps.base_presence(BasePresence.OFFLINE)
    agent = Agent.objects.create(
        user_id=user_id, max_units=max_units, is_bot=is_bot, presence=offline, presence_since=now
    )
    PresenceChange.objects.create(agent=agent, presence=offline, started_at=now, set_by=SetBy.SYSTEM)
    return agent


@action()
def agents_changed(agent_ids: Iterable[int], *, now: datetime | None = None) -> None:
    """Queues, skills or capacity of these agents changed: that is a reason to distribute again (domain.md 1.2).

    Announced to the reports, which show capacity and membership.
    """
    for agent_id in sorted(set(agent_ids)):
        agent_became_free.send(sender=None, agent_id=agent_id)
    announce(["agents"], {"type": "event", "code": "agent.changed", "at": (now or clock.now()).isoformat()})


# --- queues ---------------------------------------------------------------------------------------------------------

NO_QUEUES: frozenset[int] = frozenset()


@action()
def change_queues(
    actor: Actor,
    agent_id: int,
    *,
    add: frozenset[int] = NO_QUEUES,
    remove: frozenset[int] = NO_QUEUES,
    now: datetime | None = None,
) -> QueuesChanged:
    """A supervisor adds an agent to queues and takes them out of others; what they have stays with them (1.3, F55).

    Raises ``NotVisible`` for an agent whom the actor does not supervise, ``ActionRefused`` with the reasons of
    ``policy.staffing``. Kept in ``StaffingChange``. Announced to the reports, to distribution, and to the agent,
    who also gets a notice.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None or not selectors.supervises(actor, agent_id):
        raise NotVisible
    queues = lock_queues(add | remove)
    known = _memberships(actor, agent, queues)
    require(why_not_change_queues(agent.name, add, remove, known))
    added = [pk for pk in sorted(add) if not known[pk].is_member]
    removed = [pk for pk in sorted(remove) if known[pk].is_member]
    QueueMembership.objects.bulk_create(QueueMembership(agent=agent, queue=queues[pk]) for pk in added)
    QueueMembership.objects.filter(agent=agent, queue__in=removed).delete()
    event = QueuesChanged(
        actor=actor,
        at=now or clock.now(),
        agent_id=agent_id,
        added=tuple(known[pk].name for pk in added),
        removed=tuple(known[pk].name for pk in removed),
    )
    _publish(agent, event)
    return event


def _memberships(actor: Actor, agent: LockedAgent, queues: Mapping[int, LockedQueue]) -> dict[int, Membership]:
    """These queues as they concern this agent. Three queries."""
    scope = set(selectors.supervised_queues(actor).filter(pk__in=queues).values_list("pk", flat=True))
    mine = set(QueueMembership.objects.filter(agent=agent, queue__in=queues).values_list("queue", flat=True))
    others = selectors.agents().exclude(pk=agent.pk).filter(memberships__queue__in=queues)
    number = Counter(others.values_list("memberships__queue", flat=True))
    return {
        pk: Membership(
            name=queue.name,
            is_default=queue.is_default,
            is_in_scope=pk in scope or (queue.is_default and actor.supervises_queue(pk)),
            is_member=pk in mine,
            others=number[pk],
        )
        for pk, queue in queues.items()
    }


def _publish(agent: LockedAgent, event: QueuesChanged) -> None:
    """Keep the change, and tell everybody whom it concerns: the agent first by name, then every screen."""
    steps.record(agent, event)
    names = {"added": ", ".join(event.added), "removed": ", ".join(event.removed)}
    steps.tell(agent, queues_told(event.added, event.removed), actor=event.actor, now=event.at, **names)
    agent_became_free.send(sender=None, agent_id=agent.pk)
    announce(
        ["agents", f"user:{agent.user_id}"],
        {"type": "event", "code": event.code, "agent": agent.pk, "at": event.at.isoformat()},
    )
