"""Bring to an end: end, close the session, finish wrap-up, force close, customer leaves, auto-close."""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import audit, notifications, policy, selectors, steps
from conversations.events import (
    ConversationClosed,
    ConversationEnded,
    ConversationEvent,
    ConversationForceClosed,
    ConversationMovedToWaiting,
    ConversationReleased,
)
from conversations.locks import LockedConversation, lock_conversation
from conversations.models import ClosureReason, NoticeLevel, Offer, StateReason
from conversations.policy import PERSISTS, Phase, Trigger, Verb
from routing.locks import LockedAgent, lock_agents
from routing.models import ChannelKind
from routing.policy import PresenceCause
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import SYSTEM, Actor, customer_actor
from supervisor_console.kernel.errors import ActionRefused, Stale, require, require_confirmed
from supervisor_console.kernel.realtime import action

Locked = tuple[LockedConversation, Offer | None, dict[int, LockedAgent]]


def _lock_all(conversation_id: int) -> Locked:
    """The conversation, its pending offer and every agent whose capacity may change."""
    conversation = lock_conversation(conversation_id)
    offer = selectors.pending_offer(conversation)
    agents = lock_agents([conversation.agent_id, offer.agent_id if offer is not None else None])
    return conversation, offer, agents


@action()
def end(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationEnded:
    """The agent ends the dialogue; wrap-up begins (T12). A pending transfer is cancelled.

    Raises ``ActionRefused`` if it is not theirs or not active. Announced to everybody and the customer.
    """
    conversation, offer, agents = _lock_all(conversation_id)
    selectors.require_visible(actor, conversation)
    now = now or clock.now()
    agent = steps.own_conversation(actor, conversation, agents, now, Phase.IN_CONVERSATION)
    steps.say(conversation, "agent_ended", {"agent": agent.name}, now)
    return _to_wrap_up(actor, conversation, offer, agents, Trigger.AGENT_END, "ended", now)


def _to_wrap_up(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer | None,
    agents: dict[int, LockedAgent],
    trigger: Trigger,
    cause: str,
    now: datetime,
    reason: StateReason | None = None,
) -> ConversationEnded:
    hearers = steps.audience(conversation, offer.agent.user_id if offer else None, customer=True)
    steps.withdraw_transfer(conversation, offer, cause, now)
    before = steps.move(conversation, trigger, Phase.WRAP_UP, now=now, reason=reason)
    conversation.unanswered_since = None
    steps.save(conversation)
    steps.let_go(agents, conversation.agent_id, now)
    event = ConversationEnded(**audit.heading(actor, conversation, now, before))
    audit.publish(event, hearers)
    return event


@action()
def close_session(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationEvent:
    """The agent closes the session (X): Waiting where chats persist (T15), else back to Open (T16).

    In wrap-up it finishes the conversation (T23). Raises ``ActionRefused`` if it is not theirs.
    Announced to supervisors, everybody in it, and the customer.
    """
    conversation, offer, agents = _lock_all(conversation_id)
    selectors.require_visible(actor, conversation)
    now = now or clock.now()
    agent = steps.own_conversation(actor, conversation, agents, now, Phase.IN_CONVERSATION, Phase.WRAP_UP)
    if steps.current_phase(conversation) == Phase.WRAP_UP:
        return _finish(actor, conversation, offer, agents, now)
    if conversation.kind not in PERSISTS:
        hearers = steps.audience(conversation, offer.agent.user_id if offer else None, customer=True, open_list=True)
        before = steps.back_to_queue(
            conversation, agents, offer, Trigger.AGENT_CLOSES_SESSION, ClosureReason.AGENT_CLOSED, now
        )
        released = ConversationReleased(
            **audit.heading(actor, conversation, now, before),
            agent_id=agent.pk,
            agent=agent.name,
        )
        audit.publish(released, hearers)
        return released
    hearers = steps.audience(conversation, offer.agent.user_id if offer else None)
    before = steps.to_waiting(
        conversation, agents, offer, Trigger.AGENT_CLOSES_SESSION, ClosureReason.AGENT_MOVED_TO_WAITING, now
    )
    event = ConversationMovedToWaiting(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
    )
    audit.publish(event, hearers)
    return event


@action()
def finish_wrap_up(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationClosed:
    """The agent is done with the after-work: closed (T23). Raises ``ActionRefused`` outside wrap-up."""
    conversation, offer, agents = _lock_all(conversation_id)
    selectors.require_visible(actor, conversation)
    now = now or clock.now()
    steps.own_conversation(actor, conversation, agents, now, Phase.WRAP_UP)
    return _finish(actor, conversation, offer, agents, now)


def _finish(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer | None,
    agents: dict[int, LockedAgent],
    now: datetime,
) -> ConversationClosed:
    return _close(
        actor,
        conversation,
        offer,
        agents,
        Trigger.FINISH_WRAP_UP,
        ClosureReason.AGENT_END,
        "ended",
        now,
    )


def _close(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer | None,
    agents: dict[int, LockedAgent],
    trigger: Trigger,
    closure: ClosureReason,
    cause: str,
    now: datetime,
    reason: StateReason | None = None,
) -> ConversationClosed:
    hearers = steps.audience(conversation, offer.agent.user_id if offer else None, customer=True, open_list=True)
    before = steps.finish(conversation, agents, offer, trigger, closure, now, cause=cause, reason=reason)
    event = ConversationClosed(**audit.heading(actor, conversation, now, before))
    audit.publish(event, hearers)
    return event


@action()
def force_close(
    actor: Actor,
    conversation_id: int,
    *,
    version: int,
    confirmed: frozenset[str] = frozenset(),
    note: str = "",
    now: datetime | None = None,
) -> ConversationForceClosed:
    """A supervisor closes an ongoing conversation for everybody, at once (domain.md 3.7, T24).

    Needs the confirmation ``force_close`` (S2) and, where the setting says so, a reason. A second
    one is refused with who closed it and when. Everybody in it is told, monitors too; capacity is
    free at once, also in wrap-up.
    """
    note = policy.clean_text(note)
    conversation, offer, agents = _lock_all(conversation_id)
    selectors.require_visible(actor, conversation)
    now = now or clock.now()
    switches = selectors.switches()
    facts = selectors.facts(conversation, offer)
    if facts.phase == Phase.CLOSED:
        require(policy.why_not_supervisor(actor))
        raise Stale(steps.closed_already(conversation))
    require(policy.why_not(Verb.FORCE_CLOSE, actor, facts, switches))
    steps.check_version(conversation, version, now)
    require(policy.why_not_note(note))
    if switches.force_close_reason_required and not note:
        raise ActionRefused(policy.FORCE_CLOSE_REASON_REQUIRED)
    require_confirmed((policy.FORCE_CLOSE_CAUTION,), confirmed)

    inside = selectors.inside(conversation)
    working = inside.people - {actor.user_id}
    if offer is not None and offer.agent_id == conversation.agent_id:
        working -= {offer.agent.user_id}  # was only asked, and hears that the offer is withdrawn
    watching = inside.monitors - {actor.user_id}
    hearers = steps.audience(
        conversation,
        actor.user_id,
        offer.agent.user_id if offer is not None else None,
        customer=True,
        open_list=True,
        inside=inside,
    )
    steps.say(conversation, "force_closed", {}, now)
    before = steps.finish(
        conversation,
        agents,
        offer,
        Trigger.FORCE_CLOSE,
        ClosureReason.FORCE_CLOSE,
        now,
        cause="force_closed",
    )
    notifications.notify(working, "force_closed", conversation, now=now, level=NoticeLevel.WARN, name=actor.name)
    notifications.notify(watching - working, "monitored_closed", conversation, now=now)
    event = ConversationForceClosed(
        **audit.heading(actor, conversation, now, before),
        note=note,
    )
    audit.publish(event, hearers)
    return event


@action()
def customer_ends(
    actor: Actor, conversation_id: int, *, disconnected: bool = False, now: datetime | None = None
) -> ConversationEvent:
    """The customer ends or leaves: wrap-up (T13), or closed and abandoned before an answer (T9, T10).

    Who leaves a bot waited for nobody: closed, and not abandoned (domain.md M14).

    Only live chats and calls end this way; a persistent chat just falls silent, so ending it is
    refused. Raises ``ActionRefused`` with ``chat_ended`` for a second one.
    """
    conversation, offer, agents = _lock_all(conversation_id)
    steps.require_customer(actor, conversation)
    now = now or clock.now()
    at = steps.current_phase(conversation)
    if at in (Phase.WRAP_UP, Phase.CLOSED):
        raise ActionRefused(policy.CHAT_ENDED)
    if conversation.kind in PERSISTS:
        raise ActionRefused(policy.CHAT_STAYS)
    return _customer_leaves(actor, conversation, offer, agents, now, disconnected=disconnected)


def _customer_leaves(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer | None,
    agents: dict[int, LockedAgent],
    now: datetime,
    *,
    disconnected: bool,
) -> ConversationEvent:
    line = "customer_left" if disconnected else "customer_ended"
    steps.say(conversation, line, {"customer": conversation.customer.name}, now)
    closure = ClosureReason.CUSTOMER_DISCONNECT if disconnected else ClosureReason.CUSTOMER_END
    if conversation.is_with_bot:
        return _close(actor, conversation, offer, agents, Trigger.CUSTOMER_LEAVES_BOT, closure, "customer_left", now)
    if steps.current_phase(conversation) == Phase.IN_CONVERSATION:
        reason = StateReason.CUSTOMER_LEFT_ACTIVE if disconnected else StateReason.CUSTOMER_MOVED_TO_WRAP_UP
        return _to_wrap_up(actor, conversation, offer, agents, Trigger.CUSTOMER_LEAVES, "customer_left", now, reason)
    conversation.is_abandoned = conversation.accepted_at is None
    return _close(actor, conversation, offer, agents, Trigger.CUSTOMER_LEAVES, closure, "customer_left", now)


@action()
def customer_gone(conversation_id: int, *, now: datetime | None = None) -> ConversationEvent | None:
    """The customer of a live chat stayed away for longer than the setting says (T9, T10, T13; domain.md 2.3).

    Wrap-up with its agent, or closed and abandoned before an answer. Returns None where they are back, or it
    ended otherwise. Told as if the customer had left.
    """
    conversation, offer, agents = _lock_all(conversation_id)
    now = now or clock.now()
    left_at = conversation.customer_left_at
    if left_at is None or left_at > now - timedelta(seconds=selectors.settings_row().customer_disconnect):
        return None
    actor = customer_actor(conversation.customer_id, conversation.customer.name)
    return _customer_leaves(actor, conversation, offer, agents, now, disconnected=True)


@action()
def auto_close(conversation_id: int, *, due: datetime, now: datetime | None = None) -> ConversationEvent | None:
    """Close a conversation in which nothing happened since ``due`` (domain.md 2.3).

    A call that goes on so long is ended for the agent and goes to wrap-up (T14). Returns None where
    something happened meanwhile, or the wrap-up still blocks capacity (the longer wins).
    """
    conversation, offer, agents = _lock_all(conversation_id)
    now = now or clock.now()
    held_until = conversation.capacity_held_until
    if (
        conversation.closed_at is not None
        or conversation.last_activity_at > due
        or (held_until is not None and held_until > now)
    ):
        return None
    at = steps.current_phase(conversation)
    if conversation.kind == ChannelKind.VOICE and at == Phase.OFFERED:
        return None  # its offer has a deadline of its own
    if conversation.kind == ChannelKind.VOICE and at == Phase.IN_CONVERSATION:
        steps.say(conversation, "call_limit", {}, now)
        ended = _to_wrap_up(SYSTEM, conversation, offer, agents, Trigger.CALL_LIMIT, "ended", now)
        steps.close_session(conversation, ClosureReason.CALL_TIMED_OUT, now)
        return ended
    steps.say(conversation, "auto_closed", {}, now)
    reason = StateReason.AUTO_CLOSED_FROM_WAITING if at == Phase.WAITING else None
    return _close(
        SYSTEM,
        conversation,
        offer,
        agents,
        Trigger.AUTO_CLOSE,
        ClosureReason.AUTO_CLOSE,
        "moved_on",
        now,
        reason=reason,
    )


@action()
def release_wrap_up_capacity(conversation_id: int, *, now: datetime | None = None) -> bool:
    """Free the capacity of a wrap-up whose block time is over (domain.md 2.4); False if not due."""
    conversation = lock_conversation(conversation_id)
    agents = lock_agents([conversation.agent_id or conversation.last_agent_id])
    now = now or clock.now()
    until = conversation.capacity_held_until
    if until is None or until > now:
        return False
    conversation.holds_capacity = False
    conversation.capacity_held_until = None
    conversation.save(update_fields=["holds_capacity", "capacity_held_until"])
    steps.settle_presence(agents.values(), PresenceCause.RELEASED, now)
    return True
