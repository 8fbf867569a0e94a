"""Where does a supervisor look at one conversation? On its page, and in the side panel of the report."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from conversations import selectors
from conversations.models import Visibility
from conversations.reports import detail
from conversations.services import messaging, typing
from conversations.views.access import supervisors
from conversations.views.keys import client_key, new_client_key
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, Kind, NotVisible, Refusal
from supervisor_console.kernel.web import page_or_part, wants_part

UNKNOWN_MODE = Refusal(
    "mode_unknown", _("Choose who reads the line: internal or public. Nothing was sent."), kind=Kind.INVALID
)


@require_safe
@supervisors
def page(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """One conversation in the supervisor's scope; looking at it writes nothing (domain.md 3.3, lesson 18)."""
    try:
        row = selectors.get_visible(actor, conversation_id)
    except NotVisible:
        if wants_part(request):
            return _gone(request, conversation_id, "conversation")
        raise
    everything = request.GET.get("all") == "1"
    shown = detail.for_page(actor, row, everything=everything, now=clock.now())
    context = {"detail": shown, "everything": everything, "client_key": new_client_key()}
    return page_or_part(
        request, "conversations/conversation/page.html", "conversations/conversation/_part.html", context
    )


@require_safe
@supervisors
def panel(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """The conversation in the report's side panel; without script, its page."""
    if not wants_part(request):
        return redirect("conversations:conversation", conversation_id)
    try:
        row = selectors.get_visible(actor, conversation_id)
    except NotVisible:
        return _gone(request, conversation_id, "panel-conversation")
    shown = detail.for_panel(actor, row, now=clock.now())
    return render(request, "conversations/conversation/_panel.html", {"detail": shown})


def _gone(request: HttpRequest, conversation_id: int, region: str) -> HttpResponse:
    """It does not exist, or has left the supervisor's scope while it lay open: said where it was shown."""
    context = {"conversation_id": conversation_id, "region": region}
    return render(request, "conversations/conversation/_gone.html", context, status=404)


@require_POST
@supervisors
def send(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Write a line; internal unless public was chosen on purpose (domain.md 3.4)."""
    mode = request.POST.get("mode") or Visibility.INTERNAL.value
    if mode not in Visibility.values:
        raise ActionRefused(UNKNOWN_MODE)
    messaging.send(
        actor,
        conversation_id,
        text=request.POST.get("text", ""),
        visibility=Visibility(mode),
        client_key=client_key(request),
    )
    if wants_part(request):
        return HttpResponse(status=204)
    return redirect("conversations:conversation", conversation_id)


@require_POST
@supervisors
def types(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """A joined supervisor is typing."""
    typing.agent_types(actor, conversation_id, visibility=mode_of(request))
    return HttpResponse(status=204)


def mode_of(request: HttpRequest) -> Visibility:
    """Whom a line is for; an unknown mode is internal, so that nothing slips out."""
    return Visibility.PUBLIC if request.POST.get("mode") == Visibility.PUBLIC else Visibility.INTERNAL
