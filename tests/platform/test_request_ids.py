"""Can a person who met an error name the very line of the log that tells why? (An id per request.)"""

from __future__ import annotations

import logging
import re
from typing import Any, ClassVar

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from supervisor_console.kernel.requests import HEADER, request_id
from supervisor_console.logs import OneLineFormatter
from supervisor_console.urls import urlpatterns

ID = re.compile(r"[0-9a-f]{16}")


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("as it should")


def is_unreadable(request: HttpRequest) -> HttpResponse:
    raise BadRequest


def is_forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


class WithFaults:
    """The addresses, and some that answer with an error."""

    urlpatterns: ClassVar = [
        path("fails/", fails),
        path("unreadable/", is_unreadable),
        path("forbidden/", is_forbidden),
        *urlpatterns,
    ]


ERRORS = [("/fails/", 500), ("/unreadable/", 400), ("/forbidden/", 403), ("/nowhere/", 404)]


@pytest.mark.parametrize(("url", "status"), ERRORS)
@override_settings(ROOT_URLCONF=WithFaults)
def test_an_error_page_shows_the_id_that_the_answer_and_the_log_carry(
    db: None, url: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(OneLineFormatter())

    answer = Client(raise_request_exception=False).get(url)

    name = answer.headers[HEADER]
    assert answer.status_code == status
    assert ID.fullmatch(name)
    assert f"<code>{name}</code>" in answer.content.decode()
    assert f"request={name}" in caplog.text


def test_a_form_without_its_token_is_refused_with_an_id(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "sara", "password": "x"})

    assert answer.status_code == 403
    assert f"<code>{answer.headers[HEADER]}</code>" in answer.content.decode()


def test_an_error_page_leads_a_customer_back_to_the_chat_and_nobody_else(db: None) -> None:
    strict = Client(enforce_csrf_checks=True)

    for url, back in (("/chat/", "/chat/"), ("/call/", "/chat/"), ("/login/", "/")):
        page = strict.post(url, {"name": "Maja", "text": "Hello"}).content.decode()
        assert f'<a class="btn primary" href="{back}">' in page


@override_settings(ROOT_URLCONF=WithFaults)
@pytest.mark.django_db(transaction=True)
async def test_the_server_that_production_runs_does_the_same() -> None:
    client: Any = AsyncClient(raise_request_exception=False)
    for url, status in ERRORS:
        answer = await client.get(url)

        assert answer.status_code == status
        assert f"<code>{answer.headers[HEADER]}</code>" in answer.content.decode()
    assert request_id() == ""


def test_every_request_has_an_id_of_its_own_that_nobody_outside_chooses(client: Client, db: None) -> None:
    chosen = "0123456789abcdef"
    names = {client.get(url, headers={HEADER: chosen}).headers[HEADER] for url in ("/login/", "/login/", "/healthz")}
    names.add(client.get("/static/css/base.css").headers[HEADER])

    assert len(names) == 4
    assert chosen not in names


def test_outside_a_request_a_line_names_none() -> None:
    record = logging.LogRecord("console", logging.INFO, __file__, 1, "hello", None, None)

    assert "request=" not in OneLineFormatter().format(record)
