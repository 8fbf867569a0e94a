"""The organisation's supervisor settings, and who changed them (domain.md 3.1, 7)."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Sentiment
from conversations.models.timers import Timers
from routing.models import Unhappy


class AgentScope(models.TextChoices):
    """Whom the Assign dialog may offer (domain.md 3.5)."""

    ANY = "any", _("Any agent")
    CURRENT_QUEUE = "current_queue", _("Members of the current queue")


DEFAULT_CUSTOMER_NOTICE = _("A supervisor may read or join this conversation, and it is stored to improve our service.")
DEFAULT_AGENT_NOTICE = _(
    "Supervisors may monitor and join your conversations. Monitoring is recorded and is not used for "
    "employment decisions."
)


def default_customer_notice() -> str:
    """The customer notice before anybody edits it."""
    return str(DEFAULT_CUSTOMER_NOTICE)


def default_agent_notice() -> str:
    """The agent notice before anybody edits it."""
    return str(DEFAULT_AGENT_NOTICE)


class SupervisorSettings(Timers):
    """One row. The four switches come with the defaults of domain.md 3.1, the timers with those of 2.3."""

    monitor_enabled = models.BooleanField(_("Supervisor Monitor"), default=True, help_text=_("Monitor and Join."))
    assign_enabled = models.BooleanField(_("Supervisor Assign"), default=False)
    transfer_enabled = models.BooleanField(_("Supervisor Transfer"), default=False)
    force_close_enabled = models.BooleanField(_("Force Close"), default=False)

    transfer_voice_calls = models.BooleanField(_("Voice calls can be transferred"), default=False)
    allow_assign_offline = models.BooleanField(_("Offline agents can be assigned"), default=False)
    assign_agent_scope = models.CharField(
        _("Assign offers"), max_length=16, choices=AgentScope.choices, default=AgentScope.ANY
    )
    force_close_reason_required = models.BooleanField(_("Force close needs a reason"), default=False)
    notify_agent_on_monitor = models.BooleanField(_("Tell agents when they are monitored"), default=False)
    reject_sets_dnd = models.BooleanField(
        _("A rejected offer sets Do not disturb"),
        default=False,
        help_text=_("Without effect for workstreams that allow Do not disturb."),
    )
    missed_sets_inactive = models.BooleanField(
        _("A missed offer sets Inactive"),
        default=False,
        help_text=_("Without effect for workstreams that allow Away."),
    )
    distribution_enabled = models.BooleanField(_("Automatic distribution"), default=True)
    decline_limit = models.PositiveSmallIntegerField(
        _("Declines before an agent is passed over"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
    )
    sentiment_enabled = models.BooleanField(_("Sentiment analysis"), default=True)
    sentiment_alert = models.PositiveSmallIntegerField(
        _("Unhappy customers need a supervisor"),
        choices=[
            (0, _("Never")),
            *((one.value, one.label) for one in (Sentiment.SLIGHTLY_NEGATIVE, Sentiment.NEGATIVE)),
            (Sentiment.VERY_NEGATIVE.value, Sentiment.VERY_NEGATIVE.label),
        ],
        default=Sentiment.NEGATIVE,
    )
    unhappy_notice = models.PositiveSmallIntegerField(
        _("Supervisors are told of unhappy customers"), choices=Unhappy.choices, default=Unhappy.NEVER
    )
    unhappy_notice_always = models.BooleanField(_("Also supervisors who are away"), default=False)
    agent_unhappy_notice = models.PositiveSmallIntegerField(
        _("Agents are told of unhappy customers"), choices=Unhappy.choices, default=Unhappy.NEVER
    )
    shows_customer_notice = models.BooleanField(_("Show the customer notice"), default=True)
    customer_notice = models.TextField(_("customer notice"), max_length=600, default=default_customer_notice)
    agent_notice = models.TextField(_("agent notice"), max_length=600, default=default_agent_notice)

    class Meta:
        verbose_name = _("supervisor settings")
        verbose_name_plural = _("supervisor settings")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="supervisor_settings_one_row"),
            models.CheckConstraint(
                condition=Q(decline_limit__gte=1, decline_limit__lte=5),
                name="supervisor_settings_decline_limit_1_to_5",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Supervisor settings"))


class SettingChange(models.Model):
    """Who changed which setting from what to what, and when. Never edited."""

    setting = models.CharField(_("setting"), max_length=64)
    old = models.JSONField(_("before"))
    new = models.JSONField(_("after"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("setting change")
        verbose_name_plural = _("setting changes")

    def __str__(self) -> str:
        return f"{self.setting}: {self.old} → {self.new}"
