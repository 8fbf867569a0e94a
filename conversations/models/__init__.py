"""Work and everything that belongs to it (domain.md 1.1, 2)."""

from conversations.models.call import CallLeg, LegState, Party
from conversations.models.conversation import (
    OFFERED_REASONS,
    ChatPage,
    Conversation,
    ConversationQuerySet,
    Customer,
    Direction,
    RequiredSkill,
    Sentiment,
    State,
    StateReason,
)
from conversations.models.finding import CheckStage, Finding, FloorCheck, FullCheck, FullCheckFinding
from conversations.models.history import HistoryEntry, Notice, NoticeLevel, SentimentChange
from conversations.models.message import Message, SenderKind, Visibility
from conversations.models.offer import Offer, OfferKind, OfferStatus
from conversations.models.participant import AssignReason, LeftReason, Mode, Participant
from conversations.models.session import ClosureReason, QueueSegment, Session
from conversations.models.toggles import SettingChange, SupervisorSettings

__all__ = [
    "OFFERED_REASONS",
    "AssignReason",
    "CallLeg",
    "ChatPage",
    "CheckStage",
    "ClosureReason",
    "Conversation",
    "ConversationQuerySet",
    "Customer",
    "Direction",
    "Finding",
    "FloorCheck",
    "FullCheck",
    "FullCheckFinding",
    "HistoryEntry",
    "LeftReason",
    "LegState",
    "Message",
    "Mode",
    "Notice",
    "NoticeLevel",
    "Offer",
    "OfferKind",
    "OfferStatus",
    "Participant",
    "Party",
    "QueueSegment",
    "RequiredSkill",
    "SenderKind",
    "Sentiment",
    "SentimentChange",
    "Session",
    "SettingChange",
    "State",
    "StateReason",
    "SupervisorSettings",
    "Visibility",
]
