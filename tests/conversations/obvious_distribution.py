"""Who gets what, by the rules as they stand in domain.md, slowly and obviously.

Nothing here asks the product's rules or queries: it reads rows one by one, goes through every conversation in its turn
and for each through every agent. ``test_distribution_model.py`` compares it with the product on random floors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from conversations.models import Conversation, Offer, RequiredSkill, Session, SupervisorSettings
from routing.models import Agent, AgentProfile, AgentSkill, CapacityProfile, Queue, QueueMembership, Workstream

PERSISTENT = ("persistent_chat", "sms", "whatsapp")


@dataclass
class Person:
    """An agent, with what they hold."""

    id: int
    is_taker: bool
    may_work: bool
    queues: set[int]
    presence: str
    presence_by: str
    inactive: bool
    units: int
    skills: dict[int, int]
    limits: dict[int, int]
    blocking: set[int]
    used: int = 0
    items: dict[int, int] = field(default_factory=dict)
    daily: set[int] = field(default_factory=set)
    today: set[int] = field(default_factory=set)
    conversations: int = 0
    is_in_call: bool = False
    last_assigned: datetime | None = None
    last_ended: datetime | None = None

    def takes(self, conversation: int, units: int, profiles: list[int]) -> None:
        """They hold one more."""
        self.used += units
        self.conversations += 1
        self.counts([profile for profile in profiles if profile not in self.daily])
        self.had(conversation, profiles)

    def had(self, conversation: int, profiles: list[int]) -> None:
        """They have, or had today, what counts until the day is over: each conversation once (domain.md 1.4)."""
        if conversation not in self.today:
            self.today.add(conversation)
            self.counts([profile for profile in profiles if profile in self.daily])

    def counts(self, profiles: list[int]) -> None:
        """One more of each."""
        for profile in profiles:
            self.items[profile] = self.items.get(profile, 0) + 1

    def presence_by_capacity(self) -> str:
        """Available, Busy or Do not disturb (domain.md 1.3)."""
        full = {profile for profile, limit in self.limits.items() if self.items.get(profile, 0) >= limit}
        if self.conversations > 9 or full & self.blocking or self.is_in_call:
            return "busy_dnd"
        if self.conversations == 0 and self.used <= 0:
            return "available"
        profiles_are_out = not self.limits or (full == set(self.limits) and not self.blocking)
        return "busy_dnd" if self.used >= self.units and profiles_are_out else "busy"


@dataclass
class Piece:
    """An open conversation."""

    id: int
    queue: int
    queue_priority: int
    method: str
    channel: str
    since: datetime
    units: int
    profiles: list[int]
    allowed: list[str]
    matching: str
    skills: dict[int, int]
    declined: dict[int, list[datetime]]
    keeps: int | None


class Centre:
    """The floor, read row by row."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        settings = SupervisorSettings.objects.get()
        self.is_on = settings.distribution_enabled
        self.limit = settings.decline_limit
        self.pause = timedelta(seconds=settings.decline_pause)
        self.rows = list(Conversation.objects.all())
        self.people = [self._person(agent) for agent in Agent.objects.order_by("pk")]
        self.work = [
            self._piece(row)
            for row in Conversation.objects.filter(state="open").order_by("pk")
            if row.workstream.distribution == "push" and row.channel != "record"
        ]

    # --- reading ---

    def _person(self, agent: Agent) -> Person:
        roles = set(agent.user.groups.values_list("name", flat=True))
        is_taker = agent.user.is_active and not agent.is_bot and "Agent" in roles
        person = Person(
            id=agent.pk,
            is_taker=is_taker,
            may_work=is_taker and "API access" not in roles,
            queues={row.queue_id for row in QueueMembership.objects.filter(agent=agent)}
            | {queue.pk for queue in Queue.objects.filter(is_default=True)},
            presence=agent.presence.base,
            presence_by=agent.presence_set_by,
            inactive=agent.presence.code == "inactive",
            units=agent.max_units,
            skills={row.skill_id: row.proficiency for row in AgentSkill.objects.filter(agent=agent)},
            limits={row.profile_id: row.limit for row in AgentProfile.objects.filter(agent=agent)},
            blocking={row.profile_id for row in AgentProfile.objects.filter(agent=agent) if row.profile.is_blocking},
            daily=set(CapacityProfile.objects.filter(reset="end_of_day").values_list("pk", flat=True)),
        )
        for row in self.rows:
            blocked = row.capacity_held_until is None or row.capacity_held_until > self.now
            if row.agent_id == agent.pk and row.holds_capacity and blocked:
                person.takes(row.pk, row.units, _profiles(row))
                person.is_in_call = person.is_in_call or row.is_elevated
            after_work = row.capacity_held_until is not None and row.capacity_held_until > self.now
            if row.state == "closed" and row.last_agent_id == agent.pk and after_work:
                person.takes(row.pk, row.units, _profiles(row))
        for offer in Offer.objects.filter(agent=agent, status="pending", kind="transfer"):
            person.takes(offer.conversation_id, offer.conversation.units, _profiles(offer.conversation))
        for session in Session.objects.filter(agent=agent):
            if session.agent_assigned_at is not None:
                person.last_assigned = max(session.agent_assigned_at, person.last_assigned or session.agent_assigned_at)
            if session.agent_accepted_at is not None and session.agent_accepted_at >= self.midnight:
                person.had(session.conversation_id, _profiles(session.conversation))
            if session.closed_at is not None:
                person.last_ended = max(session.closed_at, person.last_ended or session.closed_at)
        return person

    def _piece(self, row: Conversation) -> Piece:
        if row.channel in PERSISTENT:
            since = row.last_customer_message_at or row.created_at
        else:
            since = row.first_wait_started_at or row.created_at
        return Piece(
            id=row.pk,
            queue=row.queue_id,
            queue_priority=row.queue.priority,
            method=row.queue.assignment_method,
            channel=row.channel,
            since=since,
            units=row.units,
            profiles=_profiles(row),
            allowed=row.workstream.allowed_presences,
            matching=row.workstream.skill_matching,
            skills={need.skill_id: need.minimum for need in RequiredSkill.objects.filter(conversation=row)},
            declined=self._declined(row),
            keeps=self._keeps(row, row.queue_id),
        )

    def _declined(self, row: Conversation) -> dict[int, list[datetime]]:
        """Who declined when, since somebody had it last."""
        accepted = [s.agent_accepted_at for s in row.sessions.all() if s.agent_id and s.agent_accepted_at]
        found: dict[int, list[datetime]] = {}
        for offer in row.offers.order_by("pk"):
            if offer.status not in ("rejected", "timed_out") or offer.settled_at is None:
                continue
            if all(offer.settled_at > moment for moment in accepted):
                found.setdefault(offer.agent_id, []).append(offer.settled_at)
        return found

    def _keeps(self, row: Conversation, queue_id: int) -> int | None:
        """The agent to whom a returning customer comes back, in the queue in which they had them."""
        had = [session for session in row.sessions.order_by("pk") if session.agent_id is not None]
        if not had or not row.workstream.keeps_agent or row.last_agent_id is None:
            return None
        ended = ("AgentMovedConversationToWaiting", "AgentClosed", "AgentDisconnected")
        if had[-1].closure_reason in ended and had[-1].queue_id == queue_id:
            return had[-1].agent_id
        return None

    # --- the rules ---

    def can_be_offered(self, person: Person, piece: Piece) -> bool:
        """Everything that has to hold (domain.md 1.2 to 1.5, 2.2, 4.3)."""
        declined = piece.declined.get(person.id, [])
        kept = piece.keeps == person.id
        if not person.may_work or piece.queue not in person.queues:
            return False
        if len(declined) >= self.limit:
            return False
        if declined and self.now - declined[-1] < self.pause:
            return False
        lacks = any(person.skills.get(skill, 0) < minimum for skill, minimum in piece.skills.items())
        if piece.matching == "exact" and lacks and not kept:
            return False
        if kept and piece.channel in PERSISTENT:
            return person.presence != "offline"
        if person.presence not in piece.allowed:
            return False
        if person.is_in_call:
            return False
        if person.conversations >= 9 or person.used + piece.units > person.units:
            return False
        if any(person.items.get(profile, 0) >= person.limits[profile] for profile in person.blocking):
            return False
        return all(person.items.get(profile, 0) + 1 <= person.limits.get(profile, 0) for profile in piece.profiles)

    def is_before(self, one: Person, other: Person, piece: Piece) -> bool:
        """Whether one is asked before the other, point by point."""
        points: list[tuple[float, float]] = [
            (one.id != piece.keeps, other.id != piece.keeps),
            (len(piece.declined.get(one.id, [])), len(piece.declined.get(other.id, []))),
        ]
        if piece.matching == "closest":
            points.append((-_match(one, piece), -_match(other, piece)))
        waited = (_moment(one.last_assigned), _moment(other.last_assigned))
        if piece.method == "highest_capacity":
            points += [(one.used - one.units, other.used - other.units), waited]
        elif piece.method == "advanced_round_robin":
            points += [waited]
        else:
            idle = (_moment(one.last_ended), _moment(other.last_ended))
            points += [(one.conversations, other.conversations), idle, waited]
        for mine, theirs in points:
            if mine != theirs:
                return mine < theirs
        return one.id < other.id

    def turn(self) -> list[Piece]:
        """What is looked at first: queue priority, who comes back, who waits for longest."""
        return sorted(self.work, key=lambda piece: (piece.queue_priority, piece.keeps is None, piece.since, piece.id))

    def fall_back(self, queues: set[int] | None = None) -> dict[int, int]:
        """What stands in a queue (of these) to which nobody belongs who takes work, and to which queue it goes."""
        staffed = {
            queue.pk
            for queue in Queue.objects.all()
            if any(person.is_taker and queue.pk in person.queues for person in self.people)
        }
        moved = {}
        for piece in self.work:
            target = Workstream.objects.get(conversations=piece.id).fallback_queue
            is_looked_at = queues is None or piece.queue in queues
            if self.is_on and is_looked_at and piece.queue not in staffed and target.pk in staffed:
                moved[piece.id] = target.pk
                piece.queue, piece.queue_priority = target.pk, target.priority
                piece.method = target.assignment_method
                piece.keeps = self._keeps(Conversation.objects.get(pk=piece.id), target.pk)
        return moved

    def look(self, most: int, queues: set[int] | None = None) -> list[tuple[int, int]]:
        """Conversation and agent of each offer that one look makes, in its order: at most so many, in these queues."""
        made: list[tuple[int, int]] = []
        for piece in self.turn() if self.is_on else []:
            if len(made) == most:
                break
            if len(piece.declined) >= 100 or (queues is not None and piece.queue not in queues):
                continue
            first = None
            for person in self.people:
                if self.can_be_offered(person, piece) and (first is None or self.is_before(person, first, piece)):
                    first = person
            if first is None:
                continue
            made.append((piece.id, first.id))
            self.work.remove(piece)
            first.takes(piece.id, piece.units, piece.profiles)
            first.last_assigned = self.now
            if first.presence_by == "system" and first.presence in ("available", "busy", "busy_dnd"):
                first.presence = first.presence_by_capacity()
        return made


def _profiles(row: Conversation) -> list[int]:
    return list(row.profiles.values_list("pk", flat=True))


def _match(person: Person, piece: Piece) -> float:
    if not piece.skills:
        return 1.0
    return sum(person.skills.get(skill, 0) >= least for skill, least in piece.skills.items()) / len(piece.skills)


def _moment(at: datetime | None) -> float:
    return at.timestamp() if at is not None else float("-inf")
