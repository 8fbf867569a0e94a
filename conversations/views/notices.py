"""Somebody's notices: the list, the bell of the header, and reading them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from conversations.reports import notices as report
from conversations.services import notices as service
from conversations.views.access import people
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.web import page_or_part, wants_part


@people
@require_safe
def notices(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list, latest first; with ``?bell=1`` only the bell, which looks at nothing but the number."""
    if "bell" in request.GET:
        address = reverse("conversations:notices")
        bell = {"url": address, "count": report.unread(actor), "part_url": f"{address}?bell=1"}
        return render(request, "components/_bell.html", bell)
    before = _id(request.GET.get("before", ""))
    context = {"page": report.page(actor, clock.now(), before=before), "before": before}
    return page_or_part(request, "conversations/notices/page.html", "conversations/notices/_list.html", context)


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@people
@require_POST
def mark_read(request: HttpRequest, actor: Actor, notice_id: int) -> HttpResponse:
    """Mark one notice as read."""
    service.mark_read(actor, notice_id)
    return _back(request)


@people
@require_POST
def mark_all_read(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Mark every notice as read."""
    service.mark_all_read(actor)
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204) if wants_part(request) else redirect("conversations:notices")
