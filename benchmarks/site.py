"""The console with one more address, which answers with nothing: what any answer of this server costs at least."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from supervisor_console.urls import urlpatterns as console


def bare(request: HttpRequest) -> HttpResponse:
    """Through all the middleware, and back."""
    return HttpResponse("ok")


urlpatterns = [path("bare/", bare), *console]
