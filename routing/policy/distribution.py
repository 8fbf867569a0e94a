"""To whom does work go by itself, and why not to the others? Pure (domain.md 1.2, 1.4, 1.5, 2.2, 4.3)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from routing.models.presence import BasePresence
from routing.models.queue import AssignmentMethod
from routing.models.workstream import SkillMatching
from routing.policy.taking import (
    SESSION_LIMIT,
    Candidate,
    Cost,
    Load,
    ProfileExcess,
    ProfileLimit,
    excess_items,
    excess_units,
    skill_match,
    why_not_take,
)
from supervisor_console.kernel.errors import Kind, Number, Refusal

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MOST_DECLINERS = 100
"""So many different agents declined: the conversation is only handed out by people (domain.md 4.3, P23)."""


@dataclass(frozen=True, slots=True)
class Past:
    """What an agent had last: when work came to them, and since when their last one is over; None if never."""

    last_assigned_at: datetime | None = None
    idle_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent as distribution sees them, whatever the work: default queues are among ``queue_ids``."""

    candidate: Candidate
    queue_ids: frozenset[int] = frozenset()
    skills: Mapping[int, int] = field(default_factory=dict)
    past: Past = Past()

    @property
    def agent_id(self) -> int:
        """Who it is."""
        return self.candidate.agent_id


@dataclass(frozen=True, slots=True)
class Declines:
    """How often one agent declined one conversation (rejected or missed), and when last."""

    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Work:
    """An open conversation as distribution sees it, whoever may take it.

    ``skills`` are the required ones with the least proficiency, ``skill_names`` what they are called.
    ``decline_pause`` is for how long nobody is asked again for what they just declined: whoever is alone would be rung
    at once otherwise. ``returning_to`` is the agent whom a returning customer keeps (domain.md 2.2, affinity), if there
    is one.
    """

    id: int
    queue_id: int
    queue_name: str
    cost: Cost
    allowed_presences: frozenset[str]
    method: AssignmentMethod = AssignmentMethod.HIGHEST_CAPACITY
    matching: SkillMatching = SkillMatching.NONE
    skills: Mapping[int, int] = field(default_factory=dict)
    skill_names: Mapping[int, str] = field(default_factory=dict)
    returning_to: int | None = None
    ignores_presence_and_capacity: bool = False
    declines: Mapping[int, Declines] = field(default_factory=dict)
    decline_limit: int = 3
    decline_pause: timedelta = timedelta(seconds=30)
    is_pushed: bool = True
    distribution_enabled: bool = True

    @property
    def demand(self) -> Hashable | None:
        """What decides who can be offered it: the same agents can be offered what has the same demand.

        None where it matters besides who declined it, or to whom its customer comes back.
        """
        if self.declines or self.returning_to is not None:
            return None
        needed = frozenset(self.skills.items()) if self.matching == SkillMatching.EXACT else None
        return (self.queue_id, self.allowed_presences, self.cost.units, frozenset(self.cost.profiles), needed)


# --- why a conversation is not handed out at all ------------------------------------------------------------

DISTRIBUTION_OFF = Refusal(
    "setting_off:distribution",
    _(
        "Automatic distribution is switched off, so only people hand out work. "
        "An administrator can switch it on in Supervisor settings."
    ),
)
PICKED_ONLY = Refusal(
    "workstream_is_picked",
    _("Conversations of this workstream are picked by agents from the open list. Assign it if nobody does."),
)
DECLINED_BY_ALL = Refusal(
    "declined_by_too_many",
    _("%(count)d agents declined this conversation, so it is offered to nobody any more. Assign it yourself."),
)


def why_not_distribute(work: Work) -> Refusal | None:
    """Why this conversation is offered to nobody by itself, whoever they are (domain.md 4.3, 7)."""
    if not work.distribution_enabled:
        return DISTRIBUTION_OFF
    if not work.is_pushed:
        return PICKED_ONLY
    if len(work.declines) >= MOST_DECLINERS:
        return Refusal(DECLINED_BY_ALL.code, DECLINED_BY_ALL.text, {"count": len(work.declines)})
    return None


# --- why an agent is not offered it ----------------------------------------------------------------------------


class Remedy(StrEnum):
    """What would change a refusal; a page may offer it as a button."""

    NONE = "none"
    ASSIGN = "assign"  # a supervisor still can
    WAIT = "wait"  # it passes by itself
    ADD_TO_QUEUE = "add_to_queue"
    EDIT_SKILLS = "edit_skills"
    SET_PRESENCE = "set_presence"
    RESET_PRESENCE = "reset_presence"
    FREE_CAPACITY = "free_capacity"
    EDIT_CAPACITY = "edit_capacity"


REMEDIES: Mapping[str, Remedy] = {
    "agent_not_in_queue": Remedy.ADD_TO_QUEUE,
    "skill_lacking": Remedy.EDIT_SKILLS,
    "decline_limit": Remedy.ASSIGN,
    "agent_offline": Remedy.NONE,
    "agent_inactive": Remedy.RESET_PRESENCE,
    "agent_rejected": Remedy.RESET_PRESENCE,
    "agent_presence": Remedy.SET_PRESENCE,
    "session_limit": Remedy.FREE_CAPACITY,
    "agent_in_call": Remedy.FREE_CAPACITY,
    "profile_blocks": Remedy.FREE_CAPACITY,
    "profile_blocks_today": Remedy.WAIT,
    "profile_lacking": Remedy.EDIT_CAPACITY,
    "profile_full": Remedy.FREE_CAPACITY,
    "profile_full_today": Remedy.WAIT,
    "capacity_short": Remedy.FREE_CAPACITY,
    "capacity_never_enough": Remedy.EDIT_CAPACITY,
    "declined_lately": Remedy.WAIT,
}


def remedy_of(refusal: Refusal) -> Remedy:
    """What would change this refusal."""
    return REMEDIES.get(refusal.code, Remedy.NONE)


def why_not_offer(contender: Contender, work: Work, now: datetime) -> Refusal | None:
    """The one reason that excludes this agent from this conversation now; None means they can be offered it.

    Of several reasons it is the one that is hardest to change: who they are, where they belong, what they can,
    what they declined for good, what they never have room for, whether they are there, and last whether they have
    room now. Whoever changes it sees the next one, if there is one. A returning customer's agent is asked whatever
    their presence and capacity, but not while they are offline: nobody would answer (domain.md 2.2).
    """
    candidate = contender.candidate
    ignores = _is_kept(contender, work) and work.ignores_presence_and_capacity
    return (
        why_never(contender, work)
        or (_offline(candidate, frozenset()) if ignores else _presence(candidate, work))
        or (None if ignores else _room(candidate, work.cost))
        or _declined_lately(contender, work, now)
    )


def why_never(contender: Contender, work: Work) -> Refusal | None:
    """The reason that excludes this agent whoever comes back and whatever ends: it stays until something is changed.

    It is what would exclude them with an empty desk and in an allowed presence.
    """
    keeps = _is_kept(contender, work)
    idle = replace(contender.candidate, load=NOTHING)
    return (
        why_not_take(contender.candidate)
        or _membership(contender, work)
        or (None if keeps else _skills(contender, work))
        or _declined_for_good(contender, work)
        or (None if keeps and work.ignores_presence_and_capacity else _room(idle, work.cost))
    )


NOTHING = Load()
"""An empty desk."""


def _is_kept(contender: Contender, work: Work) -> bool:
    """Whether the customer comes back to this very agent (domain.md 2.2)."""
    return work.returning_to == contender.agent_id


def free_units(contender: Contender, allowed_presences: Iterable[str]) -> int:
    """How many units of any work at all could be offered to this agent now; 0 where nothing can.

    Whoever is free for less than a piece of work needs has a reason by ``why_not_offer``, unless they keep a
    returning customer.
    """
    candidate = contender.candidate
    load, limits = candidate.load, candidate.limits
    if why_not_take(candidate) is not None or candidate.base_presence.value not in allowed_presences:
        return 0
    if load.is_in_call or load.conversations >= SESSION_LIMIT or _blocking(candidate) is not None:
        return 0
    return max(0, limits.max_units - load.units)


def _blocking(candidate: Candidate) -> ProfileLimit | None:
    """The profile that is used up and blocks all further work, if there is one."""
    items = candidate.load.items
    used_up = (found for found in candidate.limits.profiles if items.get(found.profile_id, 0) >= found.limit)
    return next((found for found in used_up if found.is_blocking), None)


def _no(code: str, text: str | _StrPromise, candidate: Candidate, **numbers: Number) -> Refusal:
    return Refusal(code, text, {"agent": candidate.name, **numbers}, kind=Kind.INVALID)


def _membership(contender: Contender, work: Work) -> Refusal | None:
    if work.queue_id in contender.queue_ids:
        return None
    return _no(
        "agent_not_in_queue",
        _("%(agent)s does not belong to %(queue)s. Add them to the queue."),
        contender.candidate,
        queue=work.queue_name,
    )


def _skills(contender: Contender, work: Work) -> Refusal | None:
    """Exact matching needs every skill; closest only orders, none does not look (domain.md 1.5)."""
    if work.matching != SkillMatching.EXACT:
        return None
    lacking = [skill for skill, minimum in work.skills.items() if contender.skills.get(skill, 0) < minimum]
    if not lacking:
        return None
    names = ", ".join(sorted(f"{work.skill_names.get(skill, skill)} ≥ {work.skills[skill]}" for skill in lacking))
    return _no(
        "skill_lacking",
        _("%(agent)s lacks %(skills)s, and this workstream matches skills exactly. Edit their skills."),
        contender.candidate,
        skills=names,
        lacking=len(lacking),
    )


def _declined_for_good(contender: Contender, work: Work) -> Refusal | None:
    declines = work.declines.get(contender.agent_id)
    if declines is None or declines.count < work.decline_limit:
        return None
    return _no(
        "decline_limit",
        ngettext_lazy(
            "%(agent)s declined it %(count)d time, the most that is asked. They can still pick it, or you assign it.",
            "%(agent)s declined it %(count)d times, the most that is asked. They can still pick it, or you assign it.",
            "count",
        ),
        contender.candidate,
        count=declines.count,
        limit=work.decline_limit,
    )


def _declined_lately(contender: Contender, work: Work, now: datetime) -> Refusal | None:
    declines = work.declines.get(contender.agent_id)
    if declines is None or declines.last_at + work.decline_pause <= now:
        return None
    return _no(
        "declined_lately",
        _("%(agent)s declined it a moment ago. They are asked again in %(seconds)d s if nobody else takes it."),
        contender.candidate,
        seconds=ceil((declines.last_at + work.decline_pause - now).total_seconds()),
    )


def _offline(candidate: Candidate, allowed: frozenset[str]) -> Refusal | None:
    if candidate.base_presence != BasePresence.OFFLINE or BasePresence.OFFLINE.value in allowed:
        return None
    return _no("agent_offline", _("%(agent)s is offline. They get work when they sign in."), candidate)


def _presence(candidate: Candidate, work: Work) -> Refusal | None:
    if candidate.base_presence.value in work.allowed_presences:
        return None
    if (offline := _offline(candidate, work.allowed_presences)) is not None:
        return offline
    presence = str(candidate.presence_name)
    if candidate.is_inactive:
        return _no(
            "agent_inactive",
            _("%(agent)s missed an offer and is %(presence)s. Reset their presence when they are back."),
            candidate,
            presence=presence,
        )
    if candidate.has_rejected:
        return _no(
            "agent_rejected",
            _("%(agent)s rejected an offer and is %(presence)s. Reset their presence when they are ready again."),
            candidate,
            presence=presence,
        )
    return _no(
        "agent_presence",
        _("%(agent)s is %(presence)s, which this workstream does not allow. Ask them to change it, or set it."),
        candidate,
        presence=presence,
        allowed=", ".join(sorted(str(BasePresence(base).label) for base in work.allowed_presences)),
    )


def _room(candidate: Candidate, cost: Cost) -> Refusal | None:
    """Why there is no room: sessions, a blocking profile, a profile of the work, units (domain.md 1.4)."""
    load, limits = candidate.load, candidate.limits
    if load.is_in_call:
        return _no(
            "agent_in_call",
            _("%(agent)s is in a voice or video call, and receives nothing else until it ends."),
            candidate,
        )
    if load.conversations >= SESSION_LIMIT:
        return _no(
            "session_limit",
            _("%(agent)s has %(count)d conversations, the most that a desk shows at once. One of them has to end."),
            candidate,
            count=load.conversations,
            limit=SESSION_LIMIT,
        )
    if (profile := _blocking(candidate)) is not None:
        return _no(
            "profile_blocks_today" if profile.is_daily else "profile_blocks",
            _("%(agent)s has used up %(profile)s for today, which blocks all further work until tomorrow.")
            if profile.is_daily
            else _("%(agent)s has used up %(profile)s, which blocks all further work. One such item has to end."),
            candidate,
            profile=profile.name,
            used=load.items.get(profile.profile_id, 0),
            max=profile.limit,
        )
    over = excess_items(candidate, cost)
    if over:
        return _profile(candidate, over[0])
    short = excess_units(load.units, cost.units, limits.max_units)
    if not short:
        return None
    if cost.units > limits.max_units:
        return _no(
            "capacity_never_enough",
            pgettext_lazy(
                "capacity",
                "%(agent)s can never take it: it needs %(cost)d units and they have %(max)d in all. "
                "Edit their capacity.",
            ),
            candidate,
            over=short,
            used=load.units,
            cost=cost.units,
            max=limits.max_units,
        )
    return _no(
        "capacity_short",
        ngettext_lazy(
            "%(agent)s lacks %(over)d unit: %(used)d of %(max)d are used, and it needs %(cost)d.",
            "%(agent)s lacks %(over)d units: %(used)d of %(max)d are used, and it needs %(cost)d.",
            "over",
        ),
        candidate,
        over=short,
        used=load.units,
        cost=cost.units,
        max=limits.max_units,
    )


def _profile(candidate: Candidate, excess: ProfileExcess) -> Refusal:
    limit = next((found for found in candidate.limits.profiles if found.profile_id == excess.profile_id), None)
    if limit is None:
        return _no(
            "profile_lacking",
            _("%(agent)s does not have the capacity profile %(profile)s. Give it to them."),
            candidate,
            profile=excess.name,
        )
    return _no(
        "profile_full_today" if limit.is_daily else "profile_full",
        _("%(agent)s has used up %(profile)s for today: %(used)d of %(max)d. They have room again tomorrow.")
        if limit.is_daily
        else _("%(agent)s has used up %(profile)s: %(used)d of %(max)d. One such item has to end."),
        candidate,
        profile=excess.name,
        used=candidate.load.items.get(excess.profile_id, 0),
        max=limit.limit,
        over=excess.items,
    )


# --- who comes first --------------------------------------------------------------------------------------------

Rank = tuple[bool, int, float, tuple[float, ...], int]


def rank_for(contender: Contender, work: Work) -> Rank:
    """Where an agent stands among those who can be offered it; the least is asked first.

    Whom the returning customer knows; who declined it less often; with closest matching who has more of the
    required skills; then the queue's method; and last the id, so that the order never depends on chance.
    """
    declines = work.declines.get(contender.agent_id)
    matched = skill_match(work.skills, contender.skills) if work.matching == SkillMatching.CLOSEST else 0.0
    return (
        contender.agent_id != work.returning_to,
        declines.count if declines is not None else 0,
        -matched,
        _by_method(contender, work.method),
        contender.agent_id,
    )


def _by_method(contender: Contender, method: AssignmentMethod) -> tuple[float, ...]:
    """Highest capacity, ties to whom nothing came for longest; round robin; least active (domain.md 1.2).

    Least active: fewest conversations, then longest without one.
    """
    load, past = contender.candidate.load, contender.past
    asked = _moment(past.last_assigned_at)
    match method:
        case AssignmentMethod.HIGHEST_CAPACITY:
            return (load.units - contender.candidate.limits.max_units, asked)
        case AssignmentMethod.ADVANCED_ROUND_ROBIN:
            return (asked,)
        case AssignmentMethod.LEAST_ACTIVE:
            return (load.conversations, _moment(past.idle_since), asked)


def _moment(at: datetime | None) -> float:
    """A moment as a number; never is before everything."""
    return float("-inf") if at is None else at.timestamp()


def order(contenders: Iterable[Contender], work: Work) -> list[Contender]:
    """These agents in the order in which they are asked; says nothing on whether they can be."""
    return sorted(contenders, key=lambda contender: rank_for(contender, work))


def choose(contenders: Iterable[Contender], work: Work, now: datetime) -> Contender | None:
    """The agent who is offered this conversation now, or None where nobody can be."""
    able = [contender for contender in contenders if why_not_offer(contender, work, now) is None]
    return min(able, key=lambda contender: rank_for(contender, work), default=None)
