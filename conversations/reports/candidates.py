"""Who could take this conversation? The agents and queues of the Assign and Transfer dialogs (domain.md 3.5, 3.6).

A fixed number of queries however many agents there are. Whether somebody can be chosen, and what must be confirmed,
is policy's answer; here it is only filtered, ranked and made ready to print.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Count, Min, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations import policy, selectors
from conversations.models import Conversation, State
from conversations.policy import Facts, QueueTarget, Switches, Target
from conversations.reports.durations import Clock, running
from conversations.reports.people import code_of, initials
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, Queue, SetBy, Skill
from routing.policy import Cost, excess_units, presence_caution, rank, skill_match
from supervisor_console.kernel.errors import Caution, Kind, Refusal

PAGE = 20
"""How many agents a dialog shows at first, and how many more each time."""

OUTSIDE_PRESENCE = Refusal(
    "presence_override_off",
    gettext_lazy(
        "%(agent)s is %(presence)s, which this workstream does not allow. "
        "Switch on «Also show agents outside the allowed presences» to choose them."
    ),
    kind=Kind.INVALID,
)
"""Why an agent whom a presence override could reach is not offered before the switch is on (domain.md 3.5)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the supervisor asked the list of agents for; the address of the dialog holds it.

    A search text looks through all agents, whatever their queue. ``outside`` is the presence
    override, ``others`` shows those who cannot be chosen too, ``chosen`` stays in the list.
    """

    text: str = ""
    queue_id: int | None = None
    skill_id: int | None = None
    base: str = ""
    outside: bool = False
    others: bool = False
    limit: int = PAGE
    chosen: int | None = None


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
    one is chosen; with a ``refusal`` they can only be looked at.
    """

    agent_id: int
    name: str
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
class Remedy:
    """What would fill an empty list: a label, and what to change in what was asked."""

    label: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Emptied:
    """Which condition emptied the list, and what can be done about it."""

    code: str
    title: str
    text: str = ""
    remedies: tuple[Remedy, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentList:
    """The list of a dialog: those who can be chosen in order, then those who can be looked at."""

    rows: tuple[AgentRow, ...]
    choosable: int
    others: int
    hidden: int
    units: int
    needs: tuple[str, ...]
    emptied: Emptied | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a filter."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class _Work:
    """What is known about the conversation before agents are looked at."""

    conversation: Conversation
    cost: Cost
    needs: Mapping[int, int]
    allowed: frozenset[str]
    now: datetime


Judge = Callable[[Target], tuple[Refusal | None, tuple[Caution, ...]]]


def assignable(conversation: Conversation, asked: Asked, *, switches: Switches, now: datetime) -> AgentList:
    """The agents an open conversation could be assigned to (domain.md 3.5)."""
    work = _work(conversation, now)

    def judge(target: Target) -> tuple[Refusal | None, tuple[Caution, ...]]:
        refusal = policy.why_not_assign_to(target, switches)
        outside = presence_caution(target.candidate, work.allowed) is not None
        if refusal is None and outside and not asked.outside and target.candidate.agent_id != asked.chosen:
            names = {"agent": target.candidate.name, "presence": target.candidate.presence_name}
            refusal = replace(OUTSIDE_PRESENCE, numbers=names)
        return refusal, policy.cautions_assign(target, work.cost, work.allowed)

    queue = _queue(asked.queue_id)
    return _listed(work, asked, queue, judge)


def transferable(conversation: Conversation, asked: Asked, *, facts: Facts, now: datetime) -> AgentList:
    """The members of the current queue who could take over; nobody outside the presences (domain.md 3.6)."""
    work = _work(conversation, now)

    def judge(target: Target) -> tuple[Refusal | None, tuple[Caution, ...]]:
        refusal = policy.why_not_transfer_to(target, facts, work.allowed)
        return refusal, policy.cautions_transfer(target, work.cost)

    return _listed(work, asked, conversation.queue, judge)


def holder(conversation: Conversation, agent: Agent, now: datetime) -> AgentRow:
    """The agent who has the conversation, as the dialogs show agents: presence, skills and load as they are now."""
    target = selectors.targets(conversation, [agent], now)[agent.pk]
    return _row(agent, target, _work(conversation, now), None, ())


def needs(conversation: Conversation) -> tuple[str, ...]:
    """The skills a conversation asks for, each with the least proficiency."""
    rows = conversation.required_skills.select_related("skill").order_by("skill__type", "skill__name", "pk")
    return tuple(f"{row.skill.name} ≥ {row.minimum}" for row in rows)


def _work(conversation: Conversation, now: datetime) -> _Work:
    return _Work(
        conversation=conversation,
        cost=selectors.cost_of(conversation),
        needs=dict(conversation.required_skills.values_list("skill_id", "minimum")),
        allowed=frozenset(conversation.workstream.allowed_presences),
        now=now,
    )


def _listed(work: _Work, asked: Asked, queue: Queue | None, judge: Judge) -> AgentList:
    population = _population(asked, queue)
    filtered = _filtered(population, asked)
    agents = list(
        filtered.select_related("user", "presence").prefetch_related("agent_skills__skill", "memberships__queue")
    )
    targets = selectors.targets(work.conversation, agents, work.now)
    rows = [_row(agent, targets[agent.pk], work, *judge(targets[agent.pk])) for agent in agents]
    rows.sort(key=_order)
    can = [row for row in rows if row.refusal is None]
    cannot = [row for row in rows if row.refusal is not None]
    listed = can + (cannot if asked.others or asked.text else [])
    shown = listed[: asked.limit]
    if asked.chosen is not None:
        shown = [row for row in listed[asked.limit :] if row.agent_id == asked.chosen] + shown
    return AgentList(
        rows=tuple(shown),
        choosable=len(can),
        others=len(cannot),
        hidden=max(0, len(listed) - asked.limit),
        units=work.cost.units,
        needs=needs(work.conversation),
        emptied=None if can else _why_empty(work, asked, queue, population, cannot),
    )


# --- filters -----------------------------------------------------------------------------------------------


def _queue(queue_id: int | None) -> Queue | None:
    return Queue.objects.filter(pk=queue_id).first() if queue_id is not None else None


def _population(asked: Asked, queue: Queue | None) -> QuerySet[Agent]:
    """Whom the filters look through: those a search text finds, otherwise the queue's members."""
    if asked.text:
        names = routing_selectors.agents().values_list("pk", "user__first_name", "user__last_name", "user__username")
        words = plain(asked.text).split()
        found = [row[0] for row in names if all(word in plain(" ".join(row[1:])) for word in words)]
        return routing_selectors.agents().filter(pk__in=found)
    if queue is not None:
        return routing_selectors.members(queue)
    return routing_selectors.agents()


def _filtered(agents: QuerySet[Agent], asked: Asked) -> QuerySet[Agent]:
    if asked.skill_id is not None:
        agents = agents.filter(agent_skills__skill=asked.skill_id)
    if asked.base:
        agents = agents.filter(presence__base=asked.base)
    return agents


def plain(text: str) -> str:
    """A text without case and accents, so that «zan» finds «Žan» on every database."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def queue_choices(conversation: Conversation) -> list[Choice]:
    """The queues whose members the list can be narrowed to: those of the conversation's type."""
    rows = Queue.objects.filter(type=conversation.kind.queue_type).order_by("name", "pk")
    return [Choice(str(queue.pk), queue.name) for queue in rows]


def skill_choices(conversation: Conversation) -> list[Choice]:
    """Every skill, those that the conversation asks for first."""
    asked = Count("pk", filter=Q(pk__in=conversation.required_skills.values("skill")))
    rows = Skill.objects.annotate(asked=asked).order_by("-asked", "type", "name", "pk")
    return [Choice(str(skill.pk), skill.name) for skill in rows]


def presence_choices() -> list[Choice]:
    """The five base presences, which filters always use (domain.md 1.3)."""
    return [Choice(value, str(label)) for value, label in BasePresence.choices]


def presence_names(bases: list[str]) -> str:
    """The allowed presences in words."""
    names = [str(BasePresence(base).label) for base in BasePresence.values if base in bases]
    return (_(" or ")).join(names)


# --- one row ---------------------------------------------------------------------------------------------


def _order(row: AgentRow) -> tuple[object, ...]:
    """Those who can be chosen first, offline ones last, outside the presences before them, then by rank."""
    match = (row.match if row.match is not None else 100) / 100
    return (
        row.refusal is not None,
        row.presence == "offline",
        row.is_outside,
        *rank(match, row.maximum - row.used, row.name),
        row.agent_id,
    )


def _row(agent: Agent, target: Target, work: _Work, refusal: Refusal | None, cautions: tuple[Caution, ...]) -> AgentRow:
    load, limits = target.candidate.load, target.candidate.limits
    held = {found.skill_id: found for found in agent.agent_skills.all()}
    skills = sorted(held.values(), key=lambda found: (found.skill_id not in work.needs, found.skill.name))
    match = skill_match(work.needs, {skill_id: found.proficiency for skill_id, found in held.items()})
    return AgentRow(
        agent_id=agent.pk,
        name=agent.name,
        initials=initials(agent.name),
        presence=code_of(agent.presence),
        presence_label=str(agent.presence.name),
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


# --- an empty list says why -----------------------------------------------------------------------------------


def _why_empty(
    work: _Work, asked: Asked, queue: Queue | None, population: QuerySet[Agent], cannot: list[AgentRow]
) -> Emptied:
    """The first condition that leaves nobody, in the order in which they are applied."""
    if not population.exists():
        return _nobody_at_all(asked, queue)
    if not cannot:
        return _nobody_after_filters(asked, population)
    return _nobody_eligible(work, asked, queue, cannot)


def _nobody_at_all(asked: Asked, queue: Queue | None) -> Emptied:
    if asked.text:
        title = _("No agent is called «%(text)s».") % {"text": asked.text}
        clear = Remedy(_("Clear the search"), replace(asked, text=""))
        return Emptied("search", title, _("The search looks through the names of all agents."), (clear,))
    if queue is not None:
        everybody = Remedy(_("Show agents of all queues"), replace(asked, queue_id=None))
        return Emptied(
            "queue",
            _("%(queue)s has no members.") % {"queue": queue.name},
            _("An administrator can add agents to the queue."),
            (everybody,),
        )
    return Emptied("nobody", _("Nobody has the agent role."), _("An administrator can give it to people."))


def _nobody_after_filters(asked: Asked, population: QuerySet[Agent]) -> Emptied:
    without_skill = Remedy(_("Clear the skill filter"), replace(asked, skill_id=None))
    without_base = Remedy(_("Clear the presence filter"), replace(asked, base=""))
    if asked.skill_id is not None and not population.filter(agent_skills__skill=asked.skill_id).exists():
        return Emptied("skill", _("Nobody here has this skill."), "", (without_skill,))
    if asked.skill_id is not None:
        text = _("Somebody has the skill, but in another presence.")
        return Emptied("presence", _("Nobody with this skill is in this presence now."), text, (without_base,))
    return Emptied("presence", _("Nobody here is in this presence now."), "", (without_base,))


def _nobody_eligible(work: _Work, asked: Asked, queue: Queue | None, cannot: list[AgentRow]) -> Emptied:
    number = len(cannot)
    look = Remedy(_("Show them with the reasons"), replace(asked, others=True))
    remedies = () if asked.others or asked.text else (look,)
    if queue is not None and asked.queue_id is not None and not asked.text:
        remedies = (Remedy(_("Show agents of all queues"), replace(asked, queue_id=None)), *remedies)
    codes = {row.refusal.code for row in cannot if row.refusal is not None}
    if OUTSIDE_PRESENCE.code in codes:
        override = Remedy(_("Also show agents outside the allowed presences"), replace(asked, outside=True))
        return _presence_emptied(work, number, (override, *remedies), "")
    if policy.AGENT_PRESENCE.code in codes:
        return _presence_emptied(work, number, remedies, _("Ask somebody to change their presence."))
    if codes == {policy.AGENT_OFFLINE.code}:
        text = _("An administrator can allow it: Offline agents can be assigned.")
        title = ngettext("The only agent here is offline.", "All %(number)d agents here are offline.", number)
        return Emptied("offline", title % {"number": number}, text, remedies)
    if codes == {policy.AGENT_IS_PRIMARY.code} and queue is not None:
        text = _("An administrator can add agents to the queue.")
        return Emptied("queue", _("%(queue)s has no other members.") % {"queue": queue.name}, text, remedies)
    title = ngettext("The only agent here cannot be chosen.", "None of the %(number)d agents can be chosen.", number)
    return Emptied("nobody_eligible", title % {"number": number}, "", remedies)


def _presence_emptied(work: _Work, number: int, remedies: tuple[Remedy, ...], text: str) -> Emptied:
    title = ngettext(
        "The only agent here is not %(presences)s.", "None of the %(number)d agents is %(presences)s.", number
    )
    words = {"number": number, "presences": presence_names(sorted(work.allowed))}
    return Emptied("allowed_presence", title % words, text, remedies)


# --- queues -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue in the Assign dialog: what waits there, for how long, and who could take it now."""

    queue_id: int
    name: str
    backlog: int
    longest: Clock
    members: int
    ready: int
    is_open: bool
    refusal: Refusal | None
    cautions: tuple[Caution, ...] = field(default=())


def queues(conversation: Conversation, *, now: datetime) -> tuple[QueueRow, ...]:
    """Every queue of the conversation's type except its own (domain.md 3.5); those without members with the reason."""
    rows = (
        Queue.objects.filter(type=conversation.kind.queue_type)
        .exclude(pk=conversation.queue_id)
        .prefetch_related("operating_hours")
        .order_by("name", "pk")
    )
    waiting = {
        queue_id: (number, since)
        for queue_id, number, since in Conversation.objects.filter(state=State.OPEN, closed_at__isnull=True)
        .values_list("queue")
        .annotate(Count("pk"), Min("first_wait_started_at"))
    }
    allowed = conversation.workstream.allowed_presences
    ready = Count("pk", distinct=True, filter=Q(presence__base__in=allowed))
    everybody = routing_selectors.agents().aggregate(members=Count("pk", distinct=True), ready=ready)
    by_queue = {
        queue_id: (members, count)
        for queue_id, members, count in routing_selectors.agents()
        .filter(memberships__isnull=False)
        .values_list("memberships__queue")
        .annotate(Count("pk", distinct=True), ready=ready)
    }
    found = []
    for queue in rows:
        default = (everybody["members"], everybody["ready"]) if queue.is_default else (0, 0)
        members, count = default if queue.is_default else by_queue.get(queue.pk, default)
        backlog, since = waiting.get(queue.pk, (0, None))
        target = QueueTarget(
            queue_id=queue.pk,
            name=queue.name,
            is_current=False,
            same_type=True,
            members=members,
            is_open=routing_selectors.queue_is_open(queue),
        )
        found.append(
            QueueRow(
                queue_id=queue.pk,
                name=queue.name,
                backlog=backlog,
                longest=running(since, now),
                members=members,
                ready=count,
                is_open=target.is_open,
                refusal=policy.why_not_assign_to_queue(target),
                cautions=policy.cautions_assign_to_queue(target),
            )
        )
    return tuple(sorted(found, key=lambda row: row.refusal is not None))
