"""Who may take work, and which presence follows? Pure: values in, value out (domain.md 1.3 to 1.5, 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from routing.models.presence import BasePresence, SetBy
from supervisor_console.kernel.errors import Caution, Kind, Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

SESSION_LIMIT = 9
"""Customer sessions an agent can have at once (domain.md D17)."""


@dataclass(frozen=True, slots=True)
class Load:
    """What an agent holds now, in units, items per capacity profile, and conversations.

    ``is_in_call``: one of their chats is in a voice or video call. That is the escalation profile of domain.md 1.4,
    which every agent has, with one item and blocking: who is in a call receives nothing else.
    """

    units: int = 0
    items: Mapping[int, int] = field(default_factory=dict)
    conversations: int = 0
    is_in_call: bool = False

    @property
    def is_untouched(self) -> bool:
        """Whether nothing consumes the agent's capacity."""
        return self.conversations == 0

    def plus(self, cost: Cost) -> Load:
        """What they hold once one more conversation is theirs."""
        items = dict(self.items)
        for profile_id in cost.profiles:
            items[profile_id] = items.get(profile_id, 0) + 1
        return replace(self, units=self.units + cost.units, items=items, conversations=self.conversations + 1)


@dataclass(frozen=True, slots=True)
class ProfileLimit:
    """The limit of one capacity profile as it holds for one agent."""

    profile_id: int
    name: str
    limit: int
    is_blocking: bool = False
    is_daily: bool = False
    """What was accepted counts until the day is over."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an agent can take: units, and items per profile."""

    max_units: int
    profiles: tuple[ProfileLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one conversation consumes: units, and one item of each profile (by id, with its name)."""

    units: int
    profiles: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProfileExcess:
    """A capacity profile that would be exceeded, and by how many items."""

    profile_id: int
    name: str
    items: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """What policy needs to know about an agent."""

    agent_id: int
    name: str
    is_bot: bool
    is_active: bool
    base_presence: BasePresence
    presence_name: str
    limits: Limits
    load: Load
    has_api_role: bool = False
    has_agent_role: bool = True
    is_inactive: bool = False
    has_rejected: bool = False
    """Their presence is held since they rejected an offer (domain.md 4.3)."""


def excess_units(used: int, cost: int, maximum: int) -> int:
    """Units exceeded after taking the work: max(0, used + cost − max) (domain.md 3.5)."""
    return max(0, used + cost - maximum)


def excess_items(candidate: Candidate, cost: Cost) -> tuple[ProfileExcess, ...]:
    """Each profile whose consumed + 1 goes over its limit; a profile the agent lacks has limit 0."""
    limits = {limit.profile_id: limit.limit for limit in candidate.limits.profiles}
    found = []
    for profile_id, name in sorted(cost.profiles.items()):
        over = candidate.load.items.get(profile_id, 0) + 1 - limits.get(profile_id, 0)
        if over > 0:
            found.append(ProfileExcess(profile_id, name, over))
    return tuple(found)


def why_not_take(candidate: Candidate) -> Refusal | None:
    """Why this agent cannot be given work by anybody, also past presence and capacity (domain.md 3.5, P4)."""
    if candidate.is_bot:
        return Refusal("agent_is_bot", _("Bots cannot be chosen. Choose a person."), kind=Kind.INVALID)
    if not candidate.is_active:
        return Refusal(
            "agent_deactivated",
            _("%(agent)s is deactivated. Choose somebody else."),
            {"agent": candidate.name},
            kind=Kind.INVALID,
        )
    if not candidate.has_agent_role:
        return Refusal(
            "agent_without_role",
            _("%(agent)s does not hold the agent role, so nobody would answer. Choose somebody else."),
            {"agent": candidate.name},
            kind=Kind.INVALID,
        )
    if candidate.has_api_role:
        return Refusal(
            "agent_api_role_conflict",
            _(
                "%(agent)s also holds the API access role, so assignments to them fail. "
                "Ask an administrator to remove it."
            ),
            {"agent": candidate.name},
            kind=Kind.INVALID,
        )
    return None


def presence_caution(candidate: Candidate, allowed: Iterable[str]) -> Caution | None:
    """The caution for an agent outside the allowed presences (domain.md 3.5, presence override)."""
    if candidate.base_presence.value in set(allowed):
        return None
    if candidate.base_presence == BasePresence.OFFLINE:
        return Caution(
            "presence_offline",
            _("%(agent)s is offline, so the offer will time out unless they come back."),
            {"agent": candidate.name, "presence": str(candidate.presence_name)},
        )
    return Caution(
        "presence_override",
        _("%(agent)s is %(presence)s, which this workstream does not allow."),
        {"agent": candidate.name, "presence": str(candidate.presence_name)},
    )


def capacity_cautions(candidate: Candidate, cost: Cost) -> tuple[Caution, ...]:
    """The cautions for an agent without room; each says by how much (domain.md 3.5, capacity override)."""
    found = []
    over = excess_units(candidate.load.units, cost.units, candidate.limits.max_units)
    if over:
        found.append(
            Caution(
                "capacity_override",
                ngettext_lazy(
                    "This exceeds the capacity of %(agent)s by %(over)d unit.",
                    "This exceeds the capacity of %(agent)s by %(over)d units.",
                    "over",
                ),
                {
                    "agent": candidate.name,
                    "over": over,
                    "used": candidate.load.units,
                    "cost": cost.units,
                    "max": candidate.limits.max_units,
                },
            )
        )
    found.extend(
        Caution(
            "profile_override",
            ngettext_lazy(
                "This exceeds the capacity profile %(profile)s of %(agent)s by %(over)d item.",
                "This exceeds the capacity profile %(profile)s of %(agent)s by %(over)d items.",
                "over",
            ),
            {"agent": candidate.name, "profile": excess.name, "over": excess.items},
        )
        for excess in excess_items(candidate, cost)
    )
    if candidate.load.is_in_call:
        found.append(
            Caution(
                "agent_in_call", _("%(agent)s is in a voice or video call with a customer."), {"agent": candidate.name}
            )
        )
    if candidate.load.conversations >= SESSION_LIMIT:
        found.append(
            Caution(
                "session_limit",
                _("%(agent)s already has %(count)d conversations, the most that their desk shows at once."),
                {"agent": candidate.name, "count": candidate.load.conversations},
            )
        )
    return tuple(found)


def rank(skill_match: float, available_units: int, name: str) -> tuple[float, int, str]:
    """Sort key of the Assign list: skill match, then free capacity, then name (domain.md 3.5)."""
    return (-skill_match, -available_units, name.casefold())


def skill_match(required: Mapping[int, int], held: Mapping[int, int]) -> float:
    """Share of the required skills held with at least the required proficiency, 0 to 1.

    1.0 where nothing is required (domain.md 1.5; shown as «match %»).
    """
    if not required:
        return 1.0
    return sum(held.get(skill, 0) >= minimum for skill, minimum in required.items()) / len(required)


class PresenceCause(StrEnum):
    """What happened that may change a presence."""

    OFFERED = "offered"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class PresenceNow:
    """The presence an agent has, and how it came about."""

    base: BasePresence
    set_by: SetBy
    is_inactive: bool = False
    needs_reset: bool = False


def presence_from_capacity(load: Load, limits: Limits) -> BasePresence:
    """Untouched: Available; partly used: Busy; exhausted or negative: Do not disturb (domain.md 1.3).

    With units and profiles both, it takes both to be exhausted; one blocking profile is enough, and
    so is one conversation more than a desk can show, or a chat that is in a call. A blocking profile may be exhausted
    for the day though nothing is held any more.
    """
    if load.conversations > SESSION_LIMIT or load.is_in_call:
        return BasePresence.BUSY_DND
    full = [load.items.get(limit.profile_id, 0) >= limit.limit for limit in limits.profiles]
    if any(limit.is_blocking and is_full for limit, is_full in zip(limits.profiles, full, strict=True)):
        return BasePresence.BUSY_DND
    if load.is_untouched and load.units <= 0:
        return BasePresence.AVAILABLE
    has_blocking = any(limit.is_blocking for limit in limits.profiles)
    profiles_exhausted = not limits.profiles or (all(full) and not has_blocking)
    if load.units >= limits.max_units and profiles_exhausted:
        return BasePresence.BUSY_DND
    return BasePresence.BUSY


def presence_after(now: PresenceNow, load: Load, limits: Limits, cause: PresenceCause) -> BasePresence | None:
    """The base presence to set, or None to leave it (domain.md 1.3).

    Offline, Away and Inactive stay until changed, and so does what a missed or rejected offer set (4.3). Do not
    disturb stays if a person set it. Available and Busy set by a person last until the next accept or close: an
    offer, and one that is taken back, leave them.
    """
    if now.is_inactive or now.needs_reset or now.base in (BasePresence.OFFLINE, BasePresence.AWAY):
        return None
    by_person = now.set_by != SetBy.SYSTEM
    is_only_asked = cause in (PresenceCause.OFFERED, PresenceCause.WITHDRAWN)
    if by_person and (now.base == BasePresence.BUSY_DND or is_only_asked):
        return None
    wanted = presence_from_capacity(load, limits)
    return None if wanted == now.base else wanted


def presence_on_return(left: PresenceNow, load: Load, limits: Limits) -> BasePresence | None:
    """The base presence of somebody who is back in time, or None for exactly the one they left (domain.md 1.3).

    What capacity had set follows capacity still: the work may have ended while they were gone.
    """
    by_capacity = (BasePresence.AVAILABLE, BasePresence.BUSY, BasePresence.BUSY_DND)
    if left.set_by == SetBy.SYSTEM and left.base in by_capacity and not left.needs_reset:
        return presence_from_capacity(load, limits)
    return None


@dataclass(frozen=True, slots=True)
class Opening:
    """One span of a week in which a queue is open; weekday is ISO, times are local."""

    weekday: int
    opens: str
    closes: str


def is_open(hours: Iterable[Opening], local_now: datetime) -> bool:
    """Whether a queue with these operating hours is open; none means 24×7 (domain.md 1.2)."""
    spans = list(hours)
    clock = f"{local_now:%H:%M}"
    return not spans or any(
        span.weekday == local_now.isoweekday() and span.opens <= clock < span.closes for span in spans
    )
