"""Being built."""

from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def panel(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def send(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)
