"""Where does django-allauth ask the console what to do?"""

from __future__ import annotations

import time
from typing import Any, Final

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from routing import selectors
from supervisor_console.accounts import guessing, sealing
from supervisor_console.kernel import limits

TOO_MANY_CODES = _("Too many wrong codes. Wait 5 minutes and try again.")
WRONG_CODE = _("This code is not right, or was used before. Wait for the next one and write that.")

NOTES: Final = {
    "account/messages/password_changed.txt": (
        "password_changed",
        _("Your password is changed. Wherever else you were signed in, you are signed out."),
    ),
    "mfa/messages/totp_activated.txt": ("second_factor_set_up", _("Your second factor is set up.")),
    "mfa/messages/totp_deactivated.txt": ("second_factor_removed", _("Your second factor is removed.")),
}
"""What is worth a note when it is done, by the library's name for it; the pages themselves say the rest."""


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators: nobody signs up, and nothing is sent by mail."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _(
            "Please enter a correct user name and password. Note that both fields may be case-sensitive."
        ),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your password."),
        "too_many_login_attempts": TOO_MANY_CODES,
        "rate_limited": TOO_MANY_CODES,
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
        """Deactivated since they gave their password."""
        raise PermissionDenied

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who proved who they are minutes ago need not prove it again, be it by logging in."""
        request = context.request
        records = get_authentication_records(request, request.user)
        is_fresh = any(time.time() - record["at"] < app_settings.REAUTHENTICATION_TIMEOUT for record in records)
        return not is_fresh and bool(super().is_reauthentication_required(app=app, **kwargs))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to the account."""
        return reverse("mfa_index")

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say in our words what is worth a note."""
        if message_template in NOTES:
            code, text = NOTES[message_template]
            messages.add_message(request, level, str(text), extra_tags=code)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Second factors are codes of an app, and recovery codes on paper."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": WRONG_CODE,
        "cannot_delete_authenticator": _(
            "Your role needs a second factor. If you have another phone, ask an administrator to remove this one: "
            "then you set up the new one at your next log-in."
        ),
    }

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        """How the app calls the account: who, at which console."""
        return f"{user.get_username()}@{context.request.get_host()}"

    def build_totp_svg(self, url: str) -> str:
        """The page draws the code itself (qr.py)."""
        return ""

    def encrypt(self, text: str) -> str:
        """As it is written to the database."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """As it was before."""
        return sealing.unseal(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Nobody whose role needs one removes their own."""
        return not selectors.needing_second_factor([authenticator.user_id])
