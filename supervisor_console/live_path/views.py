"""Which addresses does the page of the live path have? The page or its part, and the probe. Administrators only."""

from __future__ import annotations

import uuid
from typing import cast

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import action, announce
from supervisor_console.kernel.web import page_or_part, wants_part
from supervisor_console.live_path.asking import ask
from supervisor_console.live_path.hops import hops, summary, worst

REFRESH_SECONDS = 5


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The path step by step; with htmx the part that the page asks for again every few seconds."""
    found = hops(async_to_sync(ask)())
    *steps, background = found
    context = {
        "steps": steps,
        "background": background,
        "summary": summary(found),
        "state": worst(*(hop.state for hop in found)),
        "refresh_seconds": REFRESH_SECONDS,
        "asked_at": clock.now(),
    }
    if not wants_part(request):
        context |= {
            **admin.site.each_context(request),
            "title": _("Live path"),
            "texts": texts(),
            "probe_url": reverse("admin:live_path_probe"),
            "health_url": reverse("healthz"),
        }
    return page_or_part(request, "admin/live_path/page.html", "admin/live_path/_hops.html", context)


@require_POST
def probe(request: HttpRequest) -> JsonResponse:
    """Announce a probe to the one who asks, as any action announces: through the outbox and the channel layer.

    The page that sent it measures how long it takes from here to its socket.
    """
    name = uuid.uuid4().hex
    with action():
        announce(
            [f"user:{cast(int, request.user.pk)}"],
            {"type": "probe", "probe": name, "at": clock.now().isoformat()},
        )
    return JsonResponse({"probe": name})


def texts() -> dict[str, str]:
    """What the page's script says of the steps that only a browser can ask."""
    return {
        "ok": _("OK"),
        "slow": _("Slow"),
        "failing": _("Failing"),
        "idle": _("Not in use"),
        "asking": _("Asking …"),
        "all_ok": _("Every step works."),
        "all_slow": _("Slow: {names}."),
        "all_failing": _("Failing: {names}."),
        "ms": _("{n} ms"),
        "socket_refused": _("The socket was refused (code {code})."),
        "socket_closed": _("The socket closed (code {code}); trying again."),
        "socket_silent": _("The socket is open, but no answer to a ping came within {n} s."),
        "signed_out": _("You are signed out, or no longer allowed to see this. Load the page again."),
        "via_layer": _("through the channel layer"),
        "via_outbox": _("through the outbox"),
        "probe_lost": _("The probe was committed, but it did not arrive within {n} s."),
        "probe_refused": _("The probe could not be sent: the server answered {code}."),
        "probe_failed": _("The probe could not be sent: the server cannot be reached."),
        "probe_no_socket": _("Without a socket nothing can arrive: look at that step first."),
        "stale": _("Not asked again since {time}: what stands here may no longer be true."),
        "health_database": _("The server answers, but it cannot reach its database."),
        "health_push": _("The server answers, but it cannot reach its channel layer."),
        "health_ok": _("The server says that it is well; it may be busy."),
        "health_none": _("The server does not answer. Is it running, and does the proxy lead to it?"),
    }
