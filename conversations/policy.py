"""Which transitions exist, and why is an action not possible? Pure: values in, value out.

The table is domain.md 2.2, the reasons are domain.md 3.0 and the matrix 3.2. The same functions grey
out a button, explain it, and refuse in the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import category

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conversations.models.conversation import OFFERED_REASONS, State, StateReason
from conversations.models.message import TEXT_MAX
from routing.models import BasePresence, ChannelKind, WrapUpBlock
from routing.policy import Candidate, Cost, capacity_cautions, presence_caution, why_not_take
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import Caution, Kind, Refusal

# --- the state machine (domain.md 2.2) ------------------------------------------------------------

LC, PC, AM, V, R = (
    ChannelKind.LIVE_CHAT,
    ChannelKind.PERSISTENT_CHAT,
    ChannelKind.ASYNC_MESSAGING,
    ChannelKind.VOICE,
    ChannelKind.RECORD,
)
EVERY = frozenset({LC, PC, AM, V, R})
TALKS = frozenset({LC, PC, AM, V})
PERSISTS = frozenset({PC, AM})
WRITTEN = PERSISTS | {LC}


class Phase(StrEnum):
    """A state as the table distinguishes it: Active is either offered or in conversation."""

    OPEN = "open"
    OFFERED = "offered"
    IN_CONVERSATION = "in_conversation"
    WAITING = "waiting"
    WRAP_UP = "wrap_up"
    CLOSED = "closed"

    @property
    def state(self) -> State:
        """The stored state of this phase."""
        if self in (Phase.OFFERED, Phase.IN_CONVERSATION):
            return State.ACTIVE
        return State(self.value)


class Trigger(StrEnum):
    """What moves a conversation; one row of domain.md 2.2 each (the number is in the comment)."""

    BOT_ESCALATES = "bot_escalates"  # T1
    BOT_ENDS = "bot_ends"  # T1, EndedByBot
    CUSTOMER_LEAVES_BOT = "customer_leaves_bot"  # T1, before anybody waited for a person
    PUSH = "push"  # T2
    PICK = "pick"  # T3
    SUPERVISOR_ASSIGN = "supervisor_assign"  # T4
    SUPERVISOR_ASSIGN_TO_QUEUE = "supervisor_assign_to_queue"  # T5
    OVERFLOW = "overflow"  # T5
    ACCEPT = "accept"  # T6
    REJECT = "reject"  # T7
    TIMEOUT = "timeout"  # T8
    CUSTOMER_LEAVES = "customer_leaves"  # T9, T10, T13
    AUTO_CLOSE = "auto_close"  # T11, T22, T23, T27
    AGENT_END = "agent_end"  # T12
    CALL_LIMIT = "call_limit"  # T14
    AGENT_CLOSES_SESSION = "agent_closes_session"  # T15, T16
    AGENT_DISCONNECTED = "agent_disconnected"  # T17
    AGENT_RELEASE = "agent_release"  # T18
    TRANSFER_ACCEPTED = "transfer_accepted"  # T19, T20
    REVIVE = "revive"  # T20
    CUSTOMER_RETURNS = "customer_returns"  # T21
    FINISH_WRAP_UP = "finish_wrap_up"  # T23
    FORCE_CLOSE = "force_close"  # T24
    RECORD_RESOLVED = "record_resolved"  # T25
    BROADCAST = "broadcast"  # T26


@dataclass(frozen=True, slots=True)
class Transition:
    """One allowed move: its number in domain.md 2.2, what triggers it, from where to where, and for which kinds."""

    number: str
    trigger: Trigger
    source: Phase
    target: Phase
    kinds: frozenset[ChannelKind]


def _rows(
    number: str, trigger: Trigger, sources: Iterable[Phase], target: Phase, kinds: frozenset[ChannelKind]
) -> list[Transition]:
    return [Transition(number, trigger, source, target, kinds) for source in sources]


_O, _F, _I, _W, _U, _C = (
    Phase.OPEN,
    Phase.OFFERED,
    Phase.IN_CONVERSATION,
    Phase.WAITING,
    Phase.WRAP_UP,
    Phase.CLOSED,
)

TRANSITIONS: tuple[Transition, ...] = (
    *_rows("T1", Trigger.BOT_ESCALATES, [_I], _O, WRITTEN),
    *_rows("T1", Trigger.BOT_ENDS, [_I], _C, WRITTEN),
    *_rows("T1", Trigger.CUSTOMER_LEAVES_BOT, [_I], _C, frozenset({LC})),
    *_rows("T2", Trigger.PUSH, [_O], _F, EVERY),
    *_rows("T3", Trigger.PICK, [_O], _F, EVERY),
    *_rows("T4", Trigger.SUPERVISOR_ASSIGN, [_O], _F, TALKS),
    *_rows("T4", Trigger.SUPERVISOR_ASSIGN, [_W], _F, PERSISTS),  # only where no agent is kept (T26)
    *_rows("T5", Trigger.SUPERVISOR_ASSIGN_TO_QUEUE, [_O], _O, TALKS),
    *_rows("T5", Trigger.SUPERVISOR_ASSIGN_TO_QUEUE, [_W], _O, PERSISTS),
    *_rows("T5", Trigger.OVERFLOW, [_O], _O, EVERY),
    *_rows("T6", Trigger.ACCEPT, [_F], _I, EVERY),
    *_rows("T7", Trigger.REJECT, [_F], _O, TALKS),
    *_rows("T8", Trigger.TIMEOUT, [_F], _O, TALKS),
    *_rows("T9", Trigger.CUSTOMER_LEAVES, [_F], _C, frozenset({LC, V})),
    *_rows("T10", Trigger.CUSTOMER_LEAVES, [_O], _C, frozenset({LC, V})),
    *_rows("T11", Trigger.AUTO_CLOSE, [_O], _C, TALKS),
    *_rows("T12", Trigger.AGENT_END, [_I], _U, TALKS),
    *_rows("T13", Trigger.CUSTOMER_LEAVES, [_I], _U, frozenset({LC, V})),
    *_rows("T14", Trigger.CALL_LIMIT, [_I], _U, frozenset({V})),
    *_rows("T15", Trigger.AGENT_CLOSES_SESSION, [_I], _W, PERSISTS),
    *_rows("T16", Trigger.AGENT_CLOSES_SESSION, [_I], _O, frozenset({LC, V})),
    *_rows("T17", Trigger.AGENT_DISCONNECTED, [_F, _I], _O, TALKS),
    *_rows("T17", Trigger.AGENT_DISCONNECTED, [_I], _W, PERSISTS),
    *_rows("T18", Trigger.AGENT_RELEASE, [_I], _O, EVERY),
    *_rows("T19", Trigger.TRANSFER_ACCEPTED, [_F, _I], _I, TALKS),
    *_rows("T20", Trigger.TRANSFER_ACCEPTED, [_W], _I, PERSISTS),
    *_rows("T20", Trigger.REVIVE, [_W], _I, PERSISTS),
    *_rows("T21", Trigger.CUSTOMER_RETURNS, [_W], _O, PERSISTS),
    *_rows("T22", Trigger.AUTO_CLOSE, [_W], _C, PERSISTS),
    *_rows("T23", Trigger.FINISH_WRAP_UP, [_U], _C, TALKS),
    *_rows("T23", Trigger.AUTO_CLOSE, [_U], _C, TALKS),
    *_rows("T24", Trigger.FORCE_CLOSE, [_O, _F, _I, _U], _C, TALKS),
    *_rows("T24", Trigger.FORCE_CLOSE, [_W], _C, PERSISTS),
    *_rows("T25", Trigger.RECORD_RESOLVED, [_O, _F, _I], _C, frozenset({R})),
    *_rows("T26", Trigger.BROADCAST, [_O], _W, frozenset({PC})),
    *_rows("T27", Trigger.AUTO_CLOSE, [_F, _I], _C, frozenset({AM})),
)

_BY_MOVE = {(row.trigger, row.source, row.target): row for row in TRANSITIONS}


class IllegalTransition(Exception):
    """A move that domain.md 2.2 does not have; a fault in a service, never shown to a person as such."""


def transition(trigger: Trigger, source: Phase, target: Phase, kind: ChannelKind) -> Transition:
    """The row of the table for this move; raises ``IllegalTransition`` where there is none."""
    row = _BY_MOVE.get((trigger, source, target))
    if row is None or kind not in row.kinds:
        raise IllegalTransition(f"{trigger.value}: {source.value} to {target.value} for {kind.value}")
    return row


def phase(state: str, reason: str) -> Phase:
    """The phase of a stored state and reason."""
    if state == State.ACTIVE:
        return Phase.OFFERED if reason in OFFERED_REASONS else Phase.IN_CONVERSATION
    return Phase(state)


def capacity_hold(
    target: Phase, block: WrapUpBlock, block_seconds: int | None, now: datetime
) -> tuple[bool, datetime | None]:
    """Whether the primary's capacity is held in a phase, and until when (domain.md 2.1, 2.4)."""
    if target in (Phase.OFFERED, Phase.IN_CONVERSATION):
        return True, None
    if target != Phase.WRAP_UP or block == WrapUpBlock.NONE:
        return False, None
    if block == WrapUpBlock.CUSTOM:
        return True, now + timedelta(seconds=block_seconds or 30)
    return True, None


# --- facts that rules look at ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules need to know about a conversation; the same for every onlooker."""

    id: int
    version: int
    kind: ChannelKind
    phase: Phase
    queue_id: int
    agent_id: int | None = None
    agent_name: str = ""
    last_agent_id: int | None = None
    agent_is_bot: bool = False
    is_elevated: bool = False
    transfer_pending: bool = False
    transfer_to: str = ""


@dataclass(frozen=True, slots=True)
class Switches:
    """The organisation's settings that rules look at (domain.md 3.1, 7)."""

    monitor: bool = True
    assign: bool = False
    transfer: bool = False
    force_close: bool = False
    transfer_voice_calls: bool = False
    allow_assign_offline: bool = False
    assign_current_queue_only: bool = False
    force_close_reason_required: bool = False
    sentiment: bool = True


class Verb(StrEnum):
    """What a supervisor can do to a conversation from the report."""

    MONITOR = "monitor"
    ASSIGN = "assign"
    TRANSFER = "transfer"
    FORCE_CLOSE = "force_close"


# --- reasons for no (codes of domain.md 3.0) ------------------------------------------------------------

NOT_SUPERVISOR = Refusal(
    "not_supervisor",
    _("This needs the supervisor role. Ask an administrator for it."),
    kind=Kind.FORBIDDEN,
)
API_ROLE_CONFLICT = Refusal(
    "api_role_conflict",
    _("You also hold the API access role, which blocks supervisor actions. Ask an administrator to remove it."),
    kind=Kind.FORBIDDEN,
)
OUT_OF_SCOPE = Refusal(
    "out_of_scope",
    _("This conversation is in a queue that you do not supervise. Ask an administrator for access to all queues."),
    kind=Kind.FORBIDDEN,
)
RECORD_CHANNEL = Refusal("record_channel", _("Records are not handled in this report. Use the record itself."))
STATE_CLOSED = Refusal("state_closed", _("This conversation is closed, and that is final. You can still read it."))
NOTHING_SELECTED = Refusal("nothing_selected", _("Select a conversation first."))
MULTIPLE_SELECTED = Refusal("multiple_selected", _("This works on one conversation at a time. Select only one."))
ASSIGN_NOT_OPEN = Refusal(
    "state_not_open",
    _("Assign needs an open conversation without an agent. This one is waiting: transfer it instead."),
)
ASSIGN_WRAP_UP = Refusal(
    "state_not_open",
    _("Assign needs an open conversation without an agent. This one is in wrap-up: the dialogue is over."),
)
ALREADY_ASSIGNED = Refusal(
    "already_assigned",
    _("Assign needs an open conversation without an agent. This one is active: transfer it instead."),
)
ALREADY_OFFERED = Refusal(
    "already_assigned",
    _("Assign needs an open conversation without an agent. This one is offered to %(agent)s: transfer it instead."),
)
MONITOR_OPEN = Refusal(
    "state_open",
    _("Monitor needs an agent in the conversation. This one is open: assign it first."),
)
MONITOR_OFFERED = Refusal(
    "awaiting_acceptance",
    _("Monitor starts when the agent has accepted. This one is still offered."),
)
OWN_CONVERSATION = Refusal("own_conversation", _("This is your own conversation. Open it at your desk instead."))
TRANSFER_OPEN = Refusal(
    "state_open",
    _("Transfer needs an active or waiting conversation. This one is open: assign it instead."),
)
TRANSFER_WRAP_UP = Refusal(
    "state_wrap_up",
    _("Transfer needs an active or waiting conversation. This one is in wrap-up: the dialogue is over."),
)
ALREADY_WITH_BOT = Refusal(
    "already_assigned",
    _("Assign needs an open conversation without an agent. A bot has this one: it can be assigned once it hands over."),
)
BOT_PRIMARY = Refusal("bot_primary", _("A bot has this conversation. It can be transferred once a person has it."))
ELEVATED = Refusal(
    "elevated_voice_video",
    _("This chat is in a voice or video call. Transfer it when the call is over."),
)
VOICE_CHANNEL = Refusal(
    "voice_channel",
    _("Voice calls cannot be transferred here. An administrator can allow it: Voice calls can be transferred."),
)
TRANSFER_PENDING = Refusal(
    "transfer_pending",
    _("A transfer to %(agent)s is pending. Cancel it first, or wait for the answer."),
)
NO_AGENT = Refusal(
    "no_agent",
    _("Nobody has this conversation, so there is nothing to transfer. Assign it instead."),
)


def setting_off(name: str, label: object) -> Refusal:
    """The refusal for a switch that is off; the code names it (domain.md 3.0, 3.1)."""
    return Refusal(
        f"setting_off:{name}",
        _("%(setting)s is switched off. An administrator can switch it on in Supervisor settings."),
        {"setting": str(label)},
        kind=Kind.FORBIDDEN,
    )


SWITCH_LABELS: Mapping[Verb, object] = {
    Verb.MONITOR: _("Supervisor Monitor"),
    Verb.ASSIGN: _("Supervisor Assign"),
    Verb.TRANSFER: _("Supervisor Transfer"),
    Verb.FORCE_CLOSE: pgettext_lazy("setting", "Force Close"),
}


def why_not_supervisor(actor: Actor) -> Refusal | None:
    """Why this actor cannot supervise anything at all (domain.md 3.0, 1)."""
    if not actor.is_supervisor:
        return NOT_SUPERVISOR
    return API_ROLE_CONFLICT if Role.API_ACCESS in actor.roles else None


def why_not_supervise(actor: Actor, facts: Facts, switches: Switches, verb: Verb) -> Refusal | None:
    """The preconditions common to all supervisor actions (domain.md 3.0, 1 to 4)."""
    if (refusal := why_not_supervisor(actor)) is not None:
        return refusal
    if not actor.supervises_queue(facts.queue_id):
        return OUT_OF_SCOPE
    return _why_not_by_row(facts, switches, verb)


def why_not_cancel_transfer(actor: Actor, facts: Facts) -> Refusal | None:
    """Why this actor cannot take back a pending transfer; the switch is about new ones only (domain.md 3.1, 3.6)."""
    if (refusal := why_not_supervisor(actor)) is not None:
        return refusal
    return None if actor.supervises_queue(facts.queue_id) else OUT_OF_SCOPE


def _why_not_by_row(facts: Facts, switches: Switches, verb: Verb) -> Refusal | None:
    enabled = {
        Verb.MONITOR: switches.monitor,
        Verb.ASSIGN: switches.assign,
        Verb.TRANSFER: switches.transfer,
        Verb.FORCE_CLOSE: switches.force_close,
    }[verb]
    if not enabled:
        return setting_off(verb.value, SWITCH_LABELS[verb])
    if facts.kind == R:
        return RECORD_CHANNEL
    if facts.phase == Phase.CLOSED:
        return STATE_CLOSED
    return None


def _by_phase(facts: Facts, verb: Verb, switches: Switches) -> Refusal | None:
    """The matrix of domain.md 3.2 with its channel qualifiers."""
    match verb:
        case Verb.MONITOR:
            return {Phase.OPEN: MONITOR_OPEN, Phase.OFFERED: MONITOR_OFFERED}.get(facts.phase)
        case Verb.ASSIGN:
            return _assign_by_phase(facts)
        case Verb.TRANSFER:
            return _transfer_by_phase(facts, switches)
        case Verb.FORCE_CLOSE:
            return None


def _assign_by_phase(facts: Facts) -> Refusal | None:
    if facts.phase == Phase.OPEN or (facts.phase == Phase.WAITING and facts.last_agent_id is None):
        return None
    if facts.phase == Phase.OFFERED:
        return Refusal(ALREADY_OFFERED.code, ALREADY_OFFERED.text, {"agent": facts.agent_name})
    if facts.phase == Phase.WAITING:
        return ASSIGN_NOT_OPEN
    if facts.agent_is_bot:
        return ALREADY_WITH_BOT
    return ASSIGN_WRAP_UP if facts.phase == Phase.WRAP_UP else ALREADY_ASSIGNED


def _transfer_by_phase(facts: Facts, switches: Switches) -> Refusal | None:
    if facts.phase == Phase.OPEN:
        return TRANSFER_OPEN
    if facts.phase == Phase.WRAP_UP:
        return TRANSFER_WRAP_UP
    if facts.phase == Phase.WAITING and facts.last_agent_id is None:
        return NO_AGENT
    if facts.transfer_pending:
        return Refusal(TRANSFER_PENDING.code, TRANSFER_PENDING.text, {"agent": facts.transfer_to})
    if facts.agent_is_bot:
        return BOT_PRIMARY
    if facts.is_elevated:
        return ELEVATED
    if facts.kind == V and not switches.transfer_voice_calls:
        return VOICE_CHANNEL
    return None


def why_not_by_row(facts: Facts, switches: Switches, verb: Verb) -> Refusal | None:
    """Why nobody could do this to the conversation now; does not depend on who looks."""
    return _why_not_by_row(facts, switches, verb) or _by_phase(facts, verb, switches)


def why_not(verb: Verb, actor: Actor, facts: Facts, switches: Switches) -> Refusal | None:
    """Why this actor cannot do this to the conversation now; None means they can."""
    common = why_not_supervise(actor, facts, switches, verb)
    if common is not None:
        return common
    if verb == Verb.MONITOR and facts.agent_id is not None and facts.agent_id == actor.agent_id:
        return OWN_CONVERSATION
    return _by_phase(facts, verb, switches)


# --- monitor and join --------------------------------------------------------------------------------------

ALREADY_MONITORING = Refusal("already_monitoring", _("You are monitoring this conversation already."))
NOT_MONITORING = Refusal(
    "not_monitoring", _("You are not monitoring this conversation. Start with Monitor, then join.")
)
ALREADY_JOINED = Refusal("already_joined", _("You have joined this conversation already."))
NOT_JOINED = Refusal("not_joined", _("You have not joined this conversation."))
JOIN_PAUSED = Refusal(
    "join_paused", _("Nobody has this conversation right now. You can join when an agent has accepted it.")
)


def why_not_join(actor: Actor, facts: Facts, switches: Switches, *, is_monitoring: bool) -> Refusal | None:
    """Join needs a running monitor and a conversation that is going on (domain.md 3.2, 3.4)."""
    common = why_not_supervise(actor, facts, switches, Verb.MONITOR)
    if common is not None:
        return common
    if not is_monitoring:
        return NOT_MONITORING
    if facts.phase in (Phase.OPEN, Phase.OFFERED):
        return JOIN_PAUSED
    return None


# --- assign and transfer: candidates, targets, cautions -------------------------------------------------------

NOTE_MAX = 500

AGENT_OFFLINE = Refusal(
    "agent_offline",
    _("%(agent)s is offline, and assigning offline agents is switched off. Choose somebody who is there."),
    kind=Kind.INVALID,
)
AGENT_NOT_IN_QUEUE = Refusal(
    "agent_not_in_queue",
    _("%(agent)s does not belong to %(queue)s. Choose a member, or add %(agent)s to the queue first."),
    kind=Kind.INVALID,
)
AGENT_PRESENCE = Refusal(
    "agent_presence",
    _(
        "%(agent)s is %(presence)s, which this workstream does not allow. "
        "Ask them to change it, or choose somebody else."
    ),
    kind=Kind.INVALID,
)
AGENT_IS_PRIMARY = Refusal(
    "agent_is_primary",
    _("%(agent)s has this conversation already. Choose somebody else."),
    kind=Kind.INVALID,
)
QUEUE_IS_CURRENT = Refusal(
    "queue_is_current", _("The conversation is in %(queue)s already. Choose another queue."), kind=Kind.INVALID
)
QUEUE_TYPE = Refusal(
    "queue_type",
    _("%(queue)s is for another type of conversation. Choose a queue of the same type."),
    kind=Kind.INVALID,
)
QUEUE_EMPTY = Refusal(
    "queue_without_members",
    _("%(queue)s has no members, so nobody would ever see the conversation there. Add members first."),
    kind=Kind.INVALID,
)


@dataclass(frozen=True, slots=True)
class Target:
    """An agent who might get a conversation: the candidate, and how they stand to its queue."""

    candidate: Candidate
    in_queue: bool
    queue_name: str


def _named(refusal: Refusal, target: Target) -> Refusal:
    return Refusal(
        refusal.code,
        refusal.text,
        {
            "agent": target.candidate.name,
            "queue": target.queue_name,
            "presence": str(target.candidate.presence_name),
        },
        kind=refusal.kind,
    )


def why_not_assign_to(target: Target, switches: Switches) -> Refusal | None:
    """Why this agent cannot be assigned at all; presence and capacity are cautions (domain.md 3.5)."""
    refusal = why_not_take(target.candidate)
    if refusal is not None:
        return refusal
    if switches.assign_current_queue_only and not target.in_queue:
        return _named(AGENT_NOT_IN_QUEUE, target)
    if target.candidate.base_presence.value == "offline" and not switches.allow_assign_offline:
        return _named(AGENT_OFFLINE, target)
    return None


def cautions_assign(target: Target, cost: Cost, allowed: Iterable[str]) -> tuple[Caution, ...]:
    """What must be confirmed before this agent is assigned (domain.md 3.5)."""
    presence = presence_caution(target.candidate, allowed)
    return ((presence,) if presence else ()) + capacity_cautions(target.candidate, cost)


def why_not_transfer_to(target: Target, facts: Facts, allowed: Iterable[str]) -> Refusal | None:
    """Why this agent cannot take over: queue, presence, primary, bot; no override (domain.md 3.6)."""
    refusal = why_not_take(target.candidate)
    if refusal is not None:
        return refusal
    holder = facts.agent_id if facts.agent_id is not None else facts.last_agent_id
    if target.candidate.agent_id == facts.agent_id or (
        facts.phase != Phase.WAITING and target.candidate.agent_id == holder
    ):
        return _named(AGENT_IS_PRIMARY, target)
    if not target.in_queue:
        return _named(AGENT_NOT_IN_QUEUE, target)
    if target.candidate.base_presence.value not in set(allowed):
        return _named(AGENT_PRESENCE, target)
    return None


def cautions_transfer(target: Target, cost: Cost) -> tuple[Caution, ...]:
    """What must be confirmed before a transfer: only capacity may be exceeded (domain.md 3.6)."""
    return capacity_cautions(target.candidate, cost)


@dataclass(frozen=True, slots=True)
class QueueTarget:
    """A queue a conversation might move to."""

    queue_id: int
    name: str
    is_current: bool
    same_type: bool
    members: int
    is_open: bool


def why_not_assign_to_queue(target: QueueTarget) -> Refusal | None:
    """Why this queue cannot be chosen (domain.md 3.5, P10)."""
    if target.is_current:
        refusal = QUEUE_IS_CURRENT
    elif not target.same_type:
        refusal = QUEUE_TYPE
    elif target.members == 0:
        refusal = QUEUE_EMPTY
    else:
        return None
    return Refusal(refusal.code, refusal.text, {"queue": target.name}, kind=refusal.kind)


def cautions_assign_to_queue(target: QueueTarget) -> tuple[Caution, ...]:
    """A queue outside its hours may be chosen after a warning (domain.md 3.5)."""
    if target.is_open:
        return ()
    return (Caution("queue_closed_hours", _("%(queue)s is outside its operating hours now."), {"queue": target.name}),)


NOT_NEEDED = Refusal("queue_has_members", _("The queue has members by now, so the conversation stays where it is."))

NO_PENDING_TRANSFER = Refusal(
    "no_pending_transfer", _("There is no pending transfer to cancel; it was answered or withdrawn meanwhile.")
)

# --- force close ---------------------------------------------------------------------------------------------

FORCE_CLOSE_CAUTION = Caution(
    "force_close",
    _("This ends the conversation for the customer and everybody in it, at once, and cannot be undone."),
)
FORCE_CLOSE_REASON_REQUIRED = Refusal(
    "reason_required", _("Say why you force close this conversation."), kind=Kind.INVALID
)


def already_closed(by: str, at: str) -> Refusal:
    """The answer to a second force close (domain.md 3.7, idempotent)."""
    return Refusal("already_closed", _("Already closed by %(by)s at %(at)s."), {"by": by, "at": at})


# --- agents and customers -----------------------------------------------------------------------------------------

NOT_AGENT = Refusal("not_agent", _("This needs the agent role. Ask an administrator for it."), kind=Kind.FORBIDDEN)
NOT_YOURS = Refusal("not_yours", _("Somebody else has this conversation now. It has left your desk."))
OFFER_GONE = Refusal(
    "offer_gone",
    _("This offer is over: it was answered, withdrawn, or its time ran out. Look at your open list for more work."),
)
NOT_OPEN = Refusal(
    "state_not_open", _("Somebody has this conversation already. Choose another one from the open list.")
)
PICK_OFF = Refusal(
    "pick_off", _("Conversations of this workstream are handed out, not picked. You will be offered one.")
)
PICK_OFFLINE = Refusal("pick_offline", _("You are offline. Set your presence before you take work."))
NOT_IN_CONVERSATION = Refusal(
    "state_not_active", _("This conversation is no longer active, so this is not possible any more.")
)
NOT_WRAP_UP = Refusal("state_not_wrap_up", _("This conversation is not in wrap-up. End it first."))
NOT_WAITING = Refusal("state_not_waiting", _("This conversation is not waiting any more."))

TAKE_UP_FIRST = Refusal(
    "not_participant", _("This conversation is waiting. Take it up again before you write."), kind=Kind.FORBIDDEN
)
ACCEPT_FIRST = Refusal("not_participant", _("Accept the offer before you write."), kind=Kind.FORBIDDEN)
PICK_FIRST = Refusal(
    "not_participant", _("Nobody has this conversation. Pick it before you write."), kind=Kind.FORBIDDEN
)


def why_not_own(actor: Actor, holder_id: int | None, at: Phase, *phases: Phase) -> Refusal | None:
    """Why this actor cannot do what only the primary can, and only in these phases (domain.md 2.2)."""
    if not actor.is_agent:
        return NOT_AGENT
    if holder_id is None or holder_id != actor.agent_id:
        return STATE_CLOSED if at == Phase.CLOSED else NOT_YOURS
    if at in phases:
        return None
    return NOT_WRAP_UP if phases == (Phase.WRAP_UP,) else NOT_IN_CONVERSATION


class Medium(StrEnum):
    """How a live chat is taken into a call, beside the chat (domain.md 1.1)."""

    VOICE = "voice"
    VIDEO = "video"


ELEVATE_KIND = Refusal(
    "elevate_kind", _("Only a live chat can be taken into a call: here the customer is not always there.")
)
ALREADY_ELEVATED = Refusal("already_elevated", _("This chat is in a call already. End that one first."))
NOT_ELEVATED = Refusal("not_elevated", _("This chat is not in a call any more."))


def why_not_elevate(actor: Actor, facts: Facts) -> Refusal | None:
    """Why this agent cannot take the chat into a voice or video call; a pending transfer comes first (S1)."""
    refusal = why_not_own(actor, facts.agent_id, facts.phase, Phase.IN_CONVERSATION)
    if refusal is not None:
        return refusal
    if facts.kind != LC:
        return ELEVATE_KIND
    if facts.is_elevated:
        return ALREADY_ELEVATED
    if facts.transfer_pending:
        return Refusal(TRANSFER_PENDING.code, TRANSFER_PENDING.text, {"agent": facts.transfer_to})
    return None


NOT_A_CALL = Refusal("not_a_call", _("Only a call can be put on hold. Write to the customer that it takes a moment."))
ALREADY_ON_HOLD = Refusal("already_on_hold", _("This call is on hold already."))
NOT_ON_HOLD = Refusal("not_on_hold", _("This call is not on hold."))


def why_not_hold(kind: ChannelKind, *, is_on_hold: bool, wants_hold: bool) -> Refusal | None:
    """Why this conversation cannot be put on hold, or taken off it; whether it is the actor's is asked before."""
    if kind != V:
        return NOT_A_CALL
    if wants_hold:
        return ALREADY_ON_HOLD if is_on_hold else None
    return None if is_on_hold else NOT_ON_HOLD


def why_not_pick(actor: Actor, at: Phase, presence: BasePresence, *, allows_pick: bool) -> Refusal | None:
    """Why this agent cannot take a conversation from the open list (domain.md T3)."""
    if not actor.is_agent:
        return NOT_AGENT
    if at != Phase.OPEN:
        return NOT_OPEN
    if not allows_pick:
        return PICK_OFF
    return PICK_OFFLINE if presence == BasePresence.OFFLINE else None


def why_not_revive(actor: Actor, facts: Facts) -> Refusal | None:
    """Why this agent cannot take a waiting conversation up again (domain.md T20)."""
    if not actor.is_agent:
        return NOT_AGENT
    if facts.phase != Phase.WAITING:
        return NOT_WAITING
    if facts.last_agent_id != actor.agent_id:
        return NOT_YOURS
    if facts.transfer_pending:
        return Refusal(TRANSFER_PENDING.code, TRANSFER_PENDING.text, {"agent": facts.transfer_to})
    return None


TEXT_EMPTY = Refusal("text_empty", _("Write something first."), kind=Kind.INVALID)
TEXT_TOO_LONG = Refusal(
    "text_too_long",
    _("The text is longer than %(max)d characters. Shorten it, or send it in parts."),
    {"max": TEXT_MAX},
    kind=Kind.INVALID,
)
NOTE_TOO_LONG = Refusal(
    "note_too_long", _("The note is longer than %(max)d characters. Shorten it."), {"max": NOTE_MAX}, kind=Kind.INVALID
)
NOT_IN_IT = Refusal(
    "not_participant", _("You do not take part in this conversation. Join it before you write."), kind=Kind.FORBIDDEN
)
INTERNAL_ONLY = Refusal(
    "internal_only",
    _("The dialogue with the customer is over. You can still write internal lines."),
    kind=Kind.CONFLICT,
)
INTERNAL_FOR_NOW = Refusal(
    "internal_only",
    _("No agent talks to the customer right now. Write internally, or wait until an agent has accepted."),
    kind=Kind.CONFLICT,
)
CHAT_ENDED = Refusal("chat_ended", _("This chat has ended. You can start a new one."))
LINES_MAX = 60
"""How many lines a customer may write in a minute: more than anybody types, fewer than a program sends."""
LINES_WITHIN = timedelta(minutes=1)
TOO_FAST = Refusal(
    "too_fast",
    _("You write faster than we can read. Wait a minute, then send this line again."),
    kind=Kind.TOO_OFTEN,
)
CHATS_MAX = 10
"""How many chats of one customer may go on at a time."""
TOO_MANY_CHATS = Refusal(
    "too_many_chats",
    _("You have %(count)d chats with us already. Go on with one of them, or end one first."),
    {"count": CHATS_MAX},
)
NOT_WITH_BOT = Refusal("not_with_bot", _("The assistant has handed this chat over already. A person will answer you."))
CHAT_STAYS = Refusal("chat_stays", _("This chat does not end: you can simply leave, and write again at any time."))
STALE_VERSION = Refusal("stale_version", _("%(was)s %(is)s Look again and decide from there."))
TOO_LATE = _("%(was)s %(why)s")

BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by name that show nothing."""

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mn", "Zl", "Zp", "Zs"})
"""Kinds of signs that show nothing where they stand alone."""

JOINERS = frozenset("\u200c\u200d")
"""What shows nothing and belongs to words and pictures all the same, in Persian and in families of emoji."""


def clean_text(text: str) -> str:
    """A text without control characters and outer space; what people write is otherwise kept.

    One in which nothing can be seen is no text.
    """
    found = "".join(sign for sign in text if sign in "\t\n\r" or category(sign) not in {"Cc", "Cs"}).strip()
    return found if any(category(sign) not in UNSEEN and sign not in BLANK for sign in found) else ""


def clean_line(text: str) -> str:
    """A name or another text of one line, as it may stand inside a sentence or a title.

    Without the signs that nobody sees: among them are those that turn the order of what comes after them, so that a
    name could rewrite the sentence around it, and those by which two names look the same that are not.
    """
    found = (sign for sign in clean_text(text) if category(sign) != "Cf" or sign in JOINERS)
    return clean_text(" ".join("".join(found).split()))


KEY_MAX = 64


def clean_key(key: str) -> str:
    """The key of a form as it can be kept."""
    return clean_text(key)[:KEY_MAX]


def why_not_public(at: Phase) -> Refusal | None:
    """Why people of the centre cannot write to the customer in this phase (domain.md 3.2, Join)."""
    if at in (Phase.IN_CONVERSATION, Phase.WAITING):
        return None
    return INTERNAL_FOR_NOW if at in (Phase.OPEN, Phase.OFFERED) else INTERNAL_ONLY


def why_not_text(text: str) -> Refusal | None:
    """Why this text cannot be sent (domain.md 7.1: at most 6 000 characters)."""
    if not text:
        return TEXT_EMPTY
    return TEXT_TOO_LONG if len(text) > TEXT_MAX else None


def why_not_yet(oldest: datetime | None, now: datetime) -> Refusal | None:
    """Why the customer cannot write another line now; ``oldest`` is when they wrote the ``LINES_MAX``-last one."""
    return TOO_FAST if oldest is not None and now - oldest < LINES_WITHIN else None


def why_not_another_chat(ongoing: int) -> Refusal | None:
    """Why a customer who has so many ongoing chats cannot begin another."""
    return TOO_MANY_CHATS if ongoing >= CHATS_MAX else None


def why_not_note(note: str) -> Refusal | None:
    """Why this note cannot be kept."""
    return NOTE_TOO_LONG if len(note) > NOTE_MAX else None


def reason_after(target: Phase, trigger: Trigger) -> StateReason:
    """The state reason that goes with a move (domain.md 2.1, 2.2)."""
    special = {
        (Phase.OFFERED, Trigger.SUPERVISOR_ASSIGN): StateReason.ASSIGNED_BY_SUPERVISOR,
        (Phase.WRAP_UP, Trigger.CUSTOMER_LEAVES): StateReason.CUSTOMER_MOVED_TO_WRAP_UP,
        (Phase.WRAP_UP, Trigger.CALL_LIMIT): StateReason.AUTO_CLOSED_BY_SYSTEM,
        (Phase.CLOSED, Trigger.FORCE_CLOSE): StateReason.FORCE_CLOSED_BY_SUPERVISOR,
        (Phase.CLOSED, Trigger.FINISH_WRAP_UP): StateReason.ENDED_BY_AGENT,
        (Phase.CLOSED, Trigger.CUSTOMER_LEAVES): StateReason.CUSTOMER_LEFT_OPEN,
        (Phase.CLOSED, Trigger.CUSTOMER_LEAVES_BOT): StateReason.CUSTOMER_LEFT_ACTIVE,
        (Phase.CLOSED, Trigger.BOT_ENDS): StateReason.ENDED_BY_BOT,
        (Phase.CLOSED, Trigger.AUTO_CLOSE): StateReason.AUTO_CLOSED_BY_SYSTEM,
    }
    usual = {
        Phase.OPEN: StateReason.AWAITING_AGENT_ASSIGNMENT,
        Phase.OFFERED: StateReason.AWAITING_AGENT_ACCEPTANCE,
        Phase.IN_CONVERSATION: StateReason.IN_CONVERSATION,
        Phase.WAITING: StateReason.AWAITING_CUSTOMER_RESPONSE,
        Phase.WRAP_UP: StateReason.AGENT_MOVED_TO_WRAP_UP,
        Phase.CLOSED: StateReason.AUTO_CLOSED_BY_SYSTEM,
    }
    return special.get((target, trigger), usual[target])
