"""Who must have a second factor, and what can somebody do who has none yet?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from routing import selectors
from supervisor_console.kernel.errors import Kind, Refusal
from supervisor_console.kernel.web import refused, wants_part

REQUIRED: Final = Refusal(
    "second_factor_required",
    _("Your role needs a second factor. Set it up on your account page first."),
    kind=Kind.FORBIDDEN,
)

FREE: Final = frozenset(
    {
        "account_login",
        "account_logout",
        "account_change_password",
        "account_reauthenticate",
        "openid_connect_callback",
        "single_sign_on",
        "mfa_index",
        "mfa_activate_totp",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_view_recovery_codes",
        "healthz",
        "favicon",
    }
)
"""The addresses that somebody may still go to: those that lead to a second factor, and out."""


def is_missing(user: Any) -> bool:
    """Whether this person must set up a second factor before anything else."""
    return bool(user.is_authenticated and selectors.lacking_second_factor([user.pk]))


class SecondFactorMiddleware:
    """Leads whoever must have a second factor, and has none, to where it is set up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Before any page, but those that are free."""
        match = request.resolver_match
        if not settings.REQUIRE_SECOND_FACTOR or match is None or match.view_name in FREE:
            return None
        if not is_missing(request.user):
            return None
        if request.method != "GET":
            return refused(request, REQUIRED)
        setup = reverse("mfa_activate_totp")
        return HttpResponse(status=204, headers={"HX-Redirect": setup}) if wants_part(request) else redirect(setup)
