"""Where does django-allauth ask the console what to do?"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from supervisor_console.accounts import guessing
from supervisor_console.kernel import limits


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators: nobody signs up, and nothing is sent by mail."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _(
            "Please enter a correct user name and password. Note that both fields may be case-sensitive."
        ),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your password."),
        "incorrect_code": _("This code is not right, or was used before. Wait for the next one and write that."),
        "too_many_login_attempts": _("Too many wrong codes. Wait 5 minutes and try again."),
        "rate_limited": _("Too many wrong codes. Wait 5 minutes and try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Administrators make accounts."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Every answer is a page."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """As everywhere: what the server says, which behind TLS has it of the proxy."""
        return limits.address_of(request)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Look at name and password, only as often as the limits allow."""
        name = str(credentials.get("username", ""))
        attempt = guessing.count(request, name)
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user is not None:
            attempt.take_back()
            guessing.forget(request, name)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counted already, by name and address together."""

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> Any:
        """Somebody who is deactivated, and whom single sign-on knows."""
        raise PermissionDenied
