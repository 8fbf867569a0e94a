"""The customer's chat: whose it is, what they see, and what a bad request cannot do (domain.md 1.3, 3.3, 3.7)."""

import uuid

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Customer, Message, State, SupervisorSettings, Visibility
from conversations.models.message import TEXT_MAX
from conversations.services import assignment, closure, messaging, offers, supervision
from conversations.views.access import CUSTOMER_COOKIE, remember_customer
from routing.models import Channel, Workstream
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of

PART = {"HX-Request": "true", "HX-Target": "chat"}


def browser_of(conversation: Conversation) -> Client:
    """The browser of this conversation's customer."""
    response = HttpResponse()
    remember_customer(response, conversation.customer_id, secure=False)
    client = Client()
    client.cookies[CUSTOMER_COOKIE] = response.cookies[CUSTOMER_COOKIE].value
    return client


def form(**values: str) -> dict[str, str]:
    return {"name": "Maja", "contact": "", "topic": "", "text": "Hello", "client_key": str(uuid.uuid4())} | values


def shown(browser: Client, conversation: Conversation) -> str:
    answer = browser.get(f"/chat/{conversation.public_id}/", headers=PART)
    assert answer.status_code == 200
    return answer.content.decode()


# --- start ------------------------------------------------------------------------------------------------------


def test_starting_a_chat_is_a_conversation_and_makes_the_browser_its_customer_s(floor: Floor, client: Client) -> None:
    answer = client.post("/chat/", form(topic="My invoice", contact="maja@example.org"))

    chat = Conversation.objects.get()
    assert answer.headers["Location"] == f"/chat/{chat.public_id}/"
    assert (chat.state, chat.channel, chat.subject) == (State.OPEN, Channel.LIVE_CHAT, "My invoice")
    assert (chat.customer.name, chat.customer.contact) == ("Maja", "maja@example.org")
    cookie = answer.cookies[CUSTOMER_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.get(f"/chat/{chat.public_id}/").status_code == 200


def test_a_persistent_chat_is_asked_for_in_the_address(floor: Floor, client: Client) -> None:
    client.post("/chat/?kind=persistent", form())
    client.post("/chat/?kind=nonsense", form())

    assert list(Conversation.objects.order_by("pk").values_list("channel", flat=True)) == [
        Channel.PERSISTENT_CHAT,
        Channel.LIVE_CHAT,
    ]


def test_a_form_sent_twice_is_one_chat_also_by_a_stranger(floor: Floor) -> None:
    twice = form()
    first, second = Client().post("/chat/", twice), Client().post("/chat/", twice)

    assert Conversation.objects.count() == 1
    assert Customer.objects.count() == 1
    assert first.headers["Location"] == second.headers["Location"]


def test_a_returning_customer_stays_the_same_and_can_go_back_to_an_ongoing_chat(floor: Floor, client: Client) -> None:
    client.post("/chat/", form(topic="The first"))
    first = Conversation.objects.get()

    page = client.get("/chat/").content.decode()
    assert "Welcome back, Maja." in page
    assert f"/chat/{first.public_id}/" in page

    client.post("/chat/", {"text": "Another thing", "topic": "", "client_key": str(uuid.uuid4())})
    assert Customer.objects.count() == 1
    assert Conversation.objects.count() == 2


def test_somebody_else_at_the_same_browser_starts_as_themselves(floor: Floor, client: Client) -> None:
    client.post("/chat/", form())
    client.post("/chat/?new", form(name="Luka"))

    assert list(Customer.objects.order_by("pk").values_list("name", flat=True)) == ["Maja", "Luka"]
    assert "Welcome back, Luka." in client.get("/chat/").content.decode()


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"name": " \t"},
        {"name": "\x00"},
        {"name": "\u200b\u2060\u3164"},
        {"name": "a" * 121},
        {"contact": "a" * 121},
        {"topic": "a" * 201},
        {"text": ""},
        {"text": "\x01\x02"},
        {"text": "\u200b\u200d \ufeff"},
        {"text": "a\x00b"},
        {"text": "a" * (TEXT_MAX + 1)},
    ],
)
def test_a_form_that_cannot_be_used_comes_back_with_the_reason_and_what_was_written(
    floor: Floor, client: Client, bad: dict[str, str]
) -> None:
    answer = client.post("/chat/", form(topic="Kept topic") | bad)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'class="error"' in page or 'role="alert"' in page
    assert "Kept topic" in page or "topic" in bad
    assert not Conversation.objects.exists()
    assert not Customer.objects.exists()


@pytest.mark.parametrize("key", ["", "x" * 500, "not-a-uuid", "\x00"])
def test_a_key_that_is_none_does_no_harm(floor: Floor, client: Client, key: str) -> None:
    assert client.post("/chat/", form(client_key=key)).status_code == 302
    assert Message.objects.get().client_key == ""


def test_odd_names_are_kept_and_shown_as_text(floor: Floor, client: Client) -> None:
    name = "Zoë <script>alert(1)</script> 🙂 中"
    client.post("/chat/", form(name=name))

    chat = Conversation.objects.get()
    assert chat.customer.name == name
    assert "<script>alert" not in client.get(f"/chat/{chat.public_id}/").content.decode()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        pytest.param("Eva\u202e)nimda( \u2066x", "Eva)nimda( x", id="turns what comes after it"),
        pytest.param("Sa\u200bra\u00ad T\ufeffest", "Sara Test", id="looks like somebody else"),
        pytest.param("Eva\r\n\u2028 Test\u0085\x9b31m", "Eva Test31m", id="is more than a line"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="needs a sign that nobody sees"),
        pytest.param("👩\u200d🚀 Zoë e\u0301", "👩\u200d🚀 Zoë e\u0301", id="is put together"),
    ],
)
def test_a_name_holds_nothing_that_changes_the_sentence_around_it(
    floor: Floor, client: Client, name: str, kept: str
) -> None:
    client.post("/chat/", form(name=name, topic=f"About {name}", contact=name))

    chat = Conversation.objects.get()
    assert (chat.customer.name, chat.customer.contact, chat.subject) == (kept, kept, f"About {kept}")


def test_what_is_written_in_a_line_is_kept(floor: Floor, client: Client) -> None:
    """A line stands for itself, in whatever direction."""
    said = "\u200fשלום\u200e OK\u202b\n2"
    client.post("/chat/", form(text=said, topic="\u2066\u2069"))

    assert Message.objects.get().text == said
    assert Conversation.objects.get().subject == "שלום OK 2"


def test_without_its_token_no_chat_begins(floor: Floor) -> None:
    assert Client(enforce_csrf_checks=True).post("/chat/", form()).status_code == 403
    assert not Conversation.objects.exists()


def test_where_there_is_no_workstream_the_page_says_so(db: None, client: Client) -> None:
    answer = client.get("/chat/")

    assert answer.status_code == 503
    assert b"not available" in answer.content
    assert client.post("/chat/", form()).status_code == 503


def test_the_customer_notice_is_shown_if_it_is_switched_on(floor: Floor, client: Client) -> None:
    SupervisorSettings.objects.update(customer_notice="We may <read> this.")
    chat = floor.active()
    for browser, path in ((client, "/chat/"), (browser_of(chat), f"/chat/{chat.public_id}/")):
        assert "We may &lt;read&gt; this." in browser.get(path).content.decode()

    SupervisorSettings.objects.update(shows_customer_notice=False)
    assert b"data-customer-notice" not in client.get("/chat/").content


# --- whose chat it is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "forged", "another customer", "a supervisor"])
def test_a_chat_opens_only_in_the_browser_that_began_it(floor: Floor, who: str) -> None:
    chat = floor.active()
    browser = Client()
    if who == "forged":
        browser.cookies[CUSTOMER_COOKIE] = "forged:value:here"
    if who == "another customer":
        browser = browser_of(floor.start())
    if who == "a supervisor":
        browser.force_login(floor.sara)
    lines = Message.objects.count()

    for path in ("", "messages/", "end/"):
        address = f"/chat/{chat.public_id}/{path}"
        answer = browser.get(address) if path == "" else browser.post(address, {"text": "Hi"})
        assert answer.status_code == 404
        assert b"This chat is not here" in answer.content
    assert fresh(chat).state == State.ACTIVE
    assert Message.objects.count() == lines


def test_an_unknown_chat_is_not_there(floor: Floor) -> None:
    browser = browser_of(floor.start())

    assert browser.get(f"/chat/{uuid.uuid4()}/").status_code == 404
    assert browser.get("/chat/1/").status_code == 404


# --- what they see ----------------------------------------------------------------------------------------------------


def test_internal_lines_monitors_and_agent_side_states_are_not_shown(floor: Floor) -> None:
    chat = floor.active()
    messaging.send(actor_of(floor.ana), chat.pk, text="Between us", visibility=Visibility.INTERNAL, now=at(30))
    before = shown(browser_of(chat), chat)
    supervision.monitor(actor_of(floor.sara), chat.pk, now=at(31))

    page = shown(browser_of(chat), chat)

    assert "Between us" not in page
    assert "Sara" not in page
    assert "assigned" not in page
    assert page.count('<div class="line') == before.count('<div class="line')


def test_who_is_there_is_said(floor: Floor) -> None:
    chat = floor.start()
    browser = browser_of(chat)
    assert "We are looking for somebody for you." in shown(browser, chat)

    assignment.assign(actor_of(floor.sara), chat.pk, agent_id=floor.ana.pk, version=chat.version, now=at(5))
    assert "Ana" not in shown(browser, chat)  # only offered: she is not there yet

    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(6))
    assert "Ana Test joined the conversation." in shown(browser, chat)

    supervision.monitor(actor_of(floor.sara), chat.pk, now=at(7))
    supervision.join(actor_of(floor.sara), chat.pk, now=at(8))
    assert "is with you, and so is Sara Test (supervisor)" in shown(browser, chat)

    supervision.leave(actor_of(floor.sara), chat.pk, now=at(9))
    chat = fresh(chat)
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(10))
    assert "Boris" not in shown(browser, chat)
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(11))
    assert "Boris Test took over from Ana Test." in shown(browser, chat)

    assignment.release(actor_of(floor.boris), chat.pk, now=at(12))
    assert "Somebody else will continue with you in a moment." in shown(browser, chat)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("agent", "Ana Test ended this chat."),
        ("customer", "You ended this chat."),
        ("supervisor", "A supervisor ended this conversation."),
    ],
)
def test_an_ended_chat_says_who_ended_it_and_cannot_be_written_to(floor: Floor, how: str, words: str) -> None:
    chat = floor.active()
    if how == "agent":
        closure.end(actor_of(floor.ana), chat.pk, now=at(30))
    elif how == "customer":
        closure.customer_ends(customer_of(chat), chat.pk, now=at(30))
    else:
        closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(30))
    browser = browser_of(chat)

    page = shown(browser, chat)

    assert words in page
    assert "<textarea" not in page
    assert "Start a new chat" in page
    refused = browser.post(f"/chat/{chat.public_id}/messages/", {"text": "Still there?"})
    assert refused.status_code == 409
    assert "This chat has ended. You can start a new one." in refused.content.decode()


def test_one_who_leaves_before_an_answer_reads_that_they_ended_it(floor: Floor) -> None:
    chat = floor.start()
    browser = browser_of(chat)

    browser.post(f"/chat/{chat.public_id}/end/")

    assert "You ended this chat." in shown(browser, chat)
    assert fresh(chat).is_abandoned


def test_a_chat_closed_by_itself_says_so(floor: Floor) -> None:
    chat = floor.start()
    closure.auto_close(chat.pk, due=at(100), now=at(101))

    assert "nothing was written for a long time" in shown(browser_of(chat), chat)


# --- writing and ending ---------------------------------------------------------------------------------------------


def test_the_customer_writes_with_and_without_javascript(floor: Floor) -> None:
    chat = floor.active()
    browser = browser_of(chat)

    plain = browser.post(f"/chat/{chat.public_id}/messages/", {"text": "Plain"})
    part = browser.post(f"/chat/{chat.public_id}/messages/", {"text": "Part"}, headers={"HX-Request": "true"})

    assert (plain.status_code, plain.headers["Location"]) == (302, f"/chat/{chat.public_id}/")
    assert part.status_code == 204
    assert {"Plain", "Part"} <= set(Message.objects.values_list("text", flat=True))


def test_the_same_line_sent_twice_is_one(floor: Floor) -> None:
    chat = floor.active()
    browser, line = browser_of(chat), {"text": "Once", "client_key": str(uuid.uuid4())}

    for _ in range(2):
        browser.post(f"/chat/{chat.public_id}/messages/", line)

    assert Message.objects.filter(text="Once").count() == 1


@pytest.mark.parametrize("text", ["", "  ", "\x00", "a" * (TEXT_MAX + 1)])
def test_a_line_that_cannot_be_sent_is_refused(floor: Floor, text: str) -> None:
    chat = floor.active()
    lines = Message.objects.count()

    for headers in ({}, {"HX-Request": "true"}):
        answer = browser_of(chat).post(f"/chat/{chat.public_id}/messages/", {"text": text}, headers=headers)
        assert answer.status_code == 422
    assert Message.objects.count() == lines


def test_without_its_token_nothing_is_written_or_ended(floor: Floor) -> None:
    chat = floor.active()
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = browser_of(chat).cookies

    for path in ("messages", "end"):
        assert browser.post(f"/chat/{chat.public_id}/{path}/", {"text": "Hi"}).status_code == 403
        assert browser.get(f"/chat/{chat.public_id}/{path}/").status_code == 405
    assert fresh(chat).state == State.ACTIVE


def test_the_customer_ends_a_live_chat_once(floor: Floor) -> None:
    chat = floor.active()
    browser = browser_of(chat)
    assert "End chat" in shown(browser, chat)

    assert browser.post(f"/chat/{chat.public_id}/end/").status_code == 302
    assert fresh(chat).state == State.WRAP_UP
    assert browser.post(f"/chat/{chat.public_id}/end/").status_code == 409


def test_a_persistent_chat_has_no_end(floor: Floor) -> None:
    chat = floor.active(Channel.PERSISTENT_CHAT)
    browser = browser_of(chat)

    assert "End chat" not in shown(browser, chat)
    assert browser.post(f"/chat/{chat.public_id}/end/").status_code == 409
    assert fresh(chat).state == State.ACTIVE


def test_a_waiting_chat_can_be_written_to_and_opens(floor: Floor) -> None:
    chat = floor.waiting(Channel.PERSISTENT_CHAT)
    browser = browser_of(chat)
    assert "You can write here at any time" in shown(browser, chat)

    browser.post(f"/chat/{chat.public_id}/messages/", {"text": "Me again"})

    assert fresh(chat).state == State.OPEN


def test_the_page_of_a_signed_in_person_does_not_open_the_console_s_socket(floor: Floor, client: Client) -> None:
    client.force_login(floor.sara)

    assert b"/ws/console/" not in client.get("/chat/").content


def test_a_long_chat_asks_no_more_often_than_a_short_one(floor: Floor) -> None:
    chat = floor.active()
    browser = browser_of(chat)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            shown(browser, chat)
        return len(found)

    few = queries()
    for number in range(20):
        messaging.receive(customer_of(chat), chat.pk, text=f"line {number}", now=at(100 + number))
    assert queries() == few
    assert few <= 6


def test_the_first_workstream_of_a_channel_takes_the_chats(floor: Floor, client: Client) -> None:
    Workstream.objects.create(name="Later", channel=Channel.LIVE_CHAT, fallback_queue=floor.returns)

    client.post("/chat/", form())

    assert Conversation.objects.get().workstream == floor.chat
