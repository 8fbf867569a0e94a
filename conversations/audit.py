"""One event, many readers: the history entry now, the push after the commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from conversations.events import ConversationEvent
from conversations.models import Conversation, HistoryEntry
from supervisor_console.kernel import realtime
from supervisor_console.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of an event besides the supervisors of its queues, who always do.

    ``queue_ids`` are the queues it touches (the old one and the new one), ``user_ids`` the people it
    concerns, ``customer`` whether the customer's chat follows, ``open_list`` whether the open lists
    of these queues changed. Chosen by the service that did it, never by the receiver.
    """

    queue_ids: frozenset[int]
    user_ids: frozenset[int] = frozenset()
    customer: bool = False
    open_list: bool = field(default=False)


class Heading(TypedDict):
    """What every event of a conversation says: who, when, the version it made, from which state to which."""

    actor: Actor
    at: datetime
    conversation_id: int
    version: int
    from_state: str
    to_state: str
    reason: str


def heading(actor: Actor, conversation: Conversation, now: datetime, before: str | None = None) -> Heading:
    """The heading of what just happened, once the row is saved; ``before`` is the former state if it has moved."""
    return Heading(
        actor=actor,
        at=now,
        conversation_id=conversation.pk,
        version=conversation.version,
        from_state=conversation.state if before is None else before,
        to_state=conversation.state,
        reason=conversation.reason,
    )


def record(event: ConversationEvent) -> None:
    """Write the history entry of an event, in the running transaction."""
    HistoryEntry.objects.create(
        conversation_id=event.conversation_id,
        code=event.code,
        at=event.at,
        actor_kind=event.actor.kind.value,
        actor_user_id=event.actor.user_id,
        actor_name=event.actor.name,
        version=event.version,
        from_state=event.from_state,
        to_state=event.to_state,
        reason=event.reason,
        data=event.data(),
    )


def announce(event: ConversationEvent, audience: Audience) -> None:
    """Tell the sockets that a conversation changed, after the commit: ids, version, kind of actor; no content."""
    realtime.announce(
        topics(event.conversation_id, audience),
        {
            "type": "event",
            "code": event.code,
            "conversation": event.conversation_id,
            "version": event.version,
            "by": event.actor.kind.value,
            "at": event.at.isoformat(),
        },
    )


def topics(conversation_id: int, audience: Audience) -> list[str]:
    """The channel topics of an audience."""
    found = ["report:all"]
    found += [f"report:queue:{queue_id}" for queue_id in audience.queue_ids]
    found += [f"user:{user_id}" for user_id in audience.user_ids]
    if audience.customer:
        found.append(f"chat:{conversation_id}")
    if audience.open_list:
        found += [f"open:{queue_id}" for queue_id in audience.queue_ids]
    return found


def publish(event: ConversationEvent, audience: Audience) -> None:
    """Record the event and announce it."""
    record(event)
    announce(event, audience)


def everybody(*groups: Iterable[int | None]) -> frozenset[int]:
    """The ids in all these groups, without the missing ones."""
    return frozenset(item for group in groups for item in group if item is not None)
