"""Presences, base and custom ones; the history of who was where; and who is connected (domain.md 1.3)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from supervisor_console.kernel.pages import Page


class BasePresence(models.TextChoices):
    """What routing and filtering always use; the only values selectable as allowed presence."""

    AVAILABLE = "available", _("Available")
    BUSY = "busy", _("Busy")
    BUSY_DND = "busy_dnd", _("Do not disturb")
    AWAY = "away", _("Away")
    OFFLINE = "offline", _("Offline")


class SetBy(models.TextChoices):
    """Who set a presence; shown in the «Set by» column."""

    AGENT = "agent", _("Agent")
    SYSTEM = "system", _("System")
    SUPERVISOR = "supervisor", _("Supervisor")


class SetAfter(models.TextChoices):
    """What a presence was set after, where that is worth knowing; nothing else says why a system set one.

    After a missed or rejected offer it is held until it is reset, or another one is chosen (domain.md 4.3).
    """

    MISSED = "missed", _("a missed offer")
    REJECTED = "rejected", _("a rejected offer")
    RESET = "reset", _("a reset")


DECLINES = frozenset({SetAfter.MISSED.value, SetAfter.REJECTED.value})
"""What holds a presence until it is reset."""


class Presence(models.Model):
    """A presence a person can have: a name, a text and exactly one base presence.

    ``code`` names the six that come with the product (the five base ones and ``inactive``); those
    cannot be edited or deleted. Inactive is set by the product only (domain.md D18).
    """

    code = models.CharField(_("code"), max_length=16, unique=True, null=True, blank=True, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    text = models.CharField(_("text"), max_length=120, blank=True)
    base = models.CharField(_("base presence"), max_length=16, choices=BasePresence.choices)
    is_selectable = models.BooleanField(_("people can choose it"), default=True)

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [
            models.CheckConstraint(condition=Q(base__in=BasePresence.values), name="presence_base_is_known"),
            models.CheckConstraint(
                condition=~Q(code="inactive") | Q(base="away", is_selectable=False),
                name="presence_inactive_is_away_and_not_selectable",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_system(self) -> bool:
        """Whether it came with the product."""
        return self.code is not None

    @property
    def is_inactive(self) -> bool:
        """Whether it is the status that a missed offer sets (domain.md 4.3)."""
        return self.code == INACTIVE


INACTIVE = "inactive"


class PresenceChange(models.Model):
    """One stay in one presence: from when to when, who set it, and after what. Never edited but to end it.

    ``set_by_user`` is the person who set it; of one that the product computed after a reset, who reset it.
    """

    agent = models.ForeignKey("routing.Agent", models.PROTECT, related_name="presence_changes", verbose_name=_("agent"))
    presence = models.ForeignKey(Presence, models.PROTECT, related_name="+", verbose_name=_("presence"))
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("to"), null=True, blank=True)
    set_by = models.CharField(_("set by"), max_length=16, choices=SetBy.choices)
    set_by_user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    set_after = models.CharField(_("set after"), max_length=8, choices=SetAfter.choices, blank=True)

    class Meta:
        verbose_name = _("presence change")
        verbose_name_plural = _("presence history")
        constraints = [
            models.UniqueConstraint(fields=["agent"], condition=Q(ended_at=None), name="presence_change_one_current"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")),
                name="presence_change_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent}: {self.presence}"


class Connection(Page):
    """One socket of an agent: a page of theirs that is open somewhere."""

    agent = models.ForeignKey("routing.Agent", models.CASCADE, related_name="connections", verbose_name=_("agent"))

    class Meta:
        verbose_name = _("connection")
        verbose_name_plural = _("connections")
        indexes = [models.Index(fields=["process"], name="connection_process")]

    def __str__(self) -> str:
        return f"{self.agent}: {self.key}"
