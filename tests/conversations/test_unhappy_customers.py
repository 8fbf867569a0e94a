"""Who is told of an unhappy customer, when, and what is kept of the sentiment? (domain.md 1.5, 4.1, 7, P24)"""

import pytest
from django.test import Client

from conversations import wording
from conversations.models import Conversation, Notice, Sentiment, SentimentChange, SupervisorSettings
from conversations.reports import moods
from conversations.sentiment.alerts import News, news
from conversations.services import assignment, intake, messaging, supervision
from routing.models import BasePresence, Channel, Queue, User
from supervisor_console.kernel.actor import Role
from tests.cast import Floor, actor_of, at, customer_of, fresh, make_agent, make_workstream, set_presence
from tests.conversations.hearing import hearing

BAD, GOOD = "Terrible. Awful. Horrible.", "Excellent! Perfect! Wonderful!"
MEH = "It is a table."
VERY_BAD, NEUTRAL = Sentiment.VERY_NEGATIVE, Sentiment.NEUTRAL


@pytest.fixture
def tells(floor: Floor) -> Floor:
    SupervisorSettings.objects.update(unhappy_notice=Sentiment.NEGATIVE)
    return floor


def write(chat: Conversation, *lines: str, after: int = 30) -> None:
    for number, line in enumerate(lines):
        messaging.receive(customer_of(chat), chat.pk, text=line, now=at(after + number))


def told() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(code="customer_unhappy").order_by("pk")
    return [(row.user.username, wording.notice(row.code, row.params)) for row in rows]


# --- when -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentiment", "threshold", "was_told", "what"),
    [
        (Sentiment.NEGATIVE, Sentiment.NEGATIVE, False, News.FELL),
        (Sentiment.VERY_NEGATIVE, Sentiment.NEGATIVE, False, News.FELL),
        (Sentiment.SLIGHTLY_NEGATIVE, Sentiment.NEGATIVE, False, News.NONE),
        (Sentiment.VERY_NEGATIVE, 0, False, News.NONE),
        (Sentiment.NOT_AVAILABLE, Sentiment.NEGATIVE, False, News.NONE),
        (Sentiment.VERY_NEGATIVE, Sentiment.NEGATIVE, True, News.NONE),
        (Sentiment.SLIGHTLY_NEGATIVE, Sentiment.NEGATIVE, True, News.NONE),
        (Sentiment.NEUTRAL, Sentiment.NEGATIVE, True, News.RECOVERED),
        (Sentiment.POSITIVE, 0, True, News.RECOVERED),
        (Sentiment.POSITIVE, Sentiment.NEGATIVE, False, News.NONE),
    ],
)
def test_what_a_sentiment_means_for_those_who_are_told(
    sentiment: Sentiment, threshold: int, was_told: bool, what: News
) -> None:
    assert news(sentiment, threshold, was_told=was_told) is what


def test_nobody_is_told_until_it_is_switched_on(floor: Floor) -> None:
    write(floor.active(), BAD, BAD)

    assert told() == []


def test_supervisors_are_told_once_for_each_fall(tells: Floor) -> None:
    chat = tells.active()

    with hearing() as heard:
        write(chat, BAD, BAD, BAD)
    write(chat, *[GOOD] * 6, after=40)
    assert len(told()) == 1
    write(chat, *[BAD] * 6, after=50)

    assert heard.notices == [("sara", "customer_unhappy")]
    assert heard.by("customer_unhappy") == {"sara"}
    assert told()[0] == ("sara", "Maja sounds unhappy in «Hello» (Billing): Negative.")
    assert [name for name, _ in told()] == ["sara", "sara"]


def test_one_that_goes_up_and_down_around_the_threshold_is_one_fall(tells: Floor) -> None:
    write(chat := tells.active(), BAD, MEH, MEH, MEH, BAD, BAD)

    steps = list(SentimentChange.objects.filter(conversation=chat).order_by("pk").values_list("sentiment", flat=True))
    assert steps.count(Sentiment.NEGATIVE) > 1, "it fell twice"
    assert Sentiment.NEUTRAL not in steps[1:], "and was never well in between"
    assert len(told()) == 1


def test_who_begins_unhappy_is_told_of(tells: Floor) -> None:
    tells.start(text=BAD)

    assert [name for name, _ in told()] == ["sara"]


def test_what_a_bot_was_told_is_news_when_it_hands_over(tells: Floor) -> None:
    stream = make_workstream("With a bot", Channel.LIVE_CHAT, tells.billing)
    stream.bot = make_agent("robi", is_bot=True)
    stream.save()
    event = intake.start(workstream_id=stream.pk, name="Maja", text=BAD, now=at(0))
    assert told() == []

    chat = Conversation.objects.get(pk=event.conversation_id)
    write(chat, f"{BAD} Let me talk to a person")

    assert fresh(chat).state == "open"
    assert [name for name, _ in told()] == ["sara"]


# --- who ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("presence", "always", "names"),
    [
        (BasePresence.AVAILABLE, False, ["sara", "stefan"]),
        (BasePresence.BUSY, False, ["sara", "stefan"]),
        (BasePresence.BUSY_DND, False, ["sara"]),
        (BasePresence.OFFLINE, False, ["sara"]),
        (BasePresence.OFFLINE, True, ["sara", "stefan"]),
    ],
)
def test_those_are_told_whose_queue_it_is_and_who_are_there(
    tells: Floor, presence: BasePresence, always: bool, names: list[str]
) -> None:
    make_agent("tina", tells.returns, roles=(Role.SUPERVISOR,))
    SupervisorSettings.objects.update(unhappy_notice_always=always)
    stefan = tells.stefan.agent
    set_presence(stefan, presence)

    write(tells.active(), BAD)

    assert [name for name, _ in told()] == names


def test_who_is_in_it_sees_it_already(tells: Floor) -> None:
    chat = tells.active()
    supervision.monitor(actor_of(tells.sara), chat.pk, now=at(25))

    write(chat, BAD)

    assert told() == []


@pytest.mark.parametrize(("own", "is_told"), [(None, True), (0, False), (Sentiment.VERY_NEGATIVE, False)])
def test_a_queue_has_a_step_of_its_own(tells: Floor, own: int | None, is_told: bool) -> None:
    Queue.objects.filter(pk=tells.billing.pk).update(unhappy_notice=own)

    write(chat := tells.active(), BAD)

    assert fresh(chat).sentiment == Sentiment.NEGATIVE
    assert bool(told()) is is_told


def test_the_notice_leads_a_supervisor_to_the_conversation(tells: Floor, client: Client) -> None:
    write(chat := tells.active(), BAD)
    client.force_login(tells.sara)

    page = client.get("/notices/").content.decode()

    assert "sounds unhappy" in page
    assert f'href="/conversations/{chat.pk}/"' in page


# --- the agent -------------------------------------------------------------------------------------------------------


@pytest.fixture
def warns(floor: Floor) -> Floor:
    SupervisorSettings.objects.update(agent_unhappy_notice=Sentiment.NEGATIVE)
    return floor


def warned() -> list[tuple[str, str]]:
    rows = Notice.objects.filter(code="own_customer_unhappy").order_by("pk")
    return [(row.user.username, wording.notice(row.code, row.params)) for row in rows]


def desk(client: Client, user: User, chat: Conversation) -> str:
    client.force_login(user)
    return client.get(f"/desk/{chat.pk}/").content.decode()


def test_agents_are_not_told_until_it_is_switched_on(tells: Floor, client: Client) -> None:
    write(chat := tells.active(), BAD, BAD)

    assert (warned(), fresh(chat).agent_warned_at) == ([], None)
    assert "Maja sounds unhappy." not in desk(client, tells.ana.user, chat)


def test_the_agent_is_told_once_for_each_fall_and_nobody_else(warns: Floor) -> None:
    chat = warns.active()

    with hearing() as heard:
        write(chat, BAD, BAD, BAD)
    write(chat, *[GOOD] * 6, after=40)
    assert (len(warned()), fresh(chat).agent_warned_at) == (1, None)
    write(chat, *[BAD] * 6, after=50)

    assert heard.notices == [("ana", "own_customer_unhappy")]
    assert heard.by("own_customer_unhappy") == {"ana"}
    assert warned() == [("ana", "Maja sounds unhappy in «Hello»: Negative.")] * 2
    assert told() == [], "supervisors are told by a setting of their own"


def test_the_notice_leads_the_agent_to_the_desk(warns: Floor, client: Client) -> None:
    write(chat := warns.active(), BAD)
    client.force_login(warns.ana.user)

    page = client.get("/notices/").content.decode()

    assert f'href="/desk/{chat.pk}/"' in page


def test_the_desk_says_so_as_long_as_it_lasts(warns: Floor, client: Client) -> None:
    chat = warns.active()
    before = desk(client, warns.ana.user, chat)
    write(chat, BAD)
    during = desk(client, warns.ana.user, chat)
    write(chat, *[GOOD] * 6, after=40)
    after = desk(client, warns.ana.user, chat)

    assert ["Maja sounds unhappy." in page for page in (before, during, after)] == [False, True, False]
    assert "Now: Negative, by their last six lines." in during


def test_who_gets_it_later_reads_it_on_the_desk(warns: Floor, client: Client) -> None:
    chat = warns.start(text=BAD)
    assignment.pick(actor_of(warns.ana), chat.pk, now=at(10))

    assert warned() == [], "nobody had it when they fell"
    assert "Maja sounds unhappy." in desk(client, warns.ana.user, chat)


def test_who_is_only_asked_is_not_told(warns: Floor) -> None:
    chat = warns.offered()
    write(chat, BAD)

    assert (warned(), fresh(chat).agent_warned_at) == ([], at(30))


@pytest.mark.parametrize(("own", "is_told"), [(None, True), (0, False), (Sentiment.VERY_NEGATIVE, False)])
def test_a_queue_has_a_step_of_its_own_for_agents(warns: Floor, own: int | None, is_told: bool) -> None:
    Queue.objects.filter(pk=warns.billing.pk).update(agent_unhappy_notice=own)

    write(warns.active(), BAD)

    assert bool(warned()) is is_told


# --- what is kept and shown -----------------------------------------------------------------------------------------


def test_each_change_is_kept_and_reports_hear_of_it(floor: Floor) -> None:
    chat = floor.active()

    with hearing() as heard:
        write(chat, MEH, BAD, BAD)

    kept = list(SentimentChange.objects.filter(conversation=chat).order_by("pk").values_list("sentiment", "at"))
    assert kept[0] == (NEUTRAL, at(0))
    assert [at for _, at in kept] == sorted({at for _, at in kept})
    assert heard.codes.count("conversation.sentiment_changed") == len(kept) - 1
    assert fresh(chat).sentiment_since == kept[-1][1]


def test_the_page_lists_when_it_changed_to_what(floor: Floor, client: Client) -> None:
    chat = floor.active()
    write(chat, BAD, BAD, BAD, BAD, BAD)
    client.force_login(floor.sara)

    page = client.get(f"/conversations/{chat.pk}/").content.decode()
    card = page[page.index('id="moods-title"') :]
    card = card[: card.index("</section>")]

    assert card.count("<li>") == SentimentChange.objects.filter(conversation=chat).count() > 1
    assert card.index("Negative") < card.index("Neutral"), "the newest comes first"
    assert 'aria-hidden="true"' in card
    assert "From the last six lines of the customer." in card


def test_the_line_is_of_steps_over_time(floor: Floor) -> None:
    chat = floor.start()
    SentimentChange.objects.create(conversation=chat, sentiment=VERY_BAD, at=at(50))

    found = moods.series(chat, at(100))

    assert found is not None
    assert found.line == "0.0,23.0 120.0,23.0 120.0,42.0 240,42.0"
    assert [step.sentiment for step in found.steps] == [VERY_BAD, NEUTRAL]


def test_a_long_series_is_shown_from_its_end(floor: Floor) -> None:
    chat = floor.start()
    for number in range(20):
        SentimentChange.objects.create(conversation=chat, sentiment=7 + number % 7, at=at(number + 1))

    found = moods.series(chat, at(100))

    assert found is not None
    assert (len(found.steps), found.earlier) == (moods.SHOWN, 21 - moods.SHOWN)


def test_a_tile_counts_the_unhappy_ones_and_shows_them(floor: Floor, client: Client) -> None:
    floor.start()
    unhappy = floor.start(text=BAD)
    client.force_login(floor.sara)

    page = client.get("/conversations/?window=all").content.decode()
    tile = page[page.index('id="tile-unhappy"') :][:600]
    filtered = client.get("/conversations/?window=all&sentiment=7&sentiment=8&sentiment=9").content.decode()

    assert '<span class="tile-value ">1</span>' in tile
    assert "sentiment=7" in tile
    assert filtered.count("<tr id=") == 1
    assert f'id="row-{unhappy.pk}"' in filtered
    assert 'aria-current="true"' in filtered[filtered.index('id="tile-unhappy"') :][:400]
