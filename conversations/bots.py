"""Shared parts of services where a bot serves first: it begins, answers, hands over, ends (domain.md 1.3, 2.2 T1, 5.1).

**A conversation that a bot has** is Active, in conversation, with the bot as agent and primary in a bot session. It is
not awaiting an agent: ``first_wait_started_at`` is empty until the bot hands over, so that no figure counts a wait, and
neither handle time nor any capacity that matters runs. The bot's row is never locked: nobody asks what it can take.
"""

from __future__ import annotations

from datetime import datetime

from conversations import audit, bot_script, moods, steps
from conversations.bot_script import Move
from conversations.events import ConversationClosed, ConversationEscalated
from conversations.locks import LockedConversation
from conversations.models import (
    AssignReason,
    ClosureReason,
    LeftReason,
    Message,
    Mode,
    Participant,
    QueueSegment,
    SenderKind,
    Session,
)
from conversations.policy import Phase, Trigger
from routing.models import Agent
from supervisor_console.kernel.actor import Actor, ActorKind


def bot_actor(bot: Agent) -> Actor:
    """The actor that a bot is."""
    return Actor(kind=ActorKind.BOT, name=bot.name, user_id=bot.user_id, agent_id=bot.pk)


def bot_of(conversation: LockedConversation) -> Agent:
    """The bot that has a conversation."""
    assert conversation.is_with_bot, "a bot has it"
    assert conversation.agent is not None, "who is active has an agent"
    return conversation.agent


def seat(conversation: LockedConversation, bot: Agent, now: datetime) -> None:
    """Begin the bot's session in a conversation that starts with it."""
    Session.objects.create(
        conversation=conversation,
        queue_id=conversation.queue_id,
        agent=bot,
        is_bot_session=True,
        created_at=now,
        agent_assigned_at=now,
        agent_accepted_at=now,
    )
    Participant.objects.create(
        conversation=conversation,
        user_id=bot.user_id,
        mode=Mode.PRIMARY,
        assign_reason=AssignReason.SYSTEM_ASSIGN,
        added_at=now,
        joined_at=now,
    )
    QueueSegment.objects.filter(conversation=conversation, ended_at=None).update(
        agent_assigned_at=now, agent_accepted_at=now
    )


def begin(conversation: LockedConversation, text: str, now: datetime) -> None:
    """The bot greets, and answers the line with which the customer came."""
    bot = bot_of(conversation)
    _say(conversation, bot, bot_script.greeting(bot.name, conversation.customer.name), now)
    answer(conversation, text, now)


def answer(conversation: LockedConversation, text: str, now: datetime) -> None:
    """The bot's turn after a line of the customer: it answers, hands over, or says goodbye."""
    bot = bot_of(conversation)
    spoken = Message.objects.filter(conversation=conversation, sender_kind=SenderKind.BOT).count()
    turn = bot_script.turn(text, max(spoken - 1, 0))
    _say(conversation, bot, turn.text, now)
    if turn.move == Move.ESCALATES:
        escalate(conversation, now)
    elif turn.move == Move.ENDS:
        end(conversation, now)


def escalate(conversation: LockedConversation, now: datetime) -> ConversationEscalated:
    """Hand over to people: the bot's session closes, the wait for a person begins now (T1, domain.md 5.1).

    Announced to supervisors, open lists and the customer.
    """
    bot = bot_of(conversation)
    hearers = steps.audience(conversation, customer=True, open_list=True)
    before = steps.move(conversation, Trigger.BOT_ESCALATES, Phase.OPEN, now=now)
    conversation.first_wait_started_at = now
    conversation.unanswered_since = now
    conversation.last_agent = None
    moods.take(conversation, now)
    steps.end_participations(conversation, LeftReason.TRANSFERRED, now, modes=[Mode.PRIMARY])
    steps.close_session(conversation, ClosureReason.BOT_TRANSFER_TO_AGENT, now)
    steps.end_segment(conversation, ClosureReason.BOT_TRANSFER_TO_AGENT, now, target=conversation.queue)
    steps.open_segment(conversation, now)
    steps.open_session(conversation, now=now)
    steps.say(conversation, "bot_escalated", {"bot": bot.name}, now)
    steps.save(conversation)
    event = ConversationEscalated(
        **audit.heading(bot_actor(bot), conversation, now, before),
        agent_id=bot.pk,
        agent=bot.name,
    )
    audit.publish(event, hearers)
    return event


def end(conversation: LockedConversation, now: datetime) -> ConversationClosed:
    """The bot settled it: closed without a person, which is neither abandoned nor handled (EndedByBot)."""
    bot = bot_of(conversation)
    hearers = steps.audience(conversation, customer=True)
    steps.say(conversation, "bot_ended", {"bot": bot.name}, now)
    before = steps.finish(conversation, {}, None, Trigger.BOT_ENDS, ClosureReason.BOT_END, now, cause="ended")
    event = ConversationClosed(**audit.heading(bot_actor(bot), conversation, now, before))
    audit.publish(event, hearers)
    return event


def _say(conversation: LockedConversation, bot: Agent, text: str, now: datetime) -> None:
    Message.objects.create(
        conversation=conversation,
        sender_kind=SenderKind.BOT,
        sender_id=bot.user_id,
        sender_name=bot.name,
        text=text,
        created_at=now,
    )
    conversation.unanswered_since = None
