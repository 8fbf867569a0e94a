"""The agent's desk: what lies on it, and one address per verb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from conversations import selectors
from conversations.events import ConversationEvent
from conversations.models import State
from conversations.policy import Medium
from conversations.reports import desk as desk_report
from conversations.reports import notices as notices_report
from conversations.reports.desk_conversation import conversation as conversation_report
from conversations.services import (
    assignment,
    attendance,
    calls,
    closure,
    elevation,
    intake,
    messaging,
    offers,
    supervision,
    typing,
)
from conversations.views.access import agents
from conversations.views.conversation import mode_of
from conversations.views.keys import client_key, new_client_key
from routing.models import Agent
from routing.services import presence
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import NotVisible
from supervisor_console.kernel.web import htmx, toast, wants_part

NOTICES_SHOWN = 4
"""Unread notices that lie on the desk itself; the list has them all."""

BOARD = "desk-board"


# --- looking ----------------------------------------------------------------------------------------------------


@agents
@require_safe
def desk(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The desk without an open conversation."""
    return _answer(request, actor, None)


@agents
@require_safe
def conversation(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """The desk with one conversation open; looking at it writes nothing."""
    return _answer(request, actor, conversation_id)


def _answer(request: HttpRequest, actor: Actor, conversation_id: int | None) -> HttpResponse:
    """The page, or the region that htmx wants to fill: each asks only what it prints."""
    is_part = wants_part(request)
    wanted = (htmx(request).target or "") if is_part else ""
    if conversation_id is not None and wanted == f"desk-conversation-{conversation_id}":
        part = "_conversation"
    else:
        part = REGIONS.get(wanted, "_board") if is_part else "page"
    lies = _Desk(request, actor, desk_report.own_agent(actor), conversation_id, is_page=not is_part)
    context: dict[str, Any] = {"conversation_id": conversation_id, "address": _address(conversation_id)}
    for load in CONTENT[part]:
        context |= load(lies)
    response = render(request, f"conversations/desk/{part}.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-Boosted", "HX-History-Restore-Request"])
    return response


def _address(conversation_id: int | None) -> str:
    if conversation_id is None:
        return reverse("conversations:desk")
    return reverse("conversations:desk_conversation", args=[conversation_id])


@dataclass(frozen=True, slots=True)
class _Desk:
    """One look at a desk; each method is the context of one region."""

    request: HttpRequest
    actor: Actor
    agent: Agent
    conversation_id: int | None
    is_page: bool
    now: datetime = field(default_factory=clock.now)

    def me(self) -> dict[str, Any]:
        return {"me": desk_report.me(self.agent, self.now)}

    def offers(self) -> dict[str, Any]:
        return {
            "offers": desk_report.offers(self.agent, self.now),
            "held": desk_report.held(self.agent, self.now),
        }

    def lists(self) -> dict[str, Any]:
        settings = selectors.settings_row()
        reads = settings.sentiment_enabled
        groups = desk_report.own(self.actor, self.agent, self.now, reads_sentiment=reads)
        return {
            "groups": groups,
            "own_count": sum(len(group.items) for group in groups),
            "open_list": desk_report.open_list(self.actor, self.agent, self.now, reads_sentiment=reads),
            "notices": notices_report.page(self.actor, self.now, only_unread=True, size=NOTICES_SHOWN),
            "agent_notice": settings.agent_notice,
        }

    def conversation(self) -> dict[str, Any]:
        if self.conversation_id is None:
            return {}
        try:
            row = selectors.get_visible(self.actor, self.conversation_id)
        except NotVisible:
            # It left the desk while it lay open there: the region says so and locks. As a page of its own it is
            # not found, like any other that this agent may not see.
            if self.is_page:
                raise
            return {"gone": True}
        all_lines = "all" in self.request.GET
        return {
            "conversation": conversation_report(self.actor, self.agent, row, self.now, all_lines=all_lines),
            "client_key": new_client_key(),
            "all_lines": all_lines,
        }


REGIONS = {"desk-me": "_me", "desk-offers": "_offers", "desk-lists": "_lists", BOARD: "_board"}
CONTENT: dict[str, tuple[Callable[[_Desk], dict[str, Any]], ...]] = {
    "page": (_Desk.me, _Desk.offers, _Desk.lists, _Desk.conversation),
    "_board": (_Desk.offers, _Desk.lists, _Desk.conversation),
    "_me": (_Desk.me,),
    "_offers": (_Desk.offers,),
    "_lists": (_Desk.lists,),
    "_conversation": (_Desk.conversation,),
}


# --- doing ------------------------------------------------------------------------------------------------------


def _done(request: HttpRequest, actor: Actor, conversation_id: int | None, said: str = "") -> HttpResponse:
    """After a verb: the board with this conversation open, or the bare desk, in place and with its address."""
    if not wants_part(request):
        return redirect(_address(conversation_id))
    response = _answer(request, actor, conversation_id)
    response.headers["HX-Retarget"] = f"#{BOARD}"
    response.headers["HX-Reswap"] = "morph:outerHTML"
    response.headers["HX-Push-Url"] = _address(conversation_id)
    return toast(response, said) if said else response


def _still_mine(actor: Actor, event: ConversationEvent) -> int | None:
    """The conversation if it is still the agent's own, else nothing: what went back to the queue leaves the desk."""
    keeps = event.to_state not in (State.OPEN, State.CLOSED)
    mine = keeps and selectors.visible(actor).filter(pk=event.conversation_id).exists()
    return event.conversation_id if mine else None


def _is_at_the_desk(request: HttpRequest) -> bool:
    """Offers lie on every page of an agent; only the desk has a board to show the conversation on."""
    page = htmx(request).current_url_abs_path
    return page is None or page.startswith(reverse("conversations:desk"))


@agents
@require_POST
def accept(request: HttpRequest, actor: Actor, offer_id: int) -> HttpResponse:
    """Accept an offer and open its conversation."""
    event = offers.accept(actor, offer_id)
    if wants_part(request) and not _is_at_the_desk(request):
        return HttpResponse(status=204, headers={"HX-Redirect": _address(event.conversation_id)})
    return _done(request, actor, event.conversation_id)


@agents
@require_POST
def reject(request: HttpRequest, actor: Actor, offer_id: int) -> HttpResponse:
    """Reject an offer; what lies open on the desk stays as it is."""
    offers.reject(actor, offer_id)
    if not wants_part(request):
        return redirect("conversations:desk")
    return toast(HttpResponse(status=204), _("Rejected."))


@agents
@require_POST
def pick(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Take a conversation from the open list and open it."""
    assignment.pick(actor, conversation_id)
    return _done(request, actor, conversation_id)


@agents
@require_POST
def revive(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Take a waiting conversation up again."""
    intake.revive(actor, conversation_id)
    return _done(request, actor, conversation_id)


@agents
@require_POST
def end(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """End the dialogue; wrap-up begins."""
    closure.end(actor, conversation_id)
    return _done(request, actor, conversation_id, _("Ended. Finish the wrap-up when you are done."))


@agents
@require_POST
def close_session(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Close the session without ending (X): Waiting where chats persist, else back to the queue."""
    event = closure.close_session(actor, conversation_id)
    said = {
        State.WAITING: _("The session is closed. The conversation waits for the customer."),
        State.OPEN: _("The conversation is back in the queue."),
        State.CLOSED: _("The conversation is closed."),
    }
    return _done(request, actor, _still_mine(actor, event), said[State(event.to_state)])


@agents
@require_POST
def hold(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Put the call on hold."""
    calls.hold(actor, conversation_id)
    return _done(request, actor, conversation_id)


@agents
@require_POST
def resume(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Take the call off hold."""
    calls.resume(actor, conversation_id)
    return _done(request, actor, conversation_id)


@agents
@require_POST
def elevate(request: HttpRequest, actor: Actor, conversation_id: int, medium: str) -> HttpResponse:
    """Take the chat into a voice or video call."""
    if medium not in {known.value for known in Medium}:
        raise NotVisible
    elevation.elevate(actor, conversation_id, medium=Medium(medium))
    return _done(request, actor, conversation_id)


@agents
@require_POST
def end_elevation(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """End the call beside the chat."""
    elevation.end_elevation(actor, conversation_id)
    return _done(request, actor, conversation_id)


@agents
@require_POST
def release(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Give the conversation back to its queue."""
    event = assignment.release(actor, conversation_id)
    return _done(request, actor, _still_mine(actor, event), _("The conversation is back in the queue."))


@agents
@require_POST
def finish_wrap_up(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Finish the after-work; the conversation is closed."""
    event = closure.finish_wrap_up(actor, conversation_id)
    return _done(request, actor, _still_mine(actor, event), _("The conversation is closed."))


@agents
@require_POST
def leave_consult(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Leave a conversation in which one consults."""
    event = supervision.leave(actor, conversation_id)
    return _done(request, actor, _still_mine(actor, event), _("You left the conversation."))


@agents
@require_POST
def send(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """Write a line, to the customer or internal; an unknown mode is internal, so that nothing slips out."""
    messaging.send(
        actor,
        conversation_id,
        text=request.POST.get("text", ""),
        visibility=mode_of(request),
        client_key=client_key(request),
    )
    if not wants_part(request):
        return redirect(_address(conversation_id))
    return HttpResponse(status=204)


@agents
@require_POST
def types(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """The agent is typing."""
    typing.agent_types(actor, conversation_id, visibility=mode_of(request))
    return HttpResponse(status=204)


@agents
@require_POST
def read(request: HttpRequest, actor: Actor, conversation_id: int) -> HttpResponse:
    """The agent has the conversation before their eyes: move the read marker."""
    selectors.get_visible(actor, conversation_id)
    messaging.mark_read(actor, conversation_id)
    return HttpResponse(status=204)


@agents
@require_POST
def set_presence(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Set the own presence."""
    chosen = request.POST.get("presence", "")
    if actor.agent_id is None or not (chosen.isascii() and chosen.isdigit() and len(chosen) < 10):
        raise NotVisible
    presence.set_presence(actor, actor.agent_id, presence_id=int(chosen))
    return HttpResponse(status=204) if wants_part(request) else redirect("conversations:desk")


@agents
@require_POST
def reset_presence(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Let the own presence follow from the work again."""
    if actor.agent_id is None:
        raise NotVisible
    event = attendance.reset_presence(actor, actor.agent_id)
    if not wants_part(request):
        return redirect("conversations:desk")
    return toast(HttpResponse(status=204), _("You are %(presence)s now.") % {"presence": event.to_presence})
