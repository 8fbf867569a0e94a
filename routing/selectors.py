"""What routing is asked: who somebody is, who belongs to a queue, what an agent can take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Value, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from routing.models import (
    Agent,
    AgentProfile,
    AgentSkill,
    BasePresence,
    Queue,
    QueueMembership,
    ResetFrequency,
    SetAfter,
    User,
    Workstream,
)
from routing.policy import Candidate, Contender, Limits, Load, Opening, Past, ProfileLimit, Terms, is_open
from supervisor_console.kernel.actor import Actor, ActorKind, Role
from supervisor_console.kernel.questions import Among, question

VIEW_ALL_QUEUES = "routing.view_all_queues"
PERMISSIONS_BACKEND = "django.contrib.auth.backends.ModelBackend"


def actor_for(user: User) -> Actor:
    """The actor that this signed-in person is, with roles and scope (domain.md D13)."""
    return actors_for([user])[user.pk]


def actors_for(users: Iterable[User]) -> dict[int, Actor]:
    """The actors that these people are, in a fixed number of queries however many they are."""
    rows = {user.pk: user for user in users}
    profiles: dict[int, int] = {}
    names: dict[int, set[str]] = {pk: set() for pk in rows}
    see_all = set()
    for pk, agent_id, is_bot, role, sees_all in _standings(list(rows)):
        names[pk].add(role)
        if agent_id is not None and not is_bot:
            profiles[pk] = agent_id
        if sees_all:
            see_all.add(pk)
    queues = queue_ids_by_agent(profiles.values())
    found = {}
    for user in rows.values():
        roles = frozenset(role for role in Role if role.value in names[user.pk])
        agent_id = profiles.get(user.pk)
        queue_ids = queues[agent_id] if agent_id is not None else frozenset()
        supervised = None if user.pk in see_all else queue_ids
        found[user.pk] = Actor(
            kind=ActorKind.PERSON,
            name=user.display_name,
            user_id=user.pk,
            agent_id=agent_id,
            is_active=user.is_active,
            roles=roles,
            supervised_queue_ids=supervised if Role.SUPERVISOR in roles else frozenset(),
            agent_queue_ids=queue_ids if Role.AGENT in roles else frozenset(),
        )
    return found


@question
def _standings(user_ids: Collection[int]) -> QuerySet[User, Any]:
    """Who these people are: profile, whether it is a bot's, one of their roles, whether they see every queue."""
    see_all = User.objects.with_perm(VIEW_ALL_QUEUES, backend=PERMISSIONS_BACKEND).filter(pk=OuterRef("pk"))
    people = User.objects.filter(Among("pk", user_ids))
    return people.values_list("pk", "agent", "agent__is_bot", "groups__name", Exists(see_all))


def agents() -> QuerySet[Agent]:
    """Every active person who takes work: agent profile, agent role, not a bot (domain.md 3.5)."""
    return Agent.objects.filter(is_bot=False, user__is_active=True, user__groups__name=Role.AGENT.value).select_related(
        "user", "presence"
    )


def needing_second_factor(user_ids: Collection[int]) -> QuerySet[User]:
    """Those of these people who hold a role that needs a second factor (REQUIRE_SECOND_FACTOR)."""
    roles = [role.value for role in Role if role.value.lower() in settings.REQUIRE_SECOND_FACTOR]
    holds = Q(groups__name__in=roles)
    if Role.ADMINISTRATOR.value in roles:
        holds |= Q(is_superuser=True)
    return User.objects.filter(holds, pk__in=user_ids).distinct() if roles else User.objects.none()


def lacking_second_factor(user_ids: Collection[int]) -> frozenset[int]:
    """Those of these people who need a second factor and have none: they may only set it up."""
    if not settings.REQUIRE_SECOND_FACTOR:
        return frozenset()
    found = needing_second_factor(user_ids).exclude(authenticator__type=Authenticator.Type.TOTP)
    return frozenset(found.values_list("pk", flat=True))


def supervised(actor: Actor) -> QuerySet[Agent]:
    """The agents whom this actor supervises: the one scoping function for people (domain.md D13).

    Everybody with ``view_all_queues``; otherwise the members of the own queues. The default queues, to which
    everybody belongs, say nothing of whom one supervises.
    """
    if not actor.is_supervisor:
        return agents().none()
    if actor.supervised_queue_ids is None:
        return agents()
    inside = QueueMembership.objects.filter(queue__in=actor.supervised_queue_ids, queue__is_default=False)
    return agents().filter(pk__in=inside.values("agent"))


def supervises(actor: Actor, agent_id: int) -> bool:
    """Whether this agent is among those whom the actor supervises."""
    return supervised(actor).filter(pk=agent_id).exists()


def supervised_queues(actor: Actor) -> QuerySet[Queue]:
    """The queues whose members this actor may choose; to the default ones everybody belongs (domain.md 1.2)."""
    queues = Queue.objects.filter(is_default=False)
    if not actor.is_supervisor:
        return queues.none()
    return queues if actor.supervised_queue_ids is None else queues.filter(pk__in=actor.supervised_queue_ids)


def queue_ids_by_agent(agent_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """The queues that each of these agents belongs to, the default ones included (domain.md 1.2)."""
    found: dict[int, set[int]] = {agent_id: set() for agent_id in agent_ids}
    if not found:
        return {}
    own = QueueMembership.objects.filter(agent__in=found).values_list("agent_id", "queue_id")
    everybodys: set[int] = set()
    for agent_id, queue_id in own.union(_everybodys().values_list(Value(NOBODY), "pk"), all=True):
        (everybodys if agent_id == NOBODY else found[agent_id]).add(queue_id)
    return {agent_id: frozenset(everybodys | queue_ids) for agent_id, queue_ids in found.items()}


NOBODY = 0
"""No agent's id: who belongs to a default queue need not be said."""


def _everybodys() -> QuerySet[Queue]:
    """The default queues, to which every agent belongs (domain.md 1.2)."""
    return Queue.objects.filter(is_default=True)


def is_member(agent_id: int, queue: Queue) -> bool:
    """Whether the agent belongs to the queue; every agent belongs to a default one."""
    return queue.is_default or QueueMembership.objects.filter(queue=queue, agent=agent_id).exists()


def members(queue: Queue) -> QuerySet[Agent]:
    """The agents of a queue."""
    return agents() if queue.is_default else agents().filter(memberships__queue=queue)


def members_of(queue_ids: Iterable[int]) -> QuerySet[Agent]:
    """The agents of these queues, each once."""
    wanted = list(queue_ids)
    if Queue.objects.filter(pk__in=wanted, is_default=True).exists():
        return agents()
    return agents().filter(pk__in=QueueMembership.objects.filter(queue__in=wanted).values("agent"))


def some_members_of(queue_ids: Iterable[int], most: int) -> QuerySet[Agent]:
    """The first agents of each of these queues: so many, or all where there are fewer."""
    wanted = list(queue_ids)
    place = Window(RowNumber(), partition_by="queue", order_by="agent")
    first = QueueMembership.objects.filter(queue__in=wanted, agent__in=agents()).annotate(place=place)
    ids = set(first.filter(place__lte=most).values_list("agent", flat=True))
    if Queue.objects.filter(pk__in=wanted, is_default=True).exists():
        ids |= set(agents().order_by("pk").values_list("pk", flat=True)[:most])
    return agents().filter(pk__in=ids)


def queue_ids_of(agent_ids: Iterable[int]) -> frozenset[int]:
    """The queues to which any of these agents belongs, the default ones included."""
    rows = Queue.objects.filter(Q(memberships__agent__in=list(agent_ids)) | Q(is_default=True))
    return frozenset(rows.values_list("pk", flat=True))


def member_count(queue: Queue) -> int:
    """How many agents belong to a queue."""
    return members(queue).count()


def limits_of(agent_rows: Iterable[Agent]) -> dict[int, Limits]:
    """What each of these agents can take, in one query."""
    rows = list(agent_rows)
    profiles: dict[int, list[ProfileLimit]] = {agent.pk: [] for agent in rows}
    for found in AgentProfile.objects.filter(agent__in=profiles).select_related("profile"):
        profiles[found.agent_id].append(
            ProfileLimit(
                found.profile_id,
                found.profile.name,
                found.limit,
                found.profile.is_blocking,
                found.profile.reset == ResetFrequency.END_OF_DAY,
            )
        )
    return {agent.pk: Limits(agent.max_units, tuple(profiles[agent.pk])) for agent in rows}


def role_names(user_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """The roles of these people, in one query."""
    found: dict[int, set[str]] = defaultdict(set)
    for user_id, name in _role_names(list(user_ids)):
        found[user_id].add(name)
    return {user_id: frozenset(names) for user_id, names in found.items()}


@question
def _role_names(user_ids: Collection[int]) -> QuerySet[User, Any]:
    return User.objects.filter(Among("pk", user_ids)).values_list("pk", "groups__name")


def candidates(agent_rows: Iterable[Agent], loads: Mapping[int, Load]) -> dict[int, Candidate]:
    """The facts policy needs about these agents, in a fixed number of queries.

    ``loads`` comes from the app that knows work; an agent missing there holds nothing.
    """
    rows = list(agent_rows)
    limits = limits_of(rows)
    roles = role_names(agent.user_id for agent in rows)
    return {
        agent.pk: Candidate(
            agent_id=agent.pk,
            name=agent.name,
            is_bot=agent.is_bot,
            is_active=agent.user.is_active,
            base_presence=BasePresence(agent.presence.base),
            presence_name=agent.presence.name,
            limits=limits[agent.pk],
            load=loads.get(agent.pk, Load()),
            has_api_role=Role.API_ACCESS.value in roles[agent.user_id],
            has_agent_role=Role.AGENT.value in roles[agent.user_id],
            is_inactive=agent.presence.is_inactive,
            has_rejected=agent.presence_set_after == SetAfter.REJECTED,
        )
        for agent in rows
    }


def contenders(
    agent_rows: Iterable[Agent], loads: Mapping[int, Load], pasts: Mapping[int, Past]
) -> dict[int, Contender]:
    """These agents as distribution sees them, in a fixed number of queries.

    ``loads`` and ``pasts`` come from the app that knows work.
    """
    found = candidates(agent_rows, loads)
    queues = queue_ids_by_agent(found)
    skills: dict[int, dict[int, int]] = defaultdict(dict)
    held = AgentSkill.objects.filter(agent__in=found)
    for agent_id, skill_id, proficiency in held.values_list("agent_id", "skill_id", "proficiency"):
        skills[agent_id][skill_id] = proficiency
    return {
        agent_id: Contender(candidate, queues[agent_id], skills[agent_id], pasts.get(agent_id, Past()))
        for agent_id, candidate in found.items()
    }


def openings(queue: Queue) -> list[Opening]:
    """A queue's operating hours as policy takes them; prefetched rows are used where there are."""
    return [
        Opening(span.weekday, f"{span.opens:%H:%M}", f"{span.closes:%H:%M}") for span in queue.operating_hours.all()
    ]


def queue_is_open(queue: Queue, now: datetime | None = None) -> bool:
    """Whether a queue is inside its operating hours now, in the centre's time zone."""
    return is_open(openings(queue), timezone.localtime(now))


def terms_of(stream: Workstream) -> Terms:
    """What a workstream says of its offers at this moment (domain.md 4.2)."""
    return Terms(stream.auto_assigns, stream.auto_accepts, stream.offers_reject)
