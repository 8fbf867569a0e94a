"""Which pages does an account have?"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes import views as recovery_views
from allauth.mfa.totp import views as totp_views
from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.generic.base import ContextMixin

from supervisor_console.accounts import qr, second_factor
from supervisor_console.accounts.guessing import TOO_MANY

logger = logging.getLogger("supervisor_console.actions")

FAILED, WRONG_CODE = "login_failed", "incorrect_code"

ALONE: dict[str, Any] = {"live_url": "", "nav": [], "notices_url": "", "is_agent": False, "is_supervisor": False}
"""What a page has around it for somebody who may go nowhere else yet: nothing that asks the server."""


class LoginView(account_views.LoginView):
    """The log-in; too many attempts are answered with 429 and how long to wait."""

    template_name = "account/login.html"

    def form_invalid(self, form: Form) -> HttpResponse:
        """Show the form again, with what is in the way."""
        refusals = [error for error in form.errors.as_data().get(NON_FIELD_ERRORS, []) if error.code == TOO_MANY]
        code = TOO_MANY if refusals else FAILED
        # Never the name: now and then somebody types a password there.
        logger.info("action=login outcome=refused code=%s address=%s", code, self.request.META.get("REMOTE_ADDR"))
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form, code=code))
        if refusals:
            response.status_code = 429
            response.headers["Retry-After"] = str((refusals[0].params or {})["seconds"])
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With where to go on afterwards, and the other way in."""
        return {
            **super().get_context_data(**kwargs),
            "next": self.get_next_url() or "",
            "single_sign_on": settings.SINGLE_SIGN_ON,
        }


class CodeView(mfa_views.AuthenticateView):
    """The second step of the log-in."""

    template_name = "account/code.html"

    def form_invalid(self, form: Form) -> HttpResponse:
        """Show the form again, with what is in the way."""
        address = self.request.META.get("REMOTE_ADDR")
        logger.info("action=second_factor outcome=refused code=%s address=%s", WRONG_CODE, address)
        response: HttpResponse = super().form_invalid(form)
        return response


class AccountPage(LoginRequiredMixin, ContextMixin):
    """A page of the own account."""

    request: HttpRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Alone, for somebody who must set up a second factor first."""
        found = super().get_context_data(**kwargs)
        if second_factor.is_missing(self.request.user):
            found |= {**ALONE, "is_required": True}
        return found


class AccountView(AccountPage, mfa_views.IndexView):
    """What somebody can see and change about their own account."""

    template_name = "account/account.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Password and second factor."""
        found = super().get_context_data(**kwargs)
        kept = found["authenticators"]
        totp, codes = kept.get(Authenticator.Type.TOTP), kept.get(Authenticator.Type.RECOVERY_CODES)
        return {
            **found,
            "has_password": self.request.user.is_authenticated and self.request.user.has_usable_password(),
            "set_up_at": totp.instance.created_at if totp is not None else None,
            "codes_left": len(codes.get_unused_codes()) if codes is not None else 0,
        }


class PasswordView(AccountPage, account_views.PasswordChangeView):
    """Another password; the other sessions of the same person end with the old one."""

    template_name = "account/password.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who has no password has nothing to change."""
        if request.user.is_authenticated and not request.user.has_usable_password():
            return redirect("mfa_index")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


class ConfirmView(AccountPage, account_views.ReauthenticateView):
    """The own password once more, before something that matters."""

    template_name = "account/confirm.html"


class ConfirmCodeView(AccountPage, mfa_views.ReauthenticateView):
    """A code once more, before something that matters."""

    template_name = "account/confirm.html"


class SetUpView(AccountPage, totp_views.ActivateTOTPView):
    """An app learns the secret, and shows that it did."""

    template_name = "account/set_up.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the secret as a drawing and as letters in groups of four."""
        found = super().get_context_data(**kwargs)
        secret = found["form"].secret
        groups = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
        return {**found, "drawing": qr.draw(found["totp_url"]), "secret": groups}


class RemoveView(AccountPage, totp_views.DeactivateTOTPView):
    """Without a second factor again."""

    template_name = "account/remove.html"


class RecoveryCodesView(AccountPage, recovery_views.ViewRecoveryCodesView):
    """The codes for the day on which the phone is gone."""

    template_name = "account/recovery_codes.html"


class NewRecoveryCodesView(AccountPage, recovery_views.GenerateRecoveryCodesView):
    """Other codes instead of those."""

    template_name = "account/new_recovery_codes.html"
