"""Answer offers: accept, reject, time out (domain.md 4.1, T6 to T8, T19, T20)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from conversations import audit, notifications, policy, selectors, steps
from conversations.events import (
    ConversationEvent,
    ConversationTransferred,
    OfferAccepted,
    OfferRejected,
    OfferTimedOut,
    TransferRejected,
    TransferTimedOut,
)
from conversations.locks import LockedConversation, lock_offer
from conversations.models import (
    AssignReason,
    ClosureReason,
    LeftReason,
    Mode,
    NoticeLevel,
    Offer,
    OfferKind,
    OfferStatus,
)
from conversations.policy import Phase, Trigger
from routing import selectors as routing_selectors
from routing.locks import LockedAgent, lock_agents
from routing.models import BasePresence
from routing.policy import PresenceCause, is_accepted_in_the_end, why_not_reject
from supervisor_console.kernel import clock, realtime
from supervisor_console.kernel.actor import SYSTEM, Actor
from supervisor_console.kernel.errors import ActionRefused, NotVisible, require
from supervisor_console.kernel.realtime import action

AGAIN = timedelta(seconds=20)
"""How long an offer can be answered whose time ran out during a standstill."""


def _lock_own_offer(
    actor: Actor, offer_id: int, now: datetime | None
) -> tuple[LockedConversation, Offer, dict[int, LockedAgent]]:
    conversation, offer = lock_offer(offer_id)
    if not actor.is_agent or offer.agent_id != actor.agent_id:
        raise NotVisible
    if offer.status != OfferStatus.PENDING:
        raise ActionRefused(steps.overtaken(policy.OFFER_GONE, actor, conversation, now or clock.now()))
    return conversation, offer, lock_agents([offer.agent_id, conversation.agent_id])


def _is_request(offer: Offer) -> bool:
    return offer.kind == OfferKind.TRANSFER


def _who_asked(offer: Offer, actor: Actor) -> frozenset[int]:
    """The supervisor who hears the answer; nobody is told what they answered to themselves."""
    return audit.everybody([offer.requested_by_id]) - {actor.user_id or 0}


@action()
def accept(actor: Actor, offer_id: int, *, now: datetime | None = None) -> ConversationEvent:
    """The agent accepts: the conversation is theirs now (T6), or they take it over (T19, T20).

    After a transfer from a running conversation the first agent stays as a consultant (S1). Raises
    ``ActionRefused`` with ``offer_gone`` for an offer that is over, also one whose time has run out
    but was not swept yet, unless it opens by itself then. Announced to supervisors, both agents and the customer.
    """
    conversation, offer, agents = _lock_own_offer(actor, offer_id, now)
    now = now or clock.now()
    if offer.expires_at <= now and not routing_selectors.terms_of(conversation.workstream).accepts(
        is_request=_is_request(offer)
    ):
        raise ActionRefused(policy.OFFER_GONE)
    if _is_request(offer):
        return _accept_transfer(actor, conversation, offer, agents, now)
    return _take(actor, conversation, offer, agents[offer.agent_id], now)


def _take(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer,
    agent: LockedAgent,
    now: datetime,
    *,
    by_itself: bool = False,
) -> OfferAccepted:
    """The conversation is the agent's now (T6), because they accepted or because their time was over."""
    before = steps.move(conversation, Trigger.ACCEPT, Phase.IN_CONVERSATION, now=now, agent=agent)
    steps.settle_offer(offer, OfferStatus.ACCEPTED, now)
    steps.accept_session(conversation, now)
    steps.primary_joined(conversation, now)
    steps.say(conversation, "agent_joined", {"agent": agent.name}, now)
    steps.save(conversation)
    steps.settle_presence([agent], PresenceCause.ACCEPTED, now)
    notifications.notify(
        _who_asked(offer, actor) - {agent.user_id},
        "assign_accepted",
        conversation,
        now=now,
        level=NoticeLevel.SUCCESS,
        agent=agent.name,
    )
    event = OfferAccepted(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
        by_itself=by_itself,
    )
    audit.publish(event, steps.audience(conversation, offer.requested_by_id, customer=True))
    return event


def _accept_transfer(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer,
    agents: dict[int, LockedAgent],
    now: datetime,
) -> ConversationTransferred:
    agent = agents[offer.agent_id]
    first = agents.get(conversation.agent_id) if conversation.agent_id is not None else None
    was_talking = steps.current_phase(conversation) == Phase.IN_CONVERSATION
    former = conversation.agent or conversation.last_agent
    if former is not None and former.pk == agent.pk:
        former = None  # it waited for this very agent
    hearers = steps.audience(conversation, offer.requested_by_id, agent.user_id, customer=True, open_list=False)

    before = steps.move(conversation, Trigger.TRANSFER_ACCEPTED, Phase.IN_CONVERSATION, now=now, agent=agent)
    conversation.transfer_count += 1
    steps.settle_offer(offer, OfferStatus.ACCEPTED, now)
    steps.end_participations(conversation, LeftReason.TRANSFERRED, now, modes=[Mode.PRIMARY])
    steps.close_session(conversation, ClosureReason.SUPERVISOR_TRANSFER_TO_AGENT, now)
    steps.open_session(conversation, now=now, agent=agent)
    steps.accept_session(conversation, now)
    steps.seat_primary(conversation, agent, AssignReason.SUPERVISOR_TRANSFER, now=now, joined=True)
    if first is not None and was_talking:
        # S1: the former primary of an active conversation stays as a consultant. One who never
        # accepted never joined, and a waiting one has nobody to keep (domain.md 3.6).
        steps.add_participant(conversation, first.user_id, Mode.CONSULT, AssignReason.SUPERVISOR_TRANSFER, now)
        steps.say(conversation, "agent_took_over", {"agent": agent.name, "from": first.name}, now)
        steps.whisper(conversation, "consultant_now", {"agent": agent.name, "from": first.name}, now)
        notifications.notify([first.user_id], "took_over", conversation, now=now, agent=agent.name)
    else:
        steps.say(conversation, "agent_joined", {"agent": agent.name}, now)
        if former is not None:
            notifications.notify([former.user_id], "taken_away", conversation, now=now, agent=agent.name)
    steps.save(conversation)
    left = PresenceCause.RELEASED if was_talking else PresenceCause.WITHDRAWN
    steps.settle_each([(agent, PresenceCause.ACCEPTED), *([(first, left)] if first is not None else [])], now)
    notifications.notify(
        _who_asked(offer, actor),
        "transfer_accepted",
        conversation,
        now=now,
        level=NoticeLevel.SUCCESS,
        agent=agent.name,
    )
    event = ConversationTransferred(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
        from_agent_id=former.pk if former is not None else None,
        from_agent=former.name if former is not None else "",
    )
    audit.publish(event, hearers)
    return event


@action()
def reject(actor: Actor, offer_id: int, *, now: datetime | None = None) -> ConversationEvent:
    """The agent rejects: it is open again (T7), or a transfer comes to nothing (domain.md 3.6).

    Raises ``ActionRefused`` for an offer that is over, that cannot be rejected because the conversation is assigned
    without asking, or whose workstream shows no Reject. The supervisor who asked is told and can reassign. Announced
    to supervisors and both agents.
    """
    conversation, offer, agents = _lock_own_offer(actor, offer_id, now)
    require(why_not_reject(routing_selectors.terms_of(conversation.workstream), is_request=_is_request(offer)))
    return _decline(actor, conversation, offer, agents, now or clock.now(), missed=False)


@action()
def expire(offer_id: int, *, now: datetime | None = None) -> ConversationEvent | None:
    """The time of an offer ran out: it is declined (T8), or accepted for its agent where it opens by itself (T6).

    Returns None where it was answered meanwhile or has time left. Whoever finds a conversation on the desk that opened
    by itself is told by a notice; otherwise it is announced as if they had accepted.
    """
    conversation, offer = lock_offer(offer_id)
    agents = lock_agents([offer.agent_id, conversation.agent_id])
    now = now or clock.now()
    if offer.status != OfferStatus.PENDING or offer.expires_at > now:
        return None
    agent = agents[offer.agent_id]
    if is_accepted_in_the_end(
        routing_selectors.terms_of(conversation.workstream),
        BasePresence(agent.presence.base),
        is_request=_is_request(offer),
        takes_work=routing_selectors.agents().filter(pk=agent.pk).exists(),
    ):
        event = _take(SYSTEM, conversation, offer, agent, now, by_itself=True)
        notifications.notify([agent.user_id], "opened_by_itself", conversation, now=now, level=NoticeLevel.WARN)
        return event
    told = selectors.is_told(conversation) and not _is_request(offer)
    notifications.notify([agent.user_id], "offer_missed", conversation, now=now, level=NoticeLevel.WARN, told=told)
    return _decline(SYSTEM, conversation, offer, agents, now, missed=True)


@action()
def give_time(offer_id: int, *, now: datetime | None = None) -> bool:
    """An offer ran out while nothing could be answered: it can be answered for ``AGAIN`` from now on.

    Returns whether it was still asked. The agent's desk shows the new countdown; the time counts as the offer's own,
    so that it is in no history.
    """
    conversation, offer = lock_offer(offer_id)
    now = now or clock.now()
    if offer.status != OfferStatus.PENDING or offer.expires_at > now:
        return False
    offer.expires_at = now + AGAIN
    offer.save(update_fields=["expires_at"])
    realtime.announce(
        [f"user:{offer.agent.user_id}"],
        {"type": "event", "code": "offer.given_time", "conversation": conversation.pk, "at": now.isoformat()},
    )
    return True


@action()
def withdraw_unanswerable(offer_id: int, *, now: datetime | None = None) -> ConversationEvent | None:
    """Nobody can answer: the agent went away after it was made (domain.md 2.3, P14).

    It counts as timed out (T8) at once, without what a missed offer does to presence: they did not see it. The
    supervisor who asked is told why and can reassign; the agent finds a notice. Returns None where it was answered
    meanwhile, or somebody is there again.
    """
    conversation, offer = lock_offer(offer_id)
    agents = lock_agents([offer.agent_id, conversation.agent_id])
    now = now or clock.now()
    if not unanswerable().filter(pk=offer.pk).exists():
        return None
    notifications.notify([offer.agent.user_id], "offer_withdrawn", conversation, now=now, cause="agent_gone")
    return _decline(SYSTEM, conversation, offer, agents, now, missed=True, gone=True)


def unanswerable() -> QuerySet[Offer]:
    """Pending offers whose agent went away since. One made to somebody who was gone already keeps its time: the
    supervisor confirmed that (domain.md 3.5)."""
    return Offer.objects.filter(status=OfferStatus.PENDING, offered_at__lt=F("agent__left_at"))


def _decline(
    actor: Actor,
    conversation: LockedConversation,
    offer: Offer,
    agents: dict[int, LockedAgent],
    now: datetime,
    *,
    missed: bool,
    gone: bool = False,
) -> ConversationEvent:
    agent = agents[offer.agent_id]
    transfer = _is_request(offer)
    hearers = steps.audience(conversation, offer.requested_by_id, agent.user_id, open_list=not transfer)
    steps.settle_offer(offer, OfferStatus.TIMED_OUT if missed else OfferStatus.REJECTED, now)
    before = conversation.state
    outcome = "unreachable" if gone else "timed_out" if missed else "rejected"
    if transfer:
        steps.whisper(conversation, f"transfer_{outcome}", {"agent": agent.name}, now)
        steps.offer_again(conversation, agents, now)
        steps.touch(conversation, now)
    else:
        trigger = Trigger.TIMEOUT if missed else Trigger.REJECT
        closure = ClosureReason.AGENT_TIMEOUT if missed else ClosureReason.AGENT_REJECT
        before = steps.move(conversation, trigger, Phase.OPEN, now=now)
        steps.end_participations(
            conversation,
            LeftReason.TIMED_OUT if missed else LeftReason.REJECTED,
            now,
            modes=[Mode.PRIMARY],
        )
        steps.close_session(conversation, closure, now)
        steps.open_session(conversation, now=now)
        steps.whisper(conversation, outcome, {"agent": agent.name}, now)
        steps.save(conversation)
    if not gone:
        steps.declined(agent, conversation, missed=missed, now=now)
    notifications.notify(
        _who_asked(offer, actor),
        f"{'transfer' if transfer else 'assign'}_{outcome}",
        conversation,
        now=now,
        level=NoticeLevel.WARN,
        agent=agent.name,
    )
    kind = _DECLINES[transfer, missed]
    event = kind(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
    )
    audit.publish(event, hearers)
    steps.reopen_if_written_to(conversation, now)
    return event


_DECLINES: dict[
    tuple[bool, bool],
    type[OfferRejected] | type[OfferTimedOut] | type[TransferRejected] | type[TransferTimedOut],
] = {
    (False, False): OfferRejected,
    (False, True): OfferTimedOut,
    (True, False): TransferRejected,
    (True, True): TransferTimedOut,
}
