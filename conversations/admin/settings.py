"""What may supervisors do, what are people told, and who changed it? (domain.md 3.1, 3.10, 7)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Field
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations import selectors
from conversations.admin.spans import SpanField
from conversations.models import SettingChange, SupervisorSettings
from conversations.models.timers import Timers
from conversations.services import settings as service
from routing.admin.common import Form, KeptAdmin, ReadOnlyAdmin
from routing.models import User
from routing.selectors import actor_for
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.kernel.spans import span

LATEST = 10
"""How many changes stand under the settings; all of them have a page."""

TIMER_FIELDS = tuple(Timers._meta.local_fields)
TIMERS = frozenset(field.name for field in TIMER_FIELDS)
"""The settings that are lengths of time."""


class SettingsForm(Form[SupervisorSettings]):
    """The settings, and which change was the newest when they were read."""

    seen_change = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    class Meta:
        model = SupervisorSettings
        fields = tuple(service.LABELS)
        field_classes: ClassVar[dict[str, type[forms.Field]]] = dict.fromkeys(TIMERS, SpanField)
        widgets: ClassVar[dict[str, forms.Widget]] = {name: forms.TextInput({"size": 10}) for name in TIMERS}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen_change"] = service.last_change_id()

    def clean(self) -> dict[str, Any] | None:
        """A setting that is turned on now must have an effect (domain.md 4.3, P20)."""
        cleaned = super().clean()
        row = SupervisorSettings(**{name: self.cleaned_data.get(name) for name in service.LABELS})
        for name, refusal in service.why_without_effect(row).items():
            if name in self.changed_data:
                self.add_error(name, forms.ValidationError(refusal.sentence, code=refusal.code))
        return cleaned


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the list of changes."""

    setting: str
    old: str
    new: str
    by: str
    at: Any


def shown(setting: str, value: object) -> str:
    """A value of a setting as people read it."""
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if setting in TIMERS and isinstance(value, int):
        return span(value)
    field = SupervisorSettings._meta.get_field(setting) if setting in service.LABELS else None
    choices = dict(field.flatchoices) if isinstance(field, Field) and field.choices else {}
    return str(choices.get(value, value))


def latest(changes: Iterable[SettingChange]) -> list[Change]:
    """Changes as the page prints them."""
    return [
        Change(
            setting=str(service.LABELS.get(change.setting, change.setting)),
            old=shown(change.setting, change.old),
            new=shown(change.setting, change.new),
            by=change.by.display_name,
            at=change.at,
        )
        for change in changes
    ]


@admin.register(SupervisorSettings)
class SupervisorSettingsAdmin(KeptAdmin[SupervisorSettings]):
    """One page: the four switches first, then everything else, then who changed what."""

    advice = gettext_lazy("There is always one row of settings.")
    form = SettingsForm
    change_form_template = "admin/conversations/supervisorsettings/change_form.html"
    fieldsets = (
        (
            gettext_lazy("What supervisors can do"),
            {
                "classes": ("switches",),
                "description": gettext_lazy(
                    "Effective at once. What is off stays visible in the report, greyed, and says that it is off here."
                ),
                "fields": ("monitor_enabled", "assign_enabled", "transfer_enabled", "force_close_enabled"),
            },
        ),
        (
            gettext_lazy("Assign and transfer"),
            {
                "classes": ("switches",),
                "fields": ("assign_agent_scope", "allow_assign_offline", "transfer_voice_calls"),
            },
        ),
        (gettext_lazy("Force close"), {"classes": ("switches",), "fields": ("force_close_reason_required",)}),
        (
            gettext_lazy("Distribution"),
            {"classes": ("switches", "timers"), "fields": ("distribution_enabled", "decline_limit", "decline_pause")},
        ),
        (
            gettext_lazy("Offers that are not accepted"),
            {"classes": ("switches",), "fields": ("missed_sets_inactive", "reject_sets_dnd")},
        ),
        (
            gettext_lazy("What needs a supervisor"),
            {
                "classes": ("switches", "timers"),
                "description": gettext_lazy(
                    "What the lane «Needs you» shows above the report, besides conversations that wait longer than the "
                    "critical wait of their queue, that an agent rejected or missed, or whose agent is offline."
                ),
                "fields": ("sentiment_alert", "silent_after"),
            },
        ),
        (gettext_lazy("Sentiment analysis"), {"classes": ("switches",), "fields": ("sentiment_enabled",)}),
        (
            gettext_lazy("Who is told of unhappy customers"),
            {
                "classes": ("switches",),
                "description": gettext_lazy(
                    "At this sentiment or a worse one, once for each fall: again only after the customer was neutral "
                    "or better. A queue can have steps of its own."
                ),
                "fields": ("unhappy_notice", "unhappy_notice_always", "agent_unhappy_notice"),
            },
        ),
        (
            gettext_lazy("What people are told about monitoring"),
            {
                "classes": ("switches",),
                "description": gettext_lazy(
                    "Customers and agents must be able to know that they may be monitored. The law of your country "
                    "may ask for more, such as consent."
                ),
                "fields": ("shows_customer_notice", "customer_notice", "agent_notice", "notify_agent_on_monitor"),
            },
        ),
        (
            gettext_lazy("When somebody loses the connection"),
            {"classes": ("timers",), "fields": (("customer_disconnect", "agent_disconnect"), "monitor_disconnect")},
        ),
        (
            gettext_lazy("Conversations that close by themselves"),
            {
                "classes": ("timers",),
                "description": gettext_lazy(
                    "After how long without any activity: a line, an action of a supervisor, monitoring. Live and "
                    "persistent chats never close while an agent has them. How long a chat or message thread may wait "
                    "for its customer, how long an agent has to accept, and how long wrap-up blocks capacity is set "
                    "in each workstream."
                ),
                "fields": (
                    ("close_live_chat_open", "close_live_chat_wrap_up"),
                    ("close_persistent_chat_open", "close_persistent_chat_wrap_up"),
                    (
                        "close_async_messaging_open",
                        "close_async_messaging_active",
                        "close_async_messaging_wrap_up",
                    ),
                    ("close_voice_open", "close_voice_active", "close_voice_wrap_up"),
                    "bot_silence",
                ),
            },
        ),
        (None, {"fields": ("seen_change",)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The row makes itself."""
        return False

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> SupervisorSettings | None:
        """The one row; its defaults where none was saved yet."""
        return selectors.settings_row() if object_id == "1" else None

    def get_form(
        self, request: HttpRequest, obj: SupervisorSettings | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The form with the texts that help."""
        kwargs["help_texts"] = HELP
        return super().get_form(request, obj, change, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is no list, there is one page."""
        return HttpResponseRedirect(reverse("admin:conversations_supervisorsettings_change", args=[1]))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The page; what it wants goes to the service afterwards, which has a transaction of its own."""
        changes = SettingChange.objects.select_related("by").order_by("-pk")[:LATEST]
        context = {
            **(extra_context or {}),
            "title": _("Supervisor settings"),
            "subtitle": None,
            "changes": latest(changes),
            "without_effect": [
                {"name": service.LABELS[name], "text": refusal.sentence}
                for name, refusal in service.why_without_effect(selectors.settings_row()).items()
            ],
        }
        response = super().changeform_view(request, object_id, form_url, context)
        form: forms.ModelForm[SupervisorSettings] | None = vars(request).get("settings_form")
        if form is not None:
            self._change(request, form)
        return response

    def _change(self, request: HttpRequest, form: forms.ModelForm[SupervisorSettings]) -> None:
        values = {name: form.cleaned_data[name] for name in service.LABELS if name in form.cleaned_data}
        actor = actor_for(cast(User, request.user))
        try:
            event = service.change(actor, values=values, seen_change=form.cleaned_data["seen_change"])
        except ActionRefused as error:
            messages.error(request, error.refusal.sentence)
            return
        if event.settings:
            messages.success(request, _("The supervisor settings were saved. They are effective now."))
        else:
            messages.info(request, _("Nothing was changed."))

    def save_model(self, request: HttpRequest, obj: SupervisorSettings, form: Any, change: bool) -> None:
        """Not here, inside the page's transaction: see ``changeform_view``."""
        vars(request)["settings_form"] = form

    def log_change(self, request: HttpRequest, obj: SupervisorSettings, message: Any) -> Any:
        """The service keeps a better record: each setting, from what to what."""

    def response_change(self, request: HttpRequest, obj: SupervisorSettings) -> HttpResponse:
        """Back to the page, which then lists the change."""
        return HttpResponseRedirect(request.path)


HELP = {
    "monitor_enabled": gettext_lazy("Supervisors can monitor conversations without being seen, and join them."),
    "assign_enabled": gettext_lazy("Supervisors can assign open conversations to an agent or to another queue."),
    "transfer_enabled": gettext_lazy("Supervisors can ask another agent to take over."),
    "force_close_enabled": gettext_lazy("Supervisors can end a conversation for everybody. It cannot be undone."),
    "assign_agent_scope": gettext_lazy("Whom the Assign dialog offers."),
    "allow_assign_offline": gettext_lazy("The offer times out unless the agent comes back in time."),
    "transfer_voice_calls": gettext_lazy("Otherwise only chats and messages."),
    "force_close_reason_required": gettext_lazy("The reason is kept in the history."),
    "distribution_enabled": gettext_lazy(
        "Workstreams that push offer their open conversations to agents by themselves. Off: people hand out all work."
    ),
    "decline_limit": gettext_lazy(
        "1 to 5. After so many rejected or missed offers of one conversation the agent is not offered it again."
    ),
    "sentiment_enabled": gettext_lazy(
        "What customers write is read for how they feel, by their last six lines. Off: nothing is read, nobody told, "
        "and column, filter and tile of the report say so."
    ),
    "sentiment_alert": gettext_lazy("At this sentiment or a worse one."),
    "silent_after": gettext_lazy("Such as 10 min."),
    "unhappy_notice": gettext_lazy(
        "By a notice and, where they switched it on, by sound: those whose queues it concerns."
    ),
    "unhappy_notice_always": gettext_lazy("Otherwise those who are Available or Busy."),
    "agent_unhappy_notice": gettext_lazy(
        "By a notice, and by a line over the conversation as long as it lasts, also for whoever takes it up later."
    ),
    "missed_sets_inactive": gettext_lazy(
        "Nothing new is offered to the agent until they or a supervisor reset it. Not possible while a workstream "
        "allows Away."
    ),
    "reject_sets_dnd": gettext_lazy(
        "Held in the same way until it is reset. Not possible while a workstream allows Do not disturb."
    ),
    "notify_agent_on_monitor": gettext_lazy(
        "The agent is told each time somebody starts monitoring. The customer is not."
    ),
    "shows_customer_notice": gettext_lazy("Stands over the chat before the customer writes."),
    "customer_notice": gettext_lazy("What customers read in the chat."),
    "agent_notice": gettext_lazy("What agents read on their desk."),
    **{field.name: format_lazy(gettext_lazy("Came with {span}."), span=span(field.default)) for field in TIMER_FIELDS},
    "customer_disconnect": gettext_lazy(
        "Came with 3 min. Who is back in time goes on; then an open chat is closed and an active one goes to wrap-up."
    ),
    "agent_disconnect": gettext_lazy(
        "Came with 2 min 30 s. Who is back in time has the presence again that they left. Then what they talk in goes "
        "back to its queue, or waits where nothing is unanswered."
    ),
    "monitor_disconnect": gettext_lazy(
        "Came with 30 s. Who monitors and closed the page, or lost the connection, stops monitoring after that."
    ),
    "bot_silence": gettext_lazy("Came with 20 min. Then the assistant ends the conversation; nobody was waiting."),
    "decline_pause": gettext_lazy(
        "Came with 30 s. Others are asked meanwhile; without it, who is alone would be rung again at once."
    ),
    "close_live_chat_wrap_up": gettext_lazy("Came with 15 min. A longer capacity block is waited for."),
    "close_voice_active": gettext_lazy("Came with 2 h. Then the call is ended and goes to wrap-up."),
}


@admin.register(SettingChange)
class SettingChangeAdmin(ReadOnlyAdmin[SettingChange]):
    """Who changed which setting, from what to what, and when."""

    list_display = ("label", "before", "after", "by_name", "at")
    list_filter = ("setting", ("by", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("by",)
    search_fields = ("setting", "by__username", "by__first_name", "by__last_name")
    date_hierarchy = "at"
    ordering = ("-pk",)
    fields = ("label", "before", "after", "by_name", "at")
    readonly_fields = ("label", "before", "after", "by_name")

    @admin.display(description=gettext_lazy("setting"), ordering="setting")
    def label(self, change: SettingChange) -> str:
        """What the setting is called."""
        return str(service.LABELS.get(change.setting, change.setting))

    @admin.display(description=gettext_lazy("before"))
    def before(self, change: SettingChange) -> str:
        """The value that was."""
        return shown(change.setting, change.old)

    @admin.display(description=gettext_lazy("after"))
    def after(self, change: SettingChange) -> str:
        """The value that came."""
        return shown(change.setting, change.new)

    @admin.display(description=gettext_lazy("by"), ordering="by__first_name")
    def by_name(self, change: SettingChange) -> str:
        """Who did it."""
        return change.by.display_name
