"""Who takes part in a conversation, in which mode, from when to when (domain.md 1.1)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation


class Mode(models.TextChoices):
    """What a participant is: the one primary, a consultant, or an unseen monitor."""

    PRIMARY = "primary", _("Primary")
    CONSULT = "consult", _("Consultant")
    MONITOR = "monitor", _("Monitor")


class AssignReason(models.TextChoices):
    """How a participant came in; names as the model product has them, SystemAssign is ours."""

    AGENT_CONSULT = "AgentConsult"
    AGENT_TRANSFER = "AgentTransfer"
    AGENT_PICK = "AgentPick"
    AGENT_MONITOR = "AgentMonitor"
    AGENT_CONVERSATION_JOIN = "AgentConversationJoin"
    AGENT_CONVERSATION_REJOIN = "AgentConversationRejoin"
    CUSTOMER_RECONNECT = "CustomerReconnect"
    SUPERVISOR_ASSIGN = "SupervisorAssign"
    SUPERVISOR_TRANSFER = "SupervisorTransferToAgent"
    SYSTEM_ASSIGN = "SystemAssign"


class LeftReason(models.TextChoices):
    """Why a participation ended."""

    LEFT = "left", _("left")
    JOINED = "joined", _("joined the conversation")
    STOPPED = "stopped", _("stopped monitoring")
    CONNECTION_LOST = "connection_lost", _("lost the connection")
    REJECTED = "rejected", _("rejected the offer")
    TIMED_OUT = "timed_out", _("did not answer the offer")
    WITHDRAWN = "withdrawn", _("the offer was withdrawn")
    TRANSFERRED = "transferred", _("handed over")
    RELEASED = "released", _("released it")
    MOVED_ON = "moved_on", _("the conversation moved on")
    CLOSED = "closed", _("the conversation closed")


class Participant(models.Model):
    """One participation. A change of mode ends one row and begins another.

    Rows with mode Monitor are the record of who monitored what, from when to when (domain.md 3.10).
    ``read_at`` is the read marker of primaries and consultants; monitors never have one.
    """

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="participations")
    mode = models.CharField(_("mode"), max_length=8, choices=Mode.choices)
    assign_reason = models.CharField(max_length=32, choices=AssignReason.choices)
    added_at = models.DateTimeField(_("from"))
    joined_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(_("to"), null=True, blank=True)
    left_reason = models.CharField(max_length=16, choices=LeftReason.choices, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    read_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(mode="primary", left_at__isnull=True),
                name="participant_one_primary",
            ),
            models.UniqueConstraint(
                fields=["conversation", "user"],
                condition=Q(left_at__isnull=True),
                name="participant_once_per_person",
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True, left_reason="") | (Q(left_at__isnull=False) & ~Q(left_reason="")),
                name="participant_left_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("added_at")),
                name="participant_leaves_after_coming",
            ),
            models.CheckConstraint(
                condition=~Q(mode="monitor") | Q(read_at__isnull=True),
                name="participant_monitor_has_no_read_marker",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "mode"], condition=Q(left_at__isnull=True), name="participant_live"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_mode_display()}"
