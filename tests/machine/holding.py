"""What must hold on the floor, read off a picture with nothing of the product: domain.md 2.5, and the legs of calls.

The checker of the product is asked too; two who look from different sides see more.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from tests.machine.picture import Chat, Picture


def units(picture: Picture, now: datetime) -> dict[int, int]:
    """What each agent holds, added up conversation by conversation (domain.md 2.5, 1; 2.4)."""
    held = dict.fromkeys(picture.names, 0)
    for row in picture.rows["Conversation"]:
        until = row["capacity_held_until"]
        is_blocked = until is None or until > now
        if row["state"] == "active" or (row["state"] == "wrap_up" and row["holds_capacity"] and is_blocked):
            held[row["agent_id"]] += row["units"]
        elif row["state"] == "closed" and until is not None and until > now:
            held[row["last_agent_id"]] += row["units"]
    ids = {name: pk for pk, name in picture.names.items()}
    for chat in picture.chats.values():
        if chat.asked is not None and chat.asked.is_transfer:
            held[ids[chat.asked.name]] += chat.row["units"]
    return held


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
