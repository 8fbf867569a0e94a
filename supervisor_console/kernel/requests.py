"""Which request is this? One id that its log lines, its answer and its error page share.

It is made here and never taken from the client: what stands in the log cannot be chosen by whoever asks.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "X-Request-ID"
ATTRIBUTE = "request_id"
ID_BYTES = 8

_current: ContextVar[str] = ContextVar("request_id", default="")
_path: ContextVar[str] = ContextVar("request_path", default="")


def request_id() -> str:
    """The id of the request that is being answered; empty outside one."""
    return _current.get()


def request_path() -> str:
    """The path of the request that is being answered; for error pages, which are given nothing of it."""
    return _path.get()


def id_of(request: object) -> str:
    """The id that a request was given; for what Django writes down of it when it has been answered."""
    return str(getattr(request, ATTRIBUTE, ""))


@contextlib.contextmanager
def in_request(request: HttpRequest) -> Iterator[str]:
    """Everything inside belongs to this request; the value is its id."""
    name = secrets.token_hex(ID_BYTES)
    setattr(request, ATTRIBUTE, name)
    token, path_token = _current.set(name), _path.set(request.path)
    try:
        yield name
    finally:
        _current.reset(token)
        _path.reset(path_token)


class RequestIdMiddleware:
    """Gives each request its id, and tells it with the answer. The outermost of all: static files have one too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with in_request(request) as name:
            response = self.get_response(request)
            response.headers[HEADER] = name
            return response
