"""What does one agent look like in a dialog? Presence, skills, load, and whether they can be chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from conversations import selectors
from conversations.models import Conversation
from conversations.policy import Target
from conversations.reports.durations import Clock, running
from conversations.reports.people import code_of, initials
from routing.models import Agent, SetBy
from routing.policy import Cost, excess_units, presence_caution, rank, skill_match
from supervisor_console.kernel.errors import Caution, Refusal


@dataclass(frozen=True, slots=True)
class SkillFact:
    """A skill an agent holds; ``needed`` is the proficiency that the conversation asks for, 0 for none."""

    name: str
    proficiency: int
    needed: int

    @property
    def is_short(self) -> bool:
        """Whether the conversation asks for more."""
        return self.proficiency < self.needed


@dataclass(frozen=True, slots=True)
class ProfileFact:
    """A capacity profile of an agent: items used and the limit; ``is_over`` if one more would exceed it."""

    name: str
    used: int
    limit: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent in a dialog (columns of domain.md 3.5).

    ``over`` is the units exceeded after the assignment. ``cautions`` must be confirmed before this
    one is chosen; with a ``refusal`` they can only be looked at. A bot holds conversations, and is never listed: it
    has no presence, and no limit that anybody set.
    """

    agent_id: int
    name: str
    is_bot: bool
    initials: str
    presence: str
    presence_label: str
    since: Clock
    set_by: str
    match: int | None
    skills: tuple[SkillFact, ...]
    used: int
    maximum: int
    after: int
    over: int
    profiles: tuple[ProfileFact, ...]
    conversations: int
    queues: tuple[str, ...]
    in_queue: bool
    refusal: Refusal | None
    cautions: tuple[Caution, ...]
    is_outside: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What is known about the conversation before agents are looked at."""

    conversation: Conversation
    cost: Cost
    needs: Mapping[int, int]
    allowed: frozenset[str]
    now: datetime


def needs(conversation: Conversation) -> tuple[str, ...]:
    """The skills a conversation asks for, each with the least proficiency."""
    rows = conversation.required_skills.select_related("skill").order_by("skill__type", "skill__name", "pk")
    return tuple(f"{row.skill.name} ≥ {row.minimum}" for row in rows)


def work_of(conversation: Conversation, now: datetime) -> Work:
    return Work(
        conversation=conversation,
        cost=selectors.cost_of(conversation),
        needs=dict(conversation.required_skills.values_list("skill_id", "minimum")),
        allowed=frozenset(conversation.workstream.allowed_presences),
        now=now,
    )


def order(row: AgentRow) -> tuple[object, ...]:
    """Those who can be chosen first, offline ones last, outside the presences before them, then by rank."""
    match = (row.match if row.match is not None else 100) / 100
    return (
        row.refusal is not None,
        row.presence == "offline",
        row.is_outside,
        *rank(match, row.maximum - row.used, row.name),
        row.agent_id,
    )


def agent_row(
    agent: Agent, target: Target, work: Work, refusal: Refusal | None, cautions: tuple[Caution, ...]
) -> AgentRow:
    load, limits = target.candidate.load, target.candidate.limits
    held = {found.skill_id: found for found in agent.agent_skills.all()}
    skills = sorted(held.values(), key=lambda found: (found.skill_id not in work.needs, found.skill.name))
    match = skill_match(work.needs, {skill_id: found.proficiency for skill_id, found in held.items()})
    return AgentRow(
        agent_id=agent.pk,
        name=agent.name,
        is_bot=agent.is_bot,
        initials=initials(agent.name),
        presence="" if agent.is_bot else code_of(agent.presence),
        presence_label="" if agent.is_bot else str(agent.presence.name),
        since=running(agent.presence_since, work.now),
        set_by=str(SetBy(agent.presence_set_by).label),
        match=round(match * 100) if work.needs else None,
        skills=tuple(
            SkillFact(found.skill.name, found.proficiency, work.needs.get(found.skill_id, 0)) for found in skills
        ),
        used=load.units,
        maximum=limits.max_units,
        after=load.units + work.cost.units,
        over=excess_units(load.units, work.cost.units, limits.max_units),
        profiles=_profiles(target, work.cost),
        conversations=load.conversations,
        queues=tuple(sorted(found.queue.name for found in agent.memberships.all())),
        in_queue=target.in_queue,
        refusal=refusal,
        cautions=cautions,
        is_outside=presence_caution(target.candidate, work.allowed) is not None,
    )


def _profiles(target: Target, cost: Cost) -> tuple[ProfileFact, ...]:
    """The agent's profiles, and those the conversation carries but the agent lacks (limit 0)."""
    items = target.candidate.load.items
    limits = {found.profile_id: (found.name, found.limit) for found in target.candidate.limits.profiles}
    known = {profile_id: (name, 0) for profile_id, name in cost.profiles.items()} | limits
    return tuple(
        ProfileFact(
            name, items.get(profile_id, 0), limit, profile_id in cost.profiles and items.get(profile_id, 0) >= limit
        )
        for profile_id, (name, limit) in sorted(known.items(), key=lambda item: item[1][0])
    )
