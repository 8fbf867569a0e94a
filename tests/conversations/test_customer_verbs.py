"""The customer's verbs: start, write, end (domain.md T1, T9, T10, T13, T21)."""

from collections.abc import Callable
from typing import Any

import pytest

from conversations.models import Conversation, Customer, Message
from conversations.services import assignment, closure, intake, messaging
from routing.models import Channel, Queue, Workstream
from supervisor_console.kernel.actor import SYSTEM, customer_actor
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import T0, Floor, actor_of, at, customer_of, fresh
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import attempts, everything, history, last_entry, people, presence, said, stays, units
from tests.invariants import broken

BILLING = {SUPERVISORS, "supervisors of Billing"}
CHANNELS = [channel for channel in Channel if channel != Channel.RECORD]
PERSISTENT = [Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP]
LIVE = [Channel.LIVE_CHAT, Channel.VOICE]


def start(floor: Floor, **words: Any) -> Conversation:
    known: dict[str, Any] = {"name": "Maja", "text": "My bill is wrong", "now": T0, **words}
    event = intake.start(workstream_id=floor.chat.pk, **known)
    return Conversation.objects.get(pk=event.conversation_id)


# --- start (T1) -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_conversation_begins_open_in_its_queue(floor: Floor, channel: Channel) -> None:
    workstream = floor.workstream(channel)

    with hearing() as heard:
        event = intake.start(workstream_id=workstream.pk, name="Maja", text="My bill is wrong", now=T0)

    chat = Conversation.objects.get(pk=event.conversation_id)
    assert (chat.state, chat.reason, chat.agent_id) == ("open", "AwaitingAgentAssignment", None)
    assert (chat.subject, chat.channel, chat.queue_id) == (
        "My bill is wrong",
        channel.value,
        workstream.fallback_queue_id,
    )
    assert (chat.created_at, chat.first_wait_started_at, chat.accepted_at) == (T0, T0, None)
    assert (chat.units, chat.version, chat.holds_capacity) == (30, 1, False)
    assert (attempts(chat), stays(chat)) == ([("", "open")], [(chat.queue.name, "open")])
    assert history(chat) == ["created"]
    assert heard.by("conversation.created") == {
        *(SUPERVISORS, f"supervisors of {chat.queue.name}", f"open list of {chat.queue.name}", CUSTOMER)
    }
    assert broken(T0) == []


def test_the_cost_is_the_one_of_the_beginning(floor: Floor) -> None:
    chat = start(floor)

    Workstream.objects.filter(pk=floor.chat.pk).update(units=99)

    assert fresh(chat).units == 30


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"name": ""}, "name_empty"),
        ({"name": " \x00 "}, "name_empty"),
        ({"name": "x" * 121}, "name_too_long"),
        ({"text": ""}, "text_empty"),
        ({"text": "\x00\n "}, "text_empty"),
        ({"text": "x" * 6001}, "text_too_long"),
        ({"contact": "x" * 121}, "contact_too_long"),
    ],
)
def test_a_start_with_bad_words_is_refused(floor: Floor, words: dict[str, str], code: str) -> None:
    with pytest.raises(ActionRefused, match=code):
        start(floor, **words)

    assert not Conversation.objects.exists()
    assert not Customer.objects.exists()


def test_odd_words_are_kept_without_what_breaks(floor: Floor) -> None:
    chat = start(floor, name="  Zoë\x00 \ud83d 🦊 ", text="naïve\x00\ud800 text\n\nsecond", contact=" a\x00 b ")

    assert chat.customer.name == "Zoë 🦊"
    assert chat.customer.contact == "a b"
    assert Message.objects.get(conversation=chat).text == "naïve text\n\nsecond"
    assert chat.subject == "naïve text second"


def test_a_long_first_line_is_a_shortened_subject(floor: Floor) -> None:
    chat = start(floor, text="word " * 100)

    assert len(chat.subject) == 200
    assert chat.subject.endswith("…")


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 2**70])
def test_unknown_places_are_not_found(floor: Floor, unknown: int) -> None:
    with pytest.raises(NotVisible):
        intake.start(workstream_id=unknown, name="Maja", text="Hello", now=T0)
    with pytest.raises(NotVisible):
        start(floor, queue_id=unknown)
    with pytest.raises(NotVisible):
        start(floor, customer_id=unknown)
    with pytest.raises(NotVisible):
        start(floor, queue_id=Queue.objects.get(name="Calls").pk)
    assert not Conversation.objects.exists()


def test_a_form_that_was_sent_twice_is_one_conversation(floor: Floor) -> None:
    first = start(floor, client_key="form-1")
    with hearing() as heard:
        second = start(floor, client_key="form-1", now=at(2))

    assert first == second
    assert Customer.objects.count() == Message.objects.count() == 1
    assert heard.frames == []
    assert start(floor, client_key="form-2") != first
    assert start(floor) != start(floor)


def test_a_key_of_another_customer_opens_nothing_of_theirs(floor: Floor) -> None:
    first = start(floor, client_key="form-1")
    stranger = Customer.objects.create(name="Eva")

    second = start(floor, client_key="form-1", customer_id=stranger.pk, now=at(2))

    assert second.customer_id == stranger.pk
    assert second != first


# --- write ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["start", "offered", "active"])
def test_the_customer_writes_while_it_goes_on(floor: Floor, phase: str) -> None:
    chat = getattr(floor, phase)()

    with hearing() as heard:
        event = messaging.receive(customer_of(chat), chat.pk, text="This is great, thank you!", now=at(40))

    after = fresh(chat)
    assert after.state == chat.state
    assert after.version == event.version == chat.version + 1
    assert after.last_customer_message_at == at(40)
    assert after.sentiment > 10
    line = Message.objects.get(pk=event.message_id)
    assert (line.sender_kind, line.visibility, line.sender_name) == ("customer", "public", "Maja")
    inside = {"ana"} if phase != "start" else {"open list of Billing"}
    assert heard.by("conversation.message_sent") == BILLING | inside | {CUSTOMER}


@pytest.mark.parametrize("channel", PERSISTENT)
def test_a_waiting_conversation_opens_when_the_customer_writes(floor: Floor, channel: Channel) -> None:
    chat = floor.waiting(channel)

    with hearing() as heard:
        messaging.receive(customer_of(chat), chat.pk, text="One more thing", now=at(60))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("open", "AwaitingAgentAssignment", None)
    assert after.unanswered_since == T0  # Nobody has answered the first line either.
    assert attempts(chat)[-1] == ("", "open")
    assert history(chat)[-1] == "customer_returned"
    # It leaves Ana's desk and lands on the open list: both hear.
    everybody = BILLING | {"ana", CUSTOMER, "open list of Billing"}
    assert heard.by("conversation.customer_returned") == everybody
    assert heard.by("conversation.message_sent") == everybody
    assert broken(at(60)) == []


@pytest.mark.parametrize("phase", ["wrap_up", "closed"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_nobody_writes_into_what_has_ended(floor: Floor, channel: Channel, phase: str) -> None:
    chat = getattr(floor, phase)(channel)
    before = everything(chat)

    with pytest.raises(ActionRefused, match="chat_ended"):
        messaging.receive(customer_of(chat), chat.pk, text="Hello?", now=at(60))

    assert everything(chat) == before


@pytest.mark.parametrize(
    ("text", "code"), [("", "text_empty"), (" \x00\n", "text_empty"), ("x" * 6001, "text_too_long")]
)
def test_bad_words_are_refused(floor: Floor, text: str, code: str) -> None:
    chat = floor.active()
    before = everything(chat)

    with pytest.raises(ActionRefused, match=code):
        messaging.receive(customer_of(chat), chat.pk, text=text, now=at(60))

    assert everything(chat) == before


def test_the_longest_text_is_kept_whole(floor: Floor) -> None:
    chat = floor.active()

    event = messaging.receive(customer_of(chat), chat.pk, text="🦊" * 6000, now=at(60))

    assert Message.objects.get(pk=event.message_id).text == "🦊" * 6000


def test_a_line_that_was_sent_twice_is_one_also_after_the_end(floor: Floor) -> None:
    chat = floor.active()
    maja = customer_of(chat)
    first = messaging.receive(maja, chat.pk, text="Hello", client_key="line-1", now=at(40))
    version = fresh(chat).version

    again = messaging.receive(maja, chat.pk, text="Hello", client_key="line-1", now=at(41))
    closure.end(actor_of(floor.ana), chat.pk, now=at(42))
    late = messaging.receive(maja, chat.pk, text="Hello", client_key="line-1", now=at(43))

    assert first.message_id == again.message_id == late.message_id
    assert version + 1 == fresh(chat).version


def test_only_its_customer_writes_and_ends(floor: Floor) -> None:
    chat = floor.active()
    eva = Customer.objects.create(name="Eva")
    before = everything(chat)

    for actor in (customer_actor(eva.pk, "Eva"), actor_of(floor.ana), actor_of(floor.sara), SYSTEM):
        with pytest.raises(NotVisible):
            messaging.receive(actor, chat.pk, text="I am Maja", now=at(40))
        with pytest.raises(NotVisible):
            closure.customer_ends(actor, chat.pk, now=at(40))
    for unknown in (0, -1, 2**63, 2**70):
        with pytest.raises(NotVisible):
            messaging.receive(customer_of(chat), unknown, text="Hello", now=at(40))
        with pytest.raises(NotVisible):
            closure.customer_ends(customer_of(chat), unknown, now=at(40))

    assert everything(chat) == before


# --- end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("disconnected", [False, True], ids=["ends", "disconnects"])
@pytest.mark.parametrize("phase", ["start", "offered"])
@pytest.mark.parametrize("channel", LIVE)
def test_a_customer_who_leaves_before_an_answer_has_abandoned_it(
    floor: Floor, channel: Channel, phase: str, disconnected: bool
) -> None:
    chat = getattr(floor, phase)(channel)

    with hearing() as heard:
        closure.customer_ends(customer_of(chat), chat.pk, disconnected=disconnected, now=at(40))

    after = fresh(chat)
    assert (after.state, after.reason) == ("closed", "CustomerDisconnectedOrLeftOpen")
    assert (after.is_abandoned, after.accepted_at, after.closed_at) == (True, None, at(40))
    expected = "CustomerDisconnect" if disconnected else "CustomerEndConversation"
    assert attempts(chat)[-1][1] == expected
    segment = chat.segments.get()
    assert (segment.closure_reason, segment.is_abandoned) == (expected, True)
    assert said(chat)[-1] == ("customer_left" if disconnected else "customer_ended")
    assert people(chat) == {}
    assert heard.notices == ([("ana", "offer_withdrawn")] if phase == "offered" else [])
    assert ("ana" in heard.by("conversation.closed")) is (phase == "offered")
    assert (units(floor.ana, at(40)), presence(floor.ana)) == (0, "Available")
    assert broken(at(40)) == []


@pytest.mark.parametrize("disconnected", [False, True], ids=["ends", "disconnects"])
@pytest.mark.parametrize("channel", LIVE)
def test_a_customer_who_leaves_later_sends_it_to_wrap_up(floor: Floor, channel: Channel, disconnected: bool) -> None:
    chat = floor.active(channel)

    with hearing() as heard:
        closure.customer_ends(customer_of(chat), chat.pk, disconnected=disconnected, now=at(40))

    after = fresh(chat)
    expected = "CustomerDisconnectedOrLeftActive" if disconnected else "CustomerMovedToWrapUp"
    assert (after.state, after.reason, after.agent_id) == ("wrap_up", expected, floor.ana.pk)
    assert after.is_abandoned is False
    assert {"ana", CUSTOMER} <= heard.by("conversation.ended")
    assert last_entry(chat).actor_kind == "customer"
    assert broken(at(40)) == []


def test_one_that_was_answered_before_is_not_abandoned(floor: Floor) -> None:
    chat = floor.active()
    assignment.release(actor_of(floor.ana), chat.pk, now=at(30))

    closure.customer_ends(customer_of(chat), chat.pk, now=at(40))

    assert (fresh(chat).state, fresh(chat).is_abandoned) == ("closed", False)


@pytest.mark.parametrize("channel", PERSISTENT)
@pytest.mark.parametrize("phase", ["start", "offered", "active", "waiting"])
def test_a_persistent_chat_does_not_end_like_this(floor: Floor, channel: Channel, phase: str) -> None:
    chat = getattr(floor, phase)(channel)
    before = everything(chat)

    with pytest.raises(ActionRefused, match="chat_stays"):
        closure.customer_ends(customer_of(chat), chat.pk, now=at(60))

    assert everything(chat) == before


@pytest.mark.parametrize("phase", ["wrap_up", "closed"])
def test_it_ends_once(floor: Floor, phase: str) -> None:
    chat = getattr(floor, phase)()
    before = everything(chat)

    acts: list[Callable[[], object]] = [
        lambda: closure.customer_ends(customer_of(chat), chat.pk, now=at(60)),
        lambda: closure.customer_ends(customer_of(chat), chat.pk, disconnected=True, now=at(60)),
    ]
    for act in acts:
        with pytest.raises(ActionRefused, match="chat_ended"):
            act()

    assert everything(chat) == before
