"""The legs of a call follow the conversation and the people in it; of whatever is no call, nothing is asked.

Called by ``steps`` only, where a conversation moves and participations begin and end: so no path of a call can leave a
line open. Every function does nothing for a conversation that is not a call.

The customer's leg rings while they wait for an agent, talks, and is on hold when the primary's is. An agent's rings
with the offer and talks from acceptance. A supervisor's listens without a microphone while they monitor, and talks
from the moment they join (domain.md 3.3, 3.4, P12).
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from conversations.locks import LockedConversation
from conversations.models import CallLeg, Conversation, LegState, Mode, Participant, Party
from conversations.policy import Phase
from routing.models import ChannelKind


def _is_call(conversation: LockedConversation) -> bool:
    return conversation.kind == ChannelKind.VOICE


def live(conversation: LockedConversation) -> QuerySet[CallLeg]:
    """The legs that nobody has hung up."""
    return CallLeg.objects.filter(conversation=conversation, ended_at=None)


def is_on_hold(conversation: Conversation) -> bool:
    """Whether its agent has put the call on hold."""
    held = CallLeg.objects.filter(conversation=conversation, party=Party.PRIMARY, ended_at=None)
    return held.filter(state=LegState.ON_HOLD).exists()


def begin(conversation: LockedConversation, now: datetime) -> None:
    """The customer calls: their leg rings."""
    if _is_call(conversation):
        CallLeg.objects.create(conversation=conversation, party=Party.CUSTOMER, state=LegState.RINGING, began_at=now)


def add(conversation: LockedConversation, participant: Participant, phase: Phase, now: datetime) -> None:
    """Somebody takes part: the leg of a primary rings until they accept, any other is in the call if one goes on."""
    if not _is_call(conversation):
        return
    is_primary = participant.mode == Mode.PRIMARY
    if not is_primary and phase != Phase.IN_CONVERSATION:
        return
    listens = participant.mode == Mode.MONITOR
    rings = is_primary and participant.joined_at is None
    CallLeg.objects.create(
        conversation=conversation,
        participant=participant,
        party=Party(participant.mode),
        state=LegState.RINGING if rings else LegState.LISTENING if listens else LegState.TALKING,
        has_microphone=not listens,
        began_at=now,
        connected_at=None if rings else now,
    )


def answer(conversation: LockedConversation, now: datetime) -> None:
    """The primary accepted: their leg is connected."""
    if _is_call(conversation):
        ringing = live(conversation).filter(party=Party.PRIMARY, state=LegState.RINGING)
        ringing.update(state=LegState.TALKING, connected_at=now)


def follow(conversation: LockedConversation, target: Phase, now: datetime) -> None:
    """The conversation moved: the customer is connected, waits again, or everybody's line is closed."""
    if not _is_call(conversation):
        return
    if target in (Phase.WRAP_UP, Phase.CLOSED):
        hang_up(live(conversation), now)
        return
    for leg in live(conversation).filter(party=Party.CUSTOMER):
        if target == Phase.IN_CONVERSATION:
            _set(leg, LegState.TALKING, now)
        elif target == Phase.OPEN:
            _set(leg, LegState.RINGING, now)


def leave(conversation: LockedConversation, participants: QuerySet[Participant], now: datetime) -> None:
    """These people take part no more: their lines are closed. Call it before their participations end."""
    if _is_call(conversation):
        hang_up(live(conversation).filter(participant__in=participants), now)


def hold(conversation: LockedConversation, now: datetime) -> None:
    """The primary puts the call on hold: they and the customer hear each other no more."""
    for leg in live(conversation).filter(party__in=[Party.PRIMARY, Party.CUSTOMER], state=LegState.TALKING):
        _set(leg, LegState.ON_HOLD, now)


def resume(conversation: LockedConversation, now: datetime) -> None:
    """The primary takes the call off hold."""
    for leg in live(conversation).filter(state=LegState.ON_HOLD):
        _set(leg, LegState.TALKING, now)


def hang_up(legs: QuerySet[CallLeg], now: datetime) -> None:
    """Close these lines."""
    for leg in legs:
        _set(leg, LegState.HUNG_UP, now)


def _set(leg: CallLeg, state: LegState, now: datetime) -> None:
    """Bring a leg into a state; a hold that goes on is added up."""
    if leg.held_since is not None:
        leg.held += now - leg.held_since
        leg.held_since = None
    leg.state = state
    if state == LegState.ON_HOLD:
        leg.held_since = now
    elif state == LegState.TALKING and leg.connected_at is None:
        leg.connected_at = now
    elif state == LegState.HUNG_UP:
        leg.ended_at = max(now, leg.began_at)
    leg.save(update_fields=["state", "held", "held_since", "connected_at", "ended_at"])
