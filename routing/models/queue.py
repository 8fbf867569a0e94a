"""Queues, who belongs to them and when they are open (domain.md 1.2)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class QueueType(models.TextChoices):
    """A conversation may only move to a queue of its own type."""

    MESSAGING = "messaging", _("Messaging")
    VOICE = "voice", _("Voice")
    RECORD = "record", _("Record")


class AssignmentMethod(models.TextChoices):
    """How the next agent is chosen."""

    HIGHEST_CAPACITY = "highest_capacity", _("Highest capacity")
    ADVANCED_ROUND_ROBIN = "advanced_round_robin", _("Advanced round robin")
    LEAST_ACTIVE = "least_active", _("Least active")


class Unhappy(models.IntegerChoices):
    """How unhappy a customer is before people are told; the values are those of the sentiment (domain.md 7)."""

    NEVER = 0, _("Never")
    SLIGHTLY_NEGATIVE = 9, _("Slightly negative")
    NEGATIVE = 8, _("Negative")
    VERY_NEGATIVE = 7, _("Very negative")


class Queue(models.Model):
    """A place where open conversations of one type wait.

    A smaller ``priority`` is served first. A default queue has every agent as a member without
    being told so, and cannot be deleted.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    type = models.CharField(_("type"), max_length=16, choices=QueueType.choices)
    priority = models.PositiveIntegerField(_("priority"), default=100, help_text=_("Smaller is served first."))
    is_default = models.BooleanField(_("default queue"), default=False, editable=False)
    assignment_method = models.CharField(
        _("assignment method"),
        max_length=24,
        choices=AssignmentMethod.choices,
        default=AssignmentMethod.HIGHEST_CAPACITY,
    )
    service_level_seconds = models.PositiveIntegerField(
        _("service level (s)"), null=True, blank=True, help_text=_("Empty: every answer counts as in time.")
    )
    short_abandon_seconds = models.PositiveIntegerField(
        _("short abandon (s)"),
        null=True,
        blank=True,
        help_text=_("A customer who leaves sooner is not counted as abandoned."),
    )
    wait_warning_seconds = models.PositiveIntegerField(
        _("waiting at risk after (s)"), default=60, help_text=_("The wait time turns amber.")
    )
    unhappy_notice = models.PositiveSmallIntegerField(
        _("supervisors are told of unhappy customers"),
        choices=Unhappy.choices,
        null=True,
        blank=True,
        help_text=_("At this sentiment or a worse one. Empty: as in the supervisor settings."),
    )
    agent_unhappy_notice = models.PositiveSmallIntegerField(
        _("agents are told of unhappy customers"),
        choices=Unhappy.choices,
        null=True,
        blank=True,
        help_text=_("At this sentiment or a worse one. Empty: as in the supervisor settings."),
    )
    wait_critical_seconds = models.PositiveIntegerField(
        _("waiting critical after (s)"), default=300, help_text=_("The wait time turns red.")
    )
    members = models.ManyToManyField(
        "routing.Agent", through="routing.QueueMembership", related_name="queues", verbose_name=_("members")
    )

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        constraints = [
            models.CheckConstraint(condition=Q(type__in=QueueType.values), name="queue_type_is_known"),
            models.UniqueConstraint(fields=["type"], condition=Q(is_default=True), name="queue_one_default_per_type"),
            models.CheckConstraint(
                condition=Q(wait_critical_seconds__gt=F("wait_warning_seconds")),
                name="queue_critical_after_warning",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QueueMembership(models.Model):
    """An agent belongs to a queue."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="memberships", verbose_name=_("queue"))
    agent = models.ForeignKey("routing.Agent", models.CASCADE, related_name="memberships", verbose_name=_("agent"))

    class Meta:
        verbose_name = _("queue member")
        verbose_name_plural = _("queue members")
        constraints = [models.UniqueConstraint(fields=["queue", "agent"], name="queue_membership_unique")]

    def __str__(self) -> str:
        return f"{self.agent} · {self.queue}"


class Weekday(models.IntegerChoices):
    """ISO weekdays."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class OperatingHours(models.Model):
    """One span of a week during which a queue is open; a queue without any is open 24×7."""

    queue = models.ForeignKey(Queue, models.CASCADE, related_name="operating_hours")
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        verbose_name = _("operating hours")
        verbose_name_plural = _("operating hours")
        constraints = [
            models.CheckConstraint(condition=Q(closes__gt=F("opens")), name="operating_hours_close_after_open"),
            models.UniqueConstraint(fields=["queue", "weekday", "opens"], name="operating_hours_unique_start"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}–{self.closes:%H:%M}"
