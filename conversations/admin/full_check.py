"""Ask for a check of all data, see how far it is, and stop it: the pages beside the list of findings."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversations.invariants import About
from conversations.reports import full_check as report
from conversations.services import full_check as service
from routing.models import User
from routing.selectors import actor_for
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.kernel.web import wants_part

LIST: Final = "admin:conversations_finding_changelist"
PART: Final = "admin/conversations/finding/_full_check.html"
REFRESH_SECONDS: Final = 2

PAGES: Final = {
    About.CONVERSATION: "admin:conversations_conversation_change",
    About.AGENT: "admin:routing_agent_change",
    About.PERSON: "admin:routing_user_change",
}


View = Callable[[HttpRequest], HttpResponse]


def administrators(view: View) -> View:
    """Whoever may see the list of findings may ask for it; the door alone lets in every kind of staff."""

    @wraps(view)
    def asked(request: HttpRequest) -> HttpResponse:
        if not (isinstance(request.user, User) and request.user.has_perm("conversations.view_finding")):
            raise PermissionDenied
        return view(request)

    return asked


def context() -> dict[str, Any]:
    """What the part shows."""
    look = report.latest(clock.now())
    faults = look.faults if look is not None else ()
    return {
        "look": look,
        "faults": [(fault, reverse(PAGES[fault.about], args=[fault.subject_id])) for fault in faults],
        "refresh_seconds": REFRESH_SECONDS,
    }


@require_safe
def part(request: HttpRequest) -> HttpResponse:
    """How far it is; asked again by the list every few seconds while one is under way."""
    return render(request, PART, context()) if wants_part(request) else redirect(LIST)


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Have all data checked; with ``repairs`` what can be repaired is."""
    try:
        service.ask(_actor(request), repairs="repairs" in request.POST)
    except ActionRefused as refused:
        messages.warning(request, refused.refusal.sentence)
    return redirect(LIST)


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """End the one that is under way."""
    try:
        service.stop(_actor(request))
    except ActionRefused as refused:
        messages.warning(request, refused.refusal.sentence)
    else:
        messages.info(request, _("The check was stopped. What it found so far stands below."))
    return redirect(LIST)


def _actor(request: HttpRequest) -> Actor:
    assert isinstance(request.user, User), "The administrators' pages let nobody else in."
    return actor_for(request.user)
