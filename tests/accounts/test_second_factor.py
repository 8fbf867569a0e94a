"""Does a second factor stand in the way of whoever has only the password, and of nobody else?"""

from __future__ import annotations

import json
import re

import pytest
from allauth.mfa.models import Authenticator
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from conversations.consumers import door
from conversations.consumers.relay import NOT_SIGNED_IN
from routing.models import User
from supervisor_console.accounts import qr, sealing
from supervisor_console.kernel.actor import Role
from tests.access.test_who_hears_what import HERE, knock
from tests.accounts.people import BROWSER, PASSWORD, browser, code_of, give_second_factor, log_in, page_of, secret_on
from tests.cast import Floor, actor_of, make_floor, make_user


@pytest.fixture
def sara(db: None) -> User:
    return make_user("sara", Role.SUPERVISOR, password=PASSWORD)


@pytest.fixture
def secret(sara: User) -> str:
    return give_second_factor(sara)


# --- setting it up ----------------------------------------------------------------------------------------------------


def test_whoever_likes_sets_one_up_and_finds_recovery_codes(sara: User) -> None:
    who = browser()
    log_in(who, "sara")
    secret = secret_on(page_of(who.get("/account/second-factor/")))

    wrong = who.post("/account/second-factor/", {"code": "000000"})
    done = who.post("/account/second-factor/", {"code": code_of(secret)})

    assert 'name="code"' in page_of(wrong)
    assert secret_on(page_of(wrong)) == secret
    assert done.headers["Location"] == "/account/recovery-codes/"
    assert len(re.findall(r"<code>\d{8}</code>", page_of(who.get("/account/recovery-codes/")))) == 10
    assert "10 recovery codes are left" in page_of(who.get("/account/"))


def test_the_secret_is_kept_under_lock(sara: User, secret: str, settings: Settings) -> None:
    kept = Authenticator.objects.get()

    assert secret not in json.dumps(kept.data)
    assert sealing.unseal(kept.data["secret"]) == secret
    settings.SECRET_KEY = "another key of another console, long enough as well"
    assert sealing.unseal(kept.data["secret"]) not in {"", secret}


def test_the_picture_holds_the_address_and_asks_nobody(sara: User) -> None:
    who = browser()
    log_in(who, "sara")

    page = page_of(who.get("/account/second-factor/"))

    assert f'<path d="{qr.draw(_address(secret_on(page))).path}"' in page
    assert "data:" not in page


def _address(secret: str) -> str:
    return f"otpauth://totp/sara%40testserver?secret={secret}&issuer=Supervisor%20Console"


def test_who_logged_in_long_ago_says_their_password_once_more(sara: User, settings: Settings) -> None:
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1
    who = browser()
    log_in(who, "sara")

    asked = who.get("/account/second-factor/")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    wrong = who.post("/account/confirm/", {"password": "x", "next": "/account/second-factor/"})
    confirmed = who.post("/account/confirm/", {"password": PASSWORD, "next": "/account/second-factor/"})

    assert asked.headers["Location"] == "/account/confirm/?next=%2Faccount%2Fsecond-factor%2F"
    assert "This is not your password." in page_of(wrong)
    assert confirmed.headers["Location"] == "/account/second-factor/"


def test_a_form_that_was_sent_too_late_is_carried_out_once_they_said_who_they_are(
    sara: User, secret: str, settings: Settings
) -> None:
    who = browser()
    log_in(who, "sara")
    who.post("/login/code/", {"code": code_of(secret)})
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = -1

    asked = who.post("/account/recovery-codes/new/")
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
    assert not Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).exists()
    done = who.post("/account/confirm/", {"password": PASSWORD, "next": "/account/recovery-codes/new/"})

    assert asked.headers["Location"].startswith("/account/confirm/")
    assert done.headers["Location"] == "/account/recovery-codes/"
    assert Authenticator.objects.filter(type=Authenticator.Type.RECOVERY_CODES).exists()


# --- logging in with it -----------------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(sara: User, secret: str) -> None:
    who = browser()

    answer = log_in(who, "sara", next="/agents/")

    assert answer.headers["Location"] == "/login/code/"
    assert who.get("/conversations/").status_code == 302
    assert "_auth_user_id" not in who.session


def test_the_code_opens_the_page_that_was_asked_for(sara: User, secret: str) -> None:
    who = browser()
    log_in(who, "sara", next="/agents/")

    answer = who.post("/login/code/", {"code": code_of(secret)})

    assert answer.headers["Location"] == "/agents/"
    assert who.get("/conversations/").status_code == 200


@pytest.mark.parametrize(("step", "opens"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_clocks_may_differ_by_half_a_minute(sara: User, secret: str, step: int, opens: bool) -> None:
    who = browser()
    log_in(who, "sara")

    assert (who.post("/login/code/", {"code": code_of(secret, step)}).status_code == 302) == opens


def test_a_code_opens_once(sara: User, secret: str) -> None:
    code = code_of(secret, 1)
    statuses = []
    for _ in range(2):
        who = browser()
        log_in(who, "sara")
        statuses.append(who.post("/login/code/", {"code": code}).status_code)

    assert statuses == [302, 200]


def test_a_code_opens_once_for_as_long_as_it_is_right(sara: User, secret: str) -> None:
    """The library forgets a code after half a minute; it is right for a minute and a half."""
    code = code_of(secret, 1)
    log_in(browser(), "sara")
    assert BROWSER.post("/login/code/", {"code": code}).status_code == 302
    cache.delete(f"allauth.mfa.totp.used?user={sara.pk}&code={code}")

    log_in(browser(), "sara")

    assert BROWSER.post("/login/code/", {"code": code}).status_code == 200


def test_codes_are_not_guessed(sara: User, secret: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "supervisor_console.actions")
    who = browser()
    log_in(who, "sara")
    for _ in range(5):
        assert "This code is not right" in page_of(who.post("/login/code/", {"code": "12345678901"}))

    answer = who.post("/login/code/", {"code": code_of(secret)})

    assert "Too many wrong codes." in page_of(answer)
    assert "_auth_user_id" not in who.session
    lines = [record.getMessage() for record in caplog.records if "action=second_factor" in record.getMessage()]
    assert lines == ["action=second_factor outcome=refused code=incorrect_code address=127.0.0.1"] * 6


def test_a_recovery_code_opens_once(sara: User) -> None:
    who = browser()
    log_in(who, "sara")
    who.post("/account/second-factor/", {"code": code_of(secret_on(page_of(who.get("/account/second-factor/"))))})
    codes = re.findall(r"<code>(\d{8})</code>", page_of(who.get("/account/recovery-codes/")))
    statuses = []
    for _ in range(2):
        log_in(browser(), "sara")
        statuses.append(who.post("/login/code/", {"code": codes[3]}).status_code)

    assert statuses == [302, 200]


def test_who_removes_it_logs_in_with_the_password_again(
    sara: User, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "supervisor_console.actions")
    who = browser()
    log_in(who, "sara")
    who.post("/login/code/", {"code": code_of(secret)})

    assert who.post("/account/second-factor/remove/").status_code == 302

    assert not Authenticator.objects.exists()
    assert log_in(browser(), "sara").headers["Location"] == "/"
    done = [
        f"{action} outcome=done code={code}"
        for action, code in (("login", "password+mfa"), ("remove_second_factor", "totp"), ("login", "password"))
    ]
    assert caplog.messages == [f"action={line} actor=person:{sara.pk}" for line in done]


# --- where a role needs one -------------------------------------------------------------------------------------------


@pytest.fixture
def required(settings: Settings) -> None:
    settings.REQUIRE_SECOND_FACTOR = frozenset({"supervisor", "administrator"})


def test_whose_role_needs_one_does_nothing_before_it_is_set_up(required: None, sara: User) -> None:
    who = browser()
    log_in(who, "sara")

    asked = {url: who.get(url) for url in ("/", "/conversations/", "/notices/", "/chat/", "/admin/")}
    part = who.get("/conversations/", headers={"HX-Request": "true"})
    post = who.post("/notices/read/")
    page = page_of(who.get("/account/second-factor/"))

    assert {answer.headers["Location"] for answer in asked.values()} == {"/account/second-factor/"}
    assert part.headers["HX-Redirect"] == "/account/second-factor/"
    assert (post.status_code, 'data-code="second_factor_required"' in page_of(post)) == (403, True)
    assert 'data-code="second_factor_required"' in page
    assert "/ws/console/" not in page

    who.post("/account/second-factor/", {"code": code_of(secret_on(page))})
    assert who.get("/account/recovery-codes/").status_code == 200
    assert who.get("/conversations/").status_code == 200


def test_it_cannot_be_removed_then(required: None, sara: User, secret: str) -> None:
    who = browser()
    log_in(who, "sara")
    who.post("/login/code/", {"code": code_of(secret)})

    answer = who.post("/account/second-factor/remove/")

    assert "Your role needs a second factor." in page_of(answer)
    assert Authenticator.objects.exists()


@pytest.mark.parametrize("superuser", [False, True])
def test_others_need_none(required: None, db: None, superuser: bool) -> None:
    """A superuser does what administrators do, and needs what they need."""
    ana = make_user("ana", Role.AGENT, password=PASSWORD)
    User.objects.filter(pk=ana.pk).update(is_superuser=superuser)
    who = browser()
    log_in(who, "ana")

    answer = who.get("/notices/")

    assert (answer.status_code == 302) == superuser


@pytest.mark.django_db(transaction=True)
async def test_the_socket_waits_for_it_too(settings: Settings) -> None:
    floor = await sync_to_async(make_floor)()

    async def opened() -> WebsocketCommunicator:
        def session() -> str:
            client = Client()
            client.force_login(floor.sara)
            return client.cookies["sessionid"].value

        cookie = f"sessionid={await sync_to_async(session)()}".encode()
        socket = knock("/ws/console/", (b"origin", HERE), (b"cookie", cookie))
        await socket.connect()
        return socket

    before = await opened()
    assert (await before.receive_output(5))["type"] == "websocket.send"
    settings.REQUIRE_SECOND_FACTOR = frozenset({"supervisor"})

    assert await sync_to_async(_must_go)(floor)
    after = await opened()
    answer = await after.receive_output(5)
    assert (answer["type"], answer["code"]) == ("websocket.close", NOT_SIGNED_IN)
    for socket in (before, after):
        await socket.disconnect()


def _must_go(floor: Floor) -> bool:
    """Whether the look at the door asks her socket back."""
    actor = actor_of(floor.sara)
    guest = door.Guest(actor, None, floor.sara.password, lambda: None)
    return door.not_as_they_came([guest]) == {guest}


# --- a lost phone -----------------------------------------------------------------------------------------------------


def remove_by_admin(by: User, *users: User) -> None:
    who = browser()
    who.force_login(by)
    chosen = [user.pk for user in users]
    who.post("/admin/routing/user/", {"action": "remove_second_factor", "_selected_action": chosen})


def test_an_administrator_removes_what_somebody_lost(sara: User, secret: str) -> None:
    otto = make_user("otto", Role.ADMINISTRATOR, password=PASSWORD)
    root = make_user("root", password=PASSWORD)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    for user in (otto, root):
        give_second_factor(user)

    remove_by_admin(otto, sara, otto, root)

    kept = set(Authenticator.objects.values_list("user__username", flat=True))
    assert kept == {"otto", "root"}
    assert LogEntry.objects.get().object_repr == "sara"
    assert log_in(browser(), "sara").headers["Location"] == "/"


def test_the_last_administrator_has_a_command(sara: User, secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("remove_second_factor", "sara")

    assert not Authenticator.objects.exists()
    with pytest.raises(CommandError, match="nobody"):
        call_command("remove_second_factor", "nobody")
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("remove_second_factor", "sara")
