"""The transcript: who reads which line, and how."""

from datetime import timedelta

import pytest

from conversations.models import Visibility
from conversations.reports import transcript
from conversations.services import messaging, supervision
from supervisor_console.kernel.actor import Actor
from tests.cast import Floor, actor_of, at, customer_of


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


def test_lines_stand_in_the_order_in_which_they_were_said(floor: Floor) -> None:
    conversation = floor.active()
    messaging.send(actor_of(floor.ana), conversation.pk, text="How can I help?", now=at(30))
    messaging.receive(customer_of(conversation), conversation.pk, text="With my bill", now=at(40))

    said = transcript.lines(conversation, for_customer=False, viewer_user_id=floor.ana.user_id)

    assert [line.text for line in said if line.kind != "system"] == ["Hello", "How can I help?", "With my bill"]
    assert [line.kind for line in said if line.kind != "system"] == ["customer", "agent", "customer"]
    assert [line.own for line in said if line.kind != "system"] == [False, True, False]


def test_the_customer_reads_no_internal_line(floor: Floor) -> None:
    conversation = floor.active()
    agent = actor_of(floor.ana)
    messaging.send(agent, conversation.pk, text="Between us", visibility=Visibility.INTERNAL, now=at(30))

    for_customer = transcript.lines(conversation, for_customer=True, viewer_user_id=None)
    for_agent = transcript.lines(conversation, for_customer=False, viewer_user_id=floor.ana.user_id)

    assert "Between us" not in [line.text for line in for_customer]
    assert not any(line.internal for line in for_customer)
    assert [line.internal for line in for_agent if line.text == "Between us"] == [True]


def test_the_customer_s_own_lines_are_theirs(floor: Floor) -> None:
    conversation = floor.active()

    said = transcript.lines(conversation, for_customer=True, viewer_user_id=None)

    assert [line.own for line in said if line.kind == "customer"] == [True]


def test_a_join_is_one_line_for_each_reader(floor: Floor, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    supervision.join(sara, conversation.pk, now=at(40))

    for_customer = transcript.lines(conversation, for_customer=True, viewer_user_id=None)
    for_agent = transcript.lines(conversation, for_customer=False, viewer_user_id=floor.ana.user_id)

    assert [line.text for line in for_customer if "joined" in line.text and "Sara" in line.text] == [
        "Sara Test joined the conversation."
    ]
    assert [line.text for line in for_agent if "joined" in line.text and "Sara" in line.text] == [
        "Supervisor Sara Test joined."
    ]


def test_monitoring_leaves_no_line(floor: Floor, sara: Actor) -> None:
    conversation = floor.active()
    before = transcript.lines(conversation, for_customer=False, viewer_user_id=None)

    supervision.monitor(sara, conversation.pk, now=at(30))

    assert transcript.lines(conversation, for_customer=False, viewer_user_id=None) == before


def test_the_last_lines_can_be_asked_for(floor: Floor) -> None:
    conversation = floor.active()
    for number in range(5):
        messaging.send(actor_of(floor.ana), conversation.pk, text=f"Line {number}", now=at(30 + number))

    said = transcript.lines(conversation, for_customer=True, viewer_user_id=None, last=2)

    assert [line.text for line in said] == ["Line 3", "Line 4"]


def test_an_older_line_says_its_day(floor: Floor) -> None:
    conversation = floor.start()

    today = transcript.lines(conversation, for_customer=True, viewer_user_id=None, now=at(60))
    later = transcript.lines(conversation, for_customer=True, viewer_user_id=None, now=at(0) + timedelta(days=3))

    assert "March" not in today[0].at_text
    assert today[0].at_text in later[0].at_text
    assert "March 2" in later[0].at_text
