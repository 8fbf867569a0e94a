"""What happens to conversations: the frozen facts that services return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from supervisor_console.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEvent(Event):
    """Something that happened to one conversation, and the version it made."""

    code: ClassVar[str] = "conversation.changed"
    conversation_id: int
    version: int
    from_state: str
    to_state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationCreated(ConversationEvent):
    """A customer began (T1)."""

    code: ClassVar[str] = "conversation.created"
    queue_id: int
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEscalated(ConversationEvent):
    """The bot handed it over to people; the wait begins (T1)."""

    code: ClassVar[str] = "conversation.escalated"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationOffered(ConversationEvent):
    """Distribution offered it to an agent (T2); ``returning`` where the customer came back to the same one.

    ``told`` where the workstream assigns without asking (domain.md 4.2).
    """

    code: ClassVar[str] = "conversation.offered"
    agent_id: int
    agent: str
    returning: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAssigned(ConversationEvent):
    """A supervisor offered it to an agent (T4). ``over_units`` is what the override exceeded."""

    code: ClassVar[str] = "conversation.assigned"
    agent_id: int
    agent: str
    note: str = ""
    overrides: tuple[str, ...] = ()
    presence: str = ""
    over_units: int = 0
    over_items: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAssignedToQueue(ConversationEvent):
    """A supervisor moved it to another queue (T5)."""

    code: ClassVar[str] = "conversation.assigned_to_queue"
    from_queue_id: int
    from_queue: str
    queue_id: int
    queue: str
    note: str = ""
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPicked(ConversationEvent):
    """An agent took it from the open list (T3, T6)."""

    code: ClassVar[str] = "conversation.picked"
    agent_id: int
    agent: str
    over_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccepted(ConversationEvent):
    """The agent accepted (T6); ``by_itself`` where their time was over and it opened without them."""

    code: ClassVar[str] = "conversation.accepted"
    agent_id: int
    agent: str
    by_itself: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRejected(ConversationEvent):
    """The agent rejected, and it is open again (T7)."""

    code: ClassVar[str] = "conversation.rejected"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTimedOut(ConversationEvent):
    """The agent did not answer in time, and it is open again (T8)."""

    code: ClassVar[str] = "conversation.timed_out"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRequested(ConversationEvent):
    """A supervisor asked another agent to take over (domain.md 3.6)."""

    code: ClassVar[str] = "conversation.transfer_requested"
    agent_id: int
    agent: str
    from_agent_id: int | None
    from_agent: str
    note: str = ""
    overrides: tuple[str, ...] = ()
    over_units: int = 0
    over_items: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationTransferred(ConversationEvent):
    """The other agent accepted and is the primary now (T19, T20)."""

    code: ClassVar[str] = "conversation.transferred"
    agent_id: int
    agent: str
    from_agent_id: int | None
    from_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRejected(ConversationEvent):
    """The other agent rejected; nothing moved."""

    code: ClassVar[str] = "conversation.transfer_rejected"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTimedOut(ConversationEvent):
    """The other agent did not answer; nothing moved."""

    code: ClassVar[str] = "conversation.transfer_timed_out"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCancelled(ConversationEvent):
    """The request was taken back, by a supervisor or because the conversation moved on."""

    code: ClassVar[str] = "conversation.transfer_cancelled"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationReleased(ConversationEvent):
    """The agent gave it back to the queue (T16, T18)."""

    code: ClassVar[str] = "conversation.released"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationMovedToWaiting(ConversationEvent):
    """The agent closed the session without ending (T15)."""

    code: ClassVar[str] = "conversation.moved_to_waiting"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDisconnected(ConversationEvent):
    """Its agent was gone for too long: it is open again, or waits for its customer (T17)."""

    code: ClassVar[str] = "conversation.agent_disconnected"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRevived(ConversationEvent):
    """Its last agent took a waiting one up again (T20)."""

    code: ClassVar[str] = "conversation.revived"
    agent_id: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReturned(ConversationEvent):
    """The customer wrote into a waiting one; it is open again (T21)."""

    code: ClassVar[str] = "conversation.customer_returned"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDisconnected(ConversationEvent):
    """The last page of a live chat's customer is gone; the state stays until their time is over (domain.md 2.3)."""

    code: ClassVar[str] = "conversation.customer_disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReconnected(ConversationEvent):
    """The customer of a live chat is back in time."""

    code: ClassVar[str] = "conversation.customer_reconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEnded(ConversationEvent):
    """The dialogue is over, wrap-up begins (T12, T13, T14)."""

    code: ClassVar[str] = "conversation.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationClosed(ConversationEvent):
    """Closed by its agent, the customer or a timer (T9 to T11, T22, T23, T27)."""

    code: ClassVar[str] = "conversation.closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationForceClosed(ConversationEvent):
    """Closed by a supervisor (T24)."""

    code: ClassVar[str] = "conversation.force_closed"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRepaired(ConversationEvent):
    """What was not as it must be was put right; ``faults`` are the codes of the rules, one after the other."""

    code: ClassVar[str] = "conversation.repaired"
    faults: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationElevated(ConversationEvent):
    """The agent took the chat into a call (domain.md 1.1). ``medium`` is voice or video."""

    code: ClassVar[str] = "conversation.elevated"
    medium: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevationEnded(ConversationEvent):
    """The call beside the chat is over; the chat goes on."""

    code: ClassVar[str] = "conversation.elevation_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeld(ConversationEvent):
    """The agent put the call on hold."""

    code: ClassVar[str] = "conversation.call_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResumed(ConversationEvent):
    """The agent took the call off hold."""

    code: ClassVar[str] = "conversation.call_resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringStarted(ConversationEvent):
    """A supervisor watches, unseen."""

    code: ClassVar[str] = "conversation.monitoring_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringStopped(ConversationEvent):
    """A supervisor stopped watching. ``seconds`` is how long they did."""

    code: ClassVar[str] = "conversation.monitoring_stopped"
    seconds: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorJoined(ConversationEvent):
    """A supervisor joined; everybody is told."""

    code: ClassVar[str] = "conversation.joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantLeft(ConversationEvent):
    """A joined supervisor or a consultant left."""

    code: ClassVar[str] = "conversation.left"
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentChanged(ConversationEvent):
    """The customer's last lines read otherwise; announced to reports, kept in ``SentimentChange``."""

    code: ClassVar[str] = "conversation.sentiment_changed"
    sentiment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSent(ConversationEvent):
    """Somebody wrote. The text is in the message, not in the history."""

    code: ClassVar[str] = "conversation.message_sent"
    message_id: int
    visibility: str
