"""Sentiment analysis is switched off: nothing is read, nobody told, and every place says so at once (domain.md 7)."""

import pytest
from django.test import Client

from conversations.models import Conversation, Notice, Sentiment, SentimentChange, SupervisorSettings
from conversations.reports.source import Source
from conversations.services import messaging
from conversations.services import settings as service
from tests.cast import Floor, actor_of, at, customer_of, fresh
from tests.conversations.hearing import SUPERVISORS, hearing

BAD = "Terrible. Awful. Horrible."
REPORT = "/conversations/"


@pytest.fixture
def unhappy(floor: Floor) -> Conversation:
    """One that everybody is told of, before the switch goes off."""
    SupervisorSettings.objects.update(unhappy_notice=Sentiment.NEGATIVE, agent_unhappy_notice=Sentiment.NEGATIVE)
    chat = floor.active()
    write(chat, 30)
    write(chat, 40)
    assert Notice.objects.filter(code__endswith="customer_unhappy").count() == 2
    return chat


def write(chat: Conversation, second: int) -> None:
    messaging.receive(customer_of(chat), chat.pk, text=BAD, now=at(second))


def switch(floor: Floor, *, on: bool) -> None:
    service.change(actor_of(floor.otto), values={"sentiment_enabled": on}, now=at(50))


def test_nothing_is_read_and_nobody_is_told(floor: Floor, unhappy: Conversation) -> None:
    switch(floor, on=False)
    changes, notices = SentimentChange.objects.count(), Notice.objects.count()
    other = floor.active()
    for number in range(6):
        write(other, 60 + number)

    assert fresh(other).sentiment == Sentiment.NOT_AVAILABLE
    assert fresh(floor.start(text=BAD)).sentiment == Sentiment.NOT_AVAILABLE
    assert fresh(unhappy).sentiment == Sentiment.VERY_NEGATIVE, "what was read is kept"
    assert (SentimentChange.objects.count(), Notice.objects.filter(code__contains="unhappy").count()) == (changes, 2)
    assert Notice.objects.count() > notices, "other notices go on"


def test_every_report_and_every_desk_hears_of_it(floor: Floor) -> None:
    with hearing() as heard:
        switch(floor, on=False)

    told = heard.by("settings.changed")
    assert {SUPERVISORS, "supervisors of Billing", "open list of Billing", "open list of Returns"} <= told


def test_switched_on_again_the_next_line_is_read(floor: Floor) -> None:
    switch(floor, on=False)
    chat = floor.active()
    write(chat, 60)
    switch(floor, on=True)
    write(chat, 70)

    assert fresh(chat).sentiment < Sentiment.NEUTRAL
    assert SentimentChange.objects.filter(conversation=chat).count() == 1


def test_the_report_says_so_in_column_filter_and_tile(floor: Floor, unhappy: Conversation, client: Client) -> None:
    client.force_login(floor.sara)
    before = client.get(REPORT, {"window": "all"}).content.decode()
    switch(floor, on=False)

    page = client.get(REPORT, {"window": "all"}).content.decode()
    row = page[page.index(f'<tr id="row-{unhappy.pk}"') :].split("</tr>")[0]

    assert "Very negative" in before
    assert "Very negative" not in row
    assert "<span>Off</span>" in row
    group = page[page.index('id="filter-sentiment"') :].split("</fieldset>")[0]
    assert "Switched off in the supervisor settings." in group
    assert "<input" not in group
    tile = page[page.index('id="tile-unhappy"') :].split("</div>")[0]
    assert "sentiment is off" in tile
    assert "href" not in tile


def test_an_address_that_filters_or_sorts_by_it_shows_everything_and_says_why(
    floor: Floor, unhappy: Conversation, client: Client
) -> None:
    client.force_login(floor.sara)
    switch(floor, on=False)

    page = client.get(REPORT, {"window": "all", "sentiment": "13", "sort": "sentiment"}).content.decode()

    assert f'<tr id="row-{unhappy.pk}"' in page
    assert "means nothing here: sentiment=13, sort=sentiment" in page


def test_it_needs_no_supervisor_any_more(floor: Floor, unhappy: Conversation) -> None:
    def needs() -> set[str]:
        sara = actor_of(floor.sara)
        return {item.need for item in Source(at(55)).lane(sara).items}

    before = needs()
    switch(floor, on=False)

    assert before == {"Very negative"}
    assert needs() == set()


def test_pages_of_supervisors_say_so_and_agents_read_nothing_of_it(
    floor: Floor, unhappy: Conversation, client: Client
) -> None:
    switch(floor, on=False)
    client.force_login(floor.sara)
    for address in (f"/conversations/{unhappy.pk}/", f"/conversations/{unhappy.pk}/panel/", f"/agents/{floor.ana.pk}/"):
        page = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "Sentiment off" in page, address
        assert "Very negative" not in page, address
    client.force_login(floor.ana.user)
    desk = client.get(f"/desk/{unhappy.pk}/").content.decode()
    board = desk[desk.index('id="desk-board"') :]
    assert "sounds unhappy" not in board.split('id="desk-lists"')[0]
    assert 'class="sentiment' not in board


def test_what_needs_it_cannot_be_switched_on_without_it(floor: Floor, client: Client) -> None:
    SupervisorSettings.objects.update(sentiment_enabled=False, sentiment_alert=0)
    row = SupervisorSettings.objects.get()

    assert service.why_without_effect(row) == {}
    row.unhappy_notice = Sentiment.NEGATIVE
    assert [no.code for no in service.why_without_effect(row).values()] == ["setting_off:sentiment"]
