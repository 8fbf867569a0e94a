"""What the last looks at the floor found wrong, for those who look after it (domain.md 2.5, P18)."""

from __future__ import annotations

from django.db import models
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
