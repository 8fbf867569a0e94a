"""What does a supervisor do about a conversation whose records disagree? Read it, and have it put right (P18)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversations import invariants, selectors
from conversations.services.repair import repair_conversation
from conversations.views.access import supervisors
from conversations.views.dialogs import PAGE_TEMPLATE, subtitle_of
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.web import page_or_part, toast, trigger, wants_part

PART = "conversations/dialogs/_repair.html"


@require_http_methods(["GET", "HEAD", "POST"])
@supervisors
def repair(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """The rules that this conversation breaks now, and one button that makes everything follow its row."""
    row = selectors.get_visible(actor, conversation_id)
    back_url = reverse("conversations:conversation", args=[row.pk])
    if request.method == "POST":
        repair_conversation(actor, row.pk)
        said = _("Repaired. The history says what was wrong.")
        if wants_part(request):
            return trigger(toast(HttpResponse(status=204), said, code="repaired"), "dialog:close")
        messages.success(request, said, extra_tags="repaired")
        return redirect(back_url)
    faults = invariants.faults_of(row.pk, clock.now())
    context = {
        "part": PART,
        "title": _("Repair conversation"),
        "icon": "settings",
        "subtitle": subtitle_of(row),
        "conversation": row,
        "faults": faults,
        "can_repair": any(fault.rule.is_repairable for fault in faults),
        "url": request.path,
        "back_url": back_url,
        "in_dialog": wants_part(request),
    }
    return page_or_part(request, PAGE_TEMPLATE, PART, context)
