"""What can a supervisor do to a conversation? One address per verb: a POST is one call of a service.

Refusals go through the middleware; a dialog's refusals are shown in the dialog, as it is now.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from conversations import policy, selectors
from conversations.forms import ActionForm, AgentForm, QueueForm
from conversations.services import assignment, closure, supervision
from conversations.views import dialogs
from conversations.views.access import supervisors
from conversations.views.dialogs import Attempt, Show
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import (
    ActionRefused,
    ConfirmationNeeded,
    Kind,
    NotVisible,
    Stale,
)
from supervisor_console.kernel.web import CONFIRMATION_STATUS, STATUS, toast, trigger, wants_part

THERE_ALREADY = frozenset({policy.ALREADY_MONITORING.code, policy.ALREADY_JOINED.code})
"""Refusals of Monitor that lead to the page all the same: one is watching it already."""

dialog_methods = require_http_methods(["GET", "HEAD", "POST"])

# --- watch and take part ------------------------------------------------------------------------------------


@require_POST
@supervisors
def monitor(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Begin to watch, and open the conversation's page in the tab that asked, no other one (domain.md 3.3)."""
    try:
        supervision.monitor(actor, conversation_id)
    except ActionRefused as refused:
        if refused.refusal.code not in THERE_ALREADY:
            raise
        messages.info(request, refused.refusal.sentence, extra_tags=refused.refusal.code)
    else:
        messages.success(
            request, _("Monitoring started. Nobody in this conversation sees you."), extra_tags="monitoring_started"
        )
    url = reverse("conversations:conversation", args=[conversation_id])
    return HttpResponseClientRedirect(url) if wants_part(request) else redirect(url)


@require_POST
@supervisors
def stop_monitoring(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Stop watching."""
    supervision.stop_monitoring(actor, conversation_id)
    return _done(request, actor, conversation_id, _("Monitoring stopped."), "monitoring_stopped")


@require_POST
@supervisors
def join(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Take part, seen by the customer and the agent (domain.md 3.4)."""
    supervision.join(actor, conversation_id)
    return _done(request, actor, conversation_id, _("You joined. Everybody in the conversation sees you."), "joined")


@require_POST
@supervisors
def leave(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Leave a conversation one has joined."""
    supervision.leave(actor, conversation_id)
    return _done(request, actor, conversation_id, _("You left the conversation."), "left")


# --- give it to somebody else ----------------------------------------------------------------------------------


@dialog_methods
@supervisors
def assign(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Assign an open conversation to an agent; ``?tab=queue`` shows the queues (domain.md 3.5)."""
    if request.method != "POST":
        show: Show = dialogs.assign_to_queue if request.GET.get("tab") == "queue" else dialogs.assign_to_agent
        return show(request, actor, conversation_id)
    form = AgentForm(request.POST)

    def act() -> str:
        event = assignment.assign(
            actor,
            conversation_id,
            agent_id=form.cleaned_data["agent"],
            **form.sent(),
        )
        return _("Offered to %(agent)s.") % {"agent": event.agent}

    return _carry_out(request, actor, conversation_id, form, act, dialogs.assign_to_agent, "assigned")


@dialog_methods
@supervisors
def assign_to_queue(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Move an open conversation to another queue (domain.md 3.5)."""
    if request.method != "POST":
        return dialogs.assign_to_queue(request, actor, conversation_id)
    form = QueueForm(request.POST)

    def act() -> str:
        event = assignment.assign_to_queue(
            actor,
            conversation_id,
            queue_id=form.cleaned_data["queue"],
            **form.sent(),
        )
        return _("Moved to %(queue)s.") % {"queue": event.queue}

    return _carry_out(request, actor, conversation_id, form, act, dialogs.assign_to_queue, "assigned_to_queue")


@dialog_methods
@supervisors
def transfer(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Ask another agent of the queue to take over (domain.md 3.6)."""
    if request.method != "POST":
        return dialogs.transfer(request, actor, conversation_id)
    form = AgentForm(request.POST)

    def act() -> str:
        event = assignment.transfer(
            actor,
            conversation_id,
            agent_id=form.cleaned_data["agent"],
            **form.sent(),
        )
        return _("%(agent)s was asked to take over.") % {"agent": event.agent}

    return _carry_out(request, actor, conversation_id, form, act, dialogs.transfer, "transfer_requested")


@require_POST
@supervisors
def cancel_transfer(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Take back a pending transfer."""
    event = assignment.cancel_transfer(actor, conversation_id)
    text = _("The transfer to %(agent)s was cancelled.") % {"agent": event.agent}
    return _done(request, actor, conversation_id, text, "transfer_cancelled")


@dialog_methods
@supervisors
def force_close(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Close a conversation for everybody, after a question (domain.md 3.7)."""
    if request.method != "POST":
        return dialogs.force_close(request, actor, conversation_id)
    form = ActionForm(request.POST)

    def act() -> str:
        closure.force_close(
            actor,
            conversation_id,
            **form.sent(),
        )
        return _("Closed for everybody in it.")

    return _carry_out(request, actor, conversation_id, form, act, dialogs.force_close, "force_closed")


# --- answers ---------------------------------------------------------------------------------------------------


def _carry_out(
    request: HttpRequest,
    actor: Actor,
    conversation_id: int,
    form: ActionForm,
    act: Callable[[], str],
    show: Show,
    code: str,
) -> HttpResponse:
    """Do what a dialog sent, or show the dialog again with what is in the way; then nothing was changed."""
    if not form.is_valid():
        return show(
            request,
            actor,
            conversation_id,
            _attempt(form, STATUS[Kind.INVALID], problem=_first_error(form), code="invalid_form"),
        )
    try:
        text = act()
    except ConfirmationNeeded:
        return show(request, actor, conversation_id, _attempt(form, CONFIRMATION_STATUS, unconfirmed=True))
    except NotVisible:
        raise
    except ActionRefused as refused:
        refusal = refused.refusal
        attempt = _attempt(form, STATUS[refusal.kind], problem=refusal.sentence, code=refusal.code)
        response = show(request, actor, conversation_id, attempt)
        if isinstance(refused, Stale):
            toast(response, refusal.sentence, level="warn", code=refusal.code)
        return trigger(response, "refused")
    return _done(request, actor, conversation_id, text, code)


def _attempt(form: ActionForm, status: int, *, problem: str = "", code: str = "", unconfirmed: bool = False) -> Attempt:
    """What was tried, as the dialog shows it again."""
    chosen = form.cleaned_data.get(form.target_name) if form.target_name else None
    return Attempt(
        status=status,
        problem=problem,
        code=code,
        unconfirmed=unconfirmed,
        chosen=chosen,
        confirmed=form.confirmed(),
        note=form.data.get("note", ""),
    )


def _first_error(form: ActionForm) -> str:
    """What cannot be understood in a form: the choice first, then the note, then what no person types."""
    for name in (form.target_name, "note"):
        if name in form.errors:
            return str(form.errors[name][0])
    return _("This form cannot be understood. Open the dialog again.")


def _done(request: HttpRequest, actor: Actor, conversation_id: int, text: str, code: str) -> HttpResponse:
    """It happened: htmx closes the dialog and shows a toast, a browser without script goes to the page."""
    if wants_part(request):
        return trigger(toast(HttpResponse(status=204), text, code=code), "dialog:close")
    messages.success(request, text, extra_tags=code)
    if selectors.visible(actor).filter(pk=conversation_id).exists():
        return redirect("conversations:conversation", conversation_id)
    return redirect("conversations:ongoing")
