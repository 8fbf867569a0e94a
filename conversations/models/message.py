"""Messages: what was said in a conversation, by whom, and who may read it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation

TEXT_MAX = 6000
"""Longest text of one message (domain.md 7.1)."""


class SenderKind(models.TextChoices):
    """Who speaks."""

    CUSTOMER = "customer", _("Customer")
    AGENT = "agent", _("Agent")
    SUPERVISOR = "supervisor", _("Supervisor")
    BOT = "bot", _("Bot")
    SYSTEM = "system", _("System")


class Visibility(models.TextChoices):
    """Who reads it: everybody in the conversation, or the people of the centre only."""

    PUBLIC = "public", _("Public")
    INTERNAL = "internal", _("Internal")


class Message(models.Model):
    """One line of the transcript.

    A system line has a ``code`` and ``params`` instead of a text; its sentence is made when it is
    shown. ``client_key`` makes sending the same line twice one line.
    """

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="messages")
    sender_kind = models.CharField(max_length=12, choices=SenderKind.choices)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    sender_name = models.CharField(max_length=160, blank=True)
    visibility = models.CharField(max_length=8, choices=Visibility.choices, default=Visibility.PUBLIC)
    text = models.TextField(max_length=TEXT_MAX, blank=True)
    code = models.CharField(max_length=48, blank=True)
    params = models.JSONField(default=dict, blank=True)
    client_key = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_key"],
                condition=~Q(client_key=""),
                name="message_client_key_once",
            ),
            models.CheckConstraint(
                condition=(Q(sender_kind="system") & ~Q(code="")) | (~Q(sender_kind="system") & ~Q(text="")),
                name="message_has_a_text_or_a_code",
            ),
            models.CheckConstraint(
                condition=~Q(sender_kind="customer") | Q(visibility="public"),
                name="message_of_a_customer_is_public",
            ),
        ]
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_transcript"),
            models.Index(fields=["client_key"], condition=~Q(client_key=""), name="message_client_key"),
        ]

    def __str__(self) -> str:
        return self.text or self.code
