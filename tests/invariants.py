"""What must be true of all work at any time (domain.md 2.5), read off the rows without the product's own rules."""

from datetime import datetime
from itertools import pairwise

from conversations import selectors
from conversations.models import (
    Conversation,
    HistoryEntry,
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    QueueSegment,
    Session,
)
from routing.models import Agent, PresenceChange

OFFERED = {"AwaitingAgentAcceptance", "AssignedBySupervisor"}


def broken(now: datetime, touched: Conversation | None = None) -> list[str]:
    """Every invariant that does not hold, in words; empty where all is well. Of one conversation if that is given."""
    rows = Conversation.objects.order_by("pk")
    return [
        f"{conversation.pk} ({conversation.state}, {conversation.reason}): {fault}"
        for conversation in (rows if touched is None else rows.filter(pk=touched.pk))
        for fault in _faults(conversation)
    ] + _faults_of_capacity(now)


def _faults(conversation: Conversation) -> list[str]:
    state = conversation.state
    is_offered = state == "active" and conversation.reason in OFFERED
    sessions = Session.objects.filter(conversation=conversation, closed_at=None)
    segments = QueueSegment.objects.filter(conversation=conversation, ended_at=None)
    live = Participant.objects.filter(conversation=conversation, left_at=None)
    primary = live.filter(mode=Mode.PRIMARY).first()
    offer = Offer.objects.filter(conversation=conversation, status=OfferStatus.PENDING).first()
    history = HistoryEntry.objects.filter(conversation=conversation).order_by("pk")
    last = history.last()
    session = sessions.first()
    was_cut_off = state == "wrap_up" and conversation.reason == "AutoClosedBySystem"  # T14 ends the session too
    is_with_bot = conversation.agent is not None and conversation.agent.is_bot
    sessions_of_people = Session.objects.filter(conversation=conversation, is_bot_session=False)
    checks = {
        "an agent in a state without one": state in {"open", "waiting", "closed"} and conversation.agent_id is not None,
        "no agent": state in {"active", "wrap_up"} and conversation.agent_id is None,
        "closed without a time": (state == "closed") != (conversation.closed_at is not None),
        "sessions open": sessions.count() != (0 if state in {"waiting", "closed"} or was_cut_off else 1),
        "segments open": segments.count() != (0 if state == "closed" else 1),
        "the segment is in another queue": any(row.queue_id != conversation.queue_id for row in segments),
        "the session is in another queue": session is not None and session.queue_id != conversation.queue_id,
        "the session has another agent": session is not None and session.agent_id != conversation.agent_id,
        "the session's answer does not fit": session is not None
        and (session.agent_accepted_at is not None) != (state in {"active", "wrap_up"} and not is_offered),
        "a primary where there is none": primary is not None and conversation.agent is None,
        "another primary": conversation.agent is not None
        and (primary is None or primary.user_id != conversation.agent.user_id),
        "the primary's arrival does not fit": primary is not None and (primary.joined_at is None) != is_offered,
        "people in a closed one": state == "closed" and live.exists(),
        "nobody is asked": is_offered and offer is None,
        "an offer in a state without one": offer is not None and state in {"open", "wrap_up", "closed"},
        "an offer that is no transfer": offer is not None and not is_offered and offer.kind != OfferKind.TRANSFER,
        "a transfer to the primary": offer is not None
        and offer.kind == OfferKind.TRANSFER
        and offer.agent_id == conversation.agent_id,
        "the offer is for another agent": offer is not None
        and offer.kind != OfferKind.TRANSFER
        and offer.agent_id != conversation.agent_id,
        "handle time does not fit": (conversation.handling_since is not None)
        != (state in {"active", "wrap_up"} and not is_offered and not is_with_bot),
        "no wait began": (conversation.first_wait_started_at is None)
        != (is_with_bot or (state == "closed" and not sessions_of_people.exists())),
        "a bot's session that is none": any(
            row.is_bot_session != (row.agent is not None and row.agent.is_bot)
            for row in Session.objects.filter(conversation=conversation).select_related("agent")
        ),
        "the history ends elsewhere": last is None or last.to_state != state,
        "the history is from the future": last is not None and last.version > conversation.version,
        "versions repeat": len({row.version for row in history}) != len(history),
        "the history has a hole": any(after.from_state != before.to_state for before, after in pairwise(history)),
        "abandoned after an answer": conversation.is_abandoned and conversation.accepted_at is not None,
    }
    return [fault for fault, is_so in checks.items() if is_so]


def _faults_of_capacity(now: datetime) -> list[str]:
    """Invariant 1: what an agent uses is the sum of what they hold, and of transfers held out to them."""
    faults = []
    loads = selectors.loads(Agent.objects.values_list("pk", flat=True), now)
    for agent in Agent.objects.select_related("presence").order_by("pk"):
        held = Conversation.objects.filter(agent=agent, state__in=["active", "wrap_up"]).select_related("workstream")
        expected = sum(
            row.units
            for row in held
            if row.state == "active"
            or row.workstream.wrapup_block == "always"
            or (row.capacity_held_until is not None and row.capacity_held_until > now)
        )
        expected += sum(
            row.units
            for row in Conversation.objects.filter(last_agent=agent, state="closed")
            if row.capacity_held_until is not None and row.capacity_held_until > now
        )
        softly = Offer.objects.filter(agent=agent, status="pending", kind="transfer").select_related("conversation")
        expected += sum(offer.conversation.units for offer in softly)
        if loads[agent.pk].units != expected:
            faults.append(f"{agent} uses {loads[agent.pk].units} units, holds {expected}")
        stays = PresenceChange.objects.filter(agent=agent, ended_at=None)
        if [row.presence_id for row in stays] != [agent.presence_id]:
            faults.append(f"{agent}: the presence is not the last one of the history")
    return faults
