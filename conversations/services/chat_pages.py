"""Is the customer of a live chat still there? Their pages come and go, over all processes (domain.md 2.3).

As long as a page is connected, or one was closed only a moment ago, the customer is there. Who never had a page, as on
a browser without sockets or in the simulator, is never missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from conversations import audit, steps
from conversations.events import ConversationEvent, CustomerDisconnected, CustomerReconnected
from conversations.locks import LockedConversation, lock_conversation
from conversations.models import ChatPage
from conversations.policy import Phase
from routing.models import ChannelKind
from supervisor_console.kernel import clock, pages
from supervisor_console.kernel.actor import customer_actor
from supervisor_console.kernel.realtime import action


@action()
def connected(
    conversation_id: int, key: UUID, *, process: UUID, now: datetime | None = None
) -> ConversationEvent | None:
    """A page of a chat is connected. A customer who was away is back: nothing has happened then.

    Returns the event if they had been away; supervisors and the agent hear of it.
    """
    conversation = lock_conversation(conversation_id)
    now = now or clock.now()
    ChatPage.objects.filter(pages.over(now), conversation=conversation).delete()
    live = {"conversation": conversation, "process": process, "seen_at": now, "closed_at": None}
    ChatPage.objects.update_or_create(key=key, defaults=live)
    if conversation.customer_left_at is None:
        return None
    conversation.customer_left_at = None
    return _publish(CustomerReconnected, conversation, now)


def keep_alive(process: UUID, *, closed: Iterable[UUID] = (), now: datetime | None = None) -> frozenset[UUID]:
    """A process says which of its chat pages closed, and that the others live; returns the keys of those."""
    return pages.keep_alive(ChatPage.objects.all(), process, closed, now or clock.now())


def gone(now: datetime, *, misses: bool = True) -> list[int]:
    """The conversations whose customer was connected and is not any more."""
    return pages.gone(ChatPage.objects.all(), "conversation_id", now, misses=misses)


@action()
def leave(conversation_id: int, *, now: datetime | None = None) -> ConversationEvent | None:
    """The last page of a chat is gone: it is noted since when. What follows, ``closure.customer_gone`` does.

    Nothing happens if a page came back meanwhile, or the dialogue is over. Returns the event if it is noted now;
    supervisors and the agent hear of it.
    """
    conversation = lock_conversation(conversation_id)
    now = now or clock.now()
    own = ChatPage.objects.filter(conversation=conversation)
    if not own.exists() or own.exclude(pages.over(now)).exists():
        return None
    left_at = pages.last_seen(own, now)
    own.delete()
    is_over = steps.current_phase(conversation) in (Phase.WRAP_UP, Phase.CLOSED)
    if is_over or conversation.kind != ChannelKind.LIVE_CHAT or conversation.customer_left_at is not None:
        return None
    conversation.customer_left_at = left_at
    return _publish(CustomerDisconnected, conversation, now)


def _publish(kind: type[ConversationEvent], conversation: LockedConversation, now: datetime) -> ConversationEvent:
    """Neither restarts the auto-close clock: that the customer goes and comes is no activity in the dialogue."""
    hearers = steps.audience(conversation)
    steps.save(conversation)
    customer = customer_actor(conversation.customer_id, conversation.customer.name)
    event = kind(**audit.heading(customer, conversation, now))
    audit.publish(event, hearers)
    return event
