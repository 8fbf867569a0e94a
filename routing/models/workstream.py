"""Channels and workstreams: what binds a channel to routing and distribution rules (domain.md 1.1)."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from routing.models.agent import Agent
from routing.models.capacity import CapacityProfile
from routing.models.presence import BasePresence
from routing.models.queue import Queue, QueueType


class ChannelKind(models.TextChoices):
    """What the rules distinguish (domain.md 1.1): LC, PC, AM, V and R of the transition table."""

    LIVE_CHAT = "live_chat", _("Live chat")
    PERSISTENT_CHAT = "persistent_chat", _("Persistent chat")
    ASYNC_MESSAGING = "async_messaging", _("Messaging")
    VOICE = "voice", _("Voice")
    RECORD = "record", _("Record")

    @property
    def queue_type(self) -> QueueType:
        """The type of queue in which conversations of this kind wait."""
        if self is ChannelKind.VOICE:
            return QueueType.VOICE
        if self is ChannelKind.RECORD:
            return QueueType.RECORD
        return QueueType.MESSAGING


class Channel(models.TextChoices):
    """What people call the channel; each belongs to one kind."""

    LIVE_CHAT = "live_chat", _("Live chat")
    PERSISTENT_CHAT = "persistent_chat", _("Persistent chat")
    SMS = "sms", _("SMS")
    WHATSAPP = "whatsapp", _("WhatsApp")
    VOICE = "voice", _("Voice")
    RECORD = "record", _("Record")

    @property
    def kind(self) -> ChannelKind:
        """The kind that the rules look at."""
        if self in (Channel.SMS, Channel.WHATSAPP):
            return ChannelKind.ASYNC_MESSAGING
        return ChannelKind(self.value)


class Distribution(models.TextChoices):
    """Whether work is pushed to agents or picked by them; cannot be changed later."""

    PUSH = "push", _("Push")
    PICK = "pick", _("Pick")


class WrapUpBlock(models.TextChoices):
    """Whether wrap-up keeps the agent's capacity (domain.md 2.4)."""

    ALWAYS = "always", _("Until the conversation is closed")
    NONE = "none", _("Not at all")
    CUSTOM = "custom", _("For a time")


class DesktopNotification(models.TextChoices):
    """When an offer is told by a notification of the desktop, to whoever allows the browser to (domain.md 4.2)."""

    NEVER = "never", _("Never")
    BACKGROUND = "background", _("When nobody looks at the console")
    ALWAYS = "always", _("Always")


class SkillMatching(models.TextChoices):
    """How required skills choose agents (domain.md 1.5)."""

    NONE = "none", _("None")
    EXACT = "exact", _("Exact")
    CLOSEST = "closest", _("Closest")


def default_allowed_presences() -> list[str]:
    """Available and Busy (domain.md 7)."""
    return [BasePresence.AVAILABLE.value, BasePresence.BUSY.value]


class Workstream(models.Model):
    """The rules for conversations of one channel."""

    IMMUTABLE: ClassVar[frozenset[str]] = frozenset({"channel", "distribution"})

    name = models.CharField(_("name"), max_length=80, unique=True)
    channel = models.CharField(_("channel"), max_length=24, choices=Channel.choices)
    distribution = models.CharField(
        _("work distribution"), max_length=8, choices=Distribution.choices, default=Distribution.PUSH
    )
    allows_pick = models.BooleanField(_("agents may also pick"), default=True)
    units = models.PositiveIntegerField(
        _("capacity units per conversation"), default=30, validators=[MinValueValidator(1)]
    )
    profiles = models.ManyToManyField(
        CapacityProfile, through="routing.WorkstreamProfile", blank=True, verbose_name=_("capacity profiles")
    )
    allowed_presences = models.JSONField(
        _("allowed presences"),
        default=default_allowed_presences,
        help_text=_("Agents in one of these presences are offered conversations."),
    )
    fallback_queue = models.ForeignKey(
        Queue, models.PROTECT, related_name="fallback_for", verbose_name=_("fallback queue")
    )
    bot = models.ForeignKey(
        Agent,
        models.PROTECT,
        null=True,
        blank=True,
        limit_choices_to={"is_bot": True},
        related_name="serves",
        verbose_name=_("assistant"),
        help_text=_("A bot that answers first, until the customer wants a person. Empty: people answer at once."),
    )
    wrapup_block = models.CharField(
        _("block capacity for wrap-up"), max_length=8, choices=WrapUpBlock.choices, default=WrapUpBlock.ALWAYS
    )
    wrapup_block_seconds = models.PositiveIntegerField(
        _("block for (s)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(30), MaxValueValidator(3600)],
    )
    accept_seconds = models.PositiveIntegerField(
        _("time to accept (s)"), default=120, validators=[MinValueValidator(10), MaxValueValidator(600)]
    )
    offers_reject = models.BooleanField(_("offers have a Reject button"), default=True)
    shows_countdown = models.BooleanField(_("offers show the countdown"), default=True)
    accept_label = models.CharField(_("label of Accept"), max_length=24, blank=True)
    reject_label = models.CharField(_("label of Reject"), max_length=24, blank=True)
    desktop_notification = models.CharField(
        _("desktop notification"),
        max_length=10,
        choices=DesktopNotification.choices,
        default=DesktopNotification.BACKGROUND,
    )
    auto_assigns = models.BooleanField(_("assign without asking"), default=False)
    auto_accepts = models.BooleanField(_("open by itself"), default=False)
    skill_matching = models.CharField(
        _("skill matching"), max_length=8, choices=SkillMatching.choices, default=SkillMatching.NONE
    )
    keeps_agent = models.BooleanField(_("returning customers keep their agent"), default=False)
    unanswered_warning_seconds = models.PositiveIntegerField(
        _("unanswered at risk after (s)"), null=True, blank=True, default=60, validators=[MinValueValidator(1)]
    )
    unanswered_critical_seconds = models.PositiveIntegerField(
        _("unanswered critical after (s)"), null=True, blank=True, default=180, validators=[MaxValueValidator(86_400)]
    )
    waiting_close_days = models.PositiveIntegerField(
        _("close waiting conversations after (days)"), default=28, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("workstream")
        verbose_name_plural = _("workstreams")
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="workstream_channel_is_known"),
            models.CheckConstraint(condition=Q(units__gte=1), name="workstream_units_positive"),
            models.CheckConstraint(
                condition=~Q(wrapup_block="custom") | Q(wrapup_block_seconds__gte=30, wrapup_block_seconds__lte=3600),
                name="workstream_custom_wrapup_30s_to_60min",
            ),
            models.CheckConstraint(
                condition=~Q(channel="voice") | Q(distribution="push"), name="workstream_voice_is_pushed"
            ),
            models.CheckConstraint(
                condition=Q(bot__isnull=True) | ~Q(channel__in=["voice", "record"]), name="workstream_bots_write"
            ),
            models.CheckConstraint(
                condition=Q(auto_accepts=False)
                | Q(
                    auto_assigns=True,
                    shows_countdown=True,
                    channel__in=["live_chat", "persistent_chat", "voice"],
                ),
                name="workstream_opens_what_is_assigned",
            ),
            models.CheckConstraint(
                condition=Q(unanswered_warning_seconds__isnull=True, unanswered_critical_seconds__isnull=True)
                | Q(
                    unanswered_warning_seconds__isnull=False,
                    unanswered_critical_seconds__gt=F("unanswered_warning_seconds"),
                ),
                name="workstream_critical_after_warning",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_pickable(self) -> bool:
        """Whether agents may take its conversations from the open list; what is not pushed reaches nobody otherwise."""
        return self.allows_pick or self.distribution == Distribution.PICK

    @property
    def kind(self) -> ChannelKind:
        """The channel kind that the rules look at."""
        return Channel(self.channel).kind


class WorkstreamProfile(models.Model):
    """Conversations of this workstream consume one item of this profile."""

    workstream = models.ForeignKey(Workstream, models.CASCADE, related_name="workstream_profiles")
    profile = models.ForeignKey(CapacityProfile, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("capacity profile of a workstream")
        verbose_name_plural = _("capacity profiles of a workstream")
        constraints = [models.UniqueConstraint(fields=["workstream", "profile"], name="workstream_profile_unique")]

    def __str__(self) -> str:
        return f"{self.workstream} · {self.profile}"
