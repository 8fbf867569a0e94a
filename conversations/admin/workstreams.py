"""Workstreams again, with what only this app knows: the supervisor settings that they could make useless."""

from __future__ import annotations

from django import forms
from django.contrib import admin

from conversations import selectors
from conversations.services import settings as service
from routing.admin.workstreams import WorkstreamAdmin as RoutingWorkstreamAdmin
from routing.admin.workstreams import WorkstreamForm as RoutingWorkstreamForm
from routing.models import Workstream

admin.site.unregister(Workstream)


class WorkstreamForm(RoutingWorkstreamForm):
    """The allowed presences and the settings that set presences do not work against each other."""

    def clean_allowed_presences(self) -> list[str]:
        """Away and Inactive, Do not disturb and rejecting (domain.md 4.3, P20)."""
        wanted: list[str] = self.cleaned_data["allowed_presences"]
        refusal = service.why_not_allow(wanted, selectors.settings_row())
        if refusal is not None:
            raise forms.ValidationError(refusal.sentence, code=refusal.code)
        return wanted


@admin.register(Workstream)
class WorkstreamAdmin(RoutingWorkstreamAdmin):
    """Workstreams, checked against the supervisor settings."""

    form = WorkstreamForm
