"""Sessions (assignment attempts) and queue segments (stays in one queue), domain.md 1.1."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from routing.models import Agent, Queue


class ClosureReason(models.TextChoices):
    """Why a session ended; the names are the model product's own and stay verbatim (domain.md 2.2, 7.1)."""

    AGENT_REJECT = "AgentReject"
    AGENT_TIMEOUT = "AgentTimeout"
    AGENT_CLOSED = "AgentClosed"
    AGENT_DISCONNECTED = "AgentDisconnected"
    AGENT_REROUTED = "AgentReRouted"
    AGENT_TRANSFERRED = "AgentTransferred"
    AGENT_TRANSFER_TO_QUEUE = "AgentTransferToQueue"
    AGENT_MOVED_TO_WAITING = "AgentMovedConversationToWaiting"
    AGENT_END = "AgentEndConversation"
    AUTO_CLOSE = "AutoClose"
    BOT_END = "BotEndConversation"
    BOT_TRANSFER_TO_AGENT = "BotTransferToAgent"
    CALL_TIMED_OUT = "CallTimedOut"
    CUSTOMER_DISCONNECT = "CustomerDisconnect"
    CUSTOMER_END = "CustomerEndConversation"
    FORCE_CLOSE = "ForceClose"
    OVERFLOW_END = "OverflowEndConversation"
    OVERFLOW_QUEUE_TRANSFER = "OverflowQueueTransfer"
    SUPERVISOR_ASSIGN_TO_QUEUE = "SupervisorAssignToQueue"
    SUPERVISOR_TRANSFER_TO_AGENT = "SupervisorTransferToAgent"


class Session(models.Model):
    """One assignment attempt inside one queue; the earlier one closes when a new one begins."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="sessions")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="+")
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, blank=True, related_name="sessions")
    is_bot_session = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    agent_assigned_at = models.DateTimeField(null=True, blank=True)
    agent_accepted_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closure_reason = models.CharField(max_length=40, choices=ClosureReason.choices, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(closed_at__isnull=True), name="session_one_open"
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closure_reason="")
                | (Q(closed_at__isnull=False) & ~Q(closure_reason="")),
                name="session_closed_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(agent_assigned_at__isnull=True) | Q(agent__isnull=False),
                name="session_assigned_has_an_agent",
            ),
            models.CheckConstraint(
                condition=Q(agent_accepted_at__isnull=True) | Q(agent_accepted_at__gte=F("agent_assigned_at")),
                name="session_accepted_after_assigned",
            ),
        ]
        indexes = [
            models.Index(fields=["agent", "-agent_assigned_at"], name="session_agent_assigned"),
            models.Index(fields=["agent", "-closed_at"], name="session_agent_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation} · {self.queue}"


class QueueSegment(models.Model):
    """One stay of a conversation in one queue; a transfer across three queues makes three."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="segments")
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="segments")
    source_queue = models.ForeignKey(Queue, models.PROTECT, null=True, blank=True, related_name="+")
    target_queue = models.ForeignKey(Queue, models.PROTECT, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField()
    agent_assigned_at = models.DateTimeField(null=True, blank=True)
    agent_accepted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    is_abandoned = models.BooleanField(default=False)
    closure_reason = models.CharField(max_length=40, choices=ClosureReason.choices, blank=True)

    class Meta:
        verbose_name = _("queue segment")
        verbose_name_plural = _("queue segments")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(ended_at__isnull=True), name="segment_one_open"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="segment_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation} · {self.queue}"
