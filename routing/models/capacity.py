"""Capacity profiles: named limits of work items (domain.md 1.4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ResetFrequency(models.TextChoices):
    """When a consumed item comes free again; cannot be changed later.

    At once: when the conversation is over. At the end of the day: what an agent accepted counts until midnight in the
    centre's time zone, or until it is over, whichever is later (domain.md 1.4).
    """

    IMMEDIATE = "immediate", _("At once")
    END_OF_DAY = "end_of_day", _("At the end of the day")


class CapacityProfile(models.Model):
    """A named limit of work items; a conversation that carries it consumes one."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    limit = models.PositiveIntegerField(_("work items"))
    reset = models.CharField(
        _("reset"), max_length=16, choices=ResetFrequency.choices, default=ResetFrequency.IMMEDIATE
    )
    is_blocking = models.BooleanField(
        _("blocks further assignment"),
        default=False,
        help_text=_("When exhausted, the agent gets no work of any kind and shows Do not disturb."),
    )

    class Meta:
        verbose_name = _("capacity profile")
        verbose_name_plural = _("capacity profiles")
        constraints = [
            models.CheckConstraint(condition=Q(limit__gte=1), name="capacity_profile_limit_positive"),
            models.CheckConstraint(
                condition=Q(reset__in=ResetFrequency.values), name="capacity_profile_reset_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
