"""What do the rules about conversations read? Conversations and what belongs to them, in the words of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from conversations.models import (
    OFFERED_REASONS,
    Conversation,
    Mode,
    Offer,
    OfferStatus,
    Participant,
    QueueSegment,
    Session,
    State,
)
from supervisor_console.kernel.invariants import Row, Scope, streamed

OF_CONVERSATION = "conversation__"
"""Leads from what belongs to a conversation to the conversation's own fields."""


def is_offered(path: str = "") -> Q:
    """Active, and the agent has not accepted yet."""
    return Q(**{f"{path}state": State.ACTIVE, f"{path}reason__in": OFFERED_REASONS})


def is_answered(path: str = "") -> Q:
    """Somebody accepted, and has it still: they talk, or wrap up."""
    return Q(**{f"{path}state__in": [State.ACTIVE, State.WRAP_UP]}) & ~Q(**{f"{path}reason__in": OFFERED_REASONS})


def has_agent(path: str = "") -> Q:
    """The states with a primary agent."""
    return Q(**{f"{path}state__in": [State.ACTIVE, State.WRAP_UP]})


def ongoing(scope: Scope) -> QuerySet[Conversation]:
    """The ongoing conversations; the condition is the one of the partial indexes."""
    return scope.narrow(Conversation.objects.filter(closed_at__isnull=True), "pk")


def every(scope: Scope) -> QuerySet[Conversation]:
    """All conversations that are asked about, the closed ones too where that is wanted."""
    return scope.narrow(Conversation.objects.all(), "pk") if scope.with_closed else ongoing(scope)


def open_sessions(scope: Scope) -> QuerySet[Session]:
    """The sessions that have not ended; few, however many have."""
    return scope.narrow(Session.objects.filter(closed_at__isnull=True), "conversation_id")


def open_segments(scope: Scope) -> QuerySet[QueueSegment]:
    """The stays in queues that have not ended."""
    return scope.narrow(QueueSegment.objects.filter(ended_at__isnull=True), "conversation_id")


def live_participants(scope: Scope) -> QuerySet[Participant]:
    """Everybody who takes part in something."""
    return scope.narrow(Participant.objects.filter(left_at__isnull=True), "conversation_id")


def live_primaries(scope: Scope) -> QuerySet[Participant]:
    """Everybody who has a conversation."""
    return live_participants(scope).filter(mode=Mode.PRIMARY)


def pending_offers(scope: Scope) -> QuerySet[Offer]:
    """The offers that wait for an answer."""
    return scope.narrow(Offer.objects.filter(status=OfferStatus.PENDING), "conversation_id")


def without(rows: QuerySet[Conversation], related: QuerySet[Any]) -> QuerySet[Conversation]:
    """Those conversations that have none of the related rows."""
    return rows.filter(~Exists(related.filter(conversation=OuterRef("pk"))))


def told(rows: QuerySet[Any, Any], **params: Any) -> Iterator[Row]:
    """What breaks a rule: the conversation's id and subject, and what else the sentence needs."""
    own = rows.model is Conversation
    wanted = {
        "about": F("pk" if own else "conversation_id"),
        "subject": F("subject" if own else "conversation__subject"),
    }
    found = {f"told_{name}": value for name, value in {**wanted, **params}.items()}
    for row in streamed(rows.order_by().values(**found)):
        yield {name.removeprefix("told_"): value for name, value in row.items()}
