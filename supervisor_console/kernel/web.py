"""What views share: page or part, and refusals turned into answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails

from supervisor_console.kernel import idempotency
from supervisor_console.kernel.errors import BUSY, ActionRefused, ConfirmationNeeded, Kind, Refusal
from supervisor_console.kernel.locking import is_lock_timeout

STATUS: Mapping[Kind, int] = {
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.INVALID: 422,
    Kind.BUSY: 503,
    Kind.TOO_OFTEN: 429,
}
CONFIRMATION_STATUS = 409
RETRY_AFTER_SECONDS = "5"


class _HtmxRequest(HttpRequest):
    """What the middleware of django-htmx makes of a request."""

    htmx: HtmxDetails


def htmx(request: HttpRequest) -> HtmxDetails:
    """The request's htmx details, typed; also of one that did not get as far as the middleware which sets them."""
    return cast(_HtmxRequest, request).htmx if hasattr(request, "htmx") else HtmxDetails(request)


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asked for a part; boosted links and restored history want the whole page."""
    details = htmx(request)
    return bool(details) and not details.boosted and not details.history_restore_request


def page_or_part(
    request: HttpRequest, page: str, part: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render the whole page, or only the part that htmx asked for; caches are told apart."""
    response = render(request, part if wants_part(request) else page, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Boosted", "HX-History-Restore-Request"])
    return response


def toast(
    response: HttpResponse, text: str, *, level: str = "success", code: str = "", url: str = "", label: str = ""
) -> HttpResponse:
    """Ask the page to show a toast when this answer arrives; several may be added."""
    triggers = json.loads(response.headers.get("HX-Trigger", "{}"))
    triggers["toast"] = {"text": text, "level": level, "code": code, "url": url, "label": label}
    response.headers["HX-Trigger"] = json.dumps(triggers)
    return response


def trigger(response: HttpResponse, name: str) -> HttpResponse:
    """Ask the page to fire a browser event when this answer arrives."""
    triggers = json.loads(response.headers.get("HX-Trigger", "{}"))
    triggers[name] = True
    response.headers["HX-Trigger"] = json.dumps(triggers)
    return response


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The answer to a refused action: a toast for htmx, a page with the sentence otherwise."""
    status = STATUS[refusal.kind]
    if wants_part(request):
        response = HttpResponse(status=status)
        response.headers["HX-Reswap"] = "none"
        return trigger(toast(response, refusal.sentence, level="error", code=refusal.code), "refused")
    return render(request, "refusal.html", {"refusal": refusal}, status=status)


def unavailable(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The answer while the database cannot do it: as ``refused``, but the page asks it for nothing.

    A part that is fetched brings the sentence as it is: whether somebody asked for it, or the page did by itself and
    will again, the page knows.
    """
    if wants_part(request):
        response = HttpResponse(refusal.sentence, content_type="text/plain", headers={"HX-Reswap": "none"})
        if request.method != "GET":
            toast(response, refusal.sentence, level="error", code=refusal.code)
    else:
        response = HttpResponse(render_to_string("503.html", {"refusal": refusal}))
    response.status_code = STATUS[refusal.kind]
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


class RefusalMiddleware:
    """Maps what services raise to answers, in one place for every address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content and not wants_part(request):
            response.content = render_to_string("405.html", request=request)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer refusals and lock timeouts; every other error stays an error."""
        if isinstance(error, ActionRefused):
            return refused(request, error.refusal)
        if isinstance(error, ConfirmationNeeded):
            first = error.cautions[0]
            return refused(request, Refusal(first.code, first.text, first.numbers))
        if isinstance(error, OperationalError) and is_lock_timeout(error):
            return refused(request, BUSY)
        return None


class IdempotencyMiddleware:
    """Gives the actions of a POST the key that its form or its header carries."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self.get_response(request)
        key = request.headers.get(idempotency.HEADER) or request.POST.get(idempotency.FIELD, "")
        with idempotency.request_key(key):
            return self.get_response(request)
