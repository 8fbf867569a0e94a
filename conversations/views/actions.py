"""Being built."""

from django.http import HttpRequest, HttpResponse


def monitor(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def stop_monitoring(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def join(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def leave(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def assign(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def assign_to_queue(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def transfer(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def cancel_transfer(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def force_close(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)
