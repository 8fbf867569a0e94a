"""What is not as it must be, as the background work found it, and how is it put right? (domain.md 2.5, P18)"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations.admin import full_check
from conversations.admin.links import link_to
from conversations.invariants import RULES, faults_of
from conversations.models import Finding, FloorCheck
from conversations.services import repair
from routing import selectors as routing_selectors
from routing.admin.common import ReadOnlyAdmin
from routing.models import User
from supervisor_console.kernel import clock
from supervisor_console.kernel.errors import ActionRefused

FRESH = timedelta(minutes=3)
"""How long what the background work found, or did not find, is what holds: it looks once a minute."""


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin[Finding]):
    """What breaks a rule among the ongoing conversations, and above it the check of all data (``full_check``)."""

    change_list_template = "admin/conversations/finding/change_list.html"

    list_title = gettext_lazy("Floor check")
    list_display = ("code", "subject", "is_repairable", "is_confirmed", "found_at")
    fields = ("code", "subject", "now", "is_repairable", "is_confirmed", "found_at")
    readonly_fields = ("subject", "now")
    list_filter = ("is_repairable", "is_confirmed")
    list_select_related = ("conversation__customer",)
    search_fields = ("code", "conversation__subject", "conversation__customer__name")
    search_help_text = gettext_lazy("Code, subject or customer")
    ordering = ("-is_confirmed", "found_at", "pk")
    actions = ("repair",)

    def has_repair_permission(self, request: HttpRequest) -> bool:
        """Whoever may see the list: administrators."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """The list and its rows, and the check of all data."""
        wrap, may = self.admin_site.admin_view, full_check.administrators
        own = [
            path("all/", wrap(may(full_check.part)), name="conversations_full_check"),
            path("all/check/", wrap(may(full_check.ask)), name="conversations_full_check_ask"),
            path("all/stop/", wrap(may(full_check.stop)), name="conversations_full_check_stop"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, with when everything was looked at last, and by how many rules."""
        checked = FloorCheck.objects.values_list("checked_at", flat=True).first()
        is_fresh = checked is not None and clock.now() - checked <= FRESH
        if checked is None:
            subtitle = _("The background work has not looked yet. It does once a minute while it runs.")
        else:
            seconds = max(0, int((clock.now() - checked).total_seconds()))
            subtitle = _("%(rules)d rules, looked at %(seconds)d s ago among what goes on.")
            subtitle %= {"rules": sum(not rule.reads_closed for rule in RULES), "seconds": seconds}
        well = {"was_looked_at": checked is not None, "is_fresh": is_fresh, "is_well": not Finding.objects.exists()}
        context = {"subtitle": subtitle, **well, **full_check.context(), **(extra_context or {})}
        return super().changelist_view(request, context)

    @admin.display(description=gettext_lazy("wrong with it now"))
    def now(self, finding: Finding) -> str:
        """What breaks rules in this conversation at this moment, a sentence each; not only this finding."""
        said = [(found.sentence,) for found in faults_of(finding.conversation_id, clock.now())]
        return format_html_join(mark_safe("<br>"), "{}", said) or _("Nothing any more; the next look takes it off.")

    @admin.display(description=gettext_lazy("conversation"), ordering="conversation__subject")
    def subject(self, finding: Finding) -> str:
        """Its subject and customer, and the way there."""
        return link_to(finding.conversation)

    @admin.action(description=gettext_lazy("Repair the selected conversations"), permissions=["repair"])
    def repair(self, request: HttpRequest, chosen: QuerySet[Finding]) -> None:
        """Make everything about these conversations follow their rows; each one says what came of it."""
        assert isinstance(request.user, User), "The administrators' pages let nobody else in."
        actor = routing_selectors.actor_for(request.user)
        done = 0
        for conversation_id in sorted(set(chosen.values_list("conversation_id", flat=True))):
            try:
                repair.repair_conversation(actor, conversation_id)
            except ActionRefused as refused:
                said = _("Conversation %(id)d: %(why)s") % {"id": conversation_id, "why": refused.refusal.sentence}
                messages.warning(request, said)
            else:
                done += 1
        if done:
            said = ngettext("%(n)d conversation was repaired.", "%(n)d conversations were repaired.", done)
            messages.success(request, said % {"n": done})
