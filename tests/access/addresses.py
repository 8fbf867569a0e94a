"""Which addresses has the console? Read off the URL configuration, so that none can be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern

from conversations.consumers import websocket_urlpatterns

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
"""A place in an address that a request fills, as in ``conversations/<int:conversation_id>/``."""


def addresses(patterns: Iterable[URLPattern | URLResolver] | None = None, before: str = "") -> Iterator[str]:
    """Every address of the console, as the URL configuration writes it."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, before + str(pattern.pattern))
        else:
            yield before + _written(pattern)


def _written(pattern: URLPattern) -> str:
    """The address; the two of the admin that are expressions get places instead."""
    if not isinstance(pattern.pattern, RegexPattern):
        return str(pattern.pattern)
    return re.sub(r"\(\?P<(\w+)>.*?\)", r"<\1>", str(pattern.pattern)).strip("^$")


def sockets() -> list[str]:
    """Every socket of the console."""
    patterns: list[Any] = list(websocket_urlpatterns)
    return [str(pattern.pattern) for pattern in patterns]


def filled(address: str, places: Mapping[str, object]) -> str:
    """The address of one thing; a place that nothing fills is an error."""
    return "/" + PLACE.sub(lambda found: str(places[found[1]]), address)
