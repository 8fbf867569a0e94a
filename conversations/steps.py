"""Shared parts of services, on locked rows: move, seat, offer, settle, say, publish.

Nothing here opens a transaction or takes a lock; the types of the arguments prove that a service did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from conversations import audit, legs, notifications, selectors, wording
from conversations.events import ConversationCreated, CustomerReturned
from conversations.locks import LockedConversation
from conversations.models import (
    AssignReason,
    ClosureReason,
    HistoryEntry,
    LeftReason,
    Message,
    Mode,
    NoticeLevel,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    QueueSegment,
    SenderKind,
    Session,
    State,
    StateReason,
    Visibility,
)
from conversations.policy import (
    STALE_VERSION,
    TOO_LATE,
    Phase,
    Trigger,
    already_closed,
    capacity_hold,
    phase,
    reason_after,
    transition,
    why_not_own,
)
from routing import policy as routing_policy
from routing import selectors as routing_selectors
from routing import steps as routing_steps
from routing.locks import LockedAgent
from routing.models import BasePresence, Queue, SetAfter, SetBy, WrapUpBlock
from routing.policy import Candidate, Cost, Limits, Load, PresenceCause, PresenceNow
from routing.signals import agent_became_free
from supervisor_console.kernel import realtime
from supervisor_console.kernel.actor import SYSTEM, Actor, customer_actor
from supervisor_console.kernel.errors import NotVisible, Refusal, Stale, require
from supervisor_console.kernel.events import Json

HANDLING = frozenset({Phase.IN_CONVERSATION, Phase.WRAP_UP})
"""The phases in which handle time runs (domain.md M21)."""


A_MOMENT = timedelta(minutes=1)
"""How long somebody counts as having been faster."""


def current_phase(conversation: LockedConversation) -> Phase:
    """The phase a conversation is in."""
    return phase(conversation.state, conversation.reason)


def check_version(conversation: LockedConversation, version: int, now: datetime) -> None:
    """Raise ``Stale`` if the conversation is not what the actor saw any more (domain.md 3.0, 6).

    The refusal says who did what and what it is now: «Ana Test took it 3 s ago. It is active with Ana Test now.»

    A line that was written, and a supervisor who comes or goes, make a new version too, but change
    nothing that an action depends on: who acts on a lively chat is not sent back for them.
    """
    if version == conversation.version:
        return
    if 0 < version < conversation.version and not selectors.has_moved_since(conversation, version):
        return
    if conversation.closed_at is not None:
        raise Stale(closed_already(conversation))
    change = selectors.last_move(conversation)
    was = _deed(change, now) if change is not None else ""
    raise Stale(Refusal(STALE_VERSION.code, STALE_VERSION.text, {"was": was, "is": _standing(conversation)}))


def overtaken(refusal: Refusal, actor: Actor, conversation: LockedConversation, now: datetime) -> Refusal:
    """The same no, and who was faster, where somebody else moved the conversation a moment ago."""
    change = selectors.last_move(conversation)
    mine = change is not None and change.actor_user_id is not None and change.actor_user_id == actor.user_id
    if change is None or mine or change.code == ConversationCreated.code or now - change.at > A_MOMENT:
        return refusal
    return Refusal(refusal.code, TOO_LATE, {"was": _deed(change, now), "why": refusal.sentence}, kind=refusal.kind)


def require_still(refusal: Refusal | None, actor: Actor, conversation: LockedConversation, now: datetime) -> None:
    """Raise ``ActionRefused`` for a no, and say who was faster where somebody was."""
    require(overtaken(refusal, actor, conversation, now) if refusal is not None else None)


def _deed(change: HistoryEntry, now: datetime) -> str:
    params = {**change.data, "name": change.actor_name}
    return wording.deed(change.code, params, (now - change.at).total_seconds())


def _standing(conversation: LockedConversation) -> str:
    agent = conversation.agent
    params = {"queue": conversation.queue.name, "agent": agent.name if agent is not None else "–"}
    at = current_phase(conversation)
    code = "told" if at == Phase.OFFERED and selectors.is_told(conversation) else at.value
    return wording.sentence(wording.STANDINGS, code, params)


def closed_already(conversation: LockedConversation) -> Refusal:
    """Who closed it, and when (domain.md 3.7)."""
    change = selectors.last_change(conversation)
    assert conversation.closed_at is not None, "only a closed conversation was closed by somebody"
    at = timezone.localtime(conversation.closed_at)
    return already_closed(change.actor_name if change is not None else "–", f"{at:%H:%M:%S}")


def move(
    conversation: LockedConversation,
    trigger: Trigger,
    target: Phase,
    *,
    now: datetime,
    agent: LockedAgent | None = None,
    reason: StateReason | None = None,
) -> str:
    """Move a conversation along the table of domain.md 2.2 and return the state it had.

    Sets state, reason, agent, capacity hold and the running of handle time; ``agent`` is the new
    primary where the move has one. Raises ``IllegalTransition`` for a move the table lacks.
    """
    source = current_phase(conversation)
    transition(trigger, source, target, conversation.kind)
    before = conversation.state
    conversation.state = target.state
    conversation.reason = reason or reason_after(target, trigger)
    conversation.state_changed_at = now
    conversation.last_activity_at = now
    conversation.unassignable_since = None
    if target in (Phase.OPEN, Phase.WAITING, Phase.CLOSED):
        conversation.agent = None
    elif agent is not None:
        conversation.agent = agent
    workstream = conversation.workstream
    conversation.holds_capacity, conversation.capacity_held_until = capacity_hold(
        target, WrapUpBlock(workstream.wrapup_block), workstream.wrapup_block_seconds, now
    )
    _run_handle_time(conversation, target, now)
    if conversation.is_elevated and target != Phase.IN_CONVERSATION:
        conversation.is_elevated = False  # The call beside a chat ends with its dialogue.
        say(conversation, "elevation_ended", {}, now)
    if target == Phase.OPEN:
        ask_to_distribute(conversation_id=conversation.pk)
    if target == Phase.IN_CONVERSATION and conversation.agent is not None:
        conversation.last_agent = conversation.agent
        if conversation.accepted_at is None and not conversation.agent.is_bot:
            conversation.accepted_at = now
    if target in (Phase.WRAP_UP, Phase.CLOSED):
        conversation.customer_left_at = None
    if target == Phase.WRAP_UP:
        conversation.wrapup_started_at = now
    if target == Phase.CLOSED:
        conversation.closed_at = now
    legs.follow(conversation, target, now)
    return before


def _run_handle_time(conversation: LockedConversation, target: Phase, now: datetime) -> None:
    """Start, or let rest, what people of the centre spend on it (domain.md M21); a bot's time is nobody's."""
    runs = conversation.handling_since is not None
    if runs and target not in HANDLING:
        assert conversation.handling_since is not None
        conversation.handled = now - conversation.handling_since
        conversation.handling_since = None
    elif not runs and target in HANDLING:
        conversation.handling_since = now - conversation.handled


def move_to_queue(
    conversation: LockedConversation, queue: Queue, trigger: Trigger, reason: ClosureReason, *, now: datetime
) -> str:
    """Let an open conversation wait in another queue: a new segment and session; returns the state it had (T5).

    The queue wait starts again, the first wait goes on.
    """
    former = conversation.queue
    before = move(conversation, trigger, Phase.OPEN, now=now)
    close_session(conversation, reason, now)
    end_segment(conversation, reason, now, target=queue)
    conversation.queue = queue
    open_segment(conversation, now, source=former)
    open_session(conversation, now=now)
    return before


DISTRIBUTION = "distribution"
"""The topic to which the background work listens that hands out work."""


def ask_to_distribute(*, agent_id: int = 0, conversation_id: int = 0) -> None:
    """Leave a mark that work may find an agent: this agent may take some, this conversation waits for one, or anything.

    It leaves with what the action announces, after the commit: the outbox keeps it, whoever is running.
    """
    realtime.announce(
        [DISTRIBUTION],
        {"type": "mark", "code": "distribution.mark", "agent": agent_id, "conversation": conversation_id},
    )


def save(conversation: LockedConversation) -> None:
    """Write the row with the next version."""
    conversation.version += 1
    conversation.save()


def touch(conversation: LockedConversation, now: datetime) -> None:
    """Restart the auto-close clock and make a new version: something happened, the state stays."""
    conversation.last_activity_at = now
    save(conversation)


# --- sessions and segments --------------------------------------------------------------------------------


def open_session(
    conversation: LockedConversation, *, now: datetime, agent: LockedAgent | None = None, accepted: bool = False
) -> None:
    """Begin an assignment attempt in the conversation's queue."""
    Session.objects.create(
        conversation=conversation,
        queue_id=conversation.queue_id,
        agent=agent,
        created_at=now,
        agent_assigned_at=now if agent is not None else None,
        agent_accepted_at=now if accepted else None,
    )
    if agent is not None:
        segment = QueueSegment.objects.filter(conversation=conversation, ended_at=None)
        segment.update(agent_assigned_at=now)


def accept_session(conversation: LockedConversation, now: datetime) -> None:
    """Note that the agent of the open session accepted."""
    Session.objects.filter(conversation=conversation, closed_at=None).update(agent_accepted_at=now)
    QueueSegment.objects.filter(conversation=conversation, ended_at=None).update(agent_accepted_at=now)


def close_session(conversation: LockedConversation, reason: ClosureReason, now: datetime) -> None:
    """End the open assignment attempt with its reason."""
    Session.objects.filter(conversation=conversation, closed_at=None).update(closed_at=now, closure_reason=reason)


def open_segment(conversation: LockedConversation, now: datetime, source: Queue | None = None) -> None:
    """Begin a stay in the conversation's queue."""
    QueueSegment.objects.create(
        conversation=conversation, queue_id=conversation.queue_id, source_queue=source, started_at=now
    )


def end_segment(
    conversation: LockedConversation, reason: ClosureReason, now: datetime, target: Queue | None = None
) -> None:
    """End the stay in the queue."""
    QueueSegment.objects.filter(conversation=conversation, ended_at=None).update(
        ended_at=now, closure_reason=reason, target_queue=target, is_abandoned=conversation.is_abandoned
    )


# --- participants ----------------------------------------------------------------------------------------


def seat_primary(
    conversation: LockedConversation,
    agent: LockedAgent,
    reason: AssignReason,
    *,
    now: datetime,
    joined: bool = False,
) -> None:
    """Make this agent the one primary; whatever part they had in it before ends."""
    end_participations(conversation, LeftReason.MOVED_ON, now, user_ids=[agent.user_id])
    seat = Participant.objects.create(
        conversation=conversation,
        user_id=agent.user_id,
        mode=Mode.PRIMARY,
        assign_reason=reason,
        added_at=now,
        joined_at=now if joined else None,
    )
    legs.add(conversation, seat, current_phase(conversation), now)


def primary_joined(conversation: LockedConversation, now: datetime) -> None:
    """Note that the primary accepted and is in the conversation."""
    Participant.objects.filter(conversation=conversation, mode=Mode.PRIMARY, left_at=None).update(joined_at=now)
    legs.answer(conversation, now)


def add_participant(
    conversation: LockedConversation, user_id: int, mode: Mode, reason: AssignReason, now: datetime
) -> Participant:
    """Add a consultant or a monitor."""
    found = Participant.objects.create(
        conversation=conversation,
        user_id=user_id,
        mode=mode,
        assign_reason=reason,
        added_at=now,
        joined_at=now,
        seen_at=now,
    )
    legs.add(conversation, found, current_phase(conversation), now)
    return found


def end_participations(
    conversation: LockedConversation,
    reason: LeftReason,
    now: datetime,
    *,
    modes: Iterable[Mode] = tuple(Mode),
    user_ids: Iterable[int] | None = None,
) -> None:
    """End live participations of these modes (and people)."""
    rows = Participant.objects.filter(conversation=conversation, left_at=None, mode__in=list(modes))
    if user_ids is not None:
        rows = rows.filter(user_id__in=list(user_ids))
    legs.leave(conversation, rows, now)
    rows.update(left_at=now, left_reason=reason)


# --- offers ------------------------------------------------------------------------------------------------


def make_offer(
    conversation: LockedConversation,
    agent: LockedAgent,
    kind: OfferKind,
    *,
    now: datetime,
    requested_by_id: int | None = None,
    note: str = "",
) -> Offer:
    """Hold the conversation out to an agent, with the workstream's deadline (domain.md 4.2)."""
    return Offer.objects.create(
        conversation=conversation,
        agent=agent,
        kind=kind,
        requested_by_id=requested_by_id,
        note=note,
        offered_at=now,
        expires_at=now + timedelta(seconds=conversation.workstream.accept_seconds),
    )


def settle_offer(offer: Offer, status: OfferStatus, now: datetime) -> None:
    """Write down what became of an offer; the notice that announced it has done its work."""
    offer.status = status
    offer.settled_at = now
    offer.save(update_fields=["status", "settled_at"])
    notifications.done(offer.agent.user_id, wording.ASKS, offer.conversation_id, now=now)


def withdraw_offer(conversation: LockedConversation, offer: Offer, cause: str, now: datetime) -> None:
    """Take a pending offer back and tell its agent why; ``cause`` is one of ``wording.CAUSES``."""
    settle_offer(offer, OfferStatus.CANCELLED, now)
    notifications.notify(
        [offer.agent.user_id],
        "offer_withdrawn",
        conversation,
        now=now,
        level=NoticeLevel.WARN,
        cause=cause,
    )


def withdraw_transfer(conversation: LockedConversation, offer: Offer | None, cause: str, now: datetime) -> None:
    """Take back whatever is on offer because the conversation ends or moves on (domain.md 3.6).

    The supervisor who asked for a transfer is told that nothing came of it.
    """
    if offer is None:
        return
    withdraw_offer(conversation, offer, cause, now)
    if offer.kind == OfferKind.TRANSFER:
        tell_transfer_is_off(conversation, offer, now)


def tell_transfer_is_off(conversation: LockedConversation, offer: Offer, now: datetime) -> None:
    """Tell the supervisor who asked for a transfer that it was taken back."""
    notifications.notify(
        [offer.requested_by_id],
        "transfer_cancelled",
        conversation,
        now=now,
        level=NoticeLevel.WARN,
        agent=offer.agent.name,
    )


def tell_asked(conversation: LockedConversation, agent: LockedAgent, now: datetime, by: str = "") -> None:
    """Tell an agent that a conversation is offered or assigned to them, and by whom where somebody did."""
    told = selectors.is_told(conversation)
    if by:
        notifications.notify([agent.user_id], "assigned", conversation, now=now, name=by, told=told)
    else:
        notifications.notify([agent.user_id], "offered", conversation, now=now, told=told)


def offer_again(conversation: LockedConversation, agents: Mapping[int, LockedAgent], now: datetime) -> None:
    """Renew the offer to the first agent after a transfer that came to nothing before they accepted, and tell them."""
    if current_phase(conversation) != Phase.OFFERED or conversation.agent_id is None:
        return
    former = selectors.own_offer(conversation)
    agent = agents[conversation.agent_id]
    make_offer(
        conversation,
        agent,
        OfferKind(former.kind),
        now=now,
        requested_by_id=former.requested_by_id,
        note=former.note,
    )
    tell_asked(conversation, agent, now, former.requested_by.display_name if former.requested_by is not None else "")


def reopen(conversation: LockedConversation, now: datetime) -> None:
    """The customer came back to a waiting conversation: it is open, for everybody (T21)."""
    hearers = audience(conversation, customer=True, open_list=True)
    before = move(conversation, Trigger.CUSTOMER_RETURNS, Phase.OPEN, now=now)
    open_session(conversation, now=now)
    save(conversation)
    customer = customer_actor(conversation.customer_id, conversation.customer.name)
    event = CustomerReturned(**audit.heading(customer, conversation, now, before))
    audit.publish(event, hearers)


def reopen_if_written_to(conversation: LockedConversation, now: datetime) -> None:
    """Open a waiting conversation whose customer wrote while its transfer was pending and came to nothing.

    Otherwise their line would wait for nobody.
    """
    written = conversation.last_customer_message_at
    is_waiting = current_phase(conversation) == Phase.WAITING
    if is_waiting and written is not None and written > conversation.state_changed_at:
        reopen(conversation, now)


def require_customer(actor: Actor, conversation: LockedConversation) -> None:
    """Raise ``NotVisible`` for everybody but the customer whose conversation it is."""
    if actor.customer_id is None or actor.customer_id != conversation.customer_id:
        raise NotVisible


def own_conversation(
    actor: Actor,
    conversation: LockedConversation,
    agents: Mapping[int, LockedAgent],
    now: datetime,
    *phases: Phase,
) -> LockedAgent:
    """The actor as the primary of a conversation in one of these phases; raises ``ActionRefused`` otherwise."""
    refusal = why_not_own(actor, conversation.agent_id, current_phase(conversation), *phases)
    require_still(refusal, actor, conversation, now)
    assert conversation.agent_id is not None, "the primary was just found to be the actor"
    return agents[conversation.agent_id]


def back_to_queue(
    conversation: LockedConversation,
    agents: Mapping[int, LockedAgent],
    offer: Offer | None,
    trigger: Trigger,
    reason: ClosureReason,
    now: datetime,
    *,
    left: LeftReason = LeftReason.RELEASED,
    line: str = "agent_released",
) -> str:
    """Active to Open: the agent leaves, capacity is free, a new attempt begins. Returns the former state."""
    agent = agents[conversation.agent_id or 0]
    withdraw_transfer(conversation, offer, "moved_on", now)
    before = move(conversation, trigger, Phase.OPEN, now=now)
    end_participations(conversation, left, now, modes=[Mode.PRIMARY])
    close_session(conversation, reason, now)
    open_session(conversation, now=now)
    say(conversation, line, {"agent": agent.name}, now)
    save(conversation)
    let_go(agents, agent.pk, now)
    return before


def to_waiting(
    conversation: LockedConversation,
    agents: Mapping[int, LockedAgent],
    offer: Offer | None,
    trigger: Trigger,
    reason: ClosureReason,
    now: datetime,
    *,
    left: LeftReason = LeftReason.LEFT,
) -> str:
    """Active to Waiting: the agent leaves, capacity is free, their name stays. Returns the former state."""
    agent = agents[conversation.agent_id or 0]
    withdraw_transfer(conversation, offer, "moved_on", now)
    before = move(conversation, trigger, Phase.WAITING, now=now)
    end_participations(conversation, left, now, modes=[Mode.PRIMARY, Mode.CONSULT])
    close_session(conversation, reason, now)
    save(conversation)
    let_go(agents, agent.pk, now)
    return before


def finish(
    conversation: LockedConversation,
    agents: Mapping[int, LockedAgent],
    offer: Offer | None,
    trigger: Trigger,
    closure: ClosureReason,
    now: datetime,
    *,
    cause: str,
    reason: StateReason | None = None,
) -> str:
    """Close for good: no live participant, session, segment or offer remains (domain.md 2.5, 4).

    An agent who finishes wrap-up before its block time is over stays blocked until then (2.4); a
    force close frees them at once. Returns the former state.
    """
    blocked_until = conversation.capacity_held_until if trigger == Trigger.FINISH_WRAP_UP else None
    had_it = conversation.agent_id if current_phase(conversation) != Phase.OFFERED else None
    withdraw_transfer(conversation, offer, cause, now)
    before = move(conversation, trigger, Phase.CLOSED, now=now, reason=reason)
    conversation.unanswered_since = None
    conversation.capacity_held_until = blocked_until
    close_session(conversation, closure, now)
    end_segment(conversation, closure, now)
    end_participations(conversation, LeftReason.CLOSED, now)
    save(conversation)
    let_go(agents, had_it, now)
    return before


# --- presence ----------------------------------------------------------------------------------------------


def settle_presence(agents: Iterable[LockedAgent], cause: PresenceCause, now: datetime) -> None:
    """Recompute the presence of these agents from what they hold now (domain.md 1.3)."""
    settle_each([(agent, cause) for agent in agents], now)


def settle_each(agents: Iterable[tuple[LockedAgent, PresenceCause]], now: datetime) -> None:
    """Recompute the presence of these agents, each for its own cause; what they hold is read once for all of them."""
    people = [(agent, cause) for agent, cause in agents if not agent.is_bot]
    if not people:
        return
    loads = selectors.loads([agent.pk for agent, _cause in people], now)
    limits = routing_selectors.limits_of([agent for agent, _cause in people])
    for agent, cause in people:
        settle_one(agent, loads[agent.pk], limits[agent.pk], cause, now)


def settle_asked(agent: LockedAgent, asked: Candidate, cost: Cost, cause: PresenceCause, now: datetime) -> None:
    """Recompute the presence of an agent who has just got something of this cost.

    It follows what the rules were asked with, under the same lock, and the cost on top. A profile is counted afresh:
    one that comes free at the end of the day may count already.
    """
    if cost.profiles:
        settle_presence([agent], cause, now)
    else:
        settle_one(agent, asked.load.plus(cost), asked.limits, cause, now)


def settle_one(agent: LockedAgent, load: Load, limits: Limits, cause: PresenceCause, now: datetime) -> None:
    """Recompute the presence of one agent from what they hold now, read under their lock (domain.md 1.3)."""
    presence_now = PresenceNow(
        BasePresence(agent.presence.base),
        SetBy(agent.presence_set_by),
        agent.presence.is_inactive,
        agent.needs_reset,
    )
    wanted = routing_policy.presence_after(presence_now, load, limits, cause)
    if wanted is not None:
        presence = routing_steps.base_presence(wanted)
        routing_steps.change_presence(agent, presence, set_by=SetBy.SYSTEM, actor=SYSTEM, now=now)
    if cause in (PresenceCause.RELEASED, PresenceCause.WITHDRAWN):
        agent_became_free.send(sender=None, agent_id=agent.pk)


def let_go(agents: Mapping[int, LockedAgent], had_it: int | None, now: datetime) -> None:
    """Settle the presence of the agent who had it, and of those who were only asked."""
    having = sorted(agents.items(), key=lambda pair: pair[0] != had_it)
    causes = {True: PresenceCause.RELEASED, False: PresenceCause.WITHDRAWN}
    settle_each([(agent, causes[pk == had_it]) for pk, agent in having], now)


def declined(agent: LockedAgent, conversation: LockedConversation, *, missed: bool, now: datetime) -> None:
    """What a missed or rejected offer does to presence, where the settings say so (domain.md 4.3).

    What it sets is held until it is reset. Somebody who already is in a presence that lasts stays in it: Offline, or
    Away, Do not disturb or whatever else keeps work away that a person chose, and what the offer before had set.
    """
    settings = selectors.settings_row()
    allowed = conversation.workstream.allowed_presences
    if missed and settings.missed_sets_inactive and BasePresence.AWAY.value not in allowed:
        presence, after = routing_steps.inactive_presence(), SetAfter.MISSED
    elif not missed and settings.reject_sets_dnd and BasePresence.BUSY_DND.value not in allowed:
        presence, after = routing_steps.base_presence(BasePresence.BUSY_DND), SetAfter.REJECTED
    else:
        settle_presence([agent], PresenceCause.WITHDRAWN, now)
        return
    base, by_person = BasePresence(agent.presence.base), agent.presence_set_by != SetBy.SYSTEM
    takes_work = base in (BasePresence.AVAILABLE, BasePresence.BUSY)
    if base == BasePresence.OFFLINE or agent.needs_reset or (by_person and not takes_work):
        settle_presence([agent], PresenceCause.WITHDRAWN, now)
        return
    routing_steps.change_presence(agent, presence, set_by=SetBy.SYSTEM, actor=SYSTEM, now=now, after=after)
    agent_became_free.send(sender=None, agent_id=agent.pk)


# --- words ---------------------------------------------------------------------------------------------------


def say(
    conversation: LockedConversation,
    code: str,
    params: Mapping[str, Json],
    now: datetime,
    visibility: Visibility = Visibility.PUBLIC,
) -> None:
    """Put a system line into the transcript; ``code`` is one of ``wording.LINES``."""
    Message.objects.create(
        conversation=conversation,
        sender_kind=SenderKind.SYSTEM,
        visibility=visibility,
        code=code,
        params=dict(params),
        created_at=now,
    )


def whisper(conversation: LockedConversation, code: str, params: Mapping[str, Json], now: datetime) -> None:
    """Put a system line into the transcript that only people of the centre read."""
    say(conversation, code, params, now, Visibility.INTERNAL)


# --- audience -------------------------------------------------------------------------------------------------


def audience(
    conversation: LockedConversation,
    *user_ids: int | None,
    customer: bool = False,
    open_list: bool = False,
    queue_ids: Iterable[int] = (),
    inside: selectors.Inside | None = None,
) -> audit.Audience:
    """Everybody in the conversation, the agent who keeps it while it waits, and these people.

    Monitors too: they follow a conversation that leaves their queues, and nobody is told who else
    hears. Call it before the conversation moves and participations end, so that those who lose it
    hear of it too. ``inside`` is who is in it, where that was just read.
    """
    live = Participant.objects.filter(conversation=conversation, left_at=None)
    there = live.values_list("user_id", flat=True) if inside is None else inside.everybody
    kept_by = conversation.last_agent if conversation.state == State.WAITING else None
    return audit.Audience(
        queue_ids=frozenset({conversation.queue_id, *queue_ids}),
        user_ids=audit.everybody(there, user_ids, [kept_by.user_id if kept_by is not None else None]),
        customer=customer,
        open_list=open_list,
    )
