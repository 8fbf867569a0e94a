"""What does the floor look like at one moment? Every row that an action could change, and questions about it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, Max, Model

from conversations.models import (
    CallLeg,
    ChatPage,
    Conversation,
    HistoryEntry,
    Message,
    Notice,
    Offer,
    Participant,
    QueueSegment,
    Session,
    SupervisorSettings,
)
from routing.models import (
    Agent,
    CapacityProfile,
    Connection,
    Presence,
    PresenceChange,
    QueueMembership,
    StaffingChange,
    User,
    Workstream,
)
from supervisor_console.models import Announcement

CHANGING: tuple[type[Model], ...] = (
    Conversation,
    Participant,
    Session,
    QueueSegment,
    Offer,
    CallLeg,
    ChatPage,
    Agent,
    Connection,
    PresenceChange,
    QueueMembership,
    Notice,
    SupervisorSettings,
    Workstream,
    Conversation.profiles.through,
)
GROWING: tuple[type[Model], ...] = (HistoryEntry, Message, StaffingChange, Announcement)
"""Rows that are only ever added."""

RELOAD, LOST = timedelta(seconds=5), timedelta(seconds=12)
"""Who closed the last page is gone then; and who was on a server that died."""

OFFERED = {"AwaitingAgentAcceptance", "AssignedBySupervisor"}
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A pending offer: who is asked, whether to take over, by whom, until when."""

    pk: int
    name: str
    is_transfer: bool
    by: str | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation, as people would describe it; the names are log-ins."""

    pk: int
    kind: str
    phase: str
    version: int
    row: Row
    agent: str | None
    last_agent: str | None
    asked: Asked | None
    asked_by_nobody: bool
    """Whether the last offer of it, transfers aside, was nobody's but the console's own."""
    seats: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Who takes part: as what, and whether they have come yet."""

    def those(self, *modes: str) -> set[str]:
        """Everybody who is in it as one of these."""
        return {name for name, (mode, has_come) in self.seats.items() if mode in modes and has_come}


KINDS = {"sms": "AM", "whatsapp": "AM", "live_chat": "LC", "persistent_chat": "PC", "voice": "V"}


class Picture:
    """Everything, read once; two pictures are equal if nothing changed in between."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {
            model.__name__: list(model._base_manager.order_by("pk").values()) for model in CHANGING
        }
        self.grown = {
            model.__name__: tuple(model._base_manager.aggregate(Count("pk"), Max("pk")).values()) for model in GROWING
        }
        self.users: dict[int, str] = dict(User.objects.values_list("pk", "username"))

        self.bases: dict[int, str] = dict(Presence.objects.values_list("pk", "base"))
        self.daily = set(CapacityProfile.objects.filter(reset="end_of_day").values_list("pk", flat=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Picture) and (self.rows, self.grown) == (other.rows, other.grown)

    __hash__ = None  # type: ignore[assignment]

    def differences(self, other: Picture) -> list[str]:
        """Which tables changed, for a message that can be read."""
        found = [name for name, rows in self.rows.items() if rows != other.rows[name]]
        return found + [name for name, size in self.grown.items() if size != other.grown[name]]

    @cached_property
    def names(self) -> dict[int, str]:
        """Agents by their ids."""
        return {row["id"]: self.users[row["user_id"]] for row in self.rows["Agent"]}

    @cached_property
    def bots(self) -> set[str]:
        """Those who are no people."""
        return {self.users[row["user_id"]] for row in self.rows["Agent"] if row["is_bot"]}

    def away(self, now: datetime) -> dict[str, datetime]:
        """Since when each agent who is away is; one whose last page is over by now is noticed now (domain.md 1.3)."""
        away = {self.names[row["id"]]: row["left_at"] for row in self.rows["Agent"] if row["left_at"] is not None}
        pages: dict[int, list[bool]] = defaultdict(list)
        for row in self.rows["Connection"]:
            closed, seen = row["closed_at"], row["seen_at"]
            is_over = closed <= now - RELOAD if closed is not None else seen <= now - LOST
            pages[row["agent_id"]].append(is_over)
        return away | {self.names[pk]: now for pk, over in pages.items() if all(over)}

    @cached_property
    def offline(self) -> set[str]:
        """Those who show Offline."""
        rows = self.rows["Agent"]
        return {self.names[row["id"]] for row in rows if self.bases[row["presence_id"]] == "offline"}

    @cached_property
    def profiles(self) -> dict[int, list[int]]:
        """Which capacity profiles a conversation takes."""
        found: dict[int, list[int]] = defaultdict(list)
        for row in self.rows["Conversation_profiles"]:
            found[row["conversation_id"]].append(row["capacityprofile_id"])
        return found

    def stream(self, chat: Chat) -> Row:
        """The workstream of a conversation."""
        return next(row for row in self.rows["Workstream"] if row["id"] == chat.row["workstream_id"])

    @cached_property
    def memberships(self) -> set[tuple[int, int]]:
        """Who belongs to which queue, by ids."""
        return {(row["agent_id"], row["queue_id"]) for row in self.rows["QueueMembership"]}

    @cached_property
    def settings(self) -> Row:
        """The organisation's settings."""
        return self.rows["SupervisorSettings"][0]

    @cached_property
    def chats(self) -> dict[int, Chat]:
        """Every conversation by its id."""
        asked = {
            row["conversation_id"]: Asked(
                row["id"],
                self.names[row["agent_id"]],
                row["kind"] == "transfer",
                self.users.get(row["requested_by_id"]),
                row["offered_at"],
                row["expires_at"],
            )
            for row in self.rows["Offer"]
            if row["status"] == "pending"
        }
        firsts = {row["conversation_id"]: row for row in self.rows["Offer"] if row["kind"] != "transfer"}
        seats: dict[int, dict[str, tuple[str, bool]]] = defaultdict(dict)
        for row in self.rows["Participant"]:
            if row["left_at"] is None:
                seat = (row["mode"], row["joined_at"] is not None)
                seats[row["conversation_id"]][self.users[row["user_id"]]] = seat
        return {
            row["id"]: Chat(
                pk=row["id"],
                kind=KINDS[row["channel"]],
                phase=phase_of(row),
                version=row["version"],
                row=row,
                agent=self.names.get(row["agent_id"]),
                last_agent=self.names.get(row["last_agent_id"]),
                asked=asked.get(row["id"]),
                asked_by_nobody=row["id"] in firsts and firsts[row["id"]]["requested_by_id"] is None,
                seats=seats[row["id"]],
            )
            for row in self.rows["Conversation"]
        }

    def told_since(self, earlier: Picture) -> list[tuple[str, str]]:
        """The notices that are new: who, and the code."""
        known = {row["id"] for row in earlier.rows["Notice"]}
        return sorted(
            (self.users[row["user_id"]], row["code"]) for row in self.rows["Notice"] if row["id"] not in known
        )


def phase_of(row: Row) -> str:
    """Active is two things: offered, or in conversation (domain.md 2.1)."""
    if row["state"] != "active":
        return str(row["state"])
    return "offered" if row["reason"] in OFFERED else "in_conversation"
