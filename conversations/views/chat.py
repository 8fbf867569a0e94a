"""The customer's chat: start, write, end. No log-in; a signed cookie says whose browser it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django import forms
from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conversations import selectors
from conversations.models import Conversation
from conversations.models.message import TEXT_MAX
from conversations.reports import chat as report
from conversations.services import bots, closure, elevation, intake, messaging, typing
from conversations.views.access import customer, remember_customer, required_customer
from conversations.views.keys import client_key, new_client_key
from routing.models import Channel, Workstream
from supervisor_console.kernel import clock, limits
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, Kind, NotVisible, Refusal
from supervisor_console.kernel.limits import Limit
from supervisor_console.kernel.web import STATUS, wants_part

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

KINDS = {
    "live": Q(channel=Channel.LIVE_CHAT),
    "persistent": Q(channel=Channel.PERSISTENT_CHAT),
    "assistant": Q(channel=Channel.LIVE_CHAT, bot__isnull=False),
}
"""What ``?kind=`` may say; anything else is a live chat."""


STARTS = Limit("chat_start", settings.CHAT_STARTS_PER_ADDRESS, timedelta(minutes=10))
TOO_MANY_STARTS = Refusal(
    "too_many_starts",
    _("Many chats were started from where you are. Wait %(minutes)d min, then start yours."),
    {"minutes": 10},
    kind=Kind.TOO_OFTEN,
)


class StartForm(forms.Form):
    """Who writes, and what about. A returning customer is known by name already."""

    name = forms.CharField(
        label=_("Your name"), max_length=intake.NAME_MAX, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    contact = forms.CharField(
        label=_("E-mail or phone"),
        max_length=intake.CONTACT_MAX,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "email"}),
    )
    topic = forms.CharField(label=_("Topic"), max_length=intake.SUBJECT_MAX, required=False)
    text = forms.CharField(label=_("How can we help?"), max_length=TEXT_MAX, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, known: Actor | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if known is not None:
            del self.fields["name"], self.fields["contact"]


def in_the_chat(view: View[P]) -> View[P]:
    """Without htmx a refusal is a page of the chat, not of the console; a chat that is not there is one too."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ActionRefused as error:
            if wants_part(request):
                raise
            page = "missing" if error.refusal.kind == Kind.NOT_FOUND else "refused"
            context = {"refusal": error.refusal, "back": request.path if request.method == "GET" else _back(kwargs)}
            return render(
                request, f"conversations/chat/{page}.html", context | _bare(), status=STATUS[error.refusal.kind]
            )

    return cast(View[P], guarded)


def _back(kwargs: dict[str, Any]) -> str:
    return reverse("conversations:chat_conversation", kwargs={"public_id": kwargs["public_id"]})


def _bare() -> dict[str, Any]:
    """A page of the chat that follows nothing, also for a person of the centre who is signed in."""
    return {"live_url": ""}


def _notice() -> str:
    row = selectors.settings_row()
    return row.customer_notice if row.shows_customer_notice else ""


# --- start ------------------------------------------------------------------------------------------------------


@in_the_chat
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The start form; sent, it begins a conversation and this browser is its customer's from then on.

    ``?kind=persistent`` begins a chat that stays, ``?kind=assistant`` one that a bot answers first, ``?new`` one
    of somebody else on the same browser.
    """
    return _start(request, KINDS.get(request.GET.get("kind", ""), KINDS["live"]))


@in_the_chat
@require_http_methods(["GET", "HEAD", "POST"])
def call(request: HttpRequest) -> HttpResponse:
    """The form of somebody who calls; no line leads outside, the call is simulated in words."""
    return _start(request, Q(channel=Channel.VOICE), is_call=True)


def _start(request: HttpRequest, wanted: Q, *, is_call: bool = False) -> HttpResponse:
    known = None if "new" in request.GET else customer(request)
    workstream = Workstream.objects.filter(wanted).order_by("pk").first()
    form = StartForm(request.POST or None, known=known)
    status = 200
    if is_call:
        form.fields["text"].label = _("What do you say first?")
    if request.method == "POST" and workstream is not None and form.is_valid():
        try:
            return _begin(request, workstream.pk, known, form.cleaned_data)
        except ActionRefused as error:
            form.add_error(None, forms.ValidationError(error.refusal.sentence, code=error.refusal.code))
            status = STATUS[error.refusal.kind]
    for name, field in form.fields.items():
        if form.is_bound and name in form.errors:
            field.widget.attrs["aria-invalid"] = "true"
    context = {
        "form": form,
        "known": known,
        "is_open": workstream is not None,
        "is_call": is_call,
        "has_bot": workstream is not None and workstream.bot_id is not None,
        "ongoing": report.ongoing(known) if known is not None else [],
        "client_key": client_key(request) or new_client_key(),
        "notice": _notice(),
    }
    if workstream is None:
        status = 503
    elif form.is_bound and status == 200:
        status = STATUS[Kind.INVALID]
    return render(request, "conversations/chat/start.html", context | _bare(), status=status)


def _begin(request: HttpRequest, workstream_id: int, known: Actor | None, said: dict[str, str]) -> HttpResponse:
    counted = limits.attempt(STARTS, limits.address_of(request), clock.now())
    if counted.seconds:
        limits.take_back(counted)
        raise ActionRefused(replace(TOO_MANY_STARTS, numbers={"minutes": -(-counted.seconds // 60)}))
    event = intake.start(
        workstream_id=workstream_id,
        name=known.name if known is not None else said["name"],
        contact=said.get("contact", ""),
        subject=said["topic"],
        text=said["text"],
        customer_id=known.customer_id if known is not None else None,
        client_key=client_key(request),
    )
    row = Conversation.objects.only("public_id", "customer_id").get(pk=event.conversation_id)
    response = redirect("conversations:chat_conversation", public_id=row.public_id)
    remember_customer(response, row.customer_id, secure=settings.SESSION_COOKIE_SECURE)
    return response


# --- the chat -----------------------------------------------------------------------------------------------------


def _own(request: HttpRequest, public_id: UUID) -> tuple[Actor, Conversation]:
    """The customer and their chat; anybody else's is not found."""
    actor = required_customer(request)
    row = report.get_own(actor, public_id)
    if row is None:
        raise NotVisible
    return actor, row


@in_the_chat
@require_safe
def conversation(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The customer's chat; the part that follows what happens when htmx asks for it."""
    row = _own(request, public_id)[1]
    context = {
        "chat": report.chat(row, clock.now()),
        "notice": _notice(),
        "client_key": new_client_key(),
        "live_url": f"/ws/chat/{public_id}/",
    }
    name = "_chat" if wants_part(request) else "page"
    response = render(request, f"conversations/chat/{name}.html", context)
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


@in_the_chat
@require_POST
def send(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The customer writes a line."""
    actor, row = _own(request, public_id)
    messaging.receive(actor, row.pk, text=request.POST.get("text", ""), client_key=client_key(request))
    return _after(request, public_id)


@in_the_chat
@require_POST
def types(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The customer is typing."""
    typing.customer_types(*_own(request, public_id))
    return HttpResponse(status=204)


@in_the_chat
@require_POST
def end(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The customer ends the chat."""
    actor, row = _own(request, public_id)
    closure.customer_ends(actor, row.pk)
    return _after(request, public_id)


@in_the_chat
@require_POST
def person(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The customer has talked to the bot for long enough."""
    actor, row = _own(request, public_id)
    bots.escalate(actor, row.pk)
    return _after(request, public_id)


@in_the_chat
@require_POST
def leave_call(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The customer leaves the call beside the chat."""
    actor, row = _own(request, public_id)
    elevation.end_elevation(actor, row.pk)
    return _after(request, public_id)


def _after(request: HttpRequest, public_id: UUID) -> HttpResponse:
    if wants_part(request):
        return HttpResponse(status=204)
    return redirect("conversations:chat_conversation", public_id=public_id)
