"""A bot serves first: it greets, answers, hands over, ends (domain.md 1.3, 1.5, 2.2 T1, 3.2, 5.1, 5.5)."""

import pytest
from django.test import Client

from conversations import bot_script
from conversations.bot_script import Move
from conversations.models import Conversation, HistoryEntry, Message, Notice, Sentiment, Session, SupervisorSettings
from conversations.reports.durations import wait
from conversations.reports.people import initials
from conversations.services import assignment, bots, closure, intake, messaging, offers, supervision, timers
from routing.models import Agent, BasePresence, Channel, Workstream
from supervisor_console.kernel.errors import ActionRefused
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, make_agent, offer_of
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import history
from tests.invariants import broken


@pytest.fixture
def bot(floor: Floor) -> Agent:
    """Vesna serves the chats, the persistent ones and the text messages first."""
    found = make_agent("vesna", units=1, presence=BasePresence.OFFLINE, roles=(), is_bot=True)
    Workstream.objects.exclude(channel=Channel.VOICE).update(bot=found)
    return found


def start(floor: Floor, text: str = "Where is my parcel?", channel: Channel = Channel.LIVE_CHAT) -> Conversation:
    return floor.start(channel, text=text)


def write(chat: Conversation, text: str, seconds: float) -> Conversation:
    messaging.receive(customer_of(chat), chat.pk, text=text, now=at(seconds))
    return fresh(chat)


def spoken(chat: Conversation) -> list[tuple[str, str]]:
    rows = Message.objects.filter(conversation=chat).order_by("pk")
    return [(row.sender_kind, row.code or row.text.split(".")[0]) for row in rows]


# --- the script ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answered", "move"),
    [
        ("Where is my parcel?", 0, Move.STAYS),
        ("Something is odd", 0, Move.STAYS),
        ("And how do I return it?", 1, Move.STAYS),
        ("Something is odd", 1, Move.ESCALATES),
        ("Where is my parcel?", 2, Move.ESCALATES),
        ("I want a person", 0, Move.ESCALATES),
        ("Thanks!", 1, Move.ENDS),
        ("Thanks!", 0, Move.STAYS),
        ("Thanks, but I want a human", 1, Move.ESCALATES),
        ("Thanks for nothing, my parcel has not arrived yet", 1, Move.STAYS),
    ],
)
def test_the_script_answers_two_questions_and_hands_over(text: str, answered: int, move: Move) -> None:
    found = bot_script.turn(text, answered)

    assert found.move == move
    assert found.text


# --- it begins ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS])
def test_a_conversation_begins_with_the_bot_and_waits_for_nobody(floor: Floor, bot: Agent, channel: Channel) -> None:
    with hearing() as heard:
        chat = start(floor, channel=channel)

    assert (chat.state, chat.reason, chat.agent_id, chat.is_with_bot) == ("active", "InConversation", bot.pk, True)
    assert (chat.first_wait_started_at, chat.accepted_at, chat.handling_since) == (None, None, None)
    assert [kind for kind, _ in spoken(chat)] == ["customer", "bot", "bot"]
    assert Session.objects.get(conversation=chat).is_bot_session
    assert wait(chat, at(60)).text == "–"
    assert heard.by("conversation.created") == {SUPERVISORS, "supervisors of Billing", CUSTOMER, "vesna"}
    assert broken(at(0)) == []


def test_a_bot_that_was_switched_off_leaves_the_work_to_people(floor: Floor, bot: Agent) -> None:
    bot.user.is_active = False
    bot.user.save()

    assert start(floor).state == "open"


# --- it hands over (T1) ------------------------------------------------------------------------------------------


def test_the_wait_begins_when_the_bot_hands_over(floor: Floor, bot: Agent) -> None:
    """The worked example of domain.md 5.5: created, 120 s with the bot, accepted 25 s later: the wait is 25 s."""
    chat = start(floor)
    with hearing() as heard:
        bots.escalate(customer_of(chat), chat.pk, now=at(120))
    chat = fresh(chat)

    assert (chat.state, chat.agent_id, chat.last_agent_id) == ("open", None, None)
    assert chat.first_wait_started_at == chat.unanswered_since == at(120)
    assert heard.by("conversation.escalated") >= {SUPERVISORS, "open list of Billing", CUSTOMER}
    assert broken(at(120)) == []

    assignment.assign(
        actor_of(floor.sara),
        chat.pk,
        agent_id=floor.ana.pk,
        version=chat.version,
        confirmed=EVERY_CAUTION,
        now=at(130),
    )
    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(145))
    chat = fresh(chat)

    assert wait(chat, at(500)).text == "0:25"
    assert chat.handling_since == at(145), "the bot's 120 s are nobody's handle time"
    sessions = Session.objects.filter(conversation=chat).order_by("pk")
    assert [(row.is_bot_session, row.closure_reason) for row in sessions] == [
        (True, "BotTransferToAgent"),
        (False, "AgentReRouted"),
        (False, ""),
    ]
    stays = [(stay.started_at, stay.closure_reason) for stay in chat.segments.order_by("pk")]
    assert stays == [(at(0), "BotTransferToAgent"), (at(120), "")]
    assert ("bot", "Parcels arrive within three working days") in spoken(chat)
    assert broken(at(145)) == []


def test_a_customer_who_asks_for_a_person_in_their_first_line_gets_one(floor: Floor, bot: Agent) -> None:
    chat = start(floor, "I want to talk to a person")

    assert chat.state == "open"
    assert history(chat) == ["created", "escalated"]
    assert broken(at(0)) == []


def test_after_two_answers_it_hands_over(floor: Floor, bot: Agent) -> None:
    chat = start(floor)
    chat = write(chat, "And how do I pay?", 30)
    assert (chat.state, chat.unanswered_since) == ("active", None)

    chat = write(chat, "And what about the garden?", 60)

    assert (chat.state, chat.first_wait_started_at) == ("open", at(60))


def test_what_the_bot_was_told_counts_for_sentiment_once_it_hands_over(floor: Floor, bot: Agent) -> None:
    chat = start(floor, "This is terrible, horrible, awful. Where is my parcel?")
    assert chat.sentiment == Sentiment.NEUTRAL

    bots.escalate(customer_of(chat), chat.pk, now=at(10))

    assert fresh(chat).sentiment <= Sentiment.NEGATIVE


def test_nobody_is_handed_over_twice(floor: Floor, bot: Agent) -> None:
    chat = start(floor)
    bots.escalate(customer_of(chat), chat.pk, now=at(10))

    with pytest.raises(ActionRefused, match="not_with_bot"):
        bots.escalate(customer_of(chat), chat.pk, now=at(11))


# --- it ends -----------------------------------------------------------------------------------------------------


def test_a_bot_that_helped_ends_it_and_nobody_was_abandoned(floor: Floor, bot: Agent) -> None:
    chat = write(start(floor), "Thank you", 30)

    assert (chat.state, chat.reason, chat.is_abandoned, chat.last_agent_id) == ("closed", "EndedByBot", False, bot.pk)
    assert Session.objects.get(conversation=chat).closure_reason == "BotEndConversation"
    assert HistoryEntry.objects.filter(conversation=chat).latest("pk").actor_kind == "bot"
    assert broken(at(30)) == []


def test_a_customer_who_leaves_the_bot_waited_for_nobody(floor: Floor, bot: Agent) -> None:
    chat = start(floor)

    closure.customer_ends(customer_of(chat), chat.pk, disconnected=True, now=at(30))

    chat = fresh(chat)
    assert (chat.state, chat.reason, chat.is_abandoned) == ("closed", "CustomerDisconnectedOrLeftActive", False)
    assert broken(at(30)) == []


@pytest.mark.parametrize("due", [1200, 90])
def test_a_silent_customer_does_not_keep_a_bot_for_ever(floor: Floor, bot: Agent, due: int) -> None:
    if due != 1200:
        SupervisorSettings.objects.update(bot_silence=due)
    chat, other = start(floor), start(floor, channel=Channel.PERSISTENT_CHAT)
    write(other, "And how do I pay?", 60)

    timers.run_due(now=at(due - 1))
    assert fresh(chat).state == "active"
    timers.run_due(now=at(due))

    assert (fresh(chat).reason, fresh(other).state) == ("EndedByBot", "active")
    assert bots.give_up(other.pk, now=at(due)) is None


# --- what supervisors can do (3.2, 1.3) ---------------------------------------------------------------------------


def test_a_bot_s_conversation_is_not_transferred_and_not_assigned(floor: Floor, bot: Agent) -> None:
    chat, sara = start(floor), actor_of(floor.sara)

    with pytest.raises(ActionRefused) as transfer:
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(5))
    with pytest.raises(ActionRefused) as assign:
        assignment.assign(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(5))

    assert (transfer.value.refusal.code, assign.value.refusal.code) == ("bot_primary", "already_assigned")
    assert "A bot has this one" in assign.value.refusal.sentence
    assert fresh(chat).is_with_bot


def test_a_bot_s_conversation_is_monitored_joined_and_force_closed_and_it_is_told_nothing(
    floor: Floor, bot: Agent
) -> None:
    SupervisorSettings.objects.update(notify_agent_on_monitor=True)
    chat, sara = start(floor), actor_of(floor.sara)
    supervision.monitor(sara, chat.pk, now=at(5))
    supervision.join(sara, chat.pk, now=at(6))
    messaging.send(sara, chat.pk, text="Let me look", now=at(7))

    closure.force_close(sara, chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION, now=at(8))

    assert (fresh(chat).state, fresh(chat).reason) == ("closed", "ForceClosedBySupervisor")
    assert not Notice.objects.filter(user=bot.user).exists()
    assert broken(at(8)) == []


def test_many_customers_talk_to_one_bot_at_once(floor: Floor, bot: Agent) -> None:
    for _ in range(12):
        start(floor)

    bot.refresh_from_db()
    assert Conversation.objects.filter(agent=bot).count() == 12
    assert bot.presence.base == BasePresence.OFFLINE, "what a bot holds is counted for nobody"
    assert broken(at(0)) == []


def test_the_start_form_brings_the_bot(floor: Floor, bot: Agent) -> None:
    event = intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hours?", client_key="k", now=at(0))
    again = intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hours?", client_key="k", now=at(1))

    assert event.conversation_id == again.conversation_id
    assert Message.objects.filter(conversation=event.conversation_id, sender_kind="bot").count() == 2


# --- it is seen ----------------------------------------------------------------------------------------------------


def test_the_page_shows_a_bot_as_one_without_presence_and_capacity(floor: Floor, bot: Agent, client: Client) -> None:
    chat = start(floor)
    client.force_login(floor.sara)

    card = client.get(f"/conversations/{chat.pk}/").content.decode().split("Active agent")[1].split("</section>")[0]

    assert "Vesna Test" in card
    assert "Bot" in card
    assert "Offline" not in card
    assert "capacity" not in card


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Test", "AT"), ("Žiga", "Ž"), ("Vesna (assistant)", "V"), ("Ana M. Test", "AT"), ("", "?"), ("!", "?")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters
