"""Monitor leaves no trace, join is seen by everybody, and both end cleanly (domain.md 3.3, 3.4, 3.10)."""

from datetime import timedelta

import pytest

from conversations import selectors
from conversations.invariants import faults_of
from conversations.models import Conversation, HistoryEntry, Message, Participant, SupervisorSettings
from conversations.services import assignment, closure, messaging, offers, supervision, timers
from routing.models import Agent, Channel
from supervisor_console.kernel.actor import SYSTEM, Actor, Role
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import (
    EVERY_CAUTION,
    Floor,
    actor_of,
    at,
    customer_of,
    fresh,
    give_view_all_queues,
    make_agent,
    make_user,
    offer_of,
)
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import departures, everything, history, last_entry, people, presence, said, units
from tests.invariants import broken

BILLING = {SUPERVISORS, "supervisors of Billing"}
MONITORABLE = ["active", "waiting", "wrap_up"]


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


@pytest.fixture
def stella(db: None) -> Actor:
    user = make_user("stella", Role.SUPERVISOR)
    give_view_all_queues(user)
    return actor_of(user)


def seen_from_outside(chat: Conversation, floor: Floor) -> tuple[object, ...]:
    """All that agent and customer can see of it: the transcript, who takes part, markers, presence, capacity."""
    row = Conversation.objects.values().get(pk=chat.pk)
    unseen = {"version", "last_activity_at"}
    return (
        {name: value for name, value in row.items() if name not in unseen},
        list(Message.objects.filter(conversation=chat).order_by("pk").values()),
        list(selectors.seen_by_agents(chat).values()),
        units(floor.ana, at(100)),
        list(Agent.objects.order_by("pk").values("presence", "presence_since", "presence_set_by")),
    )


# --- monitor -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", MONITORABLE)
def test_monitoring_leaves_no_trace_for_agent_and_customer(floor: Floor, sara: Actor, phase: str) -> None:
    chat = getattr(floor, phase)()
    Participant.objects.filter(conversation=chat, mode="primary").update(read_at=at(35))
    before = seen_from_outside(chat, floor)

    with hearing() as heard:
        supervision.monitor(sara, chat.pk, now=at(50))
        messaging.mark_read(sara, chat.pk, now=at(51))
        supervision.seen([floor.sara.pk], now=at(52))
        supervision.stop_monitoring(sara, chat.pk, now=at(60))

    assert seen_from_outside(chat, floor) == before
    assert heard.codes == ["conversation.monitoring_started", "conversation.monitoring_stopped"]
    assert heard.by("conversation.monitoring_started") == BILLING
    assert heard.by("conversation.monitoring_stopped") == BILLING
    assert heard.notices == []


def test_monitoring_is_recorded_who_what_from_to(floor: Floor, sara: Actor) -> None:
    chat = floor.active()

    event = supervision.monitor(sara, chat.pk, now=at(50))
    supervision.stop_monitoring(sara, chat.pk, now=at(95))

    row = Participant.objects.get(conversation=chat, mode="monitor")
    assert (row.user_id, row.added_at, row.left_at) == (floor.sara.pk, at(50), at(95))
    assert (row.assign_reason, row.left_reason, row.read_at) == ("AgentMonitor", "stopped", None)
    assert history(chat)[-2:] == ["monitoring_started", "monitoring_stopped"]
    assert last_entry(chat).data == {"seconds": 45, "cause": "stopped"}
    assert last_entry(chat).actor_name == "Sara Test"
    assert event.version == chat.version + 1


def test_monitoring_restarts_the_auto_close_clock(floor: Floor, sara: Actor) -> None:
    chat = floor.active()

    supervision.monitor(sara, chat.pk, now=at(500))

    assert fresh(chat).last_activity_at == at(500)


def test_several_supervisors_monitor_at_once(floor: Floor, sara: Actor, stella: Actor) -> None:
    chat = floor.active()

    supervision.monitor(sara, chat.pk, now=at(50))
    supervision.monitor(stella, chat.pk, now=at(51))

    assert people(chat) == {"ana": "primary", "sara": "monitor", "stella": "monitor"}
    with pytest.raises(ActionRefused, match="already_monitoring"):
        supervision.monitor(sara, chat.pk, now=at(52))


@pytest.mark.parametrize(
    ("phase", "code"), [("start", "state_open"), ("offered", "awaiting_acceptance"), ("closed", "state_closed")]
)
def test_some_states_cannot_be_monitored(floor: Floor, sara: Actor, phase: str, code: str) -> None:
    chat = getattr(floor, phase)()
    before = everything(chat)

    with pytest.raises(ActionRefused, match=code):
        supervision.monitor(sara, chat.pk, now=at(50))

    assert everything(chat) == before


def test_nobody_monitors_the_own_conversation(floor: Floor) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = floor.active(by=supa)

    with pytest.raises(ActionRefused, match="own_conversation"):
        supervision.monitor(actor_of(supa), chat.pk, now=at(50))


def test_agents_can_be_told_that_they_are_monitored(floor: Floor, sara: Actor) -> None:
    SupervisorSettings.objects.update(notify_agent_on_monitor=True)
    chat = floor.active()

    with hearing() as heard:
        supervision.monitor(sara, chat.pk, now=at(50))

    assert heard.notices == [("ana", "monitoring_started")]
    assert heard.by("conversation.monitoring_started") == BILLING


def test_monitor_is_for_supervisors_of_the_queue_while_the_switch_is_on(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    for who in (floor.boris, floor.otto, floor.api):
        with pytest.raises(NotVisible):
            supervision.monitor(actor_of(who), chat.pk, now=at(50))
    with pytest.raises(ActionRefused, match="not_supervisor"):
        supervision.monitor(actor_of(floor.ana), chat.pk, now=at(50))
    with pytest.raises(ActionRefused, match="not_supervisor"):
        supervision.monitor(customer_of(chat), chat.pk, now=at(50))
    SupervisorSettings.objects.update(monitor_enabled=False)
    with pytest.raises(ActionRefused, match="setting_off:monitor"):
        supervision.monitor(sara, chat.pk, now=at(50))
    assert people(chat) == {"ana": "primary"}


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 2**70])
def test_an_unknown_conversation_is_not_found(floor: Floor, sara: Actor, unknown: int) -> None:
    for act in (supervision.monitor, supervision.stop_monitoring, supervision.join, supervision.leave):
        with pytest.raises(NotVisible):
            act(sara, unknown, now=at(50))


# --- the monitor follows the conversation ------------------------------------------------------------------------


def test_the_monitor_stays_through_transfer_release_and_wrap_up(floor: Floor, sara: Actor, stella: Actor) -> None:
    chat = floor.active()
    supervision.monitor(stella, chat.pk, now=at(25))
    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40))
    assert people(chat)["stella"] == "monitor"

    assignment.release(actor_of(floor.boris), chat.pk, now=at(50))
    assert people(chat) == {"ana": "consult", "stella": "monitor"}
    with pytest.raises(ActionRefused, match="join_paused"):
        supervision.join(stella, chat.pk, now=at(55))

    assignment.pick(actor_of(floor.boris), chat.pk, now=at(60))
    closure.end(actor_of(floor.boris), chat.pk, now=at(70))
    assert people(chat)["stella"] == "monitor"
    closure.finish_wrap_up(actor_of(floor.boris), chat.pk, now=at(80))
    assert people(chat) == {}
    assert ("stella", "monitor", "closed") in departures(chat)
    assert broken(at(80)) == []


def test_the_monitor_stays_while_it_waits(floor: Floor, sara: Actor) -> None:
    chat = floor.active(Channel.PERSISTENT_CHAT)
    supervision.monitor(sara, chat.pk, now=at(30))

    closure.close_session(actor_of(floor.ana), chat.pk, now=at(40))

    assert people(chat) == {"sara": "monitor"}


def test_a_monitor_follows_a_conversation_out_of_the_own_queues(floor: Floor, sara: Actor) -> None:
    stefan = actor_of(floor.stefan)
    chat = floor.active()
    supervision.monitor(stefan, chat.pk, now=at(30))
    assignment.release(actor_of(floor.ana), chat.pk, now=at(40))
    chat = fresh(chat)

    with hearing() as heard:
        assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=chat.version, now=at(50))

    assert selectors.visible(stefan).filter(pk=chat.pk).exists()
    assert "stefan" in heard.by("conversation.assigned_to_queue")
    with pytest.raises(ActionRefused, match="out_of_scope"):
        closure.force_close(stefan, chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION, now=at(60))
    with pytest.raises(ActionRefused, match="out_of_scope"):
        supervision.join(stefan, chat.pk, now=at(60))
    supervision.stop_monitoring(stefan, chat.pk, now=at(70))
    assert not selectors.visible(stefan).filter(pk=chat.pk).exists()


# --- the end of monitoring ------------------------------------------------------------------------------------------


def test_one_who_does_not_monitor_cannot_stop(floor: Floor, sara: Actor) -> None:
    chat = floor.active()

    with pytest.raises(ActionRefused, match="not_monitoring"):
        supervision.stop_monitoring(sara, chat.pk, now=at(50))


def test_a_monitor_whose_page_is_gone_for_thirty_seconds_is_dropped(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(50))
    supervision.seen([floor.sara.pk], now=at(60))

    assert timers.run_due(now=at(90)) == 0
    assert people(chat)["sara"] == "monitor"
    with hearing() as heard:
        assert timers.run_due(now=at(91)) == 1

    assert people(chat) == {"ana": "primary"}
    assert last_entry(chat).data == {"seconds": 41, "cause": "connection_lost"}
    assert last_entry(chat).actor_kind == "system"
    assert heard.codes == ["conversation.monitoring_stopped"]
    assert CUSTOMER not in heard.by("conversation.monitoring_stopped")
    assert "ana" not in heard.by("conversation.monitoring_stopped")


def test_how_long_a_lost_page_is_waited_for_is_a_setting(floor: Floor, sara: Actor) -> None:
    SupervisorSettings.objects.update(monitor_disconnect=900)
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(50))

    assert timers.run_due(now=at(950), misses=False) == 0
    assert [found.code for found in faults_of(chat.pk, at(950))] == [], "the checker waits as long"
    assert supervision.drop_lost_monitor(chat.participants.get(mode="monitor").pk, SYSTEM, now=at(950)) is None
    assert timers.run_due(now=at(951)) == 1
    assert people(chat) == {"ana": "primary"}


def test_a_page_that_came_back_in_time_keeps_monitoring(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(50))
    row = Participant.objects.get(conversation=chat, mode="monitor")
    supervision.seen([floor.sara.pk], now=at(100))

    assert supervision.drop_lost_monitor(row.pk, SYSTEM, now=at(101)) is None
    with pytest.raises(NotVisible):
        supervision.drop_lost_monitor(10**6, SYSTEM, now=at(101))


def test_a_monitor_who_did_not_say_when_it_was_last_seen_is_kept_by_nobody_else(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(50))

    supervision.seen([floor.ana.user_id], now=at(500))

    assert timers.run_due(now=at(200)) == 1


# --- join -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["active", "waiting"])
def test_join_is_seen_by_agent_and_customer(floor: Floor, sara: Actor, phase: str) -> None:
    chat = getattr(floor, phase)(Channel.PERSISTENT_CHAT)
    supervision.monitor(sara, chat.pk, now=at(40))
    before = fresh(chat)

    with hearing() as heard:
        event = supervision.join(sara, chat.pk, now=at(50))

    after = fresh(chat)
    assert people(chat)["sara"] == "consult"
    assert ("sara", "monitor", "joined") in departures(chat)
    row = Participant.objects.get(conversation=chat, mode="consult")
    assert (row.assign_reason, row.joined_at) == ("AgentConversationJoin", at(50))
    assert said(chat)[-2:] == ["supervisor_joined", "supervisor_joined_staff (internal)"]
    assert heard.by("conversation.joined") == BILLING | {"ana", "sara", CUSTOMER}
    assert heard.notices == ([("ana", "supervisor_joined")] if phase == "active" else [])
    assert (after.state, after.agent_id, after.version) == (before.state, before.agent_id, event.version)
    assert broken(at(50)) == []


def test_joining_costs_no_capacity_and_changes_no_presence(floor: Floor) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = floor.active()

    supervision.monitor(actor_of(supa), chat.pk, now=at(40))
    supervision.join(actor_of(supa), chat.pk, now=at(50))

    assert units(supa, at(50)) == 0
    assert (presence(supa), presence(floor.ana)) == ("Available", "Busy")
    assert fresh(chat).agent_id == floor.ana.pk


def test_join_in_wrap_up_is_internal(floor: Floor, sara: Actor) -> None:
    chat = floor.wrap_up()
    supervision.monitor(sara, chat.pk, now=at(40))

    with hearing() as heard:
        supervision.join(sara, chat.pk, now=at(50))

    assert heard.by("conversation.joined") == BILLING | {"ana", "sara"}
    assert said(chat)[-1] == "supervisor_joined_staff (internal)"
    assert "supervisor_joined" not in said(chat)
    assert heard.notices == [("ana", "supervisor_joined")]
    with hearing() as left:
        supervision.leave(sara, chat.pk, now=at(60))
    assert left.by("conversation.left") == BILLING | {"ana", "sara"}
    assert "participant_left" not in said(chat)


def test_join_needs_a_running_monitor(floor: Floor, sara: Actor) -> None:
    chat = floor.active()

    with pytest.raises(ActionRefused, match="not_monitoring"):
        supervision.join(sara, chat.pk, now=at(50))
    supervision.monitor(sara, chat.pk, now=at(50))
    supervision.join(sara, chat.pk, now=at(51))
    for act in (supervision.join, supervision.monitor):
        with pytest.raises(ActionRefused, match="already_joined"):
            act(sara, chat.pk, now=at(52))
    with pytest.raises(ActionRefused, match="not_monitoring"):
        supervision.stop_monitoring(sara, chat.pk, now=at(53))


def test_the_switch_that_is_off_stops_join_but_not_leaving(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(40))
    SupervisorSettings.objects.update(monitor_enabled=False)

    with pytest.raises(ActionRefused, match="setting_off:monitor"):
        supervision.join(sara, chat.pk, now=at(50))
    supervision.stop_monitoring(sara, chat.pk, now=at(51))

    assert people(chat) == {"ana": "primary"}


def test_leaving_is_seen_by_everybody(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(40))
    supervision.join(sara, chat.pk, now=at(50))

    with hearing() as heard:
        supervision.leave(sara, chat.pk, now=at(60))

    assert people(chat) == {"ana": "primary"}
    assert said(chat)[-1] == "participant_left"
    assert heard.by("conversation.left") == BILLING | {"ana", "sara", CUSTOMER}
    assert history(chat)[-2:] == ["joined", "left"]
    with pytest.raises(ActionRefused, match="not_joined"):
        supervision.leave(sara, chat.pk, now=at(61))


def test_a_primary_does_not_leave_like_a_consultant(floor: Floor) -> None:
    chat = floor.active()

    with pytest.raises(ActionRefused, match="not_joined"):
        supervision.leave(actor_of(floor.ana), chat.pk, now=at(50))


def test_a_joined_supervisor_is_no_substitute_for_the_agent(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(40))
    supervision.join(sara, chat.pk, now=at(50))

    assignment.release(actor_of(floor.ana), chat.pk, now=at(60))

    assert (fresh(chat).state, people(chat)) == ("open", {"sara": "consult"})
    assert broken(at(60)) == []


def test_a_joined_supervisor_is_in_it_until_it_closes(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(40))
    supervision.join(sara, chat.pk, now=at(50))
    closure.end(actor_of(floor.ana), chat.pk, now=at(60))
    assert people(chat) == {"ana": "primary", "sara": "consult"}

    closure.finish_wrap_up(actor_of(floor.ana), chat.pk, now=at(70))

    assert people(chat) == {}
    assert ("sara", "consult", "closed") in departures(chat)


def test_time_in_consult_and_monitor_is_not_handle_time(floor: Floor, sara: Actor) -> None:
    chat = floor.waiting()
    handled = fresh(chat).handled
    assert handled == timedelta(seconds=10)

    supervision.monitor(sara, chat.pk, now=at(100))
    supervision.join(sara, chat.pk, now=at(200))
    supervision.leave(sara, chat.pk, now=at(900))

    assert fresh(chat).handled == handled


def test_no_history_of_monitoring_names_the_customer_s_words(floor: Floor, sara: Actor) -> None:
    chat = floor.start(text="my secret")
    assignment.pick(actor_of(floor.ana), chat.pk, now=at(10))
    supervision.monitor(sara, chat.pk, now=at(40))
    messaging.receive(customer_of(chat), chat.pk, text="my secret again", now=at(45))

    assert "secret" not in str([entry.data for entry in HistoryEntry.objects.filter(conversation=chat)])
