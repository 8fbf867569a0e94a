"""Give work to somebody: assign, move to a queue, transfer, cancel, pick, release (domain.md 3.5, 3.6)."""

from __future__ import annotations

from datetime import datetime

from conversations import audit, notifications, policy, selectors, steps
from conversations.events import (
    ConversationAssigned,
    ConversationAssignedToQueue,
    ConversationPicked,
    ConversationReleased,
    TransferCancelled,
    TransferRequested,
)
from conversations.locks import LockedConversation, lock_conversation
from conversations.models import (
    AssignReason,
    ClosureReason,
    OfferKind,
    OfferStatus,
)
from conversations.policy import Phase, Trigger, Verb
from routing import selectors as routing_selectors
from routing.locks import LockedAgent, lock_agents
from routing.models import BasePresence, Queue
from routing.policy import PresenceCause
from routing.policy import why_not_take as routing_why_not_take
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import (
    ActionRefused,
    Caution,
    NotVisible,
    require,
    require_confirmed,
)
from supervisor_console.kernel.realtime import action


def _over(cautions: tuple[Caution, ...]) -> tuple[int, dict[str, int]]:
    units = next((int(found.numbers["over"]) for found in cautions if found.code == "capacity_override"), 0)
    items = {
        str(found.numbers["profile"]): int(found.numbers["over"])
        for found in cautions
        if found.code == "profile_override"
    }
    return units, items


def _target(conversation: LockedConversation, agent: LockedAgent, now: datetime) -> policy.Target:
    return selectors.targets(conversation, [agent], now)[agent.pk]


@action()
def assign(
    actor: Actor,
    conversation_id: int,
    *,
    agent_id: int,
    version: int,
    confirmed: frozenset[str] = frozenset(),
    note: str = "",
    now: datetime | None = None,
) -> ConversationAssigned:
    """Offer an open conversation to an agent; presence and capacity may be exceeded (domain.md 3.5, T4).

    ``confirmed`` holds the codes of the cautions the supervisor has read. The agent's capacity is
    taken at once. Raises ``Stale``, ``ActionRefused``, ``ConfirmationNeeded`` or ``NotVisible``.
    Announced to supervisors, the agent (an offer) and the open lists.
    """
    note = policy.clean_text(note)
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    offer = selectors.pending_offer(conversation)
    agents = lock_agents([agent_id])
    now = now or clock.now()
    switches = selectors.switches()
    facts = selectors.facts(conversation, offer)
    common = policy.why_not_supervise(actor, facts, switches, Verb.ASSIGN)
    require(common)
    steps.check_version(conversation, version, now)
    require(policy.why_not(Verb.ASSIGN, actor, facts, switches))
    require(policy.why_not_note(note))
    agent = agents.get(agent_id)
    if agent is None:
        raise NotVisible
    target = _target(conversation, agent, now)
    require(policy.why_not_assign_to(target, switches))
    cost = selectors.cost_of(conversation)
    cautions = policy.cautions_assign(target, cost, conversation.workstream.allowed_presences)
    require_confirmed(cautions, confirmed)
    over_units, over_items = _over(cautions)

    before = steps.move(conversation, Trigger.SUPERVISOR_ASSIGN, Phase.OFFERED, now=now, agent=agent)
    steps.close_session(conversation, ClosureReason.AGENT_REROUTED, now)
    steps.open_session(conversation, now=now, agent=agent)
    steps.seat_primary(conversation, agent, AssignReason.SUPERVISOR_ASSIGN, now=now)
    steps.make_offer(
        conversation, agent, OfferKind.SUPERVISOR_ASSIGN, now=now, requested_by_id=actor.user_id, note=note
    )
    steps.whisper(conversation, "assigned", {"name": actor.name, "agent": agent.name}, now)
    if note:
        steps.whisper(conversation, "handover_note", {"name": actor.name, "note": note}, now)
    steps.save(conversation)
    steps.settle_asked(agent, target.candidate, cost, PresenceCause.OFFERED, now)
    steps.tell_asked(conversation, agent, now, actor.name)
    event = ConversationAssigned(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
        note=note,
        overrides=tuple(caution.code for caution in cautions),
        presence=str(target.candidate.presence_name),
        over_units=over_units,
        over_items=over_items,
    )
    audit.publish(event, steps.audience(conversation, actor.user_id, open_list=True))
    return event


@action()
def assign_to_queue(
    actor: Actor,
    conversation_id: int,
    *,
    queue_id: int,
    version: int,
    confirmed: frozenset[str] = frozenset(),
    note: str = "",
    now: datetime | None = None,
) -> ConversationAssignedToQueue:
    """Move an open conversation to another queue of its type (domain.md 3.5, T5).

    The queue wait starts again, the first wait goes on. Raises ``ActionRefused`` for the current
    queue, another type or a queue without members; ``ConfirmationNeeded`` outside its hours.
    Announced to the supervisors and open lists of both queues.
    """
    note = policy.clean_text(note)
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    offer = selectors.pending_offer(conversation)
    now = now or clock.now()
    switches = selectors.switches()
    facts = selectors.facts(conversation, offer)
    require(policy.why_not_supervise(actor, facts, switches, Verb.ASSIGN))
    steps.check_version(conversation, version, now)
    require(policy.why_not(Verb.ASSIGN, actor, facts, switches))
    require(policy.why_not_note(note))
    queue = Queue.objects.filter(pk=queue_id).first()
    if queue is None:
        raise NotVisible
    target = policy.QueueTarget(
        queue_id=queue.pk,
        name=queue.name,
        is_current=queue.pk == conversation.queue_id,
        same_type=queue.type == conversation.kind.queue_type,
        members=routing_selectors.member_count(queue),
        is_open=routing_selectors.queue_is_open(queue, now),
    )
    require(policy.why_not_assign_to_queue(target))
    cautions = policy.cautions_assign_to_queue(target)
    require_confirmed(cautions, confirmed)

    former = conversation.queue
    before = steps.move_to_queue(
        conversation, queue, Trigger.SUPERVISOR_ASSIGN_TO_QUEUE, ClosureReason.SUPERVISOR_ASSIGN_TO_QUEUE, now=now
    )
    steps.whisper(
        conversation,
        "assigned_to_queue",
        {"name": actor.name, "from_queue": former.name, "queue": queue.name},
        now,
    )
    if note:
        steps.whisper(conversation, "handover_note", {"name": actor.name, "note": note}, now)
    steps.save(conversation)
    event = ConversationAssignedToQueue(
        **audit.heading(actor, conversation, now, before),
        from_queue_id=former.pk,
        from_queue=former.name,
        queue_id=queue.pk,
        queue=queue.name,
        note=note,
        overrides=tuple(caution.code for caution in cautions),
    )
    audit.publish(event, steps.audience(conversation, actor.user_id, open_list=True, queue_ids=[former.pk]))
    return event


@action()
def transfer(
    actor: Actor,
    conversation_id: int,
    *,
    agent_id: int,
    version: int,
    confirmed: frozenset[str] = frozenset(),
    note: str = "",
    now: datetime | None = None,
) -> TransferRequested:
    """Ask another agent of the queue to take over; nothing moves until they accept (domain.md 3.6).

    The first agent keeps the conversation meanwhile. Where it was only offered to them, that offer
    is withdrawn now, and made again if the transfer comes to nothing. The target's capacity is held softly. Raises as
    ``assign`` does. Announced to supervisors, both agents, not to the customer.
    """
    note = policy.clean_text(note)
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    offer = selectors.pending_offer(conversation)
    agents = lock_agents([agent_id, conversation.agent_id])
    now = now or clock.now()
    switches = selectors.switches()
    facts = selectors.facts(conversation, offer)
    require(policy.why_not_supervise(actor, facts, switches, Verb.TRANSFER))
    steps.check_version(conversation, version, now)
    require(policy.why_not(Verb.TRANSFER, actor, facts, switches))
    require(policy.why_not_note(note))
    agent = agents.get(agent_id)
    if agent is None:
        raise NotVisible
    target = _target(conversation, agent, now)
    require(policy.why_not_transfer_to(target, facts, conversation.workstream.allowed_presences))
    cost = selectors.cost_of(conversation)
    cautions = policy.cautions_transfer(target, cost)
    require_confirmed(cautions, confirmed)
    over_units, over_items = _over(cautions)

    holder = conversation.agent or conversation.last_agent
    hearers = steps.audience(conversation, actor.user_id, agent.user_id)
    if offer is not None:
        steps.withdraw_offer(conversation, offer, "transferred", now)
    steps.make_offer(conversation, agent, OfferKind.TRANSFER, now=now, requested_by_id=actor.user_id, note=note)
    steps.whisper(conversation, "transfer_requested", {"name": actor.name, "agent": agent.name}, now)
    if note:
        steps.whisper(conversation, "handover_note", {"name": actor.name, "note": note}, now)
    steps.touch(conversation, now)
    steps.settle_asked(agent, target.candidate, cost, PresenceCause.OFFERED, now)
    if conversation.agent is not None:
        notifications.notify(
            [conversation.agent.user_id],
            "transfer_requested",
            conversation,
            now=now,
            name=actor.name,
            agent=agent.name,
        )
    notifications.notify([agent.user_id], "assigned", conversation, now=now, name=actor.name)
    event = TransferRequested(
        **audit.heading(actor, conversation, now),
        agent_id=agent.pk,
        agent=agent.name,
        from_agent_id=holder.pk if holder is not None else None,
        from_agent=holder.name if holder is not None else "",
        note=note,
        overrides=tuple(caution.code for caution in cautions),
        over_units=over_units,
        over_items=over_items,
    )
    audit.publish(event, hearers)
    return event


@action()
def cancel_transfer(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> TransferCancelled:
    """Take back a pending transfer; everything is as before the request (domain.md 3.6).

    A waiting conversation whose customer wrote meanwhile opens (T21). Also while the switch is off, which is about new
    ones. Raises ``ActionRefused`` where it was answered meanwhile. Announced to supervisors and both agents.
    """
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    offer = selectors.pending_offer(conversation)
    now = now or clock.now()
    if offer is None or offer.kind != OfferKind.TRANSFER:
        raise ActionRefused(steps.overtaken(policy.NO_PENDING_TRANSFER, actor, conversation, now))
    agents = lock_agents([offer.agent_id, conversation.agent_id])
    facts = selectors.facts(conversation, offer)
    require(policy.why_not_cancel_transfer(actor, facts))

    hearers = steps.audience(conversation, actor.user_id, offer.requested_by_id, offer.agent.user_id)
    steps.withdraw_offer(conversation, offer, "cancelled", now)
    steps.whisper(conversation, "transfer_cancelled", {"agent": offer.agent.name}, now)
    steps.offer_again(conversation, agents, now)
    steps.touch(conversation, now)
    steps.settle_presence([agents[offer.agent_id]], PresenceCause.WITHDRAWN, now)
    if offer.requested_by_id != actor.user_id:
        steps.tell_transfer_is_off(conversation, offer, now)
    event = TransferCancelled(
        **audit.heading(actor, conversation, now),
        agent_id=offer.agent_id,
        agent=offer.agent.name,
    )
    audit.publish(event, hearers)
    steps.reopen_if_written_to(conversation, now)
    return event


@action()
def pick(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationPicked:
    """An agent takes an open conversation of an own queue; may go past capacity (domain.md T3, T6).

    Picking is accepting: nobody is asked twice. Raises ``ActionRefused`` if it is not open any more,
    its workstream does not allow picking, or the agent is offline. Announced to supervisors, the
    open lists and the customer.
    """
    conversation = lock_conversation(conversation_id)
    if not actor.is_agent or actor.agent_id is None:
        raise ActionRefused(policy.NOT_AGENT)
    if conversation.queue_id not in actor.agent_queue_ids:  # Who stood in the own open list may be told who took it.
        selectors.require_visible(actor, conversation)
    agents = lock_agents([actor.agent_id])
    agent = agents[actor.agent_id]
    now = now or clock.now()
    presence = BasePresence(agent.presence.base)
    allows_pick = conversation.workstream.is_pickable
    at = steps.current_phase(conversation)
    steps.require_still(policy.NOT_OPEN if at != Phase.OPEN else None, actor, conversation, now)
    require(policy.why_not_pick(actor, at, presence, allows_pick=allows_pick))
    target = _target(conversation, agent, now)
    require(routing_why_not_take(target.candidate))
    cost = selectors.cost_of(conversation)
    over_units, _ = _over(policy.cautions_transfer(target, cost))

    steps.close_session(conversation, ClosureReason.AGENT_REROUTED, now)
    before = steps.move(conversation, Trigger.PICK, Phase.OFFERED, now=now, agent=agent)
    steps.move(conversation, Trigger.ACCEPT, Phase.IN_CONVERSATION, now=now, agent=agent)
    steps.open_session(conversation, now=now, agent=agent)
    steps.accept_session(conversation, now)
    steps.seat_primary(conversation, agent, AssignReason.AGENT_PICK, now=now, joined=True)
    offer = steps.make_offer(conversation, agent, OfferKind.PICK, now=now)
    steps.settle_offer(offer, OfferStatus.ACCEPTED, now)
    steps.say(conversation, "agent_joined", {"agent": agent.name}, now)
    steps.save(conversation)
    steps.settle_asked(agent, target.candidate, cost, PresenceCause.ACCEPTED, now)
    event = ConversationPicked(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
        over_units=over_units,
    )
    audit.publish(event, steps.audience(conversation, customer=True, open_list=True))
    return event


@action()
def release(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationReleased:
    """The agent gives an active conversation back to its queue (domain.md T18).

    Raises ``ActionRefused`` if it is not theirs or not active any more. Announced to supervisors,
    the open lists, everybody in the conversation and the customer.
    """
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    offer = selectors.pending_offer(conversation)
    agents = lock_agents([conversation.agent_id, offer.agent_id if offer else None])
    now = now or clock.now()
    agent = steps.own_conversation(actor, conversation, agents, now, Phase.IN_CONVERSATION)
    asked = offer.agent.user_id if offer is not None else None
    hearers = steps.audience(conversation, asked, customer=True, open_list=True)
    before = steps.back_to_queue(conversation, agents, offer, Trigger.AGENT_RELEASE, ClosureReason.AGENT_REROUTED, now)
    event = ConversationReleased(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
    )
    audit.publish(event, hearers)
    return event
