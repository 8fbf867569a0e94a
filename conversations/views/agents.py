"""Who is where, with how much work? The Agents view: a list with its live region, and one agent in full."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from conversations.reports.agents import listing, person
from conversations.reports.params import number
from conversations.views.access import supervisors
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import NotVisible
from supervisor_console.kernel.web import htmx, page_or_part, toast, wants_part

REGION = "agents"
"""The id of the live region: what asks for a refresh under this name stays at its address."""


@require_safe
@supervisors
def agents(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list under the address that was asked for; the browser is told its plain form."""
    found = listing.listing(actor, dict(request.GET.lists()), now=clock.now())
    response = page_or_part(
        request, "conversations/agents/page.html", "conversations/agents/_list.html", {"listing": found}
    )
    if wants_part(request) and htmx(request).trigger != REGION:
        response.headers["HX-Push-Url"] = found.url
        if found.ignored:
            toast(response, found.ignored, level="warn", code="ignored")
    return response


@require_safe
@supervisors
def agent(request: HttpRequest, actor: Actor, agent_id: int) -> HttpResponse:
    """One agent, on a page of their own; ``?before=`` goes back in the history."""
    before = number(request.GET.get("before", "")) or 0
    try:
        shown = person.person(actor, agent_id, now=clock.now(), before=before)
    except NotVisible:
        if wants_part(request):
            return _gone(request, "agent")
        raise
    context = {"person": shown, "before": before, "me": shown.row}
    return page_or_part(request, "conversations/agents/agent.html", "conversations/agents/_agent.html", context)


@require_safe
@supervisors
def panel(request: HttpRequest, actor: Actor, agent_id: int) -> HttpResponse:
    """One agent in the side panel of the list; without script, their page."""
    if not wants_part(request):
        return redirect("conversations:agent", agent_id)
    try:
        shown = person.person(actor, agent_id, now=clock.now(), shown=person.STAYS_PANEL)
    except NotVisible:
        return _gone(request, "panel-agent")
    return render(request, "conversations/agents/_panel.html", {"person": shown})


def _gone(request: HttpRequest, region: str) -> HttpResponse:
    """They have left the supervisor's scope while they lay open: said where they were shown."""
    return render(request, "conversations/agents/_gone.html", {"region": region}, status=404)
