"""By which rules is the work of a channel distributed? (domain.md 1.1, 1.4, 2.4)"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.admin.common import ConsoleAdmin, Form
from routing.models import (
    BasePresence,
    CapacityProfile,
    Channel,
    ChannelKind,
    Distribution,
    Queue,
    Workstream,
    WrapUpBlock,
)
from routing.models.workstream import default_allowed_presences

KEEPS_AGENT = gettext_lazy(
    "Who writes again is offered to the same agent first: of chats and messages that wait, whatever their presence and "
    "capacity; of live chats only where they have room. Only where work is pushed."
)
KEEPS_AGENT_USUALLY = frozenset({ChannelKind.PERSISTENT_CHAT, ChannelKind.ASYNC_MESSAGING})
"""The channels whose returning customers keep their agent where nothing else is chosen (domain.md D19)."""


OPENS_BY_ITSELF = frozenset({ChannelKind.LIVE_CHAT, ChannelKind.PERSISTENT_CHAT, ChannelKind.VOICE})
"""The channels in which an offer may be accepted for its agent (domain.md 4.2)."""


class WorkstreamForm(Form[Workstream]):
    """A workstream whose parts go together."""

    allowed_presences = forms.MultipleChoiceField(
        label=gettext_lazy("Allowed presences"),
        choices=BasePresence.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=default_allowed_presences,
        help_text=gettext_lazy("Agents in one of these presences are offered conversations."),
    )
    capacity_profiles = forms.ModelMultipleChoiceField(
        CapacityProfile.objects.order_by("name"),
        label=gettext_lazy("Capacity profiles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("A conversation also takes one item of each of these; agents need room in all of them."),
    )

    class Meta:
        model = Workstream
        fields = (
            "name",
            "channel",
            "distribution",
            "allows_pick",
            "units",
            "allowed_presences",
            "fallback_queue",
            "bot",
            "wrapup_block",
            "wrapup_block_seconds",
            "accept_seconds",
            "accept_label",
            "offers_reject",
            "reject_label",
            "shows_countdown",
            "desktop_notification",
            "auto_assigns",
            "auto_accepts",
            "unanswered_warning_seconds",
            "unanswered_critical_seconds",
            "skill_matching",
            "keeps_agent",
            "waiting_close_days",
        )
        help_texts: ClassVar[dict[str, Any]] = {
            "channel": gettext_lazy("Cannot be changed later."),
            "distribution": gettext_lazy("Cannot be changed later. Voice is always pushed."),
            "allows_pick": gettext_lazy(
                "From the open list, also where conversations are pushed. Where they are picked, always."
            ),
            "fallback_queue": gettext_lazy("Where conversations wait that no rule sends elsewhere; of the same type."),
            "wrapup_block": gettext_lazy("How long an ended conversation keeps the agent's capacity."),
            "wrapup_block_seconds": gettext_lazy("Only for “For a time”: 30 to 3600 seconds."),
            "accept_seconds": gettext_lazy("After that the offer times out: 10 to 600 seconds."),
            "accept_label": gettext_lazy("Empty: Accept. Where agents are not asked it says Open."),
            "reject_label": gettext_lazy("Empty: Reject."),
            "shows_countdown": gettext_lazy("Hidden, it runs all the same."),
            "desktop_notification": gettext_lazy("For agents who switched them on and allow the browser to show them."),
            "auto_assigns": gettext_lazy(
                "Agents are told, not asked: Accept becomes Open, nothing can be rejected. What nobody opens in time "
                "times out. Whether to take over a conversation is asked in any case."
            ),
            "auto_accepts": gettext_lazy(
                "What nobody opens in time is accepted for the agent instead, unless they are offline. For chats and "
                "calls that are assigned without asking, with the countdown shown."
            ),
            "unanswered_warning_seconds": gettext_lazy(
                "On the agent's desk the timer of a customer's line that nobody answered turns amber then. "
                "Both empty: it stays as it is."
            ),
            "unanswered_critical_seconds": gettext_lazy("And red then."),
            "skill_matching": gettext_lazy("Whether the skills that a conversation requires choose its agent."),
            "keeps_agent": KEEPS_AGENT,
            "waiting_close_days": gettext_lazy("For persistent chat and messaging."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["capacity_profiles"] = list(
                self.instance.workstream_profiles.values_list("profile_id", flat=True)
            )
        else:
            self.initial["allows_pick"] = False  # What is pushed is picked only where that is wanted (domain.md 7).
            # What is usual depends on the channel, which is not known before it is chosen (domain.md D19).
            self.fields["keeps_agent"] = forms.TypedChoiceField(
                label=self.fields["keeps_agent"].label,
                help_text=KEEPS_AGENT,
                choices=[("", _("The usual for the channel")), ("yes", _("Yes")), ("no", _("No"))],
                coerce=lambda chosen: chosen == "yes",
                empty_value=None,
                required=False,
                initial="",
            )

    def clean(self) -> dict[str, Any] | None:
        """What the parts demand of each other."""
        cleaned = super().clean() or self.cleaned_data
        channel = cleaned.get("channel") or self.instance.channel
        if cleaned.get("keeps_agent") is None:
            cleaned["keeps_agent"] = bool(channel) and Channel(channel).kind in KEEPS_AGENT_USUALLY
        if channel:
            self._fits_channel(Channel(channel), cleaned)
        if cleaned.get("wrapup_block") == WrapUpBlock.CUSTOM:
            if cleaned.get("wrapup_block_seconds") is None and "wrapup_block_seconds" not in self.errors:
                self.add_error("wrapup_block_seconds", _("Say for how long: 30 to 3600 seconds."))
        elif "wrapup_block" in cleaned:
            cleaned["wrapup_block_seconds"] = None
        self._has_both_or_none(cleaned)
        if cleaned.get("auto_accepts"):
            self._can_open_by_itself(Channel(channel) if channel else None, cleaned)
        return cleaned

    def _has_both_or_none(self, cleaned: dict[str, Any]) -> None:
        """The live wait counter turns amber, then red, or neither (domain.md 5.4)."""
        if {"unanswered_warning_seconds", "unanswered_critical_seconds"} & self.errors.keys():
            return
        warning, critical = cleaned.get("unanswered_warning_seconds"), cleaned.get("unanswered_critical_seconds")
        if (warning is None) != (critical is None):
            self.add_error("unanswered_critical_seconds", _("Fill in both, or leave both empty."))
        elif warning is not None and critical is not None and critical <= warning:
            text = _("Choose more seconds than for “at risk”: critical comes later.")
            self.add_error("unanswered_critical_seconds", text)

    def _can_open_by_itself(self, channel: Channel | None, cleaned: dict[str, Any]) -> None:
        """What opens by itself was assigned, is a chat or a call, and says when it will (domain.md 4.2)."""
        if channel is not None and channel.kind not in OPENS_BY_ITSELF:
            self.add_error("auto_accepts", _("Only chats and calls open by themselves: messages can wait."))
        if not cleaned.get("auto_assigns"):
            text = _("Choose “assign without asking” too: what may be rejected cannot open by itself.")
            self.add_error("auto_accepts", text)
        if not cleaned.get("shows_countdown"):
            self.add_error("shows_countdown", _("Show it: agents have to see when the conversation opens by itself."))

    def _fits_channel(self, channel: Channel, cleaned: dict[str, Any]) -> None:
        queue: Queue | None = cleaned.get("fallback_queue")
        wanted = channel.kind.queue_type
        if queue is not None and queue.type != wanted:
            text = _("%(channel)s needs a queue of the type %(wanted)s; “%(queue)s” is of the type %(type)s.")
            numbers = {
                "channel": channel.label,
                "wanted": wanted.label,
                "queue": queue.name,
                "type": queue.get_type_display(),
            }
            self.add_error("fallback_queue", text % numbers)
        if channel == Channel.VOICE and cleaned.get("distribution") == Distribution.PICK:
            self.add_error("distribution", _("Voice is always pushed: a call cannot wait to be picked."))
        if channel.kind in (ChannelKind.VOICE, ChannelKind.RECORD) and cleaned.get("bot") is not None:
            self.add_error("bot", _("An assistant writes: it can answer chats and messages only."))


@admin.register(Workstream)
class WorkstreamAdmin(ConsoleAdmin[Workstream]):
    """Workstreams. Channel and distribution are chosen once."""

    advice = gettext_lazy("Send its channel to another workstream instead.")
    form = WorkstreamForm
    list_display = (
        "name",
        "channel",
        "distribution",
        "units",
        "presences",
        "fallback_queue",
        "wrapup_block",
        "accept_seconds",
        "skill_matching",
    )
    list_filter = ("channel", "distribution", "wrapup_block", "skill_matching")
    list_select_related = ("fallback_queue",)
    search_fields = ("name", "fallback_queue__name")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "channel", "distribution", "allows_pick", "fallback_queue", "bot")}),
        (
            gettext_lazy("Who is offered work"),
            {"fields": ("allowed_presences", "skill_matching", "keeps_agent")},
        ),
        (gettext_lazy("Capacity"), {"fields": ("units", "capacity_profiles", "wrapup_block", "wrapup_block_seconds")}),
        (
            gettext_lazy("Offers"),
            {
                "fields": (
                    "accept_seconds",
                    "shows_countdown",
                    "accept_label",
                    "offers_reject",
                    "reject_label",
                    "desktop_notification",
                    "auto_assigns",
                    "auto_accepts",
                )
            },
        ),
        (
            gettext_lazy("Waiting and closing"),
            {"fields": (("unanswered_warning_seconds", "unanswered_critical_seconds"), "waiting_close_days")},
        ),
    )

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Queues by type, so that the right ones stand together."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "fallback_queue" and isinstance(field, forms.ModelChoiceField):
            field.queryset = Queue.objects.order_by("type", "name")
            # Django's own way to name choices; to a type checker it is a method, which nobody assigns.
            setattr(field, "label_from_instance", lambda queue: f"{queue.get_type_display()}: {queue.name}")  # noqa: B010
        return field

    def get_readonly_fields(self, request: HttpRequest, obj: Workstream | None = None) -> tuple[str, ...]:
        """What is chosen when the workstream begins."""
        return tuple(sorted(Workstream.IMMUTABLE)) if obj is not None else ()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The capacity profiles."""
        super().save_related(request, form, formsets, change)
        form.instance.profiles.set(form.cleaned_data["capacity_profiles"])

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workstream]:
        """With the fallback queue."""
        return super().get_queryset(request).select_related("fallback_queue")

    @admin.display(description=gettext_lazy("allowed presences"))
    def presences(self, workstream: Workstream) -> str:
        """The allowed presences by name."""
        labels = dict(BasePresence.choices)
        return ", ".join(str(labels.get(code, code)) for code in workstream.allowed_presences)
