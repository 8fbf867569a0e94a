"""Being built."""

from django.http import HttpRequest, HttpResponse


def desk(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def set_presence(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def accept(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def reject(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def conversation(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def send(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def pick(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def revive(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def end(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def close_session(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def release(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def finish_wrap_up(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)


def leave_consult(request: HttpRequest, **ids: object) -> HttpResponse:
    """Being built."""
    return HttpResponse(status=501)
