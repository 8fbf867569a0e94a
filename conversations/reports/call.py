"""Who is on the line of a call, and what does each line do? For people of the centre, and for the customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from conversations.models import CallLeg, Conversation, LegState, Party
from conversations.reports.durations import RESTING, Clock, running
from routing.models import ChannelKind

ICONS = {
    LegState.RINGING: "bell-ring",
    LegState.TALKING: "phone-call",
    LegState.ON_HOLD: "pause",
    LegState.LISTENING: "eye",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a call as ``components/_call.html`` prints it; ``clock`` runs since it does what it does."""

    party: str
    name: str
    state: str
    state_label: str
    icon: str
    clock: Clock


def lines(row: Conversation, now: datetime, *, sees_monitors: bool) -> tuple[Line, ...]:
    """The open lines, the customer's first; nothing for what is no call. One query.

    Only supervisors are shown who listens in (domain.md 3.3).
    """
    if row.kind != ChannelKind.VOICE or not row.is_ongoing:
        return ()
    legs = CallLeg.objects.filter(conversation=row, ended_at=None).select_related("participant__user")
    if not sees_monitors:
        legs = legs.exclude(party=Party.MONITOR)
    return tuple(_line(row, leg, now) for leg in legs.order_by("pk"))


def _line(row: Conversation, leg: CallLeg, now: datetime) -> Line:
    state = LegState(leg.state)
    label = _("Listening, no microphone") if state == LegState.LISTENING else str(state.label)
    return Line(
        party=leg.party,
        name=leg.participant.user.display_name if leg.participant is not None else row.customer.name,
        state=state.value,
        state_label=label,
        icon=ICONS[state],
        clock=_clock(leg, now),
    )


def _clock(leg: CallLeg, now: datetime) -> Clock:
    """How long it rings, talks (without hold), is on hold or listens."""
    if leg.state == LegState.ON_HOLD:
        return running(leg.held_since, now)
    if leg.state == LegState.RINGING:
        return running(leg.began_at, now) if leg.connected_at is None else RESTING
    return running(leg.connected_at + leg.held, now) if leg.connected_at is not None else RESTING


def customers_state(row: Conversation) -> LegState | None:
    """What the customer's own line does; None where there is none."""
    state = CallLeg.objects.filter(conversation=row, party=Party.CUSTOMER, ended_at=None).values_list(
        "state", flat=True
    )
    found = state.first()
    return LegState(found) if found is not None else None
