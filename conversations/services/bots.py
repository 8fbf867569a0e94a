"""Leave a bot: the customer asks for a person, or falls silent (domain.md 2.2 T1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import bots, policy, selectors, steps
from conversations.events import ConversationClosed, ConversationEscalated
from conversations.locks import lock_conversation
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.kernel.realtime import action


@action()
def escalate(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationEscalated:
    """The customer asks for a person (T1). Raises ``ActionRefused`` where no bot has it any more."""
    conversation = lock_conversation(conversation_id)
    steps.require_customer(actor, conversation)
    if not conversation.is_with_bot:
        raise ActionRefused(policy.NOT_WITH_BOT if conversation.is_ongoing else policy.CHAT_ENDED)
    return bots.escalate(conversation, now or clock.now())


@action()
def give_up(conversation_id: int, *, now: datetime | None = None) -> ConversationClosed | None:
    """End a conversation whose customer left the bot without an answer for too long; None if not due."""
    conversation = lock_conversation(conversation_id)
    now = now or clock.now()
    if not conversation.is_with_bot or conversation.last_activity_at > silent_since(now):
        return None
    return bots.end(conversation, now)


def silent_since(now: datetime) -> datetime:
    """Whoever did not write after this moment does not answer the bot any more, as the settings are now."""
    return now - timedelta(seconds=selectors.settings_row().bot_silence)
