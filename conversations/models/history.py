"""What happened, append-only, and what people were told about it (domain.md 6.2)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation, Sentiment, State, StateReason
from supervisor_console.kernel.history import AppendOnly


class HistoryEntry(AppendOnly):
    """One event: code, data, a snapshot of the actor, the version it made, and when.

    The sentence is made when it is shown. Written in the transaction of the change itself.
    """

    conversation = models.ForeignKey(
        Conversation, models.PROTECT, related_name="history", verbose_name=_("conversation")
    )
    code = models.CharField(_("event"), max_length=64)
    at = models.DateTimeField(_("at"))
    actor_kind = models.CharField(max_length=12)
    actor_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(_("by"), max_length=160)
    version = models.PositiveIntegerField()
    from_state = models.CharField(max_length=8, choices=State.choices, blank=True)
    to_state = models.CharField(max_length=8, choices=State.choices)
    reason = models.CharField(max_length=40, choices=StateReason.choices)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("history entry")
        verbose_name_plural = _("history")
        indexes = [
            models.Index(fields=["conversation", "id"], name="history_conversation"),
            models.Index(fields=["code", "-at"], name="history_code"),
        ]

    def __str__(self) -> str:
        return self.code


class SentimentChange(AppendOnly):
    """From when on a conversation had this sentiment (domain.md 1.5); the first row is what it began with."""

    conversation = models.ForeignKey(
        Conversation, models.PROTECT, related_name="sentiments", verbose_name=_("conversation")
    )
    sentiment = models.PositiveSmallIntegerField(_("sentiment"), choices=Sentiment.choices)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("sentiment change")
        verbose_name_plural = _("sentiment changes")
        indexes = [models.Index(fields=["conversation", "id"], name="sentiment_change_list")]

    def __str__(self) -> str:
        return self.get_sentiment_display()


class NoticeLevel(models.TextChoices):
    """How much a notice matters."""

    INFO = "info", _("Information")
    SUCCESS = "success", _("Success")
    WARN = "warn", _("Warning")
    ERROR = "error", _("Error")


class Notice(models.Model):
    """Something one person was told; stays in their list until read, also when they were offline."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    conversation = models.ForeignKey(Conversation, models.CASCADE, null=True, blank=True, related_name="notices")
    code = models.CharField(max_length=64)
    params = models.JSONField(default=dict)
    level = models.CharField(max_length=8, choices=NoticeLevel.choices, default=NoticeLevel.INFO)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_list"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return self.code
