"""Does single sign-on let in whom administrators know, and nobody else? With a provider that really answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.http.response import HttpResponseBase
from django.test import Client
from pytest_django import Settings

from routing.models import User
from supervisor_console.accounts import single_sign_on
from supervisor_console.accounts.single_sign_on import AMBIGUOUS, UNKNOWN, UNVERIFIED, person_of
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.limits import Limit
from tests.accounts import provider as providers
from tests.accounts.people import PASSWORD, browser, code_of, give_second_factor, page_of
from tests.accounts.provider import Provider
from tests.cast import make_user

BACK = "/login/single-sign-on/callback/"
EMAIL = "sara.test@example.org"


@pytest.fixture(scope="module")
def server() -> Iterator[Provider]:
    with providers.running() as running:
        yield running


@pytest.fixture
def provider(server: Provider, settings: Settings) -> Provider:
    """The provider, which knows Sara, and a console that is set up for it."""
    server.begin(claims={"email": EMAIL, "email_verified": True})
    settings.SINGLE_SIGN_ON = "Example"
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": single_sign_on.PROVIDER,
                    "name": "Example",
                    "client_id": providers.CLIENT,
                    "secret": providers.SECRET,
                    "settings": {"server_url": server.address},
                }
            ],
        }
    }
    return server


@pytest.fixture
def sara(db: None) -> User:
    sara = make_user("sara", Role.SUPERVISOR, password=PASSWORD)
    User.objects.filter(pk=sara.pk).update(email="Sara.Test@example.org")
    return sara


def leave(who: Client, **fields: str) -> str:
    """The button of the log-in; where the browser is sent on to."""
    answer = who.post("/login/single-sign-on/", fields)
    assert answer.status_code == 200
    return str(answer.headers["Refresh"]).removeprefix("0; url=")


def at_the_provider(url: str) -> str:
    """The way back, which the provider sends the browser on."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    assert answer.status == 302
    there = str(answer.headers["Location"])
    connection.close()
    return there.removeprefix("http://testserver")


def sign_on(who: Client, **fields: str) -> HttpResponseBase:
    """There and back again."""
    return who.get(at_the_provider(leave(who, **fields)))


def code_on(answer: HttpResponseBase) -> str:
    """The code of a refusal."""
    found = re.search(r'data-code="(\w+)"', page_of(answer))
    return found[1] if found is not None else ""


# --- the way in -------------------------------------------------------------------------------------------------------


def test_who_is_known_by_a_verified_address_comes_in(provider: Provider, sara: User) -> None:
    who = browser()
    assert "Log in with Example" in page_of(who.get("/login/"))

    answer = sign_on(who, next="/agents/")

    assert answer.headers["Location"] == "/agents/"
    assert who.get("/conversations/").status_code == 200
    assert {"/.well-known/openid-configuration", "/authorize", "/token", "/userinfo"} <= set(provider.asked)
    assert not SocialAccount.objects.exists()
    assert not EmailAddress.objects.exists()
    sara.refresh_from_db()
    assert sara.check_password(PASSWORD)


def test_the_session_that_somebody_planted_is_not_the_one_that_comes_in(provider: Provider, sara: User) -> None:
    who = browser()
    way = leave(who)
    planted = who.cookies["sessionid"].value

    who.get(at_the_provider(way))

    assert who.cookies["sessionid"].value != planted


def test_a_second_factor_is_asked_for_here_too(provider: Provider, sara: User) -> None:
    secret = give_second_factor(sara)
    who = browser()

    assert sign_on(who).headers["Location"] == "/login/code/"
    assert "_auth_user_id" not in who.session
    assert who.post("/login/code/", {"code": code_of(secret)}).headers["Location"] == "/"


def test_nobody_is_sent_to_another_site_afterwards(provider: Provider, sara: User) -> None:
    assert sign_on(browser(), next="https://evil.example.org/").headers["Location"] == "/"


# --- who does not come in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"email": "nobody@example.org", "email_verified": True}, "sign_on_unknown"),
        ({"email": EMAIL}, "sign_on_unverified"),
        ({"email": EMAIL, "email_verified": False}, "sign_on_unverified"),
        ({"email": EMAIL, "email_verified": "false"}, "sign_on_unverified"),
        ({}, "sign_on_unverified"),
        ({"email": EMAIL, "email_verified": True, "sub": "another"}, "sign_on_away"),
        ({"email": EMAIL, "email_verified": True, "sub": ""}, "sign_on_away"),
    ],
)
def test_whoever_else_is_told_why_and_nobody_is_created(
    provider: Provider, sara: User, claims: dict[str, Any], code: str
) -> None:
    provider.claims = claims
    who = browser()

    answer = sign_on(who)

    assert code_on(answer) == code
    assert answer.status_code in {403, 503}
    assert "_auth_user_id" not in who.session
    assert User.objects.exclude(agent__is_bot=True).count() == 1


@pytest.mark.parametrize(
    "token",
    [{"aud": "another console"}, {"iss": "https://evil.example.org"}, {"exp": 1}, {"sub": "another"}],
    ids=["for another", "from another", "of long ago", "about another"],
)
def test_a_token_that_is_not_for_this_console_opens_nothing(
    provider: Provider, sara: User, token: dict[str, Any]
) -> None:
    provider.token = token
    who = browser()

    assert code_on(sign_on(who)) == "sign_on_away"
    assert "_auth_user_id" not in who.session


def test_a_way_back_opens_once_and_only_where_it_began(provider: Provider, sara: User) -> None:
    who, thief = browser(), Client()
    way = at_the_provider(leave(who))

    assert code_on(thief.get(way)) == "sign_on_expired"
    assert who.get(way).status_code == 302
    assert code_on(who.get(way)) == "sign_on_expired"
    assert code_on(thief.get(f"{BACK}?code=x&state=y")) == "sign_on_expired"


def test_who_cancels_is_back_at_the_log_in(provider: Provider, sara: User) -> None:
    provider.answer = "cancel"

    assert sign_on(browser()).headers["Location"] == "/login/"


def test_nobody_gets_at_an_account_by_connecting_to_it(provider: Provider, sara: User) -> None:
    """The library could link a provider's account with whoever is signed in: here nothing asks for it."""
    provider.claims = {"email": "thief@example.org", "email_verified": True}
    who = browser()
    who.force_login(sara)
    way = dict(parse_qsl(urlsplit(leave(who, process="connect", action="reauthenticate")).query))
    assert set(way["scope"].split()) == {"openid", "profile", "email"}

    sign_on(who, process="connect")

    assert not SocialAccount.objects.exists()


def test_a_provider_that_is_away_or_confused_is_said_to_be(provider: Provider, settings: Settings, db: None) -> None:
    provider.is_broken = True
    confused = browser().post("/login/single-sign-on/")
    settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    away = browser().post("/login/single-sign-on/")

    assert (confused.status_code, code_on(confused)) == (503, "sign_on_away")
    assert (away.status_code, code_on(away)) == (503, "sign_on_away")


@pytest.mark.parametrize(
    "error", ["", "?error=server_error", "?code=%00&state=%FF", "?code[]=1", "?state=" + "x" * 5000]
)
def test_what_nobody_sent_back_opens_nothing(provider: Provider, sara: User, error: str) -> None:
    assert code_on(browser().get(f"{BACK}{error}")) in {"sign_on_expired", "sign_on_away"}


def test_a_provider_whose_answer_names_nobody_is_said_to_be_confused(provider: Provider, sara: User) -> None:
    provider.token = {"sub": None}
    provider.claims = {"sub": None, "email": EMAIL, "email_verified": True}

    assert code_on(sign_on(browser())) == "sign_on_away"


def test_nobody_makes_the_console_ask_the_provider_without_end(
    provider: Provider, sara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_sign_on, "STARTS", Limit("sign_on", 2, timedelta(minutes=10)))

    answers = [browser().post("/login/single-sign-on/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert code_on(answers[-1]) == "too_many_attempts"
    assert len(provider.asked) == 2


def test_without_a_provider_there_is_no_button_and_no_address(sara: User) -> None:
    who = browser()

    assert "single-sign-on" not in page_of(who.get("/login/"))
    assert who.post("/login/single-sign-on/").status_code == 404
    assert who.get(BACK).status_code == 404


# --- whom an address means --------------------------------------------------------------------------------------------


def named(email: str) -> dict[str, Any]:
    return {"email": email, "email_verified": True}


def test_an_address_means_one_active_person(sara: User) -> None:
    assert person_of(named("SARA.TEST@EXAMPLE.ORG")) == sara
    assert person_of(named("s\u0430ra.test@example.org")) == UNKNOWN  # a Cyrillic a
    assert person_of(named("")) == UNVERIFIED
    assert person_of({"email": ["sara.test@example.org"], "email_verified": True}) == UNVERIFIED

    User.objects.filter(pk=sara.pk).update(is_active=False)
    assert person_of(named(EMAIL)) == UNKNOWN


def test_letters_that_only_look_alike_in_capitals_are_others(sara: User) -> None:
    User.objects.filter(pk=sara.pk).update(email="mike@example.org")

    assert person_of(named("m\u0131ke@example.org")) == UNKNOWN
    assert person_of(named("mi\u212ae@example.org")) == UNKNOWN


def test_an_address_that_two_have_means_neither(sara: User) -> None:
    other = make_user("sarah", Role.AGENT)
    User.objects.filter(pk=other.pk).update(email=EMAIL)

    assert person_of(named(EMAIL)) == AMBIGUOUS
