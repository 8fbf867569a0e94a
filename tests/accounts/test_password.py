"""Can everybody change their own password, to a good one, and does it end what was open elsewhere?"""

from __future__ import annotations

import pytest
from django.test import Client

from routing.models import User
from supervisor_console.kernel.actor import Role
from tests.accounts.people import PASSWORD, browser, log_in, page_of
from tests.cast import make_user

NEW = "another long one"


@pytest.fixture
def ana(db: None) -> User:
    return make_user("ana", Role.AGENT, password=PASSWORD)


def change(who: Client, old: str = PASSWORD, new: str = NEW, again: str = "") -> str:
    """Fill in the form; what is seen then."""
    fields = {"oldpassword": old, "password1": new, "password2": again or new}
    return page_of(who.post("/account/password/", fields, follow=True))


def test_another_password_ends_the_other_sessions_and_keeps_this_one(ana: User) -> None:
    elsewhere, here = Client(), browser()
    log_in(elsewhere, "ana")
    log_in(here, "ana")

    page = change(here)

    assert "Your password is changed." in page
    assert here.get("/notices/").status_code == 200
    assert elsewhere.get("/notices/").status_code == 302
    assert log_in(browser(), "ana", NEW).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("not mine", NEW, "", "This is not your password."),
        (PASSWORD, NEW, "yet another one", "You must type the same password each time."),
        (PASSWORD, "short", "", "too short"),
        (PASSWORD, "password123456", "", "too common"),
        (PASSWORD, "1234567890123", "", "entirely numeric"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(ana: User, old: str, new: str, again: str, said: str) -> None:
    who = browser()
    log_in(who, "ana")

    assert said in change(who, old, new, again)
    ana.refresh_from_db()
    assert ana.check_password(PASSWORD)


def test_the_old_one_is_not_guessed_at_an_open_screen(ana: User) -> None:
    who = browser()
    log_in(who, "ana")
    for _ in range(10):
        change(who, old="a guess")

    assert 'data-code="too_many_attempts"' in change(who)


def test_who_has_no_password_is_told_so(ana: User) -> None:
    ana.set_unusable_password()
    ana.save()
    who = browser()
    who.force_login(ana)

    assert who.get("/account/password/").headers["Location"] == "/account/"
    assert "You have no password here." in page_of(who.get("/account/"))


def test_administrators_change_theirs_there_too(db: None) -> None:
    otto = make_user("otto", Role.ADMINISTRATOR, password=PASSWORD)
    who = browser()
    who.force_login(otto)

    assert who.get("/admin/password_change/").headers["Location"] == "/account/password/"


@pytest.mark.parametrize(
    "address",
    [
        "signup/",
        "password/reset/",
        "email/",
        "confirm-email/",
        "inactive/",
        "password/set/",
        "login/",
        "social/signup/",
    ],
)
def test_what_the_library_could_do_besides_is_not_there(ana: User, address: str) -> None:
    """Nobody signs up, and nothing is sent by mail."""
    who = browser()

    assert {who.get(f"{root}{address}").status_code for root in ("/account/", "/accounts/")} == {404}
