"""Being built."""

from django.http import HttpRequest, HttpResponse


def ongoing(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)
