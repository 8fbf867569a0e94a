"""Why is it not assigned? One reason for each agent of the queue, and a number for the others."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, RequiredSkill, SupervisorSettings
from conversations.reports.diagnosis import Diagnosis, why_unassigned
from conversations.services import offers
from routing.models import Agent, AgentSkill, BasePresence, Distribution, Queue, QueueMembership, Skill, Workstream
from tests.cast import Floor, actor_of, at, fresh, make_agent, offer_of, set_presence


@pytest.fixture(autouse=True)
def distribution_is_on(floor: Floor) -> None:
    SupervisorSettings.objects.update(distribution_enabled=True)


def told(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(found.name.split()[0], found.refusal.code if found.refusal else "able") for found in diagnosis.members]


def test_each_member_of_the_queue_has_one_reason_and_the_others_are_counted(floor: Floor) -> None:
    chat = floor.start()
    set_presence(floor.boris, BasePresence.AWAY)
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=20)

    found = why_unassigned(chat, at(5))

    assert told(found) == [
        ("Boris", "agent_presence"),
        ("Ana", "capacity_never_enough"),
        ("Stefan", "agent_without_role"),
    ]
    assert (found.refusal, found.others, found.others_able) == (None, 1, 1)  # Cene, of Returns
    assert not found.needs_supervisor


def test_those_who_can_be_offered_it_come_first_in_the_order_in_which_they_are_asked(floor: Floor) -> None:
    floor.active(by=floor.ana)
    chat = floor.start()

    assert told(why_unassigned(chat, at(60)))[:2] == [("Boris", "able"), ("Ana", "able")]


def test_an_agent_who_declined_is_named_with_what_is_left(floor: Floor) -> None:
    chat = floor.offered(to=floor.ana)
    offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(20))

    verdicts = {found.name: found for found in why_unassigned(fresh(chat), at(30)).members}

    refusal = verdicts["Ana Test"].refusal
    assert refusal is not None
    assert refusal.sentence == (
        "Ana Test declined it a moment ago. They are asked again in 20 s if nobody else takes it."
    )
    assert why_unassigned(fresh(chat), at(50)).able[-1].name == "Ana Test"


def test_what_holds_for_everybody_is_said_once(floor: Floor) -> None:
    chat = floor.start()
    Workstream.objects.filter(pk=floor.chat.pk).update(distribution=Distribution.PICK)
    picked = why_unassigned(chat, at(5))
    SupervisorSettings.objects.update(distribution_enabled=False)
    off = why_unassigned(chat, at(5))
    active = why_unassigned(floor.active(), at(5))

    assert [found.refusal.code for found in (picked, off, active) if found.refusal] == [
        "workstream_is_picked",
        "setting_off:distribution",
        "state_not_open",
    ]


def test_what_nobody_can_ever_take_needs_a_supervisor(floor: Floor) -> None:
    chat = floor.start()
    Workstream.objects.filter(pk=floor.chat.pk).update(skill_matching="exact")
    assert not why_unassigned(chat, at(5)).needs_supervisor

    RequiredSkill.objects.create(conversation=chat, skill=Skill.objects.create(type="Language", name="French"))

    assert why_unassigned(chat, at(5)).needs_supervisor


def test_a_queue_without_members_needs_a_supervisor(floor: Floor) -> None:
    chat = floor.start()
    Conversation.objects.filter(pk=chat.pk).update(queue=floor.empty)

    found = why_unassigned(fresh(chat), at(5))

    assert found.refusal is not None
    assert found.refusal.code == "queue_without_members"
    assert found.needs_supervisor
    assert found.others == 3


def test_every_agent_belongs_to_a_default_queue(floor: Floor) -> None:
    chat = floor.start()
    default = Queue.objects.get(type="messaging", is_default=True)
    Conversation.objects.filter(pk=chat.pk).update(queue=default)

    found = why_unassigned(fresh(chat), at(5))

    assert {name for name, _ in told(found)} == {"Ana", "Boris", "Cene"}
    assert found.others == 0


def test_ten_and_thirty_agents_cost_the_same_number_of_queries(floor: Floor) -> None:
    chat = floor.start()
    skill = Skill.objects.create(type="Language", name="French")

    def hire(numbers: range) -> int:
        for number in numbers:
            agent = make_agent(f"agent{number}")
            AgentSkill.objects.create(agent=agent, skill=skill)
            QueueMembership.objects.create(agent=agent, queue=floor.billing)
        with CaptureQueriesContext(connection) as queries:
            found = why_unassigned(chat, at(5))
        assert len(found.members) >= len(numbers)
        return len(queries)

    assert hire(range(10)) == hire(range(10, 30))
