"""Who comes in at the front door, and how fast may a password be guessed?

Failed attempts are counted by name and address together, so that nobody is kept out by somebody else's guessing; and by
each of the two alone, with more patience, against guessing from many addresses and through many names.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.http import HttpResponse
from django.utils.translation import ngettext

from supervisor_console.kernel import clock, limits
from supervisor_console.kernel.limits import Limit

logger = logging.getLogger("supervisor_console.actions")

TOO_MANY, FAILED = "too_many_attempts", "login_failed"

PAIR = Limit("login", 5, timedelta(minutes=5))
NAME = Limit("login_name", 50, timedelta(hours=1))
ADDRESS = Limit("login_address", 100, timedelta(minutes=15))


class LoginForm(AuthenticationForm):
    """Name and password, looked at only as often as the limits allow."""

    def clean(self) -> dict[str, Any]:
        """As Django does, after the attempt has been counted; one that came right counts no more."""
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password or self.request is None:
            return super().clean()
        name, address = name.casefold(), limits.address_of(self.request)
        now, pair = clock.now(), f"{name} {address}"
        counted = [limits.attempt(limit, who, now) for limit, who in ((PAIR, pair), (NAME, name), (ADDRESS, address))]
        if seconds := max(one.seconds for one in counted):
            limits.take_back(*counted)
            raise too_many(seconds)
        cleaned = super().clean()
        # Not what came from this address under other names: an account of one's own buys no guesses at others.
        limits.take_back(*counted)
        limits.forget(PAIR, pair)
        return cleaned


def too_many(seconds: int) -> ValidationError:
    """The refusal, with how long to wait."""
    minutes = -(-seconds // 60)
    text = ngettext(
        "Too many failed attempts. Wait %(minutes)d minute and try again, or ask an administrator for a new password.",
        "Too many failed attempts. Wait %(minutes)d minutes and try again, or ask an administrator for a new password.",
        minutes,
    )
    return ValidationError(text, code=TOO_MANY, params={"minutes": minutes, "seconds": seconds})


class ConsoleLogin(LoginView):
    """The log-in; too many attempts are answered with 429 and how long to wait."""

    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Show the form again, with what is in the way."""
        refusals = [error for error in form.errors.as_data().get(NON_FIELD_ERRORS, []) if error.code == TOO_MANY]
        code = TOO_MANY if refusals else FAILED
        # Never the name: now and then somebody types a password there.
        logger.info("action=login outcome=refused code=%s address=%s", code, self.request.META.get("REMOTE_ADDR"))
        response = self.render_to_response(self.get_context_data(form=form, code=code))
        if refusals:
            response.status_code = 429
            response.headers["Retry-After"] = str((refusals[0].params or {})["seconds"])
        return response
