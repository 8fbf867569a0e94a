"""What may not be tried as often as one likes: chats, lines, and what one request or frame brings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection
from django.http.response import HttpResponse, HttpResponseBase
from django.test import Client
from django.utils import timezone

from conversations import policy
from conversations.consumers.chat import PAGES_MOST
from conversations.consumers.relay import MESSAGES_MOST, TOO_MUCH
from conversations.models import Conversation, Message
from conversations.services import intake, messaging
from supervisor_console.kernel import limits
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.kernel.limits import Limit
from supervisor_console.models import Attempt
from tests.access.addresses import filled
from tests.access.stage import cookie_of
from tests.access.test_who_hears_what import HERE, cookie, knock, staged
from tests.cast import Floor, at, customer_of, make_floor
from tests.concurrency.together import together

THREE = Limit("test", 3, timedelta(minutes=5))


@pytest.fixture
def floor(db: None) -> Floor:
    return make_floor()


# --- the counter --------------------------------------------------------------------------------------------------


def test_the_fourth_of_three_waits_until_the_first_is_old_enough(db: None) -> None:
    for second in (0, 60, 120):
        assert limits.attempt(THREE, "eva", at(second)).seconds == 0

    fourth = limits.attempt(THREE, "eva", at(150))
    assert fourth.seconds == 150
    limits.take_back(fourth)
    assert limits.attempt(THREE, "maja", at(150)).seconds == 0
    assert limits.attempt(THREE, "eva", at(300)).seconds == 0
    assert limits.attempt(THREE, "eva", at(301)).seconds == 59


def test_what_is_kept_names_nobody_and_not_for_long(db: None) -> None:
    limits.attempt(THREE, "eva 192.0.2.7", at(0))

    row = Attempt.objects.get()
    assert "eva" not in row.who
    assert "192" not in row.who
    assert limits.prune(at(0) + limits.KEEP) == 0
    assert limits.prune(at(1) + limits.KEEP) == 1


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("", ""),
    ],
)
def test_somebody_with_a_whole_network_counts_once(address: str, counts_as: str) -> None:
    client = Client(REMOTE_ADDR=address)

    assert limits.address_of(client.get("/favicon.ico").wsgi_request) == counts_as


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_all_pass() -> None:
    results = together(*[lambda: limits.attempt(THREE, "eva", timezone.now()).seconds for _ in range(8)])

    assert sum(seconds == 0 for seconds in results) <= THREE.most
    assert connection.vendor == "postgresql"


def page_of(answer: HttpResponseBase) -> str:
    """What an answer that is no stream shows."""
    assert isinstance(answer, HttpResponse)
    return answer.content.decode()


# --- customers --------------------------------------------------------------------------------------------------------


def browser_of(chat: Conversation) -> Client:
    client = Client()
    client.cookies["chat"] = cookie_of(chat.customer_id)
    return client


def test_more_lines_than_anybody_types_are_refused_and_nothing_is_lost(floor: Floor) -> None:
    chat = floor.active()
    maja = customer_of(chat)
    Message.objects.all().delete()
    for number in range(policy.LINES_MAX):
        messaging.receive(maja, chat.pk, text=f"line {number}", now=at(100 + number / 10))

    with pytest.raises(ActionRefused, match="too_fast"):
        messaging.receive(maja, chat.pk, text="one more", now=at(110))
    assert Message.objects.filter(sender_kind="customer").count() == policy.LINES_MAX

    messaging.receive(maja, chat.pk, text="one more", now=at(160))


def test_the_customer_is_told_so_in_a_sentence_with_a_code(floor: Floor) -> None:
    chat = floor.active()
    maja, url = browser_of(chat), f"/chat/{chat.public_id}/messages/"
    for number in range(policy.LINES_MAX):
        assert maja.post(url, {"text": f"line {number}"}).status_code == 302

    page, part = maja.post(url, {"text": "more"}), maja.post(url, {"text": "more"}, headers={"HX-Request": "true"})

    assert (page.status_code, part.status_code) == (429, 429)
    assert "You write faster than we can read." in page.content.decode()
    assert "too_fast" in part.headers["HX-Trigger"]


def test_somebody_who_starts_chat_after_chat_is_stopped(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.views.chat.STARTS", Limit("chat_start", 2, timedelta(minutes=10)))

    def start(address: str = "192.0.2.1") -> HttpResponseBase:
        return Client(REMOTE_ADDR=address).post("/chat/", {"name": "Eva", "text": "Hello"})

    assert [start().status_code for _ in range(2)] == [302, 302]
    answer = start()
    assert answer.status_code == 429
    page = page_of(answer)
    assert 'data-code="too_many_starts"' in page
    assert "Wait 10 min, then start yours." in page
    assert "Hello" in page
    assert Conversation.objects.count() == 2
    assert start("192.0.2.2").status_code == 302


def test_one_customer_has_only_so_many_chats_at_a_time(floor: Floor) -> None:
    chat = floor.start()
    for _ in range(policy.CHATS_MAX - 1):
        intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hello", customer_id=chat.customer_id)

    with pytest.raises(ActionRefused, match="too_many_chats"):
        intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hello", customer_id=chat.customer_id)


LARGE = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
TOO_LARGE: dict[str, Callable[[Client, str], HttpResponseBase]] = {
    "a form": lambda who, url: who.post(url, f"text={LARGE}", content_type="application/x-www-form-urlencoded"),
    "a form in parts": lambda who, url: who.post(url, {"text": LARGE}),
    "a file": lambda who, url: who.post(url, {"text": "Hello", "file": _file()}),
}


def _file() -> object:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("photo.jpg", b"x" * 100)


@pytest.mark.parametrize("what", TOO_LARGE)
def test_too_much_at_once_is_refused_with_a_page_that_says_so(floor: Floor, what: str) -> None:
    chat = floor.active()
    before = Message.objects.count()

    answer = TOO_LARGE[what](browser_of(chat), f"/chat/{chat.public_id}/messages/")

    assert answer.status_code == 413
    assert 'data-code="too_large"' in page_of(answer)
    assert Message.objects.count() == before


def test_a_line_that_is_too_long_is_refused_with_its_length(floor: Floor) -> None:
    chat = floor.active()

    answer = browser_of(chat).post(f"/chat/{chat.public_id}/messages/", {"text": "x" * 6001})

    assert answer.status_code == 422
    assert "6000" in answer.content.decode()


# --- sockets --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_a_client_that_says_too_much_is_dropped() -> None:
    stage, _chat, _places = await sync_to_async(staged)()
    socket = knock("/ws/console/", (b"origin", HERE), (b"cookie", cookie(stage, "supervisor").encode()))
    assert (await socket.connect())[0]

    for _ in range(MESSAGES_MOST + 5):
        await socket.send_to(text_data='{"type": "nothing"}')
    kinds: dict[str, object] = {"type": ""}
    while kinds["type"] != "websocket.close":
        kinds = await socket.receive_output(5)

    assert kinds["code"] == TOO_MUCH
    await socket.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_one_chat_is_read_on_so_many_pages_and_no_more() -> None:
    stage, _chat, places = await sync_to_async(staged)()
    url, headers = (
        filled("ws/chat/<uuid:public_id>/", places),
        (
            (b"origin", HERE),
            (b"cookie", cookie(stage, "customer").encode()),
        ),
    )
    sockets = [knock(url, *headers) for _ in range(PAGES_MOST + 1)]
    for socket in sockets:
        assert (await socket.connect())[0]
        assert (await socket.receive_output(5))["type"] == "websocket.send"

    assert (await sockets[-1].receive_output(5))["code"] == TOO_MUCH
    for socket in sockets:
        await socket.disconnect()
    again = knock(url, *headers)
    assert (await again.connect())[0]
    assert (await again.receive_output(5))["type"] == "websocket.send"
    assert await again.receive_nothing()
    await again.disconnect()
