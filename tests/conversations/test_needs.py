"""What needs a supervisor, in which order, and what is best done: the lane above the report."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations import selectors
from conversations.models import Conversation, Sentiment, SupervisorSettings
from conversations.reports.needs import COUNTED, Lane, lane
from conversations.services import offers, timers
from routing.models import Agent, BasePresence, Presence, Queue
from supervisor_console.kernel.actor import SYSTEM
from tests.cast import Floor, actor_of, at, offer_of, set_presence


def lane_at(floor: Floor, seconds: int) -> Lane:
    return lane(actor_of(floor.sara), Queue.objects.in_bulk(), selectors.settings_row(), at(seconds))


def needs(floor: Floor, seconds: int) -> list[tuple[int, str, str]]:
    return [(item.id, item.need, item.action) for item in lane_at(floor, seconds).items]


def test_nobody_needs_a_supervisor_where_all_goes_well(floor: Floor) -> None:
    floor.active()
    floor.start()

    assert lane_at(floor, 10) == Lane(0, ())


def test_a_conversation_that_waits_longer_than_the_critical_wait_of_its_queue(floor: Floor) -> None:
    chat = floor.start()
    limit = chat.queue.wait_critical_seconds

    assert needs(floor, limit - 1) == []
    assert needs(floor, limit) == [(chat.pk, "Waits too long", "Assign")]


@pytest.mark.parametrize("how", ["rejected", "missed"])
def test_one_that_an_agent_did_not_take(floor: Floor, how: str) -> None:
    chat = floor.offered(to=floor.ana)
    if how == "rejected":
        offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(20))
    else:
        timers.run_due(now=at(130))

    assert needs(floor, 140) == [(chat.pk, "Nobody took it", "Assign")]


def test_one_whose_agent_is_offline(floor: Floor) -> None:
    chat = floor.active(by=floor.ana)
    set_presence(floor.ana, BasePresence.OFFLINE)

    assert needs(floor, 20) == [(chat.pk, "Agent offline", "Transfer")]


def test_where_nobody_is_offline_the_other_needs_are_found(floor: Floor, client: Client) -> None:
    """A need that nobody can have is no question to a database, and no reason not to ask the others."""
    chat = floor.start()
    Agent.objects.update(presence=Presence.objects.get(code="available"))
    client.force_login(floor.sara)

    assert needs(floor, 4000) == [(chat.pk, "Waits too long", "Assign")]
    assert client.get(reverse("conversations:ongoing"), {"window": "all"}).status_code == 200


def test_where_nothing_can_be_seen_nothing_is_asked(floor: Floor) -> None:
    floor.start()

    assert lane(SYSTEM, {}, selectors.settings_row(), at(4000)) == Lane(0, ())


def test_a_line_that_is_unanswered_for_too_long(floor: Floor) -> None:
    chat = floor.active(by=floor.ana)
    Conversation.objects.filter(pk=chat.pk).update(unanswered_since=at(10))
    SupervisorSettings.objects.update_or_create(pk=1, defaults={"silent_after": 60})

    assert needs(floor, 69) == []
    assert needs(floor, 70) == [(chat.pk, "No answer", "Look")]


def test_a_customer_who_is_unhappy_at_the_set_step_or_below(floor: Floor) -> None:
    chat = floor.active(by=floor.ana)
    Conversation.objects.filter(pk=chat.pk).update(sentiment=Sentiment.NEGATIVE)

    assert needs(floor, 20) == [(chat.pk, "Negative", "Look")]
    SupervisorSettings.objects.update_or_create(pk=1, defaults={"sentiment_alert": Sentiment.VERY_NEGATIVE})
    assert needs(floor, 20) == []
    SupervisorSettings.objects.update_or_create(pk=1, defaults={"sentiment_alert": 0})
    Conversation.objects.filter(pk=chat.pk).update(sentiment=Sentiment.VERY_NEGATIVE)
    assert needs(floor, 20) == []


def test_the_most_urgent_need_counts_and_comes_first_then_the_longest(floor: Floor) -> None:
    unhappy = floor.active(by=floor.ana)
    Conversation.objects.filter(pk=unhappy.pk).update(sentiment=Sentiment.VERY_NEGATIVE)
    late = floor.start()
    Conversation.objects.filter(pk=late.pk).update(first_wait_started_at=late.created_at - timedelta(hours=1))
    later = floor.start()
    Conversation.objects.filter(pk=later.pk).update(first_wait_started_at=late.created_at - timedelta(hours=2))
    orphaned = floor.active(by=floor.boris)
    Conversation.objects.filter(pk=orphaned.pk).update(sentiment=Sentiment.VERY_NEGATIVE)
    set_presence(floor.boris, BasePresence.OFFLINE)

    found = lane_at(floor, 60)

    assert [item.id for item in found.items] == [orphaned.pk, later.pk, late.pk, unhappy.pk]
    assert found.total == 4


@pytest.mark.parametrize("counted", [1, 2, 3, 4])
def test_a_lane_that_does_not_look_for_more_than_it_counts_is_the_same(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, counted: int
) -> None:
    for _number in range(2):
        floor.start()
        Conversation.objects.filter(pk=floor.active(by=floor.ana).pk).update(sentiment=Sentiment.VERY_NEGATIVE)
        lost = floor.active(by=floor.boris)
        Conversation.objects.filter(pk=lost.pk).update(sentiment=Sentiment.VERY_NEGATIVE)
    set_presence(floor.boris, BasePresence.OFFLINE)
    whole = lane_at(floor, 4000)
    monkeypatch.setattr("conversations.reports.needs.COUNTED", counted)

    found = lane_at(floor, 4000)

    assert whole.total == 6
    assert found.total == counted
    assert found.items[:counted] == whole.items[:counted]


def test_what_one_may_not_see_needs_somebody_else(floor: Floor) -> None:
    chat = floor.start()
    stefan = actor_of(floor.stefan)
    elsewhere = replace(stefan, supervised_queue_ids=(stefan.supervised_queue_ids or frozenset()) - {chat.queue_id})

    assert lane(elsewhere, Queue.objects.in_bulk(), selectors.settings_row(), at(4000)) == Lane(0, ())


def test_the_lane_stands_above_the_report_and_not_above_closed_ones(client: Client, floor: Floor) -> None:
    chat = floor.start()  # long ago
    client.force_login(floor.sara)
    page = client.get(reverse("conversations:ongoing"), {"window": "all", "q": "nothing like it"}).content.decode()
    closed = client.get(reverse("conversations:ongoing"), {"tab": "closed"}).content.decode()

    assert re.search(r'<h2 id="lane-title">Needs you <span class="count">1</span>', page)
    assert f'id="need-{chat.pk}"' in page
    assert reverse("conversations:assign", args=[chat.pk]) in page
    assert "lane-title" not in closed


def test_twenty_cost_as_many_queries_as_ten(floor: Floor) -> None:
    def cost(more: int) -> int:
        for _number in range(more):
            floor.start()
        with CaptureQueriesContext(connection) as queries:
            assert lane_at(floor, 4000).total == Conversation.objects.count()
        return len(queries)

    assert cost(10) == cost(10)


def test_a_lane_counts_up_to_ninety_nine() -> None:
    assert [Lane(total, ()).number for total in (0, 99, COUNTED)] == ["0", "99", "99+"]
