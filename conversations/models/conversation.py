"""Conversations and customers (domain.md 1.1, 2.1)."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

from django.db import models
from django.db.models import Case, F, OrderBy, Q, Value, When
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import gettext_lazy as _

from conversations.models.indexes import PartsOfWords, Waited
from routing.models import Agent, CapacityProfile, Channel, ChannelKind, Queue, Skill, Workstream
from supervisor_console.kernel.pages import Page


class State(models.TextChoices):
    """The five states (domain.md 2.1); ongoing means every one but closed."""

    OPEN = "open", _("Open")
    ACTIVE = "active", _("Active")
    WAITING = "waiting", _("Waiting")
    WRAP_UP = "wrap_up", _("Wrap-up")
    CLOSED = "closed", _("Closed")


class StateReason(models.TextChoices):
    """Why a conversation is in its state (domain.md 2.1); names as the model product has them."""

    AWAITING_AGENT_ASSIGNMENT = "AwaitingAgentAssignment", _("Waiting for an agent")
    AWAITING_AGENT_ACCEPTANCE = "AwaitingAgentAcceptance", _("Offered to an agent")
    ASSIGNED_BY_SUPERVISOR = "AssignedBySupervisor", _("Assigned by a supervisor, offered")
    IN_CONVERSATION = "InConversation", _("In conversation")
    AWAITING_CUSTOMER_RESPONSE = "AwaitingCustomerResponse", _("Waiting for the customer")
    AGENT_MOVED_TO_WRAP_UP = "AgentMovedToWrapUp", _("The agent ended it")
    CUSTOMER_MOVED_TO_WRAP_UP = "CustomerMovedToWrapUp", _("The customer ended it")
    CUSTOMER_LEFT_ACTIVE = "CustomerDisconnectedOrLeftActive", _("The customer left")
    CUSTOMER_LEFT_OPEN = "CustomerDisconnectedOrLeftOpen", _("The customer left before an answer")
    ENDED_BY_AGENT = "EndedByAgent", _("Finished by the agent")
    ENDED_BY_BOT = "EndedByBot", _("Ended by a bot")
    AUTO_CLOSED_FROM_WAITING = "AutoClosedFromWaiting", _("Closed after waiting too long")
    AUTO_CLOSED_BY_SYSTEM = "AutoClosedBySystem", _("Closed by the system")
    CLOSED_DUE_TO_OVERFLOW = "ClosedDueToOverflow", _("Closed by overflow")
    CLOSED_DUE_TO_FAILURE = "ClosedDueToFailure", _("Closed after a failure")
    CLOSED_DIRECTLY_BY_ADMIN = "ClosedDirectlyByAdmin", _("Closed by an administrator")
    FORCE_CLOSED_BY_SUPERVISOR = "ForceClosedBySupervisor", _("Force closed by a supervisor")


OFFERED_REASONS = (StateReason.AWAITING_AGENT_ACCEPTANCE.value, StateReason.ASSIGNED_BY_SUPERVISOR.value)
"""Active, but not yet accepted by the agent."""


class Direction(models.TextChoices):
    """Who began."""

    INBOUND = "inbound", _("Inbound")
    OUTBOUND = "outbound", _("Outbound")


class Sentiment(models.IntegerChoices):
    """Seven steps, and 0 where there is none (domain.md 1.5)."""

    NOT_AVAILABLE = 0, _("Not available")
    VERY_NEGATIVE = 7, _("Very negative")
    NEGATIVE = 8, _("Negative")
    SLIGHTLY_NEGATIVE = 9, _("Slightly negative")
    NEUTRAL = 10, _("Neutral")
    SLIGHTLY_POSITIVE = 11, _("Slightly positive")
    POSITIVE = 12, _("Positive")
    VERY_POSITIVE = 13, _("Very positive")


def new_customer_key() -> str:
    """A secret that cannot be guessed; proves to the chat page which customer is there."""
    return secrets.token_urlsafe(32)


class Customer(models.Model):
    """Somebody who talks to the centre from outside."""

    name = models.CharField(_("name"), max_length=120)
    contact = models.CharField(_("contact"), max_length=120, blank=True)
    key = models.CharField(max_length=64, unique=True, default=new_customer_key, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = [
            models.Index(Lower("name"), name="customer_name"),
            PartsOfWords("name", name="customer_words"),
        ]

    def __str__(self) -> str:
        return self.name


COUNTED_BY = ("channel", "queue", "sentiment")
"""The filters of which each has an index for counters; without one they go along that which begins with the status."""

ALSO_HELD = {
    "default": ["unanswered_since"],
    "status": ["standing"],
    "back": ["direction", "queue", "sentiment", "holder"],
}
"""What the index of an order holds beside the channel, because it is looked at on the way along it."""


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Filters that say what they mean; the predicates match the partial indexes."""

    def ongoing(self) -> ConversationQuerySet:
        """Every state but closed (domain.md 2.1)."""
        return self.filter(closed_at__isnull=True)

    def closed(self) -> ConversationQuerySet:
        """Closed for good."""
        return self.filter(closed_at__isnull=False)

    def holding(self) -> ConversationQuerySet:
        """Those that may consume somebody's capacity (domain.md 2.5, 1)."""
        return self.filter(closed_at__isnull=True, holds_capacity=True)


class Conversation(models.Model):
    """One interaction with a customer on one channel, from creation to closure.

    ``agent`` is the primary agent while Active or Wrap-up; ``last_agent`` the most recent one, whom
    the report shows while Waiting and after closing. ``units`` is the capacity cost as of creation.
    ``first_wait_started_at`` is empty as long as a bot serves: nobody waits for a person yet, and nobody ever did where
    the bot settled it (domain.md 5.1).
    ``capacity_held_until`` is the end of a wrap-up's block time; it outlives a wrap-up that its agent
    finished sooner (domain.md 2.4). ``customer_left_at`` is when the last page of a live chat's customer went
    away, until they are back or it is over; who never had a page has not left.
    ``unhappy_told_at`` and ``agent_warned_at``: when the sentiment fell past the step of which supervisors and agents
    are told, until it is neutral or better.
    Handle time (domain.md M21): while it runs, now − ``handling_since``; when it rests,
    ``handled``. ``version`` grows with every change and is what a console must name to act.
    The report's order: ``standing`` (0 nobody has it, 1 the others), ``standing_since``, id. ``status_place`` is the
    place of the status along the life of a conversation, ``holder`` the id of the agent whom the report shows.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    subject = models.CharField(_("subject"), max_length=200)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="conversations", verbose_name=_("customer"))
    workstream = models.ForeignKey(
        Workstream, models.PROTECT, related_name="conversations", verbose_name=_("workstream")
    )
    channel = models.CharField(_("channel"), max_length=24, choices=Channel.choices)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="conversations", verbose_name=_("queue"))
    agent = models.ForeignKey(
        Agent, models.PROTECT, null=True, blank=True, related_name="conversations", verbose_name=_("active agent")
    )
    last_agent = models.ForeignKey(
        Agent, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("last agent")
    )
    state = models.CharField(_("status"), max_length=8, choices=State.choices, default=State.OPEN)
    reason = models.CharField(
        _("status reason"),
        max_length=40,
        choices=StateReason.choices,
        default=StateReason.AWAITING_AGENT_ASSIGNMENT,
    )
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices, default=Direction.INBOUND)
    is_elevated = models.BooleanField(_("in voice or video"), default=False)
    priority = models.PositiveIntegerField(_("priority"), default=100)

    created_at = models.DateTimeField(_("created"))
    first_wait_started_at = models.DateTimeField(_("first wait started"), null=True, blank=True)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    state_changed_at = models.DateTimeField(_("status since"))
    last_activity_at = models.DateTimeField(_("last activity"))
    last_customer_message_at = models.DateTimeField(_("last customer message"), null=True, blank=True)
    unanswered_since = models.DateTimeField(_("unanswered since"), null=True, blank=True)
    wrapup_started_at = models.DateTimeField(_("wrap-up started"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    customer_left_at = models.DateTimeField(_("customer disconnected"), null=True, blank=True, editable=False)

    handled = models.DurationField(_("handled"), default=timedelta(0))
    handling_since = models.DateTimeField(null=True, blank=True, editable=False)

    is_abandoned = models.BooleanField(_("abandoned"), default=False)
    transfer_count = models.PositiveIntegerField(_("transfers"), default=0)
    sentiment = models.PositiveSmallIntegerField(_("sentiment"), choices=Sentiment.choices, default=Sentiment.NEUTRAL)
    sentiment_since = models.DateTimeField(_("sentiment since"), null=True, blank=True, editable=False)
    unassignable_since = models.DateTimeField(_("unassignable since"), null=True, blank=True, editable=False)
    unhappy_told_at = models.DateTimeField(null=True, blank=True, editable=False)
    agent_warned_at = models.DateTimeField(null=True, blank=True, editable=False)

    units = models.PositiveIntegerField(_("capacity units"), default=0)
    profiles = models.ManyToManyField(CapacityProfile, blank=True, related_name="+")
    holds_capacity = models.BooleanField(default=False, editable=False)
    capacity_held_until = models.DateTimeField(null=True, blank=True, editable=False)
    skills = models.ManyToManyField(Skill, through="conversations.RequiredSkill", related_name="+")

    version = models.PositiveIntegerField(default=1, editable=False)

    # What the report orders and filters by. The database computes it from the row itself, so that it cannot differ.
    standing = models.GeneratedField(
        expression=Case(When(state=State.OPEN, then=Value(0)), default=Value(1)),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    standing_since = models.GeneratedField(
        expression=Case(
            When(state=State.OPEN, accepted_at__isnull=True, then=F("first_wait_started_at")),
            default=F("state_changed_at"),
        ),
        output_field=models.DateTimeField(),
        db_persist=True,
    )
    status_place = models.GeneratedField(
        expression=Case(
            When(state=State.OPEN, then=Value(0)),
            When(state=State.ACTIVE, reason__in=OFFERED_REASONS, then=Value(1)),
            When(state=State.ACTIVE, then=Value(2)),
            When(state=State.WAITING, then=Value(3)),
            When(state=State.WRAP_UP, then=Value(4)),
            default=Value(5),
        ),
        output_field=models.PositiveSmallIntegerField(),
        db_persist=True,
    )
    holder = models.GeneratedField(
        expression=Case(
            When(agent__isnull=False, then=F("agent_id")),
            When(state__in=[State.WAITING, State.CLOSED], then=F("last_agent_id")),
            default=None,
        ),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
        null=True,
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="conversation_state_is_known"),
            models.CheckConstraint(condition=Q(reason__in=StateReason.values), name="conversation_reason_is_known"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="conversation_closed_means_closed_at",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["active", "wrap_up"], agent__isnull=False)
                | (~Q(state__in=["active", "wrap_up"]) & Q(agent__isnull=True)),
                name="conversation_agent_only_while_active_or_wrap_up",
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(channel__in=["persistent_chat", "sms", "whatsapp"]),
                name="conversation_waiting_only_where_chats_persist",
            ),
            models.CheckConstraint(
                condition=~Q(state="wrap_up") | Q(wrapup_started_at__isnull=False),
                name="conversation_wrap_up_has_a_start",
            ),
            models.CheckConstraint(
                condition=Q(holds_capacity=False) | Q(state__in=["active", "wrap_up"]),
                name="conversation_holds_capacity_only_with_agent",
            ),
            models.CheckConstraint(
                condition=~Q(state="active", holds_capacity=False),
                name="conversation_active_holds_capacity",
            ),
            models.CheckConstraint(
                condition=Q(is_abandoned=False) | Q(state="closed", accepted_at__isnull=True),
                name="conversation_abandoned_was_never_accepted",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True)
                | Q(first_wait_started_at__isnull=False, accepted_at__gte=F("first_wait_started_at")),
                name="conversation_accepted_after_wait_started",
            ),
            models.CheckConstraint(
                condition=Q(is_elevated=False) | Q(state="active", channel="live_chat"),
                name="conversation_elevated_is_a_live_chat_that_goes_on",
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(first_wait_started_at__isnull=False),
                name="conversation_open_waits",
            ),
            models.CheckConstraint(
                condition=Q(handling_since__isnull=True) | Q(state__in=["active", "wrap_up"]),
                name="conversation_handled_only_with_agent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "-created_at", "-id"],
                condition=Q(closed_at__isnull=True),
                name="conv_ongoing_state",
            ),
            models.Index(
                fields=["agent"],
                include=["status_place", "state_changed_at", "id"],
                condition=Q(closed_at__isnull=True, holds_capacity=True),
                name="conv_held_by_agent",
            ),
            models.Index(
                fields=["last_activity_at", "created_at"],
                condition=Q(closed_at__isnull=True),
                name="conv_ongoing_activity",
            ),
            # What an order goes along: it holds what the window and the exclusion of records look at, so that nothing
            # else is read of those that are passed by. (SQLite has no columns beside the order, and reads them.)
            *(
                models.Index(
                    fields=[*fields, "standing_since", "id", "created_at"],
                    include=[*(["channel"] if name != "channel" else []), *ALSO_HELD.get(name, [])],
                    condition=Q(closed_at__isnull=True),
                    name=f"conv_order_{name}",
                )
                for name, fields in {
                    "default": ["standing"],
                    "queue": ["queue", "standing"],
                    "status": ["status_place"],
                    "channel": ["channel", "standing"],
                    "sentiment": ["sentiment", "standing"],
                    "holder": ["holder", "standing"],
                    "priority": ["priority", "standing"],
                    "transfers": ["-transfer_count", "standing"],
                    "workstream": ["workstream", "standing"],
                    "customer": ["customer", "standing"],
                }.items()
            ),
            *(
                models.Index(
                    fields=[*fields, "standing", "standing_since", "id", "created_at"],
                    include=["channel", *ALSO_HELD.get(name, [])],
                    condition=Q(closed_at__isnull=True, **condition),
                    name=f"conv_order_{name}",
                )
                for name, fields, condition in (
                    ("unanswered", ["unanswered_since"], {"unanswered_since__isnull": False}),
                    ("handling", ["handling_since"], {"handling_since__isnull": False}),
                    ("handled", ["-handled"], {"handling_since__isnull": True}),
                    ("waiting", ["first_wait_started_at"], {"accepted_at__isnull": True}),
                    ("back", ["state_changed_at"], {"accepted_at__isnull": False, "standing": 0}),
                )
            ),
            models.Index(
                OrderBy(Waited(), descending=True),
                *("standing", "standing_since", "id", "created_at"),
                include=["channel"],
                condition=Q(closed_at__isnull=True, accepted_at__isnull=False, standing=1),
                name="conv_order_waited",
            ),
            models.Index(
                fields=["state_changed_at", "created_at"],
                include=["channel", "standing", "standing_since", "id"],
                condition=Q(closed_at__isnull=True),
                name="conv_order_state_since",
            ),
            models.Index(Lower("subject"), condition=Q(closed_at__isnull=True), name="conv_order_subject"),
            models.Index(
                fields=["unassignable_since"],
                condition=Q(closed_at__isnull=True, unassignable_since__isnull=False),
                name="conv_unassignable",
            ),
            models.Index(
                Coalesce("sentiment_since", "state_changed_at"),
                "id",
                condition=Q(closed_at__isnull=True, status_place=2, sentiment__in=[7, 8, 9]),
                name="conv_unhappy",
            ),
            models.Index(
                fields=["state_changed_at", "id", "accepted_at"],
                condition=Q(closed_at__isnull=True, standing=0),
                name="conv_open_changed",
            ),
            # What a counter goes through: it holds every filter, so that nothing else is read. Records are not counted.
            # Those that begin with a filter are of no use to others: only counters say that the status is below five.
            *(
                models.Index(
                    fields=[*fields, *(name for name in COUNTED_BY if name not in fields), "holder", "id"],
                    condition=condition & ~Q(channel="record"),
                    name=f"conv_count_{name}",
                )
                for name, fields, condition in (
                    *(
                        (name, [*first, "status_place", "created_at"], Q(closed_at__isnull=True, status_place__lt=5))
                        for name, first in (("status", []), *((name, [name]) for name in COUNTED_BY))
                    ),
                    ("created", ["created_at"], Q(closed_at__isnull=True)),
                    ("closed", ["created_at"], Q(closed_at__isnull=False)),
                )
            ),
            PartsOfWords("subject", condition=Q(closed_at__isnull=True), name="conv_words_ongoing"),
            PartsOfWords("subject", condition=Q(closed_at__isnull=False), name="conv_words_closed"),
            models.Index(fields=["-closed_at", "-id"], condition=Q(closed_at__isnull=False), name="conv_closed_newest"),
            models.Index(
                fields=["capacity_held_until"],
                condition=Q(capacity_held_until__isnull=False),
                name="conv_block_time",
            ),
            models.Index(
                fields=["customer_left_at"],
                condition=Q(customer_left_at__isnull=False),
                name="conv_customer_left",
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def kind(self) -> ChannelKind:
        """The channel kind that the rules look at."""
        return Channel(self.channel).kind

    @property
    def is_offered(self) -> bool:
        """Active, but the agent has not accepted yet."""
        return self.state == State.ACTIVE and self.reason in OFFERED_REASONS

    @property
    def is_with_bot(self) -> bool:
        """A bot has it: Active, in conversation, and no wait for a person has begun (domain.md 5.1)."""
        return self.state == State.ACTIVE and self.first_wait_started_at is None

    @property
    def is_ongoing(self) -> bool:
        """Every state but closed."""
        return self.closed_at is None

    @property
    def shown_last_agent_id(self) -> int | None:
        """The last agent where that one is still shown (domain.md 2.5, 2)."""
        return self.last_agent_id if self.state in (State.WAITING, State.CLOSED) else None


class ChatPage(Page):
    """One socket of a customer: a page of their chat that is open somewhere."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="pages", verbose_name=_("conversation"))

    class Meta:
        verbose_name = _("chat page")
        verbose_name_plural = _("chat pages")
        indexes = [models.Index(fields=["process"], name="chat_page_process")]

    def __str__(self) -> str:
        return f"{self.conversation}: {self.key}"


class RequiredSkill(models.Model):
    """A conversation requires a skill with at least this proficiency."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="required_skills")
    skill = models.ForeignKey(Skill, models.PROTECT, related_name="+")
    minimum = models.PositiveSmallIntegerField(_("minimum proficiency"), default=1)

    class Meta:
        verbose_name = _("required skill")
        verbose_name_plural = _("required skills")
        constraints = [models.UniqueConstraint(fields=["conversation", "skill"], name="required_skill_unique")]

    def __str__(self) -> str:
        return f"{self.skill} ≥ {self.minimum}"
