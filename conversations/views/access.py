"""Who is at the door: the actor of a request, and pages for one role only."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse

from conversations import policy
from conversations.models import Customer
from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel.actor import Actor, customer_actor
from supervisor_console.kernel.errors import ActionRefused, NotVisible

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
ActorView = Callable[Concatenate[HttpRequest, Actor, P], HttpResponse]

CUSTOMER_COOKIE = "chat"
CUSTOMER_SALT = "conversations.chat"
CUSTOMER_COOKIE_AGE = 180 * 24 * 3600


def person(request: HttpRequest) -> Actor:
    """The actor of a signed-in request, built once per request."""
    known: Actor | None = vars(request).get("actor")
    if known is None:
        known = vars(request)["actor"] = routing_selectors.actor_for(cast(User, request.user))
    return known


def supervisors(view: ActorView[P]) -> View[P]:
    """A page for supervisors; others get the refusal ``not_supervisor``, strangers the log-in."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        actor = person(request)
        if not actor.is_supervisor:
            raise ActionRefused(policy.NOT_SUPERVISOR)
        return view(request, actor, *args, **kwargs)

    return cast(View[P], guarded)


def agents(view: ActorView[P]) -> View[P]:
    """A page for agents; others get the refusal ``not_agent``, strangers the log-in."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        actor = person(request)
        if not actor.is_agent:
            raise ActionRefused(policy.NOT_AGENT)
        return view(request, actor, *args, **kwargs)

    return cast(View[P], guarded)


def people(view: ActorView[P]) -> View[P]:
    """A page for everybody who is signed in."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(request, person(request), *args, **kwargs)

    return cast(View[P], guarded)


# --- customers: a signed cookie instead of a log-in -------------------------------------------------------


def customer_key_in(cookie: str) -> str:
    """The customer's key in a signed cookie; empty where the cookie is missing, forged or too old."""
    try:
        return str(signing.loads(cookie, salt=CUSTOMER_SALT, max_age=CUSTOMER_COOKIE_AGE))
    except signing.BadSignature:
        return ""


def customer(request: HttpRequest) -> Actor | None:
    """The customer whose browser this is, if they have been here before."""
    key = customer_key_in(request.COOKIES.get(CUSTOMER_COOKIE, ""))
    found = Customer.objects.filter(key=key).first() if key else None
    return customer_actor(found.pk, found.name) if found is not None else None


def required_customer(request: HttpRequest) -> Actor:
    """The customer, or ``NotVisible``: a chat is found only by the browser that began it."""
    found = customer(request)
    if found is None:
        raise NotVisible
    return found


def remember_customer(response: HttpResponse, customer_id: int, *, secure: bool) -> None:
    """Let this browser be the customer's: an http-only signed cookie."""
    key = Customer.objects.values_list("key", flat=True).get(pk=customer_id)
    response.set_cookie(
        CUSTOMER_COOKIE,
        signing.dumps(key, salt=CUSTOMER_SALT),
        max_age=CUSTOMER_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=secure,
    )
