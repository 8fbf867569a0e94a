"""Hold a call, and take it off hold (domain.md M21). Whatever else happens to a call happens to any conversation."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from conversations import audit, legs, policy, selectors, steps
from conversations.events import CallHeld, CallResumed
from conversations.locks import LockedConversation, lock_conversation
from routing.locks import lock_agents
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import require
from supervisor_console.kernel.realtime import action

Told = TypeVar("Told", CallHeld, CallResumed)


@action()
def hold(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> CallHeld:
    """The agent puts their call on hold; the customer is told.

    Raises ``ActionRefused`` where it is not theirs, not a call that goes on, or on hold already. Announced to
    supervisors, everybody in it and the customer.
    """
    conversation, now = _own_call(actor, conversation_id, now, wants_hold=True)
    legs.hold(conversation, now)
    steps.say(conversation, "call_held", {"agent": actor.name}, now)
    return _publish(CallHeld, actor, conversation, now)


@action()
def resume(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> CallResumed:
    """The agent takes their call off hold. Raises and announces as ``hold``."""
    conversation, now = _own_call(actor, conversation_id, now, wants_hold=False)
    legs.resume(conversation, now)
    steps.say(conversation, "call_resumed", {"agent": actor.name}, now)
    return _publish(CallResumed, actor, conversation, now)


def _own_call(
    actor: Actor, conversation_id: int, now: datetime | None, *, wants_hold: bool
) -> tuple[LockedConversation, datetime]:
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    agents = lock_agents([conversation.agent_id])
    now = now or clock.now()
    steps.own_conversation(actor, conversation, agents, now, policy.Phase.IN_CONVERSATION)
    is_on_hold = legs.is_on_hold(conversation)
    require(policy.why_not_hold(conversation.kind, is_on_hold=is_on_hold, wants_hold=wants_hold))
    return conversation, now


def _publish(told: type[Told], actor: Actor, conversation: LockedConversation, now: datetime) -> Told:
    steps.touch(conversation, now)
    event = told(**audit.heading(actor, conversation, now))
    audit.publish(event, steps.audience(conversation, customer=True))
    return event
