"""How do people log in with the account that they have elsewhere (OpenID Connect)?

The provider says who it is, with an e-mail address that it has verified. That is compared with the people whom
administrators have made, at each log-in: nothing is linked, and nobody is created.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.openid_connect import views as library
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from routing.models import User
from supervisor_console.kernel import clock, limits
from supervisor_console.kernel.errors import Kind, Refusal
from supervisor_console.kernel.limits import Limit
from supervisor_console.kernel.web import STATUS

logger = logging.getLogger("supervisor_console.actions")

PROVIDER: Final = "single-sign-on"

AWAY = Refusal(
    "sign_on_away",
    _("The service that you sign in with cannot be reached, or gave no clear answer. Try again, or use your password."),
    kind=Kind.BUSY,
)
EXPIRED = Refusal(
    "sign_on_expired",
    _("This way in was open for too long, or was used before. Begin again at the log-in."),
    kind=Kind.INVALID,
)
UNVERIFIED = Refusal(
    "sign_on_unverified",
    _("The service that you sign in with does not say that your e-mail address is verified. Use your password."),
    kind=Kind.FORBIDDEN,
)
UNKNOWN = Refusal(
    "sign_on_unknown",
    _("Nobody here has the e-mail address that you signed in with. Ask an administrator to write it on your page."),
    kind=Kind.FORBIDDEN,
)
AMBIGUOUS = Refusal(
    "sign_on_ambiguous",
    _("Several people here have the e-mail address that you signed in with. Ask an administrator which one is yours."),
    kind=Kind.FORBIDDEN,
)

TOO_MANY = Refusal(
    "too_many_attempts",
    _("From your address, more people set out to sign in than we can believe. Wait 10 min, or use your password."),
    kind=Kind.TOO_OFTEN,
)
STARTS = Limit("sign_on", 300, timedelta(minutes=10))
"""How often somebody may set out from one address; each time the console asks the provider something."""

UNREADABLE = (RequestException, KeyError, TypeError, ValueError, AttributeError)
"""What comes of an answer that is none."""


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Go to the provider, by a page of ours: a form may lead to this site only (Content-Security-Policy)."""
    _require_provider()
    counted = limits.attempt(STARTS, limits.address_of(request), clock.now())
    if counted.seconds:
        limits.take_back(counted)
        return refused(request, TOO_MANY)
    try:
        provider = library.OpenIDConnectOAuth2Adapter(request, PROVIDER).get_provider()
        there = provider.redirect(request, AuthProcess.LOGIN, get_next_redirect_url(request))["Location"]
    except UNREADABLE:
        return refused(request, AWAY)
    if urlsplit(there).scheme not in {"http", "https"}:
        return refused(request, AWAY)
    response = render(request, "account/leaving.html", {"there": there, "provider": settings.SINGLE_SIGN_ON})
    response.headers["Refresh"] = f"0; url={there}"
    return response


@require_GET
def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Back from the provider."""
    _require_provider()
    try:
        response: HttpResponseBase = library.callback(request, provider_id)
    except UNREADABLE:
        return refused(request, AWAY)
    return response


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """A page that says why it was not possible; nothing of what the provider said is logged."""
    logger.info(
        "action=single_sign_on outcome=refused code=%s address=%s", refusal.code, request.META.get("REMOTE_ADDR")
    )
    return render(request, "account/sign_on_failed.html", {"refusal": refusal}, status=STATUS[refusal.kind])


def person_of(claims: dict[str, Any]) -> User | Refusal:
    """Whom the provider means, among the active people here."""
    email = claims.get("email")
    # Some providers write the word instead of the value, and bool("false") is true.
    if not isinstance(email, str) or not email or claims.get("email_verified") not in (True, "true"):
        return UNVERIFIED
    found = [user for user in User.objects.filter(email__iexact=email, is_active=True)[:10] if _is_same(user, email)]
    if len(found) > 1:
        return AMBIGUOUS
    return found[0] if found else UNKNOWN


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """Who comes from the provider is somebody whom we know, or nobody."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find out who it is; whoever it is not stops here."""
        said = sociallogin.account.extra_data
        token, claims = said.get("id_token") or {}, said.get("userinfo") or said.get("id_token") or {}
        subject = claims.get("sub")
        if not isinstance(subject, str) or (token and token.get("sub") != subject):
            raise ImmediateHttpResponse(refused(request, AWAY))
        found = person_of(claims)
        if isinstance(found, Refusal):
            raise ImmediateHttpResponse(refused(request, found))
        sociallogin.user = found

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        """Cancelled there: back to the log-in. Else say which of the two went wrong."""
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(redirect("account_login"))
        is_ours = exception is None and "error" not in request.GET
        raise ImmediateHttpResponse(refused(request, EXPIRED if is_ours else AWAY))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Administrators make accounts."""
        return False


def _require_provider() -> None:
    if not settings.SINGLE_SIGN_ON:
        raise Http404


def _is_same(user: User, email: str) -> bool:
    """Letters that only look alike, or become alike in capitals, are other letters."""
    if user.email.isascii() and email.isascii():
        return user.email.lower() == email.lower()
    return user.email == email
