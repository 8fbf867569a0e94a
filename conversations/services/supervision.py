"""Watch and take part: monitor, stop monitoring, join, leave (domain.md 3.3, 3.4)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from conversations import audit, notifications, policy, selectors, steps
from conversations.events import (
    MonitoringStarted,
    MonitoringStopped,
    ParticipantLeft,
    SupervisorJoined,
)
from conversations.locks import LockedConversation, lock_conversation
from conversations.models import AssignReason, LeftReason, Mode, Participant
from conversations.policy import Phase, Verb
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, NotVisible, require
from supervisor_console.kernel.realtime import action


def _supervisors_only(conversation: LockedConversation) -> audit.Audience:
    """Monitoring is announced to supervisors, never to the conversation (domain.md 3.3)."""
    return audit.Audience(queue_ids=frozenset({conversation.queue_id}))


@action()
def monitor(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> MonitoringStarted:
    """Begin to watch a conversation unseen (domain.md 3.3).

    Costs no capacity, changes no state or presence, touches no read marker. Raises
    ``ActionRefused`` as the matrix says, also for the own conversation and a second start.
    Announced to supervisors only; to the agent where the setting says so.
    """
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    now = now or clock.now()
    settings = selectors.settings_row()
    facts = selectors.facts(conversation, selectors.pending_offer(conversation))
    require(policy.why_not(Verb.MONITOR, actor, facts, selectors.switches(settings)))
    found = selectors.participation(conversation, actor.user_id, *Mode)
    if found is not None:
        raise ActionRefused(policy.ALREADY_MONITORING if found.mode == Mode.MONITOR else policy.ALREADY_JOINED)
    assert actor.user_id is not None
    steps.add_participant(conversation, actor.user_id, Mode.MONITOR, AssignReason.AGENT_MONITOR, now)
    steps.touch(conversation, now)
    agent = conversation.agent
    if settings.notify_agent_on_monitor and agent is not None and not agent.is_bot:
        notifications.notify([agent.user_id], "monitoring_started", conversation, now=now, name=actor.name)
    event = MonitoringStarted(**audit.heading(actor, conversation, now))
    audit.publish(event, _supervisors_only(conversation))
    return event


@action()
def stop_monitoring(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> MonitoringStopped:
    """Stop watching. Raises ``ActionRefused`` for somebody who was not. Announced to supervisors only."""
    conversation = lock_conversation(conversation_id)
    now = now or clock.now()
    found = selectors.participation(conversation, actor.user_id, Mode.MONITOR)
    if found is None:
        selectors.require_visible(actor, conversation)
        raise ActionRefused(policy.NOT_MONITORING)
    return _stop(actor, conversation, found, LeftReason.STOPPED, now)


def _stop(
    actor: Actor, conversation: LockedConversation, found: Participant, cause: LeftReason, now: datetime
) -> MonitoringStopped:
    steps.end_participations(conversation, cause, now, user_ids=[found.user_id])
    steps.touch(conversation, now)
    event = MonitoringStopped(
        **audit.heading(actor, conversation, now),
        seconds=int((now - found.added_at).total_seconds()),
        cause=cause.value,
    )
    audit.publish(event, _supervisors_only(conversation))
    return event


def seen(user_ids: Collection[int], *, now: datetime) -> None:
    """Note that pages of these people are connected, for those of them who monitor; changes nothing else.

    Most consoles monitor nothing, and reading first keeps them from queueing for SQLite's write lock.
    """
    rows = Participant.objects.filter(user_id__in=user_ids, mode=Mode.MONITOR, left_at=None)
    if rows.exists():
        rows.update(seen_at=now)


def lost_since(now: datetime) -> datetime:
    """Whoever monitors and was not seen after this moment has no page any more, as the settings are now."""
    return now - timedelta(seconds=selectors.settings_row().monitor_disconnect)


@action()
def drop_lost_monitor(participant_id: int, actor: Actor, *, now: datetime | None = None) -> MonitoringStopped | None:
    """End a monitoring whose page has been gone for too long (domain.md 3.3); None if it came back."""
    row = Participant.objects.filter(pk=participant_id).first()
    if row is None:
        raise NotVisible
    conversation = lock_conversation(row.conversation_id)
    now = now or clock.now()
    found = Participant.objects.filter(
        pk=participant_id, left_at=None, seen_at__lt=lost_since(now), mode=Mode.MONITOR
    ).first()
    if found is None:
        return None
    return _stop(actor, conversation, found, LeftReason.CONNECTION_LOST, now)


@action()
def join(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> SupervisorJoined:
    """A monitoring supervisor joins and is seen from now on (domain.md 3.4).

    They become a consultant: never primary, no capacity. The agent gets a notice and a line, the
    customer a line. Raises ``ActionRefused`` where they do not monitor it or nobody has it.
    """
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    now = now or clock.now()
    found = selectors.participation(conversation, actor.user_id, Mode.MONITOR, Mode.CONSULT)
    if found is not None and found.mode == Mode.CONSULT:
        raise ActionRefused(policy.ALREADY_JOINED)
    facts = selectors.facts(conversation, selectors.pending_offer(conversation))
    refusal = policy.why_not_join(actor, facts, selectors.switches(), is_monitoring=found is not None)
    steps.require_still(refusal, actor, conversation, now)
    assert actor.user_id is not None
    in_dialogue = facts.phase in (Phase.IN_CONVERSATION, Phase.WAITING)
    steps.end_participations(conversation, LeftReason.JOINED, now, user_ids=[actor.user_id])
    steps.add_participant(conversation, actor.user_id, Mode.CONSULT, AssignReason.AGENT_CONVERSATION_JOIN, now)
    if in_dialogue:
        steps.say(conversation, "supervisor_joined", {"name": actor.name}, now)
    steps.whisper(conversation, "supervisor_joined_staff", {"name": actor.name}, now)
    steps.touch(conversation, now)
    inside = selectors.inside(conversation)
    others = inside.people - {actor.user_id}
    notifications.notify(others, "supervisor_joined", conversation, now=now, name=actor.name)
    event = SupervisorJoined(**audit.heading(actor, conversation, now))
    audit.publish(event, steps.audience(conversation, customer=in_dialogue, inside=inside))
    return event


@action()
def leave(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ParticipantLeft:
    """A joined supervisor or a consultant leaves; everybody in the conversation sees it (domain.md 3.4).

    Raises ``ActionRefused`` for somebody who is not in it as a consultant.
    """
    conversation = lock_conversation(conversation_id)
    now = now or clock.now()
    found = selectors.participation(conversation, actor.user_id, Mode.CONSULT)
    if found is None:
        selectors.require_visible(actor, conversation)
        raise ActionRefused(policy.NOT_JOINED)
    in_dialogue = steps.current_phase(conversation) in (Phase.IN_CONVERSATION, Phase.WAITING)
    hearers = steps.audience(conversation, customer=in_dialogue)
    steps.end_participations(conversation, LeftReason.LEFT, now, user_ids=[found.user_id])
    if in_dialogue:
        steps.say(conversation, "participant_left", {"name": actor.name}, now)
    steps.touch(conversation, now)
    event = ParticipantLeft(
        **audit.heading(actor, conversation, now),
        mode=Mode.CONSULT.value,
    )
    audit.publish(event, hearers)
    return event
