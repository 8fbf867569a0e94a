"""Which addresses and answers belong to no app?"""

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.http import require_safe

TOO_LARGE = 413


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon, for pages that name none (the admin's) and for browsers that ask unasked."""
    return redirect(static("img/favicon.svg"))


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What cannot be read: 400, or 413 where it is only too much; as a page that needs nothing of the request."""
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent):
        return HttpResponse(render_to_string("413.html"), status=TOO_LARGE)
    return HttpResponse(render_to_string("400.html"), status=400)
