"""What happens by itself, and not a second too early (domain.md 2.3, 2.4)."""

from datetime import datetime, timedelta

import pytest

from conversations import policy
from conversations.models import State, SupervisorSettings
from conversations.models.timers import CLOSING
from conversations.policy import Phase, Trigger
from conversations.services import assignment, closure, messaging, settings, supervision, timers
from routing.models import AgentProfile, CapacityProfile, Channel, Workstream, WorkstreamProfile, WrapUpBlock
from tests.cast import Floor, actor_of, at, customer_of, fresh
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import attempts, everything, last_entry, presence, said, units
from tests.invariants import broken

MINUTES, DAYS = timedelta(minutes=1), timedelta(days=1)

# Typed off domain.md 2.3: kind and state, after how long, and where it goes. Waiting is the workstream's 28 days.
DUE = [
    (Channel.LIVE_CHAT, "start", 20 * MINUTES, "closed", "AutoClosedBySystem"),
    (Channel.LIVE_CHAT, "wrap_up", 15 * MINUTES, "closed", "AutoClosedBySystem"),
    (Channel.PERSISTENT_CHAT, "start", 30 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.PERSISTENT_CHAT, "waiting", 28 * DAYS, "closed", "AutoClosedFromWaiting"),
    (Channel.PERSISTENT_CHAT, "wrap_up", 1 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.SMS, "start", 30 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.SMS, "active", 30 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.SMS, "waiting", 28 * DAYS, "closed", "AutoClosedFromWaiting"),
    (Channel.SMS, "wrap_up", 1 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.WHATSAPP, "active", 30 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.VOICE, "start", 30 * DAYS, "closed", "AutoClosedBySystem"),
    (Channel.VOICE, "active", timedelta(hours=2), "wrap_up", "AutoClosedBySystem"),
    (Channel.VOICE, "wrap_up", 1 * DAYS, "closed", "AutoClosedBySystem"),
]
NEVER = [(Channel.LIVE_CHAT, "active"), (Channel.PERSISTENT_CHAT, "active")]


@pytest.mark.parametrize(("channel", "phase", "after", "state", "reason"), DUE)
def test_nothing_happening_for_so_long_ends_it(
    floor: Floor, channel: Channel, phase: str, after: timedelta, state: str, reason: str
) -> None:
    chat = getattr(floor, phase)(channel)
    due = chat.last_activity_at + after

    assert timers.run_due(now=due - timedelta(seconds=1)) == 0
    assert timers.run_due(now=due) == 1

    ended = fresh(chat)
    assert (ended.state, ended.reason, ended.is_abandoned) == (state, reason, False)
    assert last_entry(chat).actor_kind == "system"
    assert broken(due) == []
    assert timers.run_due(now=due) == 0


@pytest.mark.parametrize(("channel", "phase", "after", "state", "reason"), DUE)
def test_a_time_that_an_administrator_sets_holds_at_once(
    floor: Floor, channel: Channel, phase: str, after: timedelta, state: str, reason: str
) -> None:
    chat = getattr(floor, phase)(channel)
    stored = {"start": State.OPEN, "active": State.ACTIVE, "wrap_up": State.WRAP_UP}
    if phase == "waiting":
        Workstream.objects.update(waiting_close_days=3)
        wanted = 3 * DAYS
    else:
        wanted = timedelta(minutes=7, seconds=30)
        settings.change(actor_of(floor.otto), values={CLOSING[channel.kind, stored[phase]]: 450})
    due = chat.last_activity_at + wanted

    assert timers.run_due(now=due - timedelta(seconds=1)) == 0
    assert timers.run_due(now=due) == 1
    assert (fresh(chat).state, fresh(chat).reason) == (state, reason)


def test_there_is_a_time_for_every_move_that_time_makes_and_for_no_other() -> None:
    by_time = {
        (kind, row.source.state)
        for row in policy.TRANSITIONS
        if row.trigger in (Trigger.AUTO_CLOSE, Trigger.CALL_LIMIT) and row.source != Phase.WAITING
        for kind in row.kinds
    }
    typed = {(channel.kind, phase) for channel, phase, *_ in DUE if phase != "waiting"}

    assert set(CLOSING) == by_time
    assert len(typed) == len(by_time)


def test_the_times_come_with_the_defaults_of_the_rules(db: None) -> None:
    stored = {"start": State.OPEN, "active": State.ACTIVE, "wrap_up": State.WRAP_UP}

    assert SupervisorSettings().closing() == {
        (channel.kind, stored[phase]): after for channel, phase, after, *_ in DUE if phase != "waiting"
    }


@pytest.mark.parametrize(("channel", "phase"), NEVER)
def test_some_go_on_for_ever(floor: Floor, channel: Channel, phase: str) -> None:
    chat = getattr(floor, phase)(channel)

    assert timers.run_due(now=at(0) + 400 * DAYS) == 0
    assert fresh(chat).is_ongoing


def test_a_call_of_two_hours_goes_to_wrap_up(floor: Floor) -> None:
    call = floor.active(Channel.VOICE)

    with hearing() as heard:
        timers.run_due(now=at(20) + timedelta(hours=2))

    assert attempts(call)[-1] == ("ana", "CallTimedOut")
    assert said(call)[-1] == "call_limit"
    queue = "supervisors of Calls"
    assert heard.by("conversation.ended") == {SUPERVISORS, queue, "ana", CUSTOMER}
    assert units(floor.ana, at(8000)) == 30


def test_whoever_closes_by_itself_is_told_to_everybody(floor: Floor) -> None:
    chat = floor.waiting()

    with hearing() as heard:
        timers.run_due(now=at(30) + 28 * DAYS)

    assert heard.by("conversation.closed") == {
        SUPERVISORS,
        "supervisors of Billing",
        "open list of Billing",
        "ana",
        CUSTOMER,
    }
    assert said(chat)[-1] == "auto_closed"


def test_a_workstream_has_its_own_time_for_waiting(floor: Floor) -> None:
    floor.persistent.waiting_close_days = 2
    floor.persistent.save()
    chat, sms = floor.waiting(), floor.waiting(Channel.SMS, by=floor.boris)

    assert timers.run_due(now=at(30) + 2 * DAYS) == 1

    assert (fresh(chat).state, fresh(sms).state) == ("closed", "waiting")


@pytest.mark.parametrize("what", ["line", "monitor", "transfer", "join and leave"])
def test_what_happens_restarts_the_clock(floor: Floor, what: str) -> None:
    chat = floor.active(Channel.SMS)
    late = at(20) + 30 * DAYS - timedelta(seconds=50)
    sara = actor_of(floor.sara)
    if what == "line":
        messaging.receive(customer_of(chat), chat.pk, text="Still here", now=late)
    elif what == "transfer":
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=late)
    else:
        supervision.monitor(sara, chat.pk, now=late)
    if what == "join and leave":
        supervision.join(sara, chat.pk, now=late)
        supervision.leave(sara, chat.pk, now=late)
    supervision.seen([floor.sara.pk], now=late + timedelta(seconds=60))

    assert timers.run_due(now=late + timedelta(seconds=60)) == 0
    assert fresh(chat).is_ongoing


def test_a_run_that_looks_at_an_old_list_leaves_what_moved_alone(floor: Floor) -> None:
    chat = floor.start()
    messaging.receive(customer_of(chat), chat.pk, text="Hello?", now=at(1000))
    closed = floor.closed()
    before = everything(chat)

    assert closure.auto_close(chat.pk, due=at(500), now=at(1200)) is None
    assert closure.auto_close(closed.pk, due=at(5000), now=at(5000)) is None

    assert everything(chat) == before


def test_one_failure_does_not_stop_the_others(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    broken_one, good = floor.start(), floor.start()
    # As only a fault could leave it: a stay that begins in the future, so that the database refuses its end.
    broken_one.segments.update(started_at=at(10**9))

    done = timers.run_due(now=at(0) + 20 * MINUTES)

    assert done == 1
    assert (fresh(broken_one).state, fresh(good).state) == ("open", "closed")
    assert "timer failed" in caplog.text


# --- capacity in wrap-up (2.4) --------------------------------------------------------------------------------


def block(floor: Floor, kind: WrapUpBlock, seconds: int | None = None) -> None:
    floor.chat.wrapup_block, floor.chat.wrapup_block_seconds = kind, seconds
    floor.chat.save()


def held(floor: Floor, now: datetime) -> tuple[int, str]:
    return units(floor.ana, now), presence(floor.ana)


def test_always_blocks_until_it_is_closed(floor: Floor) -> None:
    block(floor, WrapUpBlock.ALWAYS)
    chat = floor.wrap_up()

    timers.run_due(now=at(900))
    assert held(floor, at(900)) == (30, "Busy")
    closure.finish_wrap_up(actor_of(floor.ana), chat.pk, now=at(901))

    assert held(floor, at(901)) == (0, "Available")


def test_none_frees_at_the_beginning_of_wrap_up(floor: Floor) -> None:
    block(floor, WrapUpBlock.NONE)
    floor.wrap_up()

    assert held(floor, at(31)) == (0, "Available")


def test_custom_frees_after_its_time_while_wrap_up_goes_on(floor: Floor) -> None:
    block(floor, WrapUpBlock.CUSTOM, 60)
    chat = floor.wrap_up()  # ended at 30 s
    assert timers.run_due(now=at(89)) == 0
    assert held(floor, at(89)) == (30, "Busy")

    assert timers.run_due(now=at(90)) == 1

    assert held(floor, at(90)) == (0, "Available")
    assert fresh(chat).state == "wrap_up"
    assert fresh(chat).handling_since is not None
    assert broken(at(90)) == []


@pytest.mark.parametrize("how", ["X", "finish"])
def test_finishing_inside_the_custom_time_keeps_the_block(floor: Floor, how: str) -> None:
    profile = CapacityProfile.objects.create(name="Chats", limit=3)
    WorkstreamProfile.objects.create(workstream=floor.chat, profile=profile)
    AgentProfile.objects.create(agent=floor.ana, profile=profile)
    block(floor, WrapUpBlock.CUSTOM, 60)
    chat, ana = floor.wrap_up(), actor_of(floor.ana)

    (closure.close_session if how == "X" else closure.finish_wrap_up)(ana, chat.pk, now=at(50))

    assert fresh(chat).state == "closed"
    assert held(floor, at(50)) == (30, "Busy")
    assert broken(at(50)) == []
    assert timers.run_due(now=at(89)) == 0
    assert timers.run_due(now=at(90)) == 1
    assert held(floor, at(90)) == (0, "Available")
    assert broken(at(90)) == []
    assert timers.run_due(now=at(91)) == 0


def test_auto_close_waits_for_a_longer_block(floor: Floor) -> None:
    block(floor, WrapUpBlock.CUSTOM, 3600)
    chat = floor.wrap_up()

    assert timers.run_due(now=at(30) + 30 * MINUTES) == 0
    assert fresh(chat).state == "wrap_up"
    timers.run_due(now=at(30) + 60 * MINUTES)
    timers.run_due(now=at(30) + 60 * MINUTES)

    assert fresh(chat).state == "closed"
    assert held(floor, at(3700)) == (0, "Available")


def test_a_wrap_up_blocks_capacity_until_its_time_and_no_longer_though_nobody_has_looked_yet(floor: Floor) -> None:
    Workstream.objects.filter(pk=floor.chat.pk).update(wrapup_block=WrapUpBlock.CUSTOM, wrapup_block_seconds=60)

    floor.wrap_up()  # at 30 s

    assert (units(floor.ana, at(89)), units(floor.ana, at(90))) == (30, 0)
