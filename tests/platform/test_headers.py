"""Does every answer carry the headers that keep a browser from harm, whatever it answers?"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client, override_settings
from pytest_django import Settings

from supervisor_console.kernel.headers import HEADERS
from tests.cast import Floor, make_floor
from tests.platform.test_request_ids import WithFaults

ALWAYS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Permissions-Policy": HEADERS["Permissions-Policy"],
}

Asking = Callable[[Client], HttpResponseBase]

ANSWERS: dict[str, Asking] = {
    "a page": lambda who: who.get("/conversations/"),
    "a part": lambda who: who.get("/conversations/", headers={"HX-Request": "true"}),
    "the log-in": lambda who: Client().get("/login/"),
    "the customer's page": lambda who: Client().get("/chat/"),
    "a redirect": lambda who: Client().get("/conversations/"),
    "health": lambda who: who.get("/healthz"),
    "a static file": lambda who: who.get("/static/js/main.js"),
    "a static file that is not there": lambda who: who.get("/static/js/none.js"),
    "400": lambda who: who.get("/unreadable/"),
    "a wrong host": lambda who: who.get("/login/", headers={"Host": "evil.example.org"}),
    "403": lambda who: who.get("/forbidden/"),
    "a form without its token": lambda who: Client(enforce_csrf_checks=True).post("/chat/", {"name": "Maja"}),
    "404": lambda who: who.get("/nowhere/"),
    "405": lambda who: who.post("/conversations/"),
    "500": lambda who: who.get("/fails/"),
    "the administration": lambda who: who.get("/admin/"),
    "the administration's scripts": lambda who: who.get("/admin/jsi18n/"),
}


@pytest.fixture
def floor(db: None) -> Floor:
    return make_floor()


def policy(answer: HttpResponseBase) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";") if part.strip())
    return {name: values for name, *values in parts}


@override_settings(ROOT_URLCONF=WithFaults)
@pytest.mark.parametrize("what", ANSWERS)
def test_every_answer_carries_every_header(floor: Floor, what: str) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(floor.otto if "administration" in what else floor.sara)

    answer = ANSWERS[what](browser)

    assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
    found = policy(answer)
    assert found["default-src"] == found["object-src"] == found["base-uri"] == found["frame-ancestors"] == ["'none'"]
    for sources in found.values():
        assert all(re.fullmatch(r"'self'|'none'|'nonce-[\w+/=-]+'", source) for source in sources), found
    is_file = what == "a static file"
    assert ("no-store" in answer.headers["Cache-Control"]) != is_file


@override_settings(ROOT_URLCONF=WithFaults)
@pytest.mark.django_db(transaction=True)
async def test_so_it_is_on_the_server_that_production_runs() -> None:
    client: Any = AsyncClient(raise_request_exception=False)
    for url in ("/login/", "/nowhere/", "/fails/", "/static/js/main.js"):
        answer = await client.get(url)

        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, url
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_nonce_is_good_for_one_page(floor: Floor, client: Client) -> None:
    client.force_login(floor.sara)
    nonces = [
        next(source for source in policy(client.get("/conversations/"))["script-src"] if source.startswith("'nonce-"))
        for _ in range(2)
    ]

    assert nonces[0] != nonces[1]


def test_behind_tls_the_browser_is_told_to_stay_there(settings: Settings, client: Client) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 3600
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    plain = Client().get("/login/")
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://testserver/login/")
    assert "default-src 'none'" in plain.headers["Content-Security-Policy"]
    secure = Client().get("/static/js/main.js", headers={"X-Forwarded-Proto": "https"})
    assert "max-age=3600" in secure.headers["Strict-Transport-Security"]


def test_cookies_are_kept_from_scripts_and_other_sites(floor: Floor) -> None:
    browser = Client()
    browser.post("/chat/", {"name": "Maja", "text": "Hello"})
    floor.sara.set_password("a long enough one")
    floor.sara.save()
    browser.post("/login/", {"username": "sara", "password": "a long enough one"})

    for name in ("chat", "sessionid"):
        assert browser.cookies[name]["httponly"]
        assert browser.cookies[name]["samesite"] == "Lax"
    assert browser.cookies["csrftoken"]["samesite"] == "Lax"
