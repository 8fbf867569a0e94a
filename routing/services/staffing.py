"""Take people on: users with roles, agents with a first presence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing import steps
from routing.models import Agent, BasePresence, PresenceChange, SetBy, User
from routing.signals import agent_became_free
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.errors import Kind, Refusal, require
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
    return add_agent_profile(user_id, max_units=max_units, is_bot=is_bot, now=now or timezone.now())


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
    announce(["agents"], {"type": "event", "code": "agent.changed", "at": (now or timezone.now()).isoformat()})
