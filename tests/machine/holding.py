"""What must hold on the floor, read off a picture with nothing of the product: domain.md 2.5, and the legs of calls.

The checker of the product is asked too; two who look from different sides see more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from tests.machine.picture import Chat, Picture


def units(picture: Picture, now: datetime) -> dict[int, int]:
    """What each agent holds, added up conversation by conversation (domain.md 2.5, 1; 2.4)."""
    held = dict.fromkeys(picture.names, 0)
    for agent_id, pk in _holding(picture, now):
        held[agent_id] += picture.chats[pk].row["units"]
    return held


def items(picture: Picture, now: datetime) -> dict[int, dict[int, int]]:
    """What each agent has used of each capacity profile, conversation by conversation (domain.md 1.4).

    Of a profile that comes free at the end of the day: what they hold, and what they accepted since midnight.
    """
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = {
        (row["agent_id"], row["conversation_id"])
        for row in picture.rows["Session"]
        if row["agent_id"] is not None and (row["agent_accepted_at"] or midnight - timedelta(1)) >= midnight
    }
    holds = set(_holding(picture, now))
    found: dict[int, Counter[int]] = {pk: Counter() for pk in picture.names}
    for agent_id, pk in holds | today:
        used = [one for one in picture.profiles[pk] if one in picture.daily or (agent_id, pk) in holds]
        found[agent_id].update(used)
    return {pk: dict(used) for pk, used in found.items()}


def _holding(picture: Picture, now: datetime) -> Iterator[tuple[int, int]]:
    """Who holds what: agent and conversation (domain.md 2.5, 1; 2.4)."""
    for row in picture.rows["Conversation"]:
        until = row["capacity_held_until"]
        is_blocked = until is None or until > now
        if row["state"] == "active" or (row["state"] == "wrap_up" and row["holds_capacity"] and is_blocked):
            yield row["agent_id"], row["id"]
        elif row["state"] == "closed" and until is not None and until > now:
            yield row["last_agent_id"], row["id"]
    ids = {name: pk for pk, name in picture.names.items()}
    for chat in picture.chats.values():
        if chat.asked is not None and chat.asked.is_transfer:
            yield ids[chat.asked.name], chat.pk


def faults(picture: Picture) -> list[str]:
    """What breaks domain.md 2.5, 2 to 4, or 3.6; and every call whose lines do not fit it."""
    sessions = _count(picture, "Session", "closed_at")
    segments = _count(picture, "QueueSegment", "ended_at")
    offers = Counter(row["conversation_id"] for row in picture.rows["Offer"] if row["status"] == "pending")
    found: list[str] = []
    for pk, chat in picture.chats.items():
        is_ongoing = chat.phase != "closed"
        has_agent = chat.phase in ("offered", "in_conversation", "wrap_up")
        primaries = [name for name, (mode, _) in chat.seats.items() if mode == "primary"]
        checks = {
            "has an agent exactly while somebody is assigned": (chat.agent is not None) == has_agent,
            "shows the last agent while it waits": chat.phase != "waiting" or chat.last_agent is not None,
            "has one open session at most, none when closed": sessions[pk] <= is_ongoing,
            "has one stay in a queue, none when closed": segments[pk] == is_ongoing,
            "has its agent as the one primary": primaries == [chat.agent] * has_agent,
            "has one offer at most": offers[pk] <= 1,
            "is offered to whoever is asked": (offers[pk] == 1) >= (chat.phase == "offered"),
            "has nobody left in it when closed": is_ongoing or not chat.seats,
            "has no offer left where nobody can take it": offers[pk] == 0 or chat.phase in ANSWERABLE,
            "does not wait for a customer who wrote since": (
                chat.phase != "waiting" or offers[pk] == 1 or not _has_written(chat)
            ),
            **(_lines(picture, chat) if chat.kind == "V" else {}),
        }
        found += [
            f"{chat.kind} {pk}, {chat.phase}: not true that it {what}" for what, holds in checks.items() if not holds
        ]
    return found


ANSWERABLE = ("offered", "in_conversation", "waiting")


def _has_written(chat: Chat) -> bool:
    written = chat.row["last_customer_message_at"]
    return written is not None and written > chat.row["state_changed_at"]


def _count(picture: Picture, table: str, end: str) -> Counter[int]:
    return Counter(row["conversation_id"] for row in picture.rows[table] if row[end] is None)


def _lines(picture: Picture, chat: Chat) -> dict[str, bool]:
    live = [row for row in picture.rows["CallLeg"] if row["conversation_id"] == chat.pk and row["ended_at"] is None]
    party = Counter(row["party"] for row in live)
    talks = chat.phase in ("open", "offered", "in_conversation")
    return {
        "has its customer on the line exactly until it ends": party["customer"] == talks,
        "has its agent's line while one is asked or talks": party["primary"] == (chat.phase in ANSWERABLE),
        "keeps monitors silent": all(not row["has_microphone"] for row in live if row["party"] == "monitor"),
    }
