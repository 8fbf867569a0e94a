"""Who is typing? Told to those who read along, for some seconds; nothing is written (domain.md 3.3, 3.4)."""

from __future__ import annotations

from time import monotonic
from uuid import UUID

from conversations import selectors
from conversations.models import Conversation, Mode, Visibility
from supervisor_console.kernel import realtime
from supervisor_console.kernel.actor import Actor

PAUSE = 0.25
"""Seconds in which a customer who types is told of once, however often their page says so. It says so each 3 s, and
anew after each line, which may come soon."""

REMEMBERED = 10_000
_told_at: dict[UUID, float] = {}
"""When a customer's typing was told last, by conversation, in this process; forgotten as a whole when it grows long."""


def agent_types(actor: Actor, conversation_id: int, *, visibility: Visibility) -> None:
    """The primary or a consultant types: monitors and the others in it see it, the customer if it is for them.

    A monitor types nowhere, so nobody hears of one. Whoever is not in it is passed over in silence.
    """
    conversation = selectors.get_visible(actor, conversation_id)
    found = selectors.participation(conversation, actor.user_id, Mode.PRIMARY, Mode.CONSULT)
    if found is None or found.joined_at is None or not conversation.is_ongoing:
        return
    _tell(conversation, actor, customer=visibility == Visibility.PUBLIC)


def customer_types(actor: Actor, conversation: Conversation) -> None:
    """The customer types: everybody who is in the conversation or monitors it sees it.

    A page that says so all the time must not fill the sockets of those who help: it is passed over in silence.
    """
    now = monotonic()
    if not conversation.is_ongoing or now - _told_at.get(conversation.public_id, -PAUSE) < PAUSE:
        return
    if len(_told_at) >= REMEMBERED:
        _told_at.clear()
    _told_at[conversation.public_id] = now
    _tell(conversation, actor, customer=False)


def _tell(conversation: Conversation, actor: Actor, *, customer: bool) -> None:
    inside = set(selectors.live_participants(conversation).values_list("user_id", flat=True)) - {actor.user_id}
    topics = [f"user:{user_id}" for user_id in inside]
    if customer:
        topics.append(f"chat:{conversation.pk}")
    if topics:
        realtime.hint(topics, {"type": "typing", "conversation": conversation.pk, "name": actor.name})
