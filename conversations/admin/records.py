"""What happened? Conversations and their history, to be read and never to be changed (domain.md 1.1, 3.10, 6.2).

Messages are not among it: to read what people say is to monitor, which is a supervisor's right and
leaves a record (domain.md 1.3, 3.3).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations import wording
from conversations.admin.links import link_to
from conversations.models import (
    Conversation,
    Customer,
    HistoryEntry,
    Mode,
    Offer,
    Participant,
    QueueSegment,
    Session,
)
from routing.admin.common import ReadOnlyAdmin, ReadOnlyInline
from supervisor_console.kernel import clock

SUBJECT = ("conversation__subject", "conversation__customer__name")
AGENT = ("agent__user__username", "agent__user__first_name", "agent__user__last_name")


class SessionInline(ReadOnlyInline[Session]):
    """The assignment attempts of a conversation."""

    model = Session
    related = ("queue", "agent__user")
    fields = ("queue", "agent", "created_at", "agent_assigned_at", "agent_accepted_at", "closed_at", "closure_reason")


class ParticipantInline(ReadOnlyInline[Participant]):
    """Who took part, and who monitored."""

    model = Participant
    related = ("user",)
    fields = ("person", "mode", "assign_reason", "added_at", "joined_at", "left_at", "left_reason")
    readonly_fields = ("person",)

    @admin.display(description=gettext_lazy("person"))
    def person(self, participant: Participant) -> str:
        """What others read."""
        return participant.user.display_name


class OfferInline(ReadOnlyInline[Offer]):
    """To whom it was offered, and what became of it."""

    model = Offer
    related = ("agent__user", "requested_by")
    fields = ("agent", "kind", "status", "offered_at", "expires_at", "settled_at", "requested_by", "note")


class HistoryInline(ReadOnlyInline[HistoryEntry]):
    """What happened to it, in order."""

    model = HistoryEntry
    fields = ("at", "sentence", "actor_name", "from_state", "to_state", "reason")
    readonly_fields = ("sentence",)

    @admin.display(description=gettext_lazy("event"))
    def sentence(self, entry: HistoryEntry) -> str:
        """The sentence of the event."""
        return wording.timeline(entry.code, entry.data)


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin[Conversation]):
    """Conversations: their facts, without what was said."""

    list_display = (
        "id",
        "subject",
        "customer",
        "channel",
        "queue",
        "shown_agent",
        "state",
        "reason",
        "sentiment",
        "created_at",
    )
    list_display_links = ("id", "subject")
    list_filter = (
        "state",
        "channel",
        ("queue", admin.RelatedOnlyFieldListFilter),
        "sentiment",
        "is_abandoned",
        "workstream",
    )
    list_select_related = ("customer", "queue", "workstream", "agent__user", "last_agent__user")
    search_fields = ("subject", "customer__name", *AGENT, "public_id")
    search_help_text = gettext_lazy("Subject, customer or active agent")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")
    inlines = (SessionInline, OfferInline, ParticipantInline, HistoryInline)
    fieldsets = (
        (None, {"fields": ("subject", "customer", "channel", "workstream", "queue", "agent", "last_agent")}),
        (gettext_lazy("Status"), {"fields": ("state", "reason", "state_changed_at", "is_elevated", "is_abandoned")}),
        (
            gettext_lazy("Times"),
            {
                "fields": (
                    "created_at",
                    "first_wait_started_at",
                    "accepted_at",
                    "wrapup_started_at",
                    "closed_at",
                    "last_activity_at",
                    "handled",
                )
            },
        ),
        (
            gettext_lazy("Figures"),
            {"fields": ("direction", "sentiment", "priority", "units", "transfer_count", "version", "public_id")},
        ),
    )

    @admin.display(description=gettext_lazy("agent"), ordering="agent__user__first_name")
    def shown_agent(self, conversation: Conversation) -> str:
        """The agent whom the report shows (domain.md 2.5)."""
        agent = conversation.agent or (conversation.last_agent if conversation.shown_last_agent_id else None)
        return agent.name if agent is not None else ""


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin[Session]):
    """Assignment attempts."""

    list_display = (
        "conversation",
        "queue",
        "agent",
        "created_at",
        "agent_assigned_at",
        "agent_accepted_at",
        "closed_at",
        "closure_reason",
    )
    list_filter = ("closure_reason", ("queue", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("conversation", "queue", "agent__user")
    search_fields = (*SUBJECT, *AGENT)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")


@admin.register(QueueSegment)
class QueueSegmentAdmin(ReadOnlyAdmin[QueueSegment]):
    """Stays of conversations in queues."""

    list_display = (
        "conversation",
        "queue",
        "source_queue",
        "target_queue",
        "started_at",
        "ended_at",
        "is_abandoned",
        "closure_reason",
    )
    list_filter = (("queue", admin.RelatedOnlyFieldListFilter), "is_abandoned", "closure_reason")
    list_select_related = ("conversation", "queue", "source_queue", "target_queue")
    search_fields = SUBJECT
    date_hierarchy = "started_at"
    ordering = ("-started_at", "-pk")


@admin.register(Participant)
class ParticipantAdmin(ReadOnlyAdmin[Participant]):
    """Who took part in which conversation. Those with the mode Monitor are the record of all monitoring."""

    list_display = ("person", "mode", "subject", "added_at", "left_at", "duration", "left_reason")
    list_filter = ("mode", "left_reason", ("user", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("user", "conversation__customer")
    search_fields = ("user__username", "user__first_name", "user__last_name", *SUBJECT)
    search_help_text = gettext_lazy("Person, subject or customer")
    date_hierarchy = "added_at"
    ordering = ("-added_at", "-pk")
    fields = (
        "person",
        "mode",
        "subject",
        "assign_reason",
        "added_at",
        "joined_at",
        "left_at",
        "duration",
        "left_reason",
    )
    readonly_fields = ("person", "subject", "duration")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list of monitors is the monitoring record, and is called so (domain.md 3.10)."""
        is_record = request.GET.get("mode__exact") == Mode.MONITOR
        title = {"title": _("Monitoring record: who monitored what, from when to when")} if is_record else {}
        return super().changelist_view(request, {**(extra_context or {}), **title})

    @admin.display(description=gettext_lazy("who"), ordering="user__first_name")
    def person(self, participant: Participant) -> str:
        """What others read."""
        return participant.user.display_name

    @admin.display(description=gettext_lazy("conversation"), ordering="conversation__subject")
    def subject(self, participant: Participant) -> str:
        """Its subject and customer, and the way there."""
        return link_to(participant.conversation)

    @admin.display(description=gettext_lazy("for"))
    def duration(self, participant: Participant) -> str:
        """How long it lasted, or lasts."""
        lasted = (participant.left_at or clock.now()) - participant.added_at
        return str(timedelta(seconds=max(0, int(lasted.total_seconds()))))


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin[Offer]):
    """Offers and what became of them."""

    list_display = ("conversation", "agent", "kind", "status", "requested_by", "offered_at", "expires_at", "settled_at")
    list_filter = ("status", "kind")
    list_select_related = ("conversation", "agent__user", "requested_by")
    search_fields = (*SUBJECT, *AGENT)
    date_hierarchy = "offered_at"
    ordering = ("-offered_at", "-pk")


@admin.register(HistoryEntry)
class HistoryEntryAdmin(ReadOnlyAdmin[HistoryEntry]):
    """Everything that happened to conversations, by whom."""

    list_display = ("at", "sentence", "conversation", "actor_name", "from_state", "to_state", "reason")
    list_display_links = ("at", "sentence")
    list_filter = ("code", "actor_kind", "to_state")
    list_select_related = ("conversation", "actor_user")
    search_fields = ("actor_name", *SUBJECT)
    search_help_text = gettext_lazy("Who did it, subject or customer")
    date_hierarchy = "at"
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("event"), ordering="code")
    def sentence(self, entry: HistoryEntry) -> str:
        """The sentence of the event."""
        return wording.timeline(entry.code, entry.data)


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin[Customer]):
    """Customers; the key that opens their chat is nobody's to read."""

    list_display = ("name", "contact", "created_at")
    search_fields = ("name", "contact")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-pk")
    fields = ("name", "contact", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """Without the key, so that no page can print it."""
        customers: QuerySet[Customer] = super().get_queryset(request)
        return customers.defer("key")
