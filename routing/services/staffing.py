"""Take people on: users with roles, agents with a first presence."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from routing import steps
from routing.models import Agent, BasePresence, PresenceChange, SetBy, User
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.errors import ActionRefused, Kind, Refusal
from supervisor_console.kernel.realtime import action

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
    refusal = why_not_roles(roles)
    if refusal is not None:
        raise ActionRefused(refusal)
    user = User.objects.get(pk=user_id)
    user.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))


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
