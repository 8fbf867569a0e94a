"""Which request is this? One id that its log lines, its answer and its error page share.

It is made here and never taken from the client: what stands in the log cannot be chosen by whoever asks.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

HEADER = "X-Request-ID"
ATTRIBUTE = "request_id"
ID_BYTES = 8

_current: ContextVar[str] = ContextVar("request_id", default="")

Sync = Callable[[HttpRequest], HttpResponseBase]
Async = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def request_id() -> str:
    """The id of the request that is being answered; empty outside one."""
    return _current.get()


def id_of(request: object) -> str:
    """The id that a request was given; for what Django writes down of it when it has been answered."""
    return str(getattr(request, ATTRIBUTE, ""))


@contextlib.contextmanager
def in_request(request: HttpRequest) -> Iterator[str]:
    """Everything inside belongs to this request; the value is its id."""
    name = secrets.token_hex(ID_BYTES)
    setattr(request, ATTRIBUTE, name)
    token = _current.set(name)
    try:
        yield name
    finally:
        _current.reset(token)


@sync_and_async_middleware
def request_id_middleware(get_response: Sync | Async) -> Sync | Async:
    """Gives each request its id, and tells it with the answer. The outermost of all: static files have one too."""
    if iscoroutinefunction(get_response):
        answer_later = cast(Async, get_response)

        async def later(request: HttpRequest) -> HttpResponseBase:
            with in_request(request) as name:
                response = await answer_later(request)
                response.headers[HEADER] = name
                return response

        return later

    answer = cast(Sync, get_response)

    def at_once(request: HttpRequest) -> HttpResponseBase:
        with in_request(request) as name:
            response = answer(request)
            response.headers[HEADER] = name
            return response

    return at_once
