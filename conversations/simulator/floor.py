"""What do simulated people see when they decide what to do next? Values only; nothing here asks the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from conversations.policy import Phase
from routing.models import BasePresence, Channel, SetBy
from routing.policy import SESSION_LIMIT

SIZE = 120
"""Ongoing conversations that the demo begins with, and that the simulation keeps up."""

CALM = 1.0
"""Acts a second at which people take the time that people take; at a higher rate they hesitate less."""

SHARES: Mapping[Phase, float] = {
    Phase.OPEN: 0.14,
    Phase.OFFERED: 0.03,
    Phase.IN_CONVERSATION: 0.58,
    Phase.WAITING: 0.165,
    Phase.WRAP_UP: 0.085,
}
"""In which phase the ongoing conversations of the demo are."""

MIX: Mapping[Channel, float] = {
    Channel.LIVE_CHAT: 0.32,
    Channel.PERSISTENT_CHAT: 0.26,
    Channel.SMS: 0.13,
    Channel.WHATSAPP: 0.2,
    Channel.VOICE: 0.09,
}
"""On which channel the ongoing conversations of the demo are."""

LIVE = frozenset({Channel.LIVE_CHAT, Channel.VOICE})
"""Channels on which the other one waits for an answer now."""


class Deed(StrEnum):
    """What a simulated person can do."""

    START = "start"
    WRITE = "write"
    NUDGE = "nudge"  # has waited long for an answer
    RETURN = "return"  # writes into a waiting one
    LEAVE = "leave"
    PICK = "pick"
    ACCEPT = "accept"
    REJECT = "reject"
    ANSWER = "answer"
    CLOSE_SESSION = "close_session"
    RELEASE = "release"
    END = "end"
    FINISH = "finish"
    REVIVE = "revive"
    LEAVE_CONSULT = "leave_consult"
    PAUSE = "pause"
    RESUME = "resume"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    ASSIGN = "assign"  # only where a shift lead is simulated too


@dataclass(frozen=True, slots=True)
class Act:
    """One deed: to which conversation, by which agent (for ``ASSIGN``: to which), answering which offer."""

    deed: Deed
    chat_id: int = 0
    agent_id: int = 0
    offer_id: int = 0
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Chance:
    """Something that could happen next; of two, the one with twice the weight happens twice as often."""

    weight: float
    act: Act


@dataclass(frozen=True, slots=True)
class Chat:
    """An ongoing conversation.

    ``is_made_up`` says that nobody plays its customer. ``opening_left`` and ``lines_left`` are what a simulated
    customer has still to say: before anybody answers, and in all.
    """

    id: int
    phase: Phase
    channel: Channel
    queue_id: int
    units: int
    allows_pick: bool
    agent_id: int | None
    last_agent_id: int | None
    is_made_up: bool
    opening_left: int
    lines_left: int
    since: datetime
    last_activity_at: datetime
    unanswered_since: datetime | None
    has_nudged: bool
    transfer_pending: bool

    @property
    def is_live(self) -> bool:
        """Whether the customer sits there and waits."""
        return self.channel in LIVE


@dataclass(frozen=True, slots=True)
class Desk:
    """A simulated agent: where they are, how much they could take, and how many conversations they have."""

    agent_id: int
    base: BasePresence
    presence_since: datetime
    set_by: SetBy
    queue_ids: frozenset[int]
    room: int
    holds: int

    @property
    def is_offline(self) -> bool:
        """Whether they have gone home."""
        return self.base == BasePresence.OFFLINE

    @property
    def is_away(self) -> bool:
        """Whether they have left their desk, or do not want to be disturbed."""
        return self.base == BasePresence.AWAY or (self.base == BasePresence.BUSY_DND and self.set_by != SetBy.SYSTEM)

    @property
    def is_there(self) -> bool:
        """Whether they work."""
        return not (self.is_offline or self.is_away)

    def wants(self, chat: Chat) -> float:
        """How gladly they take one more: with room for it gladly, past their capacity hardly ever."""
        if not self.is_there or chat.queue_id not in self.queue_ids or self.holds >= SESSION_LIMIT:
            return 0.0
        return 1.0 if self.room >= chat.units else 0.05


@dataclass(frozen=True, slots=True)
class Invitation:
    """A pending offer to a simulated agent."""

    offer_id: int
    chat_id: int
    agent_id: int
    offered_at: datetime
    can_reject: bool


@dataclass(frozen=True, slots=True)
class Consultant:
    """A simulated agent who stayed in a conversation after a transfer."""

    chat_id: int
    agent_id: int
    since: datetime


@dataclass(frozen=True)
class Floor:
    """The contact centre at a moment. ``phases`` and ``channels`` count everything that goes on, ``chats`` may be
    a part of it."""

    at: datetime
    phases: Mapping[Phase, int]
    channels: Mapping[Channel, int]
    chats: tuple[Chat, ...] = ()
    desks: tuple[Desk, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    consultants: tuple[Consultant, ...] = ()

    @property
    def ongoing(self) -> int:
        """How many conversations go on."""
        return sum(self.phases.values())

    @cached_property
    def desk_of(self) -> Mapping[int, Desk]:
        """The simulated agents by id."""
        return {desk.agent_id: desk for desk in self.desks}


@dataclass(frozen=True, slots=True)
class Habits:
    """How the simulated people are: how fast, how many, by which chance; whether somebody hands out work."""

    rate: float = CALM
    seed: int = 1
    size: int = SIZE
    has_shift_lead: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A floor in the eyes of people with these habits."""

    floor: Floor
    habits: Habits

    @property
    def scale(self) -> float:
        """How much of a demo-sized floor was read; what happens to the floor as a whole is so much more likely."""
        return max(len(self.floor.chats) / SIZE, 0.1)

    def is_played(self, chat: Chat) -> bool:
        """Whether the agent who has it may be a person."""
        return chat.agent_id is not None and chat.agent_id not in self.floor.desk_of

    def fullness(self, phase: Phase) -> float:
        """How many conversations are in a phase, as a multiple of how many there should be."""
        return self.floor.phases.get(phase, 0) / (SHARES[phase] * self.habits.size)

    def waited(self, since: datetime) -> float:
        """The seconds since a moment, as long as they feel to people who are in a hurry."""
        return self.real_seconds(since) * max(self.habits.rate / CALM, 1.0)

    def real_seconds(self, since: datetime) -> float:
        """The seconds since a moment on the wall."""
        return max((self.floor.at - since) / timedelta(seconds=1), 0.0)


def shared(total: float, acts: list[Act]) -> list[Chance]:
    """One weight for all of these together, so that it does not matter how many there are."""
    return [Chance(total / len(acts), act) for act in acts]
