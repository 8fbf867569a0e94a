"""Is a session worth only what its person may, only to who got it, and only for as long as it should be?"""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation, Customer
from conversations.services import intake
from conversations.views.access import CUSTOMER_COOKIE, CUSTOMER_COOKIE_AGE, CUSTOMER_SALT, customer_key_in
from tests.access.stage import cookie_of
from tests.cast import Floor, at, make_floor

PASSWORD = "a long enough one"
LOGIN = {"username": "sara", "password": PASSWORD}


@pytest.fixture
def floor(db: None) -> Floor:
    found = make_floor()
    found.sara.email = "sara.test@example.org"
    found.sara.set_password(PASSWORD)
    found.sara.save()
    return found


# --- people ---------------------------------------------------------------------------------------------------------


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(floor: Floor) -> None:
    thief, sara = Client(), Client()
    thief.session.save()
    planted = thief.session
    planted["planted"] = True
    planted.save()
    sara.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key or ""

    sara.post("/login/", LOGIN)

    assert sara.cookies[settings.SESSION_COOKIE_NAME].value != planted.session_key
    thief.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key or ""
    assert thief.get("/conversations/").status_code == 302
    assert sara.get("/conversations/").status_code == 200


def test_the_token_of_forms_is_another_one_after_the_log_in(floor: Floor) -> None:
    sara = Client()
    sara.get("/login/")
    before = sara.cookies["csrftoken"].value

    sara.post("/login/", LOGIN)

    assert sara.cookies["csrftoken"].value != before


def test_who_signed_out_leaves_no_session_behind(floor: Floor) -> None:
    sara, copy = Client(), Client()
    sara.post("/login/", LOGIN)
    copy.cookies[settings.SESSION_COOKIE_NAME] = sara.cookies[settings.SESSION_COOKIE_NAME].value
    assert copy.get("/conversations/").status_code == 200

    sara.post("/logout/")

    assert copy.get("/conversations/").status_code == 302
    assert not Session.objects.exists()


def test_another_password_ends_every_session_of_that_person(floor: Floor) -> None:
    sara = Client()
    sara.post("/login/", LOGIN)

    floor.sara.set_password("another long one")
    floor.sara.save()

    assert sara.get("/conversations/").status_code == 302


def test_who_is_deactivated_is_out_at_the_next_request(floor: Floor) -> None:
    sara = Client()
    sara.post("/login/", LOGIN)

    floor.sara.is_active = False
    floor.sara.save()

    assert sara.get("/conversations/").status_code == 302
    assert sara.post("/login/", LOGIN).status_code == 200


@pytest.mark.parametrize("password", ["short1A", "password123456", "1234567890123", "sara.test@example"])
def test_a_password_that_is_guessed_quickly_cannot_be_chosen(floor: Floor, password: str) -> None:
    """At least ten characters, not common, not all digits, not alike the own name: for whoever sets it."""
    otto = Client()
    otto.force_login(floor.otto)

    url = reverse("admin:auth_user_password_change", args=[floor.sara.pk])
    answer = otto.post(url, {"usable_password": "true", "password1": password, "password2": password})

    assert answer.status_code == 200
    floor.sara.refresh_from_db()
    assert floor.sara.check_password(PASSWORD)


def test_an_answer_to_a_wrong_name_is_that_to_a_wrong_password(floor: Floor) -> None:
    def said(name: str) -> str:
        page = Client().post("/login/", {"username": name, "password": "x"}).content.decode()
        return page[page.index('role="alert"') : page.index("</form>")].replace(name, "")

    assert said("sara") == said("nobody")


# --- customers --------------------------------------------------------------------------------------------------------


@pytest.fixture
def chats(floor: Floor) -> tuple[Conversation, Conversation]:
    """Chats of two customers."""
    return floor.start(), floor.start()


def browser(cookie: str) -> Client:
    client = Client()
    client.cookies[CUSTOMER_COOKIE] = cookie
    return client


def asked(cookie: str, chat: Conversation) -> tuple[int, int]:
    """The answers to reading and to writing."""
    url = f"/chat/{chat.public_id}/"
    who = browser(cookie)
    return who.get(url).status_code, who.post(f"{url}messages/", {"text": "Hello"}).status_code


def test_the_cookie_of_a_chat_opens_that_customer_s_chats_and_no_other(
    chats: tuple[Conversation, Conversation],
) -> None:
    own, other = chats
    cookie = cookie_of(own.customer_id)

    assert asked(cookie, own) == (200, 302)
    assert asked(cookie, other) == (404, 404)
    assert asked("", own) == (404, 404)


def test_a_cookie_that_the_console_did_not_sign_for_this_opens_nothing(
    chats: tuple[Conversation, Conversation],
) -> None:
    own = chats[0]
    key = own.customer.key
    good = cookie_of(own.customer_id)
    payload, stamp, signature = good.rsplit(":", 2)
    other = cookie_of(chats[1].customer_id).rsplit(":", 2)
    forged = [
        key,
        signing.dumps(key, salt="another purpose"),
        signing.dumps(key, salt=CUSTOMER_SALT, key="another secret of another console, long enough"),
        f"{payload}:{stamp}:{signature[:-1]}",
        f"{other[0]}:{stamp}:{signature}",
        f"{payload}:zzzzzz:{signature}",
        good.replace(":", ""),
        "",
    ]

    assert customer_key_in(good) == key
    assert [customer_key_in(cookie) for cookie in forged] == [""] * len(forged)
    assert [asked(cookie, own) for cookie in forged] == [(404, 404)] * len(forged)


def test_a_cookie_of_long_ago_opens_nothing(
    chats: tuple[Conversation, Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = cookie_of(chats[0].customer_id)
    monkeypatch.setattr("conversations.views.access.CUSTOMER_COOKIE_AGE", -1)

    assert customer_key_in(cookie) == ""
    assert CUSTOMER_COOKIE_AGE <= 180 * 24 * 3600


def test_what_a_chat_is_known_by_cannot_be_guessed(floor: Floor) -> None:
    keys = {Customer.objects.create(name="Maja").key for _ in range(50)}
    names = {floor.start().public_id for _ in range(3)}

    assert len(keys) == 50
    assert all(len(key) >= 32 for key in keys)
    assert all(name.version == 4 for name in names)


def test_the_key_of_a_form_is_no_key_to_a_chat(floor: Floor) -> None:
    """A form that is sent twice is one chat, for a while; a line's key, and a key of long ago, begin a chat anew."""
    begun = {"name": "Maja", "text": "Hello", "client_key": "4f4c1d8e-0000-4000-8000-000000000001"}
    first = Client()
    first.post("/chat/", begun)
    chat = Conversation.objects.get()
    line = "4f4c1d8e-0000-4000-8000-000000000002"
    first.post(f"/chat/{chat.public_id}/messages/", {"text": "My secret", "client_key": line})

    stranger = Client()
    answer = stranger.post("/chat/", begun | {"name": "Eva", "client_key": line})

    assert str(chat.public_id) not in answer.headers["Location"]
    assert asked(stranger.cookies[CUSTOMER_COOKIE].value, chat) == (404, 404)


def test_a_start_of_long_ago_gives_nobody_its_chat(floor: Floor) -> None:
    key = "4f4c1d8e-0000-4000-8000-000000000003"
    old = intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hello", client_key=key, now=at(0))

    again = intake.start(workstream_id=floor.chat.pk, name="Eva", text="Hello", client_key=key, now=at(601))

    assert again.conversation_id != old.conversation_id
