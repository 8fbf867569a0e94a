"""Is the reason why a conversation has no agent shown where it lies, at once, and gone when it has one?"""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, SupervisorSettings
from conversations.services import assignment
from routing.models import Agent, BasePresence, Distribution, QueueMembership, Workstream
from tests.cast import Floor, actor_of, make_agent, set_presence


@pytest.fixture(autouse=True)
def distribution_is_on(floor: Floor) -> None:
    SupervisorSettings.objects.update(distribution_enabled=True)


def shown(client: Client, floor: Floor, chat: Conversation, name: str = "conversation") -> str:
    client.force_login(floor.sara)
    answer = client.get(reverse(f"conversations:{name}", args=[chat.pk]), headers={"HX-Request": "true"})
    return re.sub(r"\s+", " ", answer.content.decode())


def test_an_open_conversation_says_for_each_agent_of_its_queue_why_not(client: Client, floor: Floor) -> None:
    chat = floor.start()
    set_presence(floor.boris, BasePresence.AWAY)
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=20)

    for place in ("conversation", "panel"):
        page = shown(client, floor, chat, place)
        assert "Waits for an agent" in page
        assert re.findall(r'<li data-code="(\w+)">', page)[:2] == ["agent_presence", "capacity_never_enough"]
        assert reverse("conversations:agent", args=[floor.boris.pk]) in page
        assert "1 agent is not a member of this queue. 1 of them could be offered it" in page


def test_whoever_is_offered_it_next_is_named(client: Client, floor: Floor) -> None:
    chat = floor.start()

    page = shown(client, floor, chat)

    assert "About to be offered" in page
    assert "Waits for an agent" not in page


def test_what_holds_for_everybody_is_the_headline(client: Client, floor: Floor) -> None:
    chat = floor.start()
    Workstream.objects.filter(pk=chat.workstream_id).update(distribution=Distribution.PICK)
    assert "are picked by agents from the open list" in shown(client, floor, chat)
    SupervisorSettings.objects.update(distribution_enabled=False)
    assert "Automatic distribution is switched off" in shown(client, floor, chat)


def test_one_that_nobody_will_ever_be_offered_needs_a_supervisor(client: Client, floor: Floor) -> None:
    chat = floor.start()
    QueueMembership.objects.filter(queue=chat.queue).delete()

    page = shown(client, floor, chat)

    assert "Needs a supervisor" in page
    assert "has no members who take work" in page


def test_a_conversation_with_an_agent_says_nothing_of_it(client: Client, floor: Floor) -> None:
    chat = floor.start()
    assignment.pick(actor_of(floor.ana), chat.pk)

    assert "Why is this not assigned?" not in shown(client, floor, chat)


def test_twenty_agents_cost_as_many_queries_as_ten(client: Client, floor: Floor) -> None:
    chat = floor.start()

    def cost(more: int) -> int:
        for number in range(more):
            make_agent(f"extra{Agent.objects.count()}{number}", chat.queue)
        shown(client, floor, chat)
        with CaptureQueriesContext(connection) as queries:
            shown(client, floor, chat)
        return len(queries)

    assert cost(10) == cost(10)
