"""Offers: a conversation held out to one agent, to accept or reject in time (domain.md 4.1)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from routing.models import Agent


class OfferKind(models.TextChoices):
    """What is offered."""

    INCOMING = "incoming", _("Incoming conversation")
    PICK = "pick", _("Picked")
    SUPERVISOR_ASSIGN = "supervisor_assign", _("Assigned by a supervisor")
    TRANSFER = "transfer", _("Transfer")


class OfferStatus(models.TextChoices):
    """What became of it; every way out has its own name (experience.md, lesson 15)."""

    PENDING = "pending", _("Pending")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    TIMED_OUT = "timed_out", _("Timed out")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


class Offer(models.Model):
    """One conversation, one agent, one deadline. At most one is pending per conversation.

    A pending transfer is a soft hold on the target agent's capacity (domain.md 3.6); an offered
    Active conversation holds it by itself.
    """

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="offers")
    agent = models.ForeignKey(Agent, models.PROTECT, related_name="offers")
    kind = models.CharField(_("kind"), max_length=20, choices=OfferKind.choices)
    status = models.CharField(_("status"), max_length=12, choices=OfferStatus.choices, default=OfferStatus.PENDING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(_("note"), max_length=500, blank=True)
    offered_at = models.DateTimeField(_("offered"))
    expires_at = models.DateTimeField(_("until"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.UniqueConstraint(fields=["conversation"], condition=Q(status="pending"), name="offer_one_pending"),
            models.CheckConstraint(
                condition=Q(status="pending", settled_at__isnull=True)
                | (~Q(status="pending") & Q(settled_at__isnull=False)),
                name="offer_settled_has_a_time",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("offered_at")), name="offer_expires_after_offered"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="pending"), name="offer_due"),
            models.Index(fields=["agent"], condition=Q(status="pending"), name="offer_pending_agent"),
            models.Index(
                fields=["conversation", "settled_at"],
                condition=Q(status__in=["rejected", "timed_out"]) & ~Q(kind="transfer"),
                name="offer_declined",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation} → {self.agent}"
