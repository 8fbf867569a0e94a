"""Which addresses and answers belong to no app?"""

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from supervisor_console.kernel import outage
from supervisor_console.kernel.web import unavailable

TOO_LARGE = 413
FAILED = 500


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon, for pages that name none (the admin's) and for browsers that ask unasked."""
    return redirect(static("img/favicon.svg"))


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What cannot be read: 400, or 413 where it is only too much; as a page that needs nothing of the request."""
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent):
        return HttpResponse(render_to_string("413.html"), status=TOO_LARGE)
    return HttpResponse(render_to_string("400.html"), status=400)


def failed(request: HttpRequest) -> HttpResponse:
    """What went wrong on our side: 503 with what to do where the database is the cause, else 500.

    Django calls it while it handles the error, wherever that was raised: in a view, or in what runs before one.
    """
    refusal = outage.refusal_of(sys.exc_info()[1])
    if refusal is not None:
        return unavailable(request, refusal)
    return HttpResponse(render_to_string("500.html"), status=FAILED)
