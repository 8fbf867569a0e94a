"""Somebody with a password, in a browser; what their phone shows; and what they see."""

from __future__ import annotations

import re
import time

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client

from routing.models import User
from supervisor_console.accounts import sealing

PASSWORD = "a long enough one"
BROWSER = Client()
"""One for all that need no second browser: each would look through every static file at its first request."""


def browser() -> Client:
    """A browser that nobody used before."""
    BROWSER.cookies.clear()
    return BROWSER


def log_in(who: Client, name: str, password: str = PASSWORD, **more: str) -> HttpResponseBase:
    """Name and password."""
    return who.post("/login/", {"username": name, "password": password, **more})


def code_of(secret: str, step: int = 0) -> str:
    """What the phone shows now, or so many steps of 30 s later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step)))


def page_of(answer: HttpResponseBase) -> str:
    """What an answer that is no stream shows."""
    assert isinstance(answer, HttpResponse)
    return answer.content.decode()


def secret_on(page: str) -> str:
    """The secret that the page of the second factor shows."""
    found = re.search(r"data-secret>([A-Z2-7 ]+)<", page)
    assert found is not None
    return found[1].replace(" ", "")


def give_second_factor(user: User) -> str:
    """Set one up, as the page does; the value is its secret."""
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": sealing.seal(secret)})
    return secret
