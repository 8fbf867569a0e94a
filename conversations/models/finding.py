"""What the last looks at the floor found wrong, for those who look after it (domain.md 2.5, P18)."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation


class FloorCheck(models.Model):
    """One row: when the floor was looked at last, so that one of several background processes does it."""

    checked_at = models.DateTimeField(_("checked"))

    class Meta:
        verbose_name = _("look at the floor")
        verbose_name_plural = _("looks at the floor")

    def __str__(self) -> str:
        return f"{self.checked_at}"


class Finding(models.Model):
    """A rule that an ongoing conversation breaks. Shown once two looks found it: one may see a half move."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="findings")
    code = models.CharField(_("rule"), max_length=64)
    is_repairable = models.BooleanField(_("can be repaired"))
    found_at = models.DateTimeField(_("found"))
    is_confirmed = models.BooleanField(_("found twice"), default=False)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = [models.UniqueConstraint(fields=["conversation", "code"], name="finding_once")]

    def __str__(self) -> str:
        return self.code


class CheckStage(models.TextChoices):
    """Whom or what a check of all data looks at, one after the other."""

    PEOPLE = "people", _("people")
    AGENTS = "agents", _("agents")
    CONVERSATIONS = "conversations", _("conversations")


class FullCheck(models.Model):
    """A look at all data, what is over too, that an administrator asked for; it goes on in portions.

    ``done_to`` is the greatest id of the stage that was looked at, ``up_to`` that of the conversations when it was
    asked for. ``taken_until``: until when a process has the next portion for itself. ``found`` counts more than is
    kept.
    """

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    asked_at = models.DateTimeField(_("asked for"))
    repairs = models.BooleanField(_("repairs what can be repaired"), default=False)
    stage = models.CharField(max_length=16, choices=CheckStage.choices, default=CheckStage.PEOPLE)
    done_to = models.BigIntegerField(default=0)
    up_to = models.BigIntegerField(default=0)
    taken_until = models.DateTimeField(null=True, blank=True)
    conversations = models.PositiveIntegerField(default=0)
    agents = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(_("found"), default=0)
    repaired = models.PositiveIntegerField(_("repaired"), default=0)
    error = models.CharField(max_length=300, blank=True)
    is_over = models.BooleanField(default=False)
    was_stopped = models.BooleanField(default=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("check of all data")
        verbose_name_plural = _("checks of all data")
        constraints = [
            models.UniqueConstraint(fields=["is_over"], condition=Q(is_over=False), name="full_check_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(is_over=True, ended_at__isnull=False) | Q(is_over=False, ended_at__isnull=True),
                name="full_check_over_means_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asked_at}"


class FullCheckFinding(models.Model):
    """What a check of all data found, and left as it was; ``params`` are what the sentence of the rule needs."""

    check_of = models.ForeignKey(FullCheck, models.CASCADE, related_name="findings")
    code = models.CharField(_("rule"), max_length=64)
    about = models.CharField(max_length=16)
    subject_id = models.BigIntegerField()
    params = models.JSONField(encoder=DjangoJSONEncoder)
    is_repairable = models.BooleanField(_("can be repaired"))

    class Meta:
        verbose_name = _("finding of a check")
        verbose_name_plural = _("findings of checks")

    def __str__(self) -> str:
        return self.code
