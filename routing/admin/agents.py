"""What does each agent take? Queues, skills, capacity, presence (domain.md 1.3 to 1.5)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.admin.common import ConsoleInline, Form, KeptAdmin, TellingAdmin, change_url, changed_agents, counted
from routing.models import Agent, AgentProfile, AgentSkill, Presence, Queue, User
from routing.models.skill import PROFICIENCY_MAX, PROFICIENCY_MIN
from routing.services import staffing
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Role


class AgentForm(Form[Agent]):
    """What an administrator decides about an agent; the presence is not among it."""

    queues = forms.ModelMultipleChoiceField(
        Queue.objects.filter(is_default=False).order_by("name"),
        label=gettext_lazy("Queues"),
        required=False,
        widget=FilteredSelectMultiple(gettext_lazy("queues"), is_stacked=False),
        help_text=gettext_lazy("Every agent belongs to the default queues as well."),
    )

    class Meta:
        model = Agent
        fields = ("user", "is_bot", "max_units", "default_presence")
        help_texts: ClassVar[dict[str, Any]] = {
            "is_bot": gettext_lazy("Bots serve customers before a person does; supervisors cannot choose them."),
            "max_units": gettext_lazy("How much the agent can hold; each workstream says what a conversation takes."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["queues"] = list(self.instance.memberships.values_list("queue_id", flat=True))
        if "user" in self.fields:
            people = User.objects.filter(agent=None, is_active=True).order_by("username")
            user_field = self.fields["user"]
            assert isinstance(user_field, forms.ModelChoiceField)
            user_field.queryset = people
        if "default_presence" in self.fields:
            presence_field = self.fields["default_presence"]
            assert isinstance(presence_field, forms.ModelChoiceField)
            presence_field.queryset = Presence.objects.filter(is_selectable=True).order_by("pk")
            presence_field.empty_label = _("Available")


class SkillForm(Form[AgentSkill]):
    """A skill with its proficiency, chosen from the five steps."""

    proficiency = forms.TypedChoiceField(
        label=gettext_lazy("Proficiency (1 to 5)"),
        coerce=int,
        choices=[(step, str(step)) for step in range(PROFICIENCY_MIN, PROFICIENCY_MAX + 1)],
        initial=3,
    )


class SkillInline(ConsoleInline[AgentSkill]):
    """The skills of an agent."""

    model = AgentSkill
    form = SkillForm
    verbose_name = gettext_lazy("skill")
    verbose_name_plural = gettext_lazy("skills")


class ProfileInline(ConsoleInline[AgentProfile]):
    """The capacity profiles of an agent, with limits of their own."""

    model = AgentProfile
    verbose_name = gettext_lazy("capacity profile")
    verbose_name_plural = gettext_lazy("capacity profiles")


@admin.register(Agent)
class AgentAdmin(TellingAdmin[Agent], KeptAdmin[Agent]):
    """Agents: what they take. They leave by being deactivated as people."""

    advice = gettext_lazy(
        "Agents are never deleted: history names them. Deactivate the person, or take away the agent role."
    )
    form = AgentForm
    inlines = (SkillInline, ProfileInline)
    list_display = (
        "name",
        "presence_name",
        "presence_since",
        "presence_set_by",
        "max_units",
        "queue_count",
        "skill_names",
        "is_bot",
        "is_active",
    )
    list_filter = (
        "user__is_active",
        "is_bot",
        ("presence", admin.RelatedOnlyFieldListFilter),
        ("queues", admin.RelatedOnlyFieldListFilter),
        ("skills", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = ("user__username", "user__first_name", "user__last_name")
    search_help_text = gettext_lazy("Name or user name")
    ordering = ("user__first_name", "user__last_name", "user__username")
    readonly_fields = ("person", "presence_name", "presence_since", "presence_set_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        """With what a row of the list prints."""
        agents = super().get_queryset(request).select_related("user", "presence").prefetch_related("skills")
        return agents.annotate(queue_total=Count("memberships", distinct=True))

    def get_fieldsets(self, request: HttpRequest, obj: Agent | None = None) -> Any:
        """A new agent has no presence yet, and the person of an agent never changes."""
        work = (gettext_lazy("Work"), {"fields": ("queues", "max_units", "default_presence", "is_bot")})
        if obj is None:
            return ((None, {"fields": ("user",)}), work)
        return (
            (None, {"fields": ("person",)}),
            (
                gettext_lazy("Presence now"),
                {
                    "fields": (("presence_name", "presence_since", "presence_set_by"),),
                    "description": _("Set by the agent, by a supervisor or by the product."),
                },
            ),
            work,
        )

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        """A new agent begins Offline; of an old one only what the form asks is written, never the presence."""
        if not change:
            fresh = staffing.add_agent_profile(obj.user_id, max_units=obj.max_units, is_bot=obj.is_bot, now=clock.now())
            obj.pk, obj._state.adding = fresh.pk, False
            obj.presence, obj.presence_since, obj.presence_set_by = (
                fresh.presence,
                fresh.presence_since,
                fresh.presence_set_by,
            )
        obj.save(update_fields=["is_bot", "max_units", "default_presence"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Queues, skills and profiles."""
        super().save_related(request, form, formsets, change)
        agent: Agent = form.instance
        agent.queues.set(form.cleaned_data["queues"])
        changed_agents(request).add(agent.pk)
        if not agent.is_bot and not agent.user.groups.filter(name=Role.AGENT.value).exists():
            text = _("{name} does not hold the agent role, so nothing is offered to them. <a href='{url}'>Roles</a>")
            messages.warning(request, format_html(text, name=agent.name, url=change_url(agent.user)))

    @admin.display(description=gettext_lazy("person"))
    def person(self, agent: Agent) -> str:
        """A link to the account and the roles."""
        return format_html("<a href='{}'>{}</a>", change_url(agent.user), agent.name)

    @admin.display(description=gettext_lazy("agent"), ordering="user__first_name")
    def name(self, agent: Agent) -> str:
        """What others read."""
        return agent.name

    @admin.display(description=gettext_lazy("presence"), ordering="presence__name")
    def presence_name(self, agent: Agent) -> str:
        """The presence at this moment."""
        return agent.presence.name

    @admin.display(description=gettext_lazy("queues"), ordering="queue_total")
    def queue_count(self, agent: Agent) -> int:
        """How many queues besides the default ones."""
        return counted(agent, "queue_total")

    @admin.display(description=gettext_lazy("skills"))
    def skill_names(self, agent: Agent) -> str:
        """The skills by name."""
        return ", ".join(sorted(skill.name for skill in agent.skills.all()))

    @admin.display(description=gettext_lazy("active"), boolean=True, ordering="user__is_active")
    def is_active(self, agent: Agent) -> bool:
        """Whether the person can log in."""
        return agent.user.is_active
