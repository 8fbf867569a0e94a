"""Where does work wait, who serves it, and when is it open? (domain.md 1.2)"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.admin.common import ConsoleFormSet, ConsoleInline, Form, TellingAdmin, changed_agents, counted
from routing.models import Agent, AssignmentMethod, OperatingHours, Queue, QueueType


class QueueForm(Form[Queue]):
    """A queue with its members."""

    agents = forms.ModelMultipleChoiceField(
        Agent.objects.select_related("user").order_by("user__first_name", "user__last_name", "user__username"),
        label=gettext_lazy("Members"),
        required=False,
        widget=FilteredSelectMultiple(gettext_lazy("members"), is_stacked=False),
        help_text=gettext_lazy("Conversations cannot be moved to a queue without members."),
    )

    class Meta:
        model = Queue
        fields = (
            "name",
            "type",
            "priority",
            "assignment_method",
            "service_level_seconds",
            "short_abandon_seconds",
            "wait_warning_seconds",
            "wait_critical_seconds",
            "unhappy_notice",
            "agent_unhappy_notice",
        )
        help_texts: ClassVar[dict[str, Any]] = {
            "type": gettext_lazy("Cannot be changed later. Conversations move between queues of one type only."),
            "assignment_method": gettext_lazy("How the next agent is chosen."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.is_default:
            del self.fields["agents"]  # Every agent belongs to it without being told so.
        elif self.instance.pk is not None:
            self.initial["agents"] = list(self.instance.memberships.values_list("agent_id", flat=True))
        elif "assignment_method" in self.fields:
            # What is usual depends on the type, which is not known before it is chosen (domain.md 1.2).
            method = self.fields["assignment_method"]
            assert isinstance(method, forms.TypedChoiceField)
            method.required = False
            method.choices = [("", _("The usual one for the type")), *AssignmentMethod.choices]
            self.initial["assignment_method"] = ""

    def clean(self) -> dict[str, Any] | None:
        """The usual method, and thresholds in their order."""
        cleaned = super().clean() or self.cleaned_data
        if "assignment_method" in self.fields and not cleaned.get("assignment_method"):
            is_voice = cleaned.get("type") == QueueType.VOICE
            cleaned["assignment_method"] = (
                AssignmentMethod.LEAST_ACTIVE if is_voice else AssignmentMethod.HIGHEST_CAPACITY
            ).value
        warning, critical = cleaned.get("wait_warning_seconds"), cleaned.get("wait_critical_seconds")
        if warning is not None and critical is not None and critical <= warning:
            self.add_error("wait_critical_seconds", _("Choose more seconds than for “at risk”: critical comes later."))
        return cleaned


class HoursForm(Form[OperatingHours]):
    """One span, which closes after it opens."""

    def clean(self) -> dict[str, Any] | None:
        """Said here, before the database would say it with the name of a constraint."""
        cleaned = super().clean() or self.cleaned_data
        opens, closes = cleaned.get("opens"), cleaned.get("closes")
        if opens is not None and closes is not None and closes <= opens:
            self.add_error("closes", _("Choose a time after the opening. A span over midnight is two spans."))
        return cleaned


class HoursFormSet(ConsoleFormSet):
    """Spans of a week that do not overlap."""

    def clean(self) -> None:
        """One sentence for each span that begins inside another one."""
        super().clean()
        whole = [
            form for form in self.forms if form.cleaned_data.keys() >= SPAN and not form.cleaned_data.get("DELETE")
        ]
        whole.sort(key=lambda form: (form.cleaned_data["weekday"], form.cleaned_data["opens"]))
        latest: dict[int, Any] = {}
        for form in whole:
            day, opens, closes = (form.cleaned_data[name] for name in ("weekday", "opens", "closes"))
            if day in latest and opens < latest[day]:
                form.add_error("opens", _("This overlaps with another span of the same day."))
            latest[day] = max(closes, latest.get(day, closes))


SPAN = {"weekday", "opens", "closes"}


class HoursInline(ConsoleInline[OperatingHours]):
    """The operating hours of a queue."""

    model = OperatingHours
    form = HoursForm
    formset = HoursFormSet
    ordering = ("weekday", "opens")
    verbose_name = gettext_lazy("span")
    verbose_name_plural = gettext_lazy("operating hours (none: open around the clock)")


@admin.register(Queue)
class QueueAdmin(TellingAdmin[Queue]):
    """Queues. The default ones keep everything but their assignment method."""

    advice = gettext_lazy("Take out its members instead: nothing can be moved there any more.")
    form = QueueForm
    inlines = (HoursInline,)
    list_display = (
        "name",
        "type",
        "priority",
        "assignment_method",
        "member_count",
        "hours",
        "service_level_seconds",
        "is_default",
    )
    list_filter = ("type", "assignment_method", "is_default")
    search_fields = ("name",)
    ordering = ("priority", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        """With what a row of the list prints."""
        queues = super().get_queryset(request)
        return queues.annotate(
            member_total=Count("memberships", distinct=True), span_total=Count("operating_hours", distinct=True)
        )

    def get_fieldsets(self, request: HttpRequest, obj: Queue | None = None) -> Any:
        """Every agent is a member of a default queue, so members are not chosen there."""
        first = (None, {"fields": ("name", "type", "priority", "assignment_method")})
        if obj is not None and obj.is_default:
            text = _("A default queue. Every agent belongs to it; only the assignment method can be changed.")
            return ((None, {**first[1], "description": text}),)
        return (
            first,
            (gettext_lazy("Members"), {"fields": ("agents",)}),
            (
                gettext_lazy("Thresholds"),
                {
                    "fields": (
                        ("wait_warning_seconds", "wait_critical_seconds"),
                        ("service_level_seconds", "short_abandon_seconds"),
                        ("unhappy_notice", "agent_unhappy_notice"),
                    )
                },
            ),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Queue | None = None) -> tuple[str, ...]:
        """The type is chosen when the queue begins."""
        if obj is None:
            return ()
        return ("name", "type", "priority") if obj.is_default else ("type",)

    def get_inlines(self, request: HttpRequest, obj: Queue | None) -> Any:
        """A default queue is always open."""
        return () if obj is not None and obj.is_default else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        """Default queues stay."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_default)

    def why_not_delete(self, obj: Queue) -> str:
        """Default queues stay whether they are used or not."""
        if obj.is_default:
            return _("“%(name)s” is a default queue and cannot be deleted.") % {"name": obj}
        return super().why_not_delete(obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Members; those who come or go are told to distribution."""
        super().save_related(request, form, formsets, change)
        queue: Queue = form.instance
        if "agents" in form.cleaned_data:
            before = set(queue.memberships.values_list("agent_id", flat=True))
            queue.members.set(form.cleaned_data["agents"])
            after = {agent.pk for agent in form.cleaned_data["agents"]}
            changed_agents(request).update(before ^ after)

    @admin.display(description=gettext_lazy("members"), ordering="member_total")
    def member_count(self, queue: Queue) -> str:
        """How many agents; a default queue has all of them."""
        return _("Every agent") if queue.is_default else str(counted(queue, "member_total"))

    @admin.display(description=gettext_lazy("open"))
    def hours(self, queue: Queue) -> str:
        """Whether it has operating hours."""
        return _("By hours") if counted(queue, "span_total") else _("Around the clock")
