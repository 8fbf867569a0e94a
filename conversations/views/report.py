"""The Ongoing conversations report: one address, a page and its live region."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from conversations.reports import live
from conversations.reports import ongoing as reports
from conversations.views.access import supervisors
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.web import htmx, page_or_part, toast, wants_part

REGION = "report"
"""The id of the live region: what asks for a refresh under this name keeps its menus as they are."""


@require_safe
@supervisors
def ongoing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Show the report under the address that was asked for; the browser is told its plain form."""
    refreshes = wants_part(request) and htmx(request).trigger == REGION
    report = reports.ongoing(actor, dict(request.GET.lists()), now=clock.now(), with_menus=not refreshes)
    response = page_or_part(
        request,
        "conversations/report/page.html",
        "conversations/report/_report.html",
        {"report": report, "digest": live.digest_of(report)},
    )
    if wants_part(request) and not refreshes:
        response.headers["HX-Push-Url"] = report.url
        if report.ignored:
            toast(response, report.ignored, level="warn", code="ignored")
    return response
