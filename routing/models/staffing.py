"""What somebody changed about a person's place in the centre, append-only (domain.md 6.2)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from supervisor_console.kernel.history import AppendOnly


class StaffingChange(AppendOnly):
    """One event about an agent, by somebody: code, data, a snapshot of who did it, and when.

    Presences have a history of their own, ``PresenceChange``. The sentence is made when it is shown.
    """

    agent = models.ForeignKey("routing.Agent", models.PROTECT, related_name="staffing_changes", verbose_name=_("agent"))
    code = models.CharField(_("event"), max_length=64)
    at = models.DateTimeField(_("at"))
    actor_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(_("by"), max_length=160)
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("staffing change")
        verbose_name_plural = _("staffing changes")
        indexes = [models.Index(fields=["agent", "-id"], name="staffing_change_agent")]

    def __str__(self) -> str:
        return f"{self.agent}: {self.code}"
