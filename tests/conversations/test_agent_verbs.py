"""The agent's verbs: pick, end, close the session, release, finish wrap-up, take up again (domain.md 2.2)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from conversations.models import Conversation, Offer
from conversations.services import assignment, closure, intake, offers, supervision
from routing.models import Agent, BasePresence, Channel, Presence, SetBy, Workstream
from routing.services.presence import set_presence as choose_presence
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import T0, Floor, actor_of, at, customer_of, fresh, make_agent, offer_of, set_presence
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import (
    attempts,
    departures,
    everything,
    history,
    last_entry,
    people,
    presence,
    said,
    stays,
    units,
)
from tests.invariants import broken

CHANNELS = [channel for channel in Channel if channel != Channel.RECORD]
PERSISTENT = [Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP]
LIVE = [Channel.LIVE_CHAT, Channel.VOICE]


def supervisors_of(chat: Conversation) -> set[str]:
    return {SUPERVISORS, f"supervisors of {chat.queue.name}"}


# --- pick (T3, T6) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
def test_who_picks_has_it(floor: Floor, channel: Channel) -> None:
    chat = floor.start(channel)

    with hearing() as heard:
        event = assignment.pick(actor_of(floor.ana), chat.pk, now=at(25))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", floor.ana.pk)
    assert (after.accepted_at, after.first_wait_started_at) == (at(25), T0)
    assert people(chat) == {"ana": "primary"}
    assert attempts(chat) == [("", "AgentReRouted"), ("ana", "open")]
    assert Offer.objects.filter(conversation=chat).values_list("kind", "status").get() == ("pick", "accepted")
    assert said(chat) == ["agent_joined"]
    assert (history(chat), event.over_units) == (["created", "picked"], 0)
    assert heard.by("conversation.picked") == supervisors_of(chat) | {
        "ana",
        CUSTOMER,
        f"open list of {chat.queue.name}",
    }
    assert (units(floor.ana, at(25)), presence(floor.ana)) == (30, "Busy")
    assert broken(at(25)) == []


def test_picking_may_go_past_capacity_and_says_by_how_much(floor: Floor) -> None:
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=20)
    chat = floor.start()

    event = assignment.pick(actor_of(floor.ana), chat.pk, now=at(25))

    assert event.over_units == 10
    assert last_entry(chat).data["over_units"] == 10
    assert presence(floor.ana) == "Do not disturb"


@pytest.mark.parametrize(
    ("prepare", "code"),
    [("pick is off", "pick_off"), ("offline", "pick_offline"), ("api", "agent_api_role_conflict")],
)
def test_not_everything_can_be_picked(floor: Floor, prepare: str, code: str) -> None:
    chat = floor.start()
    if prepare == "pick is off":
        floor.chat.allows_pick = False
        floor.chat.save()
    elif prepare == "offline":
        set_presence(floor.ana, BasePresence.OFFLINE)
    else:
        floor.ana.user.groups.add(floor.api.groups.get())
    before = everything(chat)

    with pytest.raises(ActionRefused, match=code):
        assignment.pick(actor_of(floor.ana), chat.pk, now=at(25))

    assert everything(chat) == before


def test_what_is_not_pushed_can_be_picked_always(floor: Floor) -> None:
    Workstream.objects.filter(pk=floor.chat.pk).update(distribution="pick", allows_pick=False)
    chat = floor.start()

    assignment.pick(actor_of(floor.ana), chat.pk, now=at(25))

    assert fresh(chat).agent_id == floor.ana.pk


def test_pick_is_for_agents_of_the_queue_and_open_work(floor: Floor) -> None:
    chat = floor.start()
    with pytest.raises(NotVisible):
        assignment.pick(actor_of(floor.cene), chat.pk, now=at(25))
    for actor in (actor_of(floor.sara), customer_of(chat)):
        with pytest.raises(ActionRefused, match="not_agent"):
            assignment.pick(actor, chat.pk, now=at(25))
    assignment.pick(actor_of(floor.ana), chat.pk, now=at(25))
    with pytest.raises(ActionRefused, match="state_not_open"):
        assignment.pick(actor_of(floor.ana), chat.pk, now=at(26))
    with pytest.raises(ActionRefused, match="state_not_open") as too_late:
        assignment.pick(actor_of(floor.boris), chat.pk, now=at(28))
    assert too_late.value.refusal.sentence.startswith("Ana Test took it 3 s ago. ")
    for unknown in (0, -1, 2**63, 2**70):
        with pytest.raises(NotVisible):
            assignment.pick(actor_of(floor.ana), unknown, now=at(26))


# --- end (T12) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
def test_end_begins_wrap_up(floor: Floor, channel: Channel) -> None:
    chat = floor.active(channel)

    with hearing() as heard:
        closure.end(actor_of(floor.ana), chat.pk, now=at(80))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("wrap_up", "AgentMovedToWrapUp", floor.ana.pk)
    assert (after.wrapup_started_at, after.closed_at, after.unanswered_since) == (at(80), None, None)
    assert people(chat) == {"ana": "primary"}
    assert attempts(chat)[-1] == ("ana", "open")
    assert said(chat)[-1] == "agent_ended"
    assert heard.by("conversation.ended") == supervisors_of(chat) | {"ana", CUSTOMER}
    assert units(floor.ana, at(80)) == 30
    assert broken(at(80)) == []


# --- X (T15, T16) ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", PERSISTENT)
def test_closing_the_session_leaves_a_persistent_chat_waiting(floor: Floor, channel: Channel) -> None:
    chat = floor.active(channel)

    with hearing() as heard:
        closure.close_session(actor_of(floor.ana), chat.pk, now=at(80))

    after = fresh(chat)
    assert (after.state, after.reason) == ("waiting", "AwaitingCustomerResponse")
    assert (after.agent_id, after.last_agent_id) == (None, floor.ana.pk)
    assert people(chat) == {}
    assert attempts(chat)[-1] == ("ana", "AgentMovedConversationToWaiting")
    assert stays(chat) == [("Billing", "open")]
    assert (units(floor.ana, at(80)), presence(floor.ana)) == (0, "Available")
    assert heard.by("conversation.moved_to_waiting") == supervisors_of(chat) | {"ana"}
    assert after.handled == timedelta(seconds=60)
    assert broken(at(80)) == []


@pytest.mark.parametrize("channel", LIVE)
def test_closing_the_session_gives_a_live_one_back(floor: Floor, channel: Channel) -> None:
    chat = floor.active(channel)

    with hearing() as heard:
        closure.close_session(actor_of(floor.ana), chat.pk, now=at(80))

    after = fresh(chat)
    assert (after.state, after.agent_id, after.last_agent_id) == ("open", None, floor.ana.pk)
    assert (after.accepted_at, after.handled) == (at(20), timedelta(seconds=60))
    assert attempts(chat)[-2:] == [("ana", "AgentClosed"), ("", "open")]
    assert departures(chat) == [("ana", "primary", "released")]
    assert said(chat)[-1] == "agent_released"
    assert (units(floor.ana, at(80)), presence(floor.ana)) == (0, "Available")
    assert heard.by("conversation.released") == supervisors_of(chat) | {
        "ana",
        CUSTOMER,
        f"open list of {chat.queue.name}",
    }
    assert broken(at(80)) == []


def test_closing_the_session_in_wrap_up_finishes_it(floor: Floor) -> None:
    chat = floor.wrap_up()

    closure.close_session(actor_of(floor.ana), chat.pk, now=at(80))

    assert (fresh(chat).state, history(chat)[-1]) == ("closed", "closed")


# --- release (T18) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
def test_release_gives_it_back_to_the_queue(floor: Floor, channel: Channel) -> None:
    chat = floor.active(channel)

    with hearing() as heard:
        assignment.release(actor_of(floor.ana), chat.pk, now=at(80))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("open", "AwaitingAgentAssignment", None)
    assert attempts(chat)[-2:] == [("ana", "AgentReRouted"), ("", "open")]
    assert stays(chat) == [(chat.queue.name, "open")]
    assert (units(floor.ana, at(80)), presence(floor.ana)) == (0, "Available")
    assert {"ana", CUSTOMER, f"open list of {chat.queue.name}"} <= heard.by("conversation.released")
    assert broken(at(80)) == []


def test_the_next_agent_takes_over_wait_and_handle_time(floor: Floor) -> None:
    chat = floor.active()
    assignment.release(actor_of(floor.ana), chat.pk, now=at(80))
    assignment.pick(actor_of(floor.boris), chat.pk, now=at(200))
    closure.end(actor_of(floor.boris), chat.pk, now=at(240))
    closure.finish_wrap_up(actor_of(floor.boris), chat.pk, now=at(250))

    after = fresh(chat)
    assert after.accepted_at == at(20)  # The wait is frozen at the first acceptance (M1).
    assert after.handled == timedelta(seconds=60 + 50)
    assert after.last_agent_id == floor.boris.pk


# --- finish (T23) ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
def test_finishing_wrap_up_closes_for_good(floor: Floor, channel: Channel) -> None:
    chat = floor.wrap_up(channel)

    with hearing() as heard:
        closure.finish_wrap_up(actor_of(floor.ana), chat.pk, now=at(80))

    after = fresh(chat)
    assert (after.state, after.reason, after.closed_at) == ("closed", "EndedByAgent", at(80))
    assert (after.agent_id, after.last_agent_id, after.shown_last_agent_id) == (None, floor.ana.pk, floor.ana.pk)
    assert attempts(chat)[-1] == ("ana", "AgentEndConversation")
    assert stays(chat)[-1] == (chat.queue.name, "AgentEndConversation")
    assert (units(floor.ana, at(80)), presence(floor.ana)) == (0, "Available")
    assert {"ana", CUSTOMER} <= heard.by("conversation.closed")
    assert after.handled == timedelta(seconds=60)
    assert broken(at(80)) == []


# --- whose it is, and in which state --------------------------------------------------------------------------


def own_verbs(chat: Conversation) -> dict[str, Callable[..., object]]:
    return {
        "end": lambda actor: closure.end(actor, chat.pk, now=at(80)),
        "close_session": lambda actor: closure.close_session(actor, chat.pk, now=at(80)),
        "release": lambda actor: assignment.release(actor, chat.pk, now=at(80)),
        "finish_wrap_up": lambda actor: closure.finish_wrap_up(actor, chat.pk, now=at(80)),
    }


ALLOWED = {
    "active": {"end", "close_session", "release"},
    "wrap_up": {"close_session", "finish_wrap_up"},
    "offered": set[str](),
    "waiting": set[str](),
    "closed": set[str](),
}


@pytest.mark.parametrize("verb", ["end", "close_session", "release", "finish_wrap_up"])
@pytest.mark.parametrize("phase", ALLOWED)
def test_each_verb_has_its_states(floor: Floor, phase: str, verb: str) -> None:
    chat = getattr(floor, phase)(Channel.PERSISTENT_CHAT)
    act = own_verbs(chat)[verb]
    before = everything(chat)

    if verb in ALLOWED[phase]:
        act(actor_of(floor.ana))
        assert everything(chat) != before
        return
    with pytest.raises(ActionRefused) as refused:
        act(actor_of(floor.ana))
    assert refused.value.refusal.code in {"state_not_active", "state_not_wrap_up", "not_yours", "state_closed"}
    assert everything(chat) == before


@pytest.mark.parametrize("verb", ["end", "close_session", "release", "finish_wrap_up"])
def test_nobody_else_does_it_for_the_agent(floor: Floor, verb: str) -> None:
    chat = floor.wrap_up() if verb == "finish_wrap_up" else floor.active()
    act = own_verbs(chat)[verb]
    before = everything(chat)

    with pytest.raises(NotVisible):
        act(actor_of(floor.boris))
    for actor in (actor_of(floor.sara), customer_of(chat)):
        with pytest.raises(ActionRefused, match="not_agent"):
            act(actor)

    assert everything(chat) == before


def test_who_lost_it_is_told_that_somebody_else_has_it(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40))

    # Ana is a consultant, so she sees it, but what a primary does is not hers any more.
    for verb, act in own_verbs(chat).items():
        with pytest.raises(ActionRefused, match="not_yours"):
            act(actor_of(floor.ana))
        assert verb


# --- take up again (T20) --------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", PERSISTENT)
def test_the_last_agent_takes_a_waiting_one_up_again(floor: Floor, channel: Channel) -> None:
    chat = floor.waiting(channel)

    with hearing() as heard:
        intake.revive(actor_of(floor.ana), chat.pk, now=at(80))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", floor.ana.pk)
    assert people(chat) == {"ana": "primary"}
    assert attempts(chat)[-1] == ("ana", "open")
    assert history(chat)[-1] == "revived"
    assert (units(floor.ana, at(80)), presence(floor.ana)) == (30, "Busy")
    assert heard.by("conversation.revived") == supervisors_of(chat) | {"ana", CUSTOMER}
    assert (after.handled, after.handling_since) == (timedelta(seconds=10), at(70))  # It goes on from 10 s.
    assert broken(at(80)) == []


def test_nobody_else_takes_it_up(floor: Floor) -> None:
    chat = floor.waiting()
    supa = make_agent("supa", floor.billing, roles=tuple(actor_of(floor.sara).roles | actor_of(floor.ana).roles))

    with pytest.raises(NotVisible):
        intake.revive(actor_of(floor.boris), chat.pk, now=at(80))
    with pytest.raises(ActionRefused, match="not_yours"):
        intake.revive(actor_of(supa), chat.pk, now=at(80))
    with pytest.raises(ActionRefused, match="not_agent"):
        intake.revive(actor_of(floor.sara), chat.pk, now=at(80))
    intake.revive(actor_of(floor.ana), chat.pk, now=at(80))
    with pytest.raises(ActionRefused, match="state_not_waiting"):
        intake.revive(actor_of(floor.ana), chat.pk, now=at(81))


# --- consult and presence -------------------------------------------------------------------------------------


def test_a_consultant_who_leaves_loses_sight_of_it(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40))

    supervision.leave(actor_of(floor.ana), chat.pk, now=at(50))

    with pytest.raises(NotVisible):
        supervision.leave(actor_of(floor.ana), chat.pk, now=at(51))


def presence_named(code: str) -> int:
    return Presence.objects.get(code=code).pk


def test_an_agent_sets_the_own_presence_and_keeps_the_work(floor: Floor) -> None:
    chat = floor.active()

    event = choose_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence_named("away"), now=at(50))

    assert (event.from_presence, event.to_presence, event.set_by) == ("Busy", "Away", "agent")
    assert fresh(chat).agent_id == floor.ana.pk
    agent = Agent.objects.get(pk=floor.ana.pk)
    assert (agent.presence_since, agent.presence_set_by) == (at(50), SetBy.AGENT)
    stay = agent.presence_changes.get(ended_at=None)
    assert (stay.set_by, stay.set_by_user_id, stay.started_at) == ("agent", floor.ana.user_id, at(50))


def test_only_supervisors_set_somebody_else_s_presence(floor: Floor) -> None:
    away = presence_named("away")

    for who in (floor.boris, floor.otto, floor.api):
        with pytest.raises(NotVisible):
            choose_presence(actor_of(who), floor.ana.pk, presence_id=away, now=at(50))
    choose_presence(actor_of(floor.sara), floor.ana.pk, presence_id=away, now=at(50))

    assert Agent.objects.get(pk=floor.ana.pk).presence_set_by == "supervisor"


def test_a_presence_that_only_the_product_sets_cannot_be_chosen(floor: Floor) -> None:
    with pytest.raises(ActionRefused, match="presence_not_selectable"):
        choose_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence_named("inactive"), now=at(50))
    for unknown in (0, -1, 2**63, 2**70):
        with pytest.raises(NotVisible):
            choose_presence(actor_of(floor.ana), floor.ana.pk, presence_id=unknown, now=at(50))
        with pytest.raises(NotVisible):
            choose_presence(actor_of(floor.sara), unknown, presence_id=presence_named("away"), now=at(50))


def test_one_who_was_deactivated_sets_nothing(floor: Floor) -> None:
    floor.ana.user.is_active = False
    floor.ana.user.save()

    with pytest.raises(NotVisible):
        choose_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence_named("away"), now=at(50))
