"""Which presences are there, and who was in which one? (domain.md 1.3)"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from routing.admin.common import ConsoleAdmin, Form, ReadOnlyAdmin, counted, in_use_by
from routing.models import Presence, PresenceChange


class PresenceForm(Form[Presence]):
    """A custom presence: a name, a text and exactly one base."""

    class Meta:
        model = Presence
        fields = ("name", "text", "base", "is_selectable")
        help_texts: ClassVar[dict[str, Any]] = {
            "text": gettext_lazy("A few words for colleagues, such as “Back after lunch”."),
            "base": gettext_lazy(
                "What routing and filters look at. It cannot be changed once somebody was in this presence."
            ),
        }


class OriginFilter(admin.SimpleListFilter):
    """Presences that came with the product, and custom ones."""

    title = gettext_lazy("origin")
    parameter_name = "origin"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two."""
        return [("product", _("Came with the product")), ("custom", _("Custom"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Presence]) -> QuerySet[Presence]:
        """Those of the chosen origin."""
        return queryset.filter(code__isnull=self.value() == "custom") if self.value() else queryset


@admin.register(Presence)
class PresenceAdmin(ConsoleAdmin[Presence]):
    """Presences: those that came with the product stay as they are, custom ones are added here."""

    advice = gettext_lazy("Clear “People can choose it” instead.")
    form = PresenceForm
    list_display = ("name", "base", "text", "is_selectable", "origin", "agent_count")
    list_filter = (OriginFilter, "base", "is_selectable")
    search_fields = ("name", "text")
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Presence]:
        """With how many agents are in each now."""
        return super().get_queryset(request).annotate(agents_now=Count("agents"))

    def why_not_delete(self, obj: Presence) -> str:
        """Those of the product stay whether they are used or not."""
        if obj.is_system:
            return _("“%(name)s” came with the product and cannot be changed or deleted.") % {"name": obj}
        return super().why_not_delete(obj)

    def has_change_permission(self, request: HttpRequest, obj: Presence | None = None) -> bool:
        """Custom ones only."""
        return super().has_change_permission(request, obj) and not (obj is not None and obj.is_system)

    def has_delete_permission(self, request: HttpRequest, obj: Presence | None = None) -> bool:
        """Custom ones only."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.is_system)

    def get_readonly_fields(self, request: HttpRequest, obj: Presence | None = None) -> tuple[str, ...]:
        """The history of a presence keeps its meaning."""
        return ("base",) if obj is not None and in_use_by(obj) else ()

    @admin.display(description=gettext_lazy("origin"), ordering="code")
    def origin(self, presence: Presence) -> str:
        """Whether it came with the product."""
        return _("Product") if presence.is_system else _("Custom")

    @admin.display(description=gettext_lazy("agents now"), ordering="agents_now")
    def agent_count(self, presence: Presence) -> int:
        """How many agents are in it now."""
        return counted(presence, "agents_now")


@admin.register(PresenceChange)
class PresenceChangeAdmin(ReadOnlyAdmin[PresenceChange]):
    """The presence history: who was in which presence, from when to when, set by whom."""

    list_display = ("agent", "presence", "started_at", "ended_at", "set_by", "set_by_user", "set_after")
    list_filter = ("set_by", "set_after", "presence__base", ("presence", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("agent__user", "presence", "set_by_user")
    search_fields = ("agent__user__username", "agent__user__first_name", "agent__user__last_name")
    search_help_text = gettext_lazy("Name or user name of the agent")
    date_hierarchy = "started_at"
    ordering = ("-started_at", "-pk")
