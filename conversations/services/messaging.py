"""Say something: customers, agents and joined supervisors write; reading moves the own marker."""

from __future__ import annotations

from datetime import datetime

from conversations import audit, bots, moods, policy, selectors, steps
from conversations.events import MessageSent
from conversations.locks import LockedConversation, lock_conversation
from conversations.models import (
    AssignReason,
    Message,
    Mode,
    Participant,
    SenderKind,
    Visibility,
)
from conversations.policy import Phase
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, require
from supervisor_console.kernel.realtime import action


@action()
def send(
    actor: Actor,
    conversation_id: int,
    *,
    text: str,
    visibility: Visibility = Visibility.PUBLIC,
    client_key: str = "",
    now: datetime | None = None,
) -> MessageSent:
    """The primary, a consultant or a joined supervisor writes a line.

    Internal lines are for people of the centre only. Sending the same ``client_key`` again is the
    same line. Raises ``ActionRefused`` for empty or over-long text, for somebody who is not in it
    (a monitor is not), and for a public line when the dialogue is over. Announced to everybody in
    it, and to the customer if public.
    """
    text, client_key = policy.clean_text(text), policy.clean_key(client_key)
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    require(policy.why_not_text(text))
    now = now or clock.now()
    at = steps.current_phase(conversation)
    found = selectors.participation(conversation, actor.user_id, Mode.PRIMARY, Mode.CONSULT)
    if found is None or found.joined_at is None:
        raise ActionRefused(policy.STATE_CLOSED if at == Phase.CLOSED else policy.NOT_IN_IT)
    repeated = _repeated(conversation, client_key)
    if repeated is not None:
        return _sent(actor, conversation, repeated, now)
    require(policy.why_not_public(at) if visibility == Visibility.PUBLIC else None)
    has_joined = found.assign_reason == AssignReason.AGENT_CONVERSATION_JOIN
    kind = SenderKind.SUPERVISOR if has_joined else SenderKind.AGENT
    message = Message.objects.create(
        conversation=conversation,
        sender_kind=kind,
        sender_id=actor.user_id,
        sender_name=actor.name,
        visibility=visibility,
        text=text,
        client_key=client_key,
        created_at=now,
    )
    if visibility == Visibility.PUBLIC:
        conversation.unanswered_since = None
    Participant.objects.filter(pk=found.pk).update(read_at=now)
    steps.touch(conversation, now)
    event = _sent(actor, conversation, message, now)
    public = visibility == Visibility.PUBLIC
    audit.announce(event, steps.audience(conversation, customer=public))
    return event


@action()
def receive(
    actor: Actor,
    conversation_id: int,
    *,
    text: str,
    client_key: str = "",
    now: datetime | None = None,
) -> MessageSent:
    """The customer writes a line; sentiment is taken again, a waiting conversation opens (T21), a bot answers.

    Supervisors are told where the sentiment fell (``moods``). While a transfer of a waiting one is pending it goes on
    waiting: the answer decides where it goes. Raises ``ActionRefused`` for empty or over-long text, for a chat that has
    ended, and for more lines in a minute than a person writes. Announced to supervisors, everybody in it and the
    customer's other pages.
    """
    text, client_key = policy.clean_text(text), policy.clean_key(client_key)
    conversation = lock_conversation(conversation_id)
    steps.require_customer(actor, conversation)
    require(policy.why_not_text(text))
    now = now or clock.now()
    repeated = _repeated(conversation, client_key)
    if repeated is not None:
        return _sent(actor, conversation, repeated, now)
    at = steps.current_phase(conversation)
    if at in (Phase.WRAP_UP, Phase.CLOSED):
        raise ActionRefused(policy.CHAT_ENDED)
    require(policy.why_not_yet(selectors.customer_line_at(conversation, policy.LINES_MAX), now))
    message = Message.objects.create(
        conversation=conversation,
        sender_kind=SenderKind.CUSTOMER,
        sender_name=actor.name,
        text=text,
        client_key=client_key,
        created_at=now,
    )
    conversation.last_customer_message_at = now
    if conversation.is_with_bot:
        return _told_the_bot(actor, conversation, message, now)
    if conversation.unanswered_since is None:
        conversation.unanswered_since = now
    has_changed = moods.take(conversation, now)
    hearers = steps.audience(conversation, customer=True, open_list=at in (Phase.OPEN, Phase.WAITING))
    if at == Phase.WAITING and selectors.pending_offer(conversation) is None:
        steps.reopen(conversation, now)
    else:
        steps.touch(conversation, now)
    event = _sent(actor, conversation, message, now)
    audit.announce(event, hearers)
    if has_changed:
        moods.announce(conversation, now)
    return event


def _told_the_bot(actor: Actor, conversation: LockedConversation, message: Message, now: datetime) -> MessageSent:
    """The bot answers in the same moment; what it was told counts for sentiment when it hands over (domain.md 1.5)."""
    hearers = steps.audience(conversation, customer=True)
    steps.touch(conversation, now)
    event = _sent(actor, conversation, message, now)
    bots.answer(conversation, message.text, now)
    audit.announce(event, hearers)
    return event


def _repeated(conversation: LockedConversation, client_key: str) -> Message | None:
    if not client_key:
        return None
    return Message.objects.filter(conversation=conversation, client_key=client_key).first()


def _sent(actor: Actor, conversation: LockedConversation, message: Message, now: datetime) -> MessageSent:
    return MessageSent(
        **audit.heading(actor, conversation, now),
        message_id=message.pk,
        visibility=message.visibility,
    )


def mark_read(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> None:
    """Move the read marker of a primary or consultant; a monitor has none to move (lesson 18)."""
    if actor.user_id is None:
        return
    Participant.objects.filter(
        conversation_id=conversation_id,
        user_id=actor.user_id,
        left_at=None,
        mode__in=[Mode.PRIMARY, Mode.CONSULT],
    ).update(read_at=now or clock.now())
