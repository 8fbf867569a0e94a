"""Who writes what to whom: modes, senders, read markers, sentiment (domain.md 1.5, 3.4)."""

import pytest
from pytest_django import Settings

from conversations.models import Conversation, Message, Participant, Sentiment, Visibility
from conversations.sentiment import sentiment_of
from conversations.services import assignment, messaging, offers, supervision
from routing.models import Channel
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import T0, Floor, actor_of, at, customer_of, fresh, make_agent, offer_of
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import everything

BILLING = {SUPERVISORS, "supervisors of Billing"}
INTERNAL, PUBLIC = Visibility.INTERNAL, Visibility.PUBLIC


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


def join(actor: Actor, chat: Conversation) -> None:
    supervision.monitor(actor, chat.pk, now=at(35))
    supervision.join(actor, chat.pk, now=at(36))


# --- people of the centre --------------------------------------------------------------------------------------


def test_the_agent_writes_to_the_customer(floor: Floor) -> None:
    chat = floor.active()
    assert chat.unanswered_since == T0

    with hearing() as heard:
        event = messaging.send(actor_of(floor.ana), chat.pk, text="How can I help?", now=at(40))

    line = Message.objects.get(pk=event.message_id)
    assert (line.sender_kind, line.sender_name, line.sender_id) == ("agent", "Ana Test", floor.ana.user_id)
    assert line.visibility == "public"
    assert fresh(chat).unanswered_since is None
    assert fresh(chat).version == event.version == chat.version + 1
    assert heard.by("conversation.message_sent") == BILLING | {"ana", CUSTOMER}
    assert Participant.objects.get(conversation=chat, mode="primary").read_at == at(40)


def test_an_internal_line_stays_inside(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    join(sara, chat)

    with hearing() as heard:
        messaging.send(sara, chat.pk, text="Offer a refund", visibility=INTERNAL, now=at(40))

    assert heard.by("conversation.message_sent") == BILLING | {"ana", "sara"}
    assert fresh(chat).unanswered_since == T0  # The customer still waits for an answer.


def test_a_joined_supervisor_speaks_as_one_also_if_they_are_an_agent_too(floor: Floor, sara: Actor) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = floor.active()
    for actor in (sara, actor_of(supa)):
        join(actor, chat)
        event = messaging.send(actor, chat.pk, text="Hello from me", now=at(40))
        assert Message.objects.get(pk=event.message_id).sender_kind == "supervisor"


def test_a_consultant_speaks_as_an_agent(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40))

    event = messaging.send(actor_of(floor.ana), chat.pk, text="As I said", visibility=INTERNAL, now=at(50))

    assert Message.objects.get(pk=event.message_id).sender_kind == "agent"


@pytest.mark.parametrize("visibility", Visibility)
def test_who_is_not_in_it_does_not_write(floor: Floor, sara: Actor, visibility: Visibility) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(35))
    before = everything(chat)

    with pytest.raises(ActionRefused, match="not_participant"):  # A monitor watches, unseen.
        messaging.send(sara, chat.pk, text="Boo", visibility=visibility, now=at(40))
    with pytest.raises(NotVisible):
        messaging.send(actor_of(floor.boris), chat.pk, text="Boo", visibility=visibility, now=at(40))
    with pytest.raises(ActionRefused, match="not_participant"):
        messaging.send(customer_of(chat), chat.pk, text="Boo", visibility=visibility, now=at(40))

    assert everything(chat) == before


def test_who_has_not_accepted_does_not_write(floor: Floor) -> None:
    chat = floor.offered()

    with pytest.raises(ActionRefused, match="not_participant"):
        messaging.send(actor_of(floor.ana), chat.pk, text="Hello", now=at(15))


def test_in_wrap_up_people_write_internally(floor: Floor, sara: Actor) -> None:
    chat = floor.wrap_up()
    join(sara, chat)

    for actor in (actor_of(floor.ana), sara):
        with pytest.raises(ActionRefused, match="internal_only") as refused:
            messaging.send(actor, chat.pk, text="Good bye", now=at(40))
        assert "over" in refused.value.refusal.sentence
        messaging.send(actor, chat.pk, text="Noted", visibility=INTERNAL, now=at(40))


def test_while_nobody_has_it_a_joined_supervisor_writes_internally(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    join(sara, chat)
    assignment.release(actor_of(floor.ana), chat.pk, now=at(38))

    with pytest.raises(ActionRefused, match="internal_only") as refused:
        messaging.send(sara, chat.pk, text="One moment", now=at(40))
    assert "No agent" in refused.value.refusal.sentence
    messaging.send(sara, chat.pk, text="Who takes this?", visibility=INTERNAL, now=at(41))


def test_while_it_waits_a_joined_supervisor_writes_to_the_customer(floor: Floor, sara: Actor) -> None:
    chat = floor.waiting()
    join(sara, chat)

    messaging.send(sara, chat.pk, text="We are on it", now=at(40))

    assert fresh(chat).state == "waiting"


@pytest.mark.parametrize(
    ("text", "code"), [("", "text_empty"), (" \x00\t\n", "text_empty"), ("x" * 6001, "text_too_long")]
)
def test_bad_words_are_refused(floor: Floor, text: str, code: str) -> None:
    chat = floor.active()
    before = everything(chat)

    with pytest.raises(ActionRefused, match=code):
        messaging.send(actor_of(floor.ana), chat.pk, text=text, now=at(40))

    assert everything(chat) == before


def test_odd_words_are_kept_without_what_breaks(floor: Floor) -> None:
    chat = floor.active()

    event = messaging.send(
        actor_of(floor.ana), chat.pk, text="\x00<b>żółw</b>\ud800 🦊\r\n%(name)s", client_key="k\x00" * 99, now=at(40)
    )

    line = Message.objects.get(pk=event.message_id)
    assert line.text == "<b>żółw</b> 🦊\r\n%(name)s"
    assert len(line.client_key) <= 64


def test_a_line_that_was_sent_twice_is_one(floor: Floor) -> None:
    chat, ana = floor.active(), actor_of(floor.ana)
    first = messaging.send(ana, chat.pk, text="Hello", client_key="line-1", now=at(40))

    with hearing() as heard:
        second = messaging.send(ana, chat.pk, text="Hello", client_key="line-1", now=at(41))

    assert first.message_id == second.message_id
    assert heard.frames == []
    assert messaging.send(ana, chat.pk, text="Hello", now=at(42)).message_id != first.message_id
    assert messaging.send(ana, chat.pk, text="Hello", now=at(43)).message_id != first.message_id


def test_words_are_not_in_the_history(floor: Floor) -> None:
    chat = floor.active()

    messaging.send(actor_of(floor.ana), chat.pk, text="secret", now=at(40))

    assert not chat.history.filter(code="conversation.message_sent").exists()


@pytest.mark.parametrize("unknown", [0, -1, 2**63, 2**70])
def test_an_unknown_conversation_is_not_found(floor: Floor, unknown: int) -> None:
    with pytest.raises(NotVisible):
        messaging.send(actor_of(floor.ana), unknown, text="Hello", now=at(40))


# --- read markers ------------------------------------------------------------------------------------------------


def test_reading_moves_the_own_marker_only(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(35))

    messaging.mark_read(actor_of(floor.ana), chat.pk, now=at(40))
    messaging.mark_read(sara, chat.pk, now=at(41))
    messaging.mark_read(actor_of(floor.boris), chat.pk, now=at(42))
    messaging.mark_read(customer_of(chat), chat.pk, now=at(43))

    rows = Participant.objects.filter(conversation=chat).values_list("user__username", "mode", "read_at")
    assert set(rows) == {("ana", "primary", at(40)), ("sara", "monitor", None)}
    assert fresh(chat).version == chat.version + 1  # The monitor; reading is no change.


# --- sentiment -----------------------------------------------------------------------------------------------------


def test_sentiment_starts_neutral_and_follows_the_customer(floor: Floor) -> None:
    chat = floor.active()
    assert chat.sentiment == Sentiment.NEUTRAL

    messaging.receive(customer_of(chat), chat.pk, text="This is horrible, awful, the worst!", now=at(40))
    assert fresh(chat).sentiment < Sentiment.NEUTRAL
    for second in range(41, 47):
        messaging.receive(customer_of(chat), chat.pk, text="Excellent, wonderful, thank you!", now=at(second))

    # Only the last six lines count, so the anger is forgotten.
    assert fresh(chat).sentiment > Sentiment.SLIGHTLY_POSITIVE


def test_what_agents_say_does_not_count(floor: Floor) -> None:
    chat = floor.active()

    messaging.send(actor_of(floor.ana), chat.pk, text="Horrible, awful, terrible!", now=at(40))

    assert fresh(chat).sentiment == Sentiment.NEUTRAL


def test_the_first_line_counts(floor: Floor) -> None:
    assert floor.start(text="This is terrible and disgusting").sentiment < Sentiment.NEUTRAL


class Fixed:
    """A scorer that reads the score off the text."""

    def score(self, text: str) -> float:
        return float(text)


@pytest.fixture
def scored_by_number(settings: Settings) -> None:
    settings.SENTIMENT_SCORER = f"{__name__}.Fixed"


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([], Sentiment.NEUTRAL),
        (["-1"], Sentiment.VERY_NEGATIVE),
        (["-0.6"], Sentiment.VERY_NEGATIVE),
        (["-0.59"], Sentiment.NEGATIVE),
        (["-0.3"], Sentiment.NEGATIVE),
        (["-0.29"], Sentiment.SLIGHTLY_NEGATIVE),
        (["0"], Sentiment.NEUTRAL),
        (["0.05"], Sentiment.NEUTRAL),
        (["0.06"], Sentiment.SLIGHTLY_POSITIVE),
        (["0.31"], Sentiment.POSITIVE),
        (["0.61"], Sentiment.VERY_POSITIVE),
        (["1"], Sentiment.VERY_POSITIVE),
        (["-1", "1"], Sentiment.NEUTRAL),
        (["-1", *["1"] * 6], Sentiment.VERY_POSITIVE),
    ],
)
def test_there_are_seven_steps_over_the_last_six_lines(
    scored_by_number: None, scores: list[str], expected: Sentiment
) -> None:
    assert sentiment_of(scores) == expected


def test_the_scorer_is_a_setting(floor: Floor, scored_by_number: None) -> None:
    chat = floor.start(Channel.SMS, text="-1")

    assert chat.sentiment == Sentiment.VERY_NEGATIVE
