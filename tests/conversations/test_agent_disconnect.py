"""Who is gone for longer than 150 s loses what they talk in: to the queue, or to waiting (domain.md T17, 2.3)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.test import Client

from conversations.models import Conversation
from conversations.services import absence, assignment, attendance, closure, messaging, offers, settings, timers
from routing.models import Agent, BasePresence, Channel, Presence
from routing.services import presence as presence_service
from supervisor_console.kernel.pages import LOST_AFTER, RELOAD
from tests.cast import Floor, actor_of, at, customer_of, fresh, offer_of, set_presence
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import attempts, departures, history, people, presence, said, units
from tests.invariants import broken

GRACE = timedelta(seconds=150)  # domain.md 2.3
PROCESS = uuid4()
LEFT = at(40)
"""When the agent counts as gone, in the tests below."""


def open_page(agent: Agent, seconds: float) -> UUID:
    key = uuid4()
    attendance.connected(agent.pk, key, process=PROCESS, now=at(seconds))
    return key


def go(agent: Agent) -> None:
    """Close the only page, so that they count as gone at ``LEFT``."""
    key = open_page(agent, 31)
    presence_service.keep_alive(PROCESS, closed=[key], now=LEFT - RELOAD)
    timers.run_due(now=LEFT)
    assert Agent.objects.get(pk=agent.pk).left_at == LEFT


def answered(floor: Floor, channel: Channel) -> Conversation:
    """One whose last line is Ana's."""
    chat = floor.active(channel)
    messaging.send(actor_of(floor.ana), chat.pk, text="I am looking", now=at(25))
    return fresh(chat)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_answered", [False, True], ids=["unanswered", "answered"])
@pytest.mark.parametrize("channel", [c for c in Channel if c != Channel.RECORD])
def test_where_it_goes(floor: Floor, channel: Channel, has_answered: bool) -> None:
    chat = answered(floor, channel) if has_answered else floor.active(channel)
    go(floor.ana)

    assert timers.run_due(now=LEFT + GRACE - timedelta(seconds=1)) == 0
    assert fresh(chat).agent_id == floor.ana.pk
    assert timers.run_due(now=LEFT + GRACE) == 1

    after = fresh(chat)
    persists = channel in (Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP)
    waits = persists and has_answered
    assert after.state == ("waiting" if waits else "open")
    assert after.reason == ("AwaitingCustomerResponse" if waits else "AwaitingAgentAssignment")
    assert (after.agent_id, after.last_agent_id) == (None, floor.ana.pk)
    assert after.unanswered_since == chat.unanswered_since
    closed = attempts(chat) if waits else attempts(chat)[:-1]
    assert closed[-1] == ("ana", "AgentDisconnected")
    assert departures(chat)[-1] == ("ana", "primary", "connection_lost")
    assert said(chat)[-1] == ("agent_disconnected_waiting (internal)" if waits else "agent_disconnected")
    assert history(chat)[-1] == "agent_disconnected"
    assert people(chat) == {}
    assert units(floor.ana, at(300)) == 0
    assert broken(at(300)) == []
    assert timers.run_due(now=LEFT + GRACE) == 0


def test_everything_they_talk_in_goes_and_wrap_up_stays(floor: Floor) -> None:
    floor.ana.max_units = 500
    floor.ana.save()
    ended = floor.wrap_up()
    talks = [floor.active(), floor.active(Channel.SMS)]
    go(floor.ana)

    assert timers.run_due(now=LEFT + GRACE) == 2

    assert [fresh(chat).state for chat in talks] == ["open", "open"]
    assert (fresh(ended).state, fresh(ended).agent_id) == ("wrap_up", floor.ana.pk)
    timers.run_due(now=at(30) + timedelta(minutes=15))
    assert fresh(ended).state == "closed"


def test_the_agent_can_pick_up_again_what_waits(floor: Floor) -> None:
    chat = answered(floor, Channel.SMS)
    go(floor.ana)
    timers.run_due(now=LEFT + GRACE)
    open_page(floor.ana, 600)

    messaging.receive(customer_of(chat), chat.pk, text="And?", now=at(700))

    assert fresh(chat).state == "open"
    assignment.pick(actor_of(floor.ana), chat.pk, now=at(710))
    assert fresh(chat).agent_id == floor.ana.pk


def test_a_consultant_who_is_gone_changes_nothing(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(22))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(25))
    go(floor.ana)

    assert timers.run_due(now=LEFT + GRACE) == 0
    assert people(chat) == {"boris": "primary", "ana": "consult"}


# --- who is back, or is not gone -----------------------------------------------------------------------------------


def test_who_is_back_in_time_keeps_everything(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    open_page(floor.ana, 189)
    presence_service.keep_alive(PROCESS, now=at(3600))

    assert timers.run_due(now=at(3600)) == 0

    assert fresh(chat).agent_id == floor.ana.pk
    assert Agent.objects.get(pk=floor.ana.pk).left_at is None


def test_one_of_two_pages_is_enough(floor: Floor) -> None:
    chat = floor.active()
    first, _second = open_page(floor.ana, 21), open_page(floor.ana, 21)
    presence_service.keep_alive(PROCESS, closed=[first], now=at(30))
    presence_service.keep_alive(PROCESS, now=at(1000))

    assert timers.run_due(now=at(1000)) == 0
    assert fresh(chat).agent_id == floor.ana.pk


def test_who_never_had_a_page_is_not_gone(floor: Floor) -> None:
    chat = floor.active()
    set_presence(floor.ana, BasePresence.OFFLINE)

    assert timers.run_due(now=at(20) + timedelta(days=1)) == 0
    assert fresh(chat).agent_id == floor.ana.pk


def test_who_chose_offline_and_closed_the_page_is_gone_too(floor: Floor) -> None:
    chat = floor.active()
    offline = Presence.objects.get(code="offline")
    presence_service.set_presence(actor_of(floor.ana), floor.ana.pk, presence_id=offline.pk, now=at(30))
    go(floor.ana)

    assert timers.run_due(now=LEFT + GRACE) == 1
    assert fresh(chat).state == "open"


def test_whom_a_supervisor_sets_available_meanwhile_is_gone_still(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    set_presence(floor.ana, BasePresence.AVAILABLE, now=at(60))

    assert timers.run_due(now=LEFT + GRACE) == 1
    assert fresh(chat).state == "open"


def test_who_signed_out_is_gone_when_the_pages_have_closed(floor: Floor, client: Client) -> None:
    chat = floor.active()
    client.force_login(floor.ana.user)
    key = open_page(floor.ana, 31)
    client.post("/logout/")
    presence_service.keep_alive(PROCESS, closed=[key], now=LEFT - RELOAD)
    timers.run_due(now=LEFT)

    assert timers.run_due(now=LEFT + GRACE) == 1
    assert fresh(chat).state == "open"


def test_who_signs_out_without_ever_having_had_a_page_is_not_missed(floor: Floor) -> None:
    chat = floor.active()
    presence_service.sign_out(floor.ana.pk, now=LEFT)

    assert timers.run_due(now=LEFT + timedelta(days=1)) == 0
    assert fresh(chat).agent_id == floor.ana.pk


def test_who_signed_in_again_is_not(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    presence_service.sign_in(floor.ana.pk, load_of=attendance._load_of, now=at(100))

    assert timers.run_due(now=LEFT + GRACE) == 0
    assert fresh(chat).agent_id == floor.ana.pk


def test_signing_out_in_one_browser_while_another_page_is_open_waits_for_that_page(floor: Floor) -> None:
    floor.active()
    key = open_page(floor.ana, 30)
    presence_service.sign_out(floor.ana.pk, now=at(31))
    assert Agent.objects.get(pk=floor.ana.pk).left_at is None

    presence_service.keep_alive(PROCESS, closed=[key], now=at(100))
    timers.run_due(now=at(105))

    assert Agent.objects.get(pk=floor.ana.pk).left_at == at(105)


def test_a_process_that_died_takes_its_agents_along_and_a_restart_loses_nothing(floor: Floor) -> None:
    chat = floor.active()
    open_page(floor.ana, 30)
    noticed = at(30) + LOST_AFTER

    timers.run_due(now=noticed)

    assert timers.run_due(now=noticed + GRACE - timedelta(seconds=1)) == 0
    assert timers.run_due(now=noticed + GRACE) == 1
    assert fresh(chat).state == "open"


def test_a_clock_that_jumps_takes_it_once_and_never_too_early(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)

    assert timers.run_due(now=at(-7200)) == 0
    assert timers.run_due(now=LEFT + GRACE + timedelta(minutes=5)) == 1
    assert timers.run_due(now=at(60)) == 0
    assert history(chat).count("agent_disconnected") == 1


# --- what goes on meanwhile -----------------------------------------------------------------------------------------


def test_a_transfer_that_waits_for_an_answer_decides_first(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    late = LEFT + GRACE - timedelta(seconds=10)
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=late)

    assert timers.run_due(now=LEFT + GRACE) == 0
    assert absence.agent_gone(chat.pk, now=LEFT + GRACE) is None
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=LEFT + GRACE)

    assert timers.run_due(now=LEFT + GRACE) == 0
    assert fresh(chat).agent_id == floor.boris.pk
    assert broken(at(600)) == []


def test_after_a_transfer_that_came_to_nothing_it_goes(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    late = LEFT + GRACE - timedelta(seconds=10)
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=late)
    offers.reject(actor_of(floor.boris), offer_of(chat).pk, now=LEFT + GRACE)

    assert timers.run_due(now=LEFT + GRACE) == 1
    assert fresh(chat).state == "open"


def test_what_ended_meanwhile_stays_as_it_is(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    closure.customer_ends(customer_of(chat), chat.pk, now=at(100))

    assert absence.agent_gone(chat.pk, now=LEFT + GRACE) is None
    assert fresh(chat).state == "wrap_up"


def test_the_time_is_what_an_administrator_set_and_holds_at_once(floor: Floor) -> None:
    chat = floor.active()
    go(floor.ana)
    settings.change(actor_of(floor.otto), values={"agent_disconnect": 600})

    assert timers.run_due(now=LEFT + GRACE) == 0
    assert timers.run_due(now=LEFT + timedelta(seconds=600)) == 1
    assert fresh(chat).state == "open"


def test_everybody_is_told_and_the_agent_finds_a_notice(floor: Floor) -> None:
    floor.active()
    go(floor.ana)

    with hearing() as heard:
        timers.run_due(now=LEFT + GRACE)

    assert heard.by("conversation.agent_disconnected") == {
        SUPERVISORS,
        "supervisors of Billing",
        "open list of Billing",
        "ana",
        CUSTOMER,
    }
    assert heard.notices == [("ana", "lost_while_away")]
    assert presence(floor.ana) == "Offline"
