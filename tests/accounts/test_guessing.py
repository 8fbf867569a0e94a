"""Is guessing passwords slow, and does the log-in tell nobody which names there are?"""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from typing import Any

import pytest
from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import Rate, get_rates
from django.contrib.auth import hashers
from django.db import connection
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client
from django.utils import timezone

from routing.models import User
from supervisor_console.accounts import guessing
from supervisor_console.accounts.views import FAILED
from supervisor_console.kernel import limits
from supervisor_console.models import Cached
from tests.cast import make_user
from tests.concurrency.together import together

PASSWORD = "a long enough one"
WRONG = "a wrong one"
BROWSER = Client()
"""One for all: each would look through every static file at its first request."""


def rate(action: str) -> Rate:
    return get_rates(app=guessing.APP, action=action)[0]


PAIR, NAME, ADDRESS = (rate(action).amount for action in (guessing.PAIR, guessing.NAME, guessing.ADDRESS))


def guess(name: str = "sara", password: str = WRONG, address: str = "192.0.2.1") -> HttpResponseBase:
    """Somebody at the log-in, in a browser that nobody used before."""
    BROWSER.cookies.clear()
    return BROWSER.post("/login/", {"username": name, "password": password}, REMOTE_ADDR=address)


def page_of(answer: HttpResponseBase) -> str:
    """What an answer that is no stream shows."""
    assert isinstance(answer, HttpResponse)
    return answer.content.decode()


@pytest.fixture
def sara(db: None) -> User:
    return make_user("sara", password=PASSWORD)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock to set ahead: the library counts by ``time.time``."""
    ahead, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])
    return ahead


def test_whoever_guesses_is_slowed_and_told_how_long_to_wait(sara: User) -> None:
    assert [guess().status_code for _ in range(PAIR)] == [200] * PAIR

    answer = guess(password=PASSWORD)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    page = page_of(answer)
    assert 'data-code="too_many_attempts"' in page
    assert "Wait 5 minutes and try again" in page


def test_each_guess_is_a_line_in_the_log_without_what_was_typed(sara: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "supervisor_console.actions")

    for _ in range(PAIR + 1):
        guess(name="typed-in-the-wrong-field", address="192.0.2.66")

    lines = [record.getMessage() for record in caplog.records if "action=login " in record.getMessage()]
    refused = "action=login outcome=refused code={} address=192.0.2.66"
    assert lines == [refused.format(FAILED)] * PAIR + [refused.format(guessing.TOO_MANY)]


def test_who_waited_gets_in_however_often_they_tried_meanwhile(sara: User, clock: list[float]) -> None:
    for _ in range(PAIR + 20):
        guess()
    clock[0] = rate(guessing.PAIR).duration + 1

    assert guess(password=PASSWORD).status_code == 302
    assert guess().status_code == 200


def test_somebody_else_s_guessing_keeps_nobody_out(sara: User) -> None:
    for _ in range(20):
        guess()

    assert guess(password=PASSWORD, address="192.0.2.2").status_code == 302


def test_guessing_from_many_addresses_is_slowed_too(sara: User) -> None:
    answers = [guess(address=f"192.0.2.{number}").status_code for number in range(NAME + 1)]

    assert answers == [200] * NAME + [429]


def test_guessing_through_many_names_is_slowed_and_an_account_of_one_s_own_does_not_help(sara: User) -> None:
    for number in range(ADDRESS):
        assert guess(name=f"name-{number}").status_code == 200
        if number == ADDRESS // 2:
            assert guess(password=PASSWORD).status_code == 302

    assert guess(name="another").status_code == 429


def test_a_name_is_the_same_in_capitals(sara: User) -> None:
    for _ in range(PAIR):
        guess(name="SARA")

    assert guess(name="Sara").status_code == 429


def test_who_types_wrong_now_and_then_is_not_slowed(sara: User) -> None:
    for _ in range(3):
        for _ in range(PAIR - 1):
            assert guess().status_code == 200
        assert guess(password=PASSWORD).status_code == 302


def test_a_shift_that_begins_behind_one_address_gets_in(sara: User) -> None:
    assert {guess(password=PASSWORD).status_code for _ in range(40)} == {302}


def test_what_a_proxy_did_not_say_is_not_believed(sara: User) -> None:
    """The server puts the proxy's word into REMOTE_ADDR; a header that anybody can send counts for nothing."""
    for number in range(PAIR):
        forged = {"X-Forwarded-For": f"198.51.100.{number}"}
        BROWSER.post("/login/", {"username": "sara", "password": WRONG}, headers=forged, REMOTE_ADDR="192.0.2.1")

    assert guess().status_code == 429


def test_what_is_kept_of_attempts_names_nobody(sara: User) -> None:
    guess(address="192.0.2.7")

    keys = list(Cached.objects.values_list("cache_key", flat=True))
    assert len(keys) >= 3
    assert not [key for key in keys if "sara" in key or "192.0.2" in key]
    assert limits.prune(timezone.now() + timedelta(minutes=4)) == 0
    assert limits.prune(timezone.now() + timedelta(minutes=61)) == len(keys)


def test_the_door_of_the_administration_is_the_same(sara: User) -> None:
    for _ in range(PAIR):
        guess()

    answer = BROWSER.post("/admin/login/", {"username": "sara", "password": PASSWORD}, REMOTE_ADDR="192.0.2.1")

    assert answer.headers["Location"].startswith("/login/")
    assert "_auth_user_id" not in BROWSER.session


def test_an_answer_takes_as_long_for_a_name_that_nobody_has(sara: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long is the hash of the password: once for each attempt, whoever is asked for."""
    make_user("gone", password=PASSWORD)
    User.objects.filter(username="gone").update(is_active=False)
    make_user("passwordless")
    hashed: list[str] = []
    hasher = hashers.get_hasher()
    encode = type(hasher).encode

    def noting(self: Any, password: str, salt: str, *args: Any) -> str:
        hashed.append(password)
        return str(encode(self, password, salt, *args))

    monkeypatch.setattr(type(hasher), "encode", noting)
    for name in ("sara", "nobody", "gone", "passwordless"):
        hashed.clear()
        guess(name=name)
        assert len(hashed) == 1, name


def test_counts_are_kept_for_all_processes(sara: User) -> None:
    """In the database, not in the memory of whoever counted; so it needs no Redis either."""
    guess()

    assert Cached.objects.filter(cache_key__contains=guessing.PAIR).exists()


def guesses_at_once() -> list[int]:
    """What many are answered who guess in the same moment."""
    make_user("sara", password=PASSWORD)
    answers = together(
        *[
            lambda: Client(REMOTE_ADDR="192.0.2.1").post("/login/", {"username": "sara", "password": WRONG}).status_code
            for _ in range(PAIR + 5)
        ]
    )

    assert connection.vendor == "postgresql"
    return list(answers)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_all_pass() -> None:
    answers = guesses_at_once()

    assert answers.count(200) <= PAIR
    assert answers.count(200) + answers.count(429) == PAIR + 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_of_the_counts_more_of_them_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "cache_lock", lambda key: contextlib.nullcontext(True))

    assert guesses_at_once().count(200) > PAIR


# --- what the log says ------------------------------------------------------------------------------------------------


def test_who_got_in_and_how_is_a_line_too(sara: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "supervisor_console.actions")

    guess(password=PASSWORD)

    assert f"action=login outcome=done code=password actor=person:{sara.pk}" in caplog.messages
