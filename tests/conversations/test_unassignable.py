"""What nobody can take is marked for supervisors: rightly, soon, and at what cost? (domain.md 4.3, P23)"""

from collections import Counter

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations import selectors
from conversations.models import Conversation, RequiredSkill, SupervisorSettings
from conversations.reports.diagnosis import why_unassigned
from conversations.reports.needs import lane
from conversations.services import assignment, offers, unassignable
from conversations.services.distribution import distribute
from routing.models import Agent, Channel, Queue, QueueMembership, Skill, Workstream
from tests.cast import Floor, actor_of, at, fresh, offer_of
from tests.conversations.hearing import hearing
from tests.conversations.random_floor import RandomFloor


@pytest.fixture
def hands_out(floor: Floor) -> Floor:
    SupervisorSettings.objects.update(distribution_enabled=True)
    return floor


def needs_slovene(floor: Floor) -> Conversation:
    """One that requires what nobody can, where skills match exactly."""
    Workstream.objects.filter(pk=floor.chat.pk).update(skill_matching="exact")
    chat = floor.start()
    skill, _ = Skill.objects.get_or_create(type="Language", name="Slovene")
    RequiredSkill.objects.create(conversation=chat, skill=skill, minimum=3)
    return chat


def is_marked(chat: Conversation) -> bool:
    return fresh(chat).unassignable_since is not None


SEEN: Counter[bool] = Counter()


@pytest.mark.parametrize("seed", range(8))
def test_the_mark_says_what_the_diagnosis_of_each_says_on_random_floors(
    db: None, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unassignable, "FEW", 1 + seed % 3)
    floor = RandomFloor(seed)
    for number, now in enumerate((at(0), at(40), at(80))):
        distribute(everywhere=True, now=now)
        if number == seed % 3:  # Somebody changes what people can, and how often they are asked.
            small = [agent.pk for agent in Agent.objects.all() if floor.rng.random() < 0.8]
            Agent.objects.filter(pk__in=small).update(max_units=1)
            SupervisorSettings.objects.update(decline_limit=1)
        unassignable.mark(now=now)
        waiting = list(Conversation.objects.filter(state="open").exclude(channel=Channel.RECORD))
        expected = {row.pk: why_unassigned(row, now).needs_supervisor for row in waiting}

        assert {row.pk: row.unassignable_since is not None for row in waiting} == expected
        SEEN.update(expected.values())
        floor.goes_on()


def test_the_random_floors_were_worth_looking_at() -> None:
    assert not SEEN or min(SEEN[True], SEEN[False]) >= 5, SEEN


def test_what_nobody_can_take_is_in_the_lane_with_the_way_out_until_somebody_can(hands_out: Floor) -> None:
    chat, other = needs_slovene(hands_out), hands_out.start()
    with hearing() as heard:
        assert unassignable.mark(now=at(5)) == 1
    assert (is_marked(chat), is_marked(other)) == (True, False)
    assert heard.by("conversation.unassignable") == {"every supervisor", "supervisors of Billing"}
    found = lane(actor_of(hands_out.sara), Queue.objects.in_bulk(), selectors.settings_row(), at(6)).items
    assert [(item.id, item.need, item.action) for item in found] == [(chat.pk, "Nobody can take it", "Assign")]
    assert unassignable.mark(now=at(9)) == 0, "nothing changed"
    assert fresh(chat).unassignable_since == at(5)

    RequiredSkill.objects.all().delete()

    assert unassignable.mark(now=at(13)) == 1
    assert not is_marked(chat)


def test_the_row_says_so_too(hands_out: Floor, client: Client) -> None:
    needs_slovene(hands_out)
    unassignable.mark(now=at(5))
    client.force_login(hands_out.sara)

    assert "Needs a supervisor" in client.get("/conversations/?window=all").content.decode()


def test_an_agent_who_is_away_is_not_the_reason_and_one_who_is_too_small_is(hands_out: Floor) -> None:
    chat = hands_out.start()
    Agent.objects.filter(pk=hands_out.ana.pk).update(max_units=10)
    unassignable.mark(now=at(5))
    assert not is_marked(chat), "Boris can, whenever he is there"

    Agent.objects.filter(pk=hands_out.boris.pk).update(max_units=10)
    unassignable.mark(now=at(9))

    assert is_marked(chat)


def test_all_members_are_asked_where_the_first_ones_cannot(hands_out: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unassignable, "FEW", 1)
    chat = hands_out.start()
    Agent.objects.filter(pk=hands_out.ana.pk).update(max_units=10)
    assert hands_out.ana.pk < hands_out.boris.pk

    unassignable.mark(now=at(5))

    assert not is_marked(chat)


def test_whoever_is_the_only_one_and_declined_to_the_limit_leaves_nobody(hands_out: Floor) -> None:
    QueueMembership.objects.filter(agent=hands_out.boris).delete()
    SupervisorSettings.objects.update(decline_limit=1)
    chat = hands_out.offered(to=hands_out.ana)
    offers.reject(actor_of(hands_out.ana), offer_of(chat).pk, now=at(20))

    unassignable.mark(now=at(25))

    assert is_marked(chat)


def test_with_distribution_off_only_what_reaches_nobody_is_marked(floor: Floor) -> None:
    chat = needs_slovene(floor)
    stranded = floor.start()
    Conversation.objects.filter(pk=stranded.pk).update(queue=floor.empty)

    unassignable.mark(now=at(5))

    assert (is_marked(chat), is_marked(stranded)) == (False, True)


def test_the_mark_goes_with_the_move(hands_out: Floor) -> None:
    chat = needs_slovene(hands_out)
    unassignable.mark(now=at(5))

    version = fresh(chat).version
    assignment.assign(actor_of(hands_out.sara), chat.pk, agent_id=hands_out.ana.pk, version=version, now=at(10))

    assert not is_marked(chat)


def test_many_changes_are_announced_as_one(hands_out: Floor) -> None:
    for _ in range(unassignable.SINGLY + 1):
        needs_slovene(hands_out)

    with hearing() as heard:
        assert unassignable.mark(now=at(5)) == unassignable.SINGLY + 1

    assert heard.by("conversation.unassignable") == {"every supervisor", "supervisors of Billing"}


def test_twenty_cost_as_many_queries_as_ten(hands_out: Floor) -> None:
    def cost(more: int) -> int:
        for _number in range(more):
            needs_slovene(hands_out)
        with CaptureQueriesContext(connection) as queries:
            unassignable.mark(now=at(4000))
        return len(queries)

    needs_slovene(hands_out)
    Conversation.objects.update(unassignable_since=at(1))
    unchanged = cost(10)
    Conversation.objects.update(unassignable_since=at(1))
    assert cost(10) == unchanged
