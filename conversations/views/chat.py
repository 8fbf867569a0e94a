"""Being built."""

from django.http import HttpRequest, HttpResponse


def start(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def conversation(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def send(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def end(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)
