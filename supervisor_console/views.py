"""Which addresses belong to no app?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon, for pages that name none (the admin's) and for browsers that ask unasked."""
    return redirect(static("img/favicon.svg"))
