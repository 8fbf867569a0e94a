"""What is there to be able to do? Skills and capacity profiles (domain.md 1.4, 1.5)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from routing.admin.common import ConsoleAdmin, Form, counted
from routing.models import CapacityProfile, Skill


class SkillForm(Form[Skill]):
    """A type and a name."""

    class Meta:
        model = Skill
        fields = ("type", "name")
        help_texts: ClassVar[dict[str, Any]] = {
            "type": gettext_lazy("What sort of skill it is, such as Language or Product."),
            "name": gettext_lazy("The skill itself, such as French."),
        }


@admin.register(Skill)
class SkillAdmin(ConsoleAdmin[Skill]):
    """Skills that agents hold and conversations require."""

    advice = gettext_lazy("Take it from the agents who hold it first; conversations keep what they required.")
    form = SkillForm
    list_display = ("name", "type", "agent_count")
    list_filter = ("type",)
    search_fields = ("name", "type")
    ordering = ("type", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        """With how many agents hold each."""
        return super().get_queryset(request).annotate(agents=Count("agent_skills"))

    @admin.display(description=gettext_lazy("agents"), ordering="agents")
    def agent_count(self, skill: Skill) -> int:
        """How many hold it."""
        return counted(skill, "agents")


class CapacityProfileForm(Form[CapacityProfile]):
    """A named limit."""

    limit = forms.IntegerField(
        label=gettext_lazy("Work items"),
        min_value=1,
        max_value=1000,
        initial=1,
        help_text=gettext_lazy(
            "How many conversations with this profile an agent holds at once, or accepts in a day where it comes free "
            "at the end of the day."
        ),
    )

    class Meta:
        model = CapacityProfile
        fields = ("name", "limit", "reset", "is_blocking")


@admin.register(CapacityProfile)
class CapacityProfileAdmin(ConsoleAdmin[CapacityProfile]):
    """Capacity profiles; when an item comes free again is decided once."""

    advice = gettext_lazy("Take it from agents and workstreams first; conversations keep what they consume.")
    form = CapacityProfileForm
    list_display = ("name", "limit", "reset", "is_blocking", "agent_count")
    list_filter = ("reset", "is_blocking")
    search_fields = ("name",)
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CapacityProfile]:
        """With how many agents have each."""
        return super().get_queryset(request).annotate(agents=Count("agent_profiles"))

    def get_readonly_fields(self, request: HttpRequest, obj: CapacityProfile | None = None) -> tuple[str, ...]:
        """The reset is chosen when the profile begins (domain.md 1.4)."""
        return ("reset",) if obj is not None else ()

    @admin.display(description=gettext_lazy("agents"), ordering="agents")
    def agent_count(self, profile: CapacityProfile) -> int:
        """How many have it."""
        return counted(profile, "agents")
