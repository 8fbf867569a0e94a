"""Calls and their legs, from ringing to hanging up (domain.md 3.3, 3.4, T9, T10, T13, T14, T16, T24, P12, F73)."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from conversations.models import CallLeg, Conversation, Message, SupervisorSettings, Visibility
from conversations.services import assignment, calls, closure, messaging, offers, supervision, timers
from routing.models import Channel
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import history
from tests.invariants import broken

VOICE = Channel.VOICE


def lines(call: Conversation) -> list[tuple[str, str]]:
    """The legs that are not hung up: whose, and what they do."""
    rows = CallLeg.objects.filter(conversation=call, ended_at=None).order_by("pk")
    return [(row.participant.user.username if row.participant else "customer", row.state) for row in rows]


def leg_of(call: Conversation, username: str) -> CallLeg:
    return CallLeg.objects.filter(conversation=call, participant__user__username=username).latest("pk")


# --- ringing, talking, hanging up ------------------------------------------------------------------------------


def test_a_call_rings_at_the_agent_and_is_connected_on_acceptance(floor: Floor) -> None:
    call = floor.start(VOICE)
    assert lines(call) == [("customer", "ringing")]

    call = floor.offered(VOICE)
    assert lines(call) == [("customer", "ringing"), ("ana", "ringing")]
    offers.accept(actor_of(floor.ana), offer_of(call).pk, now=at(20))

    assert lines(call) == [("customer", "talking"), ("ana", "talking")]
    assert leg_of(call, "ana").connected_at == at(20)


@pytest.mark.parametrize("channel", [Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS])
def test_what_is_no_call_has_no_legs(floor: Floor, channel: Channel) -> None:
    floor.closed(channel)

    assert not CallLeg.objects.exists()


def test_picking_a_call_connects_it_at_once(floor: Floor) -> None:
    call = floor.start(VOICE)
    assignment.pick(actor_of(floor.boris), call.pk, now=at(5))

    assert lines(call) == [("customer", "talking"), ("boris", "talking")]


DECLINES: dict[str, Callable[[Floor, Conversation], object]] = {
    "reject": lambda floor, call: offers.reject(actor_of(floor.ana), offer_of(call).pk, now=at(30)),
    "timeout": lambda floor, call: timers.run_due(now=at(600)),
}


@pytest.mark.parametrize("decline", DECLINES)
def test_a_call_that_nobody_answers_rings_on_at_the_customer_only(floor: Floor, decline: str) -> None:
    call = floor.offered(VOICE)

    DECLINES[decline](floor, call)

    assert lines(call) == [("customer", "ringing")]
    assert leg_of(call, "ana").connected_at is None


BACK: dict[str, Callable[[Floor, Conversation], object]] = {
    "close session (T16)": lambda floor, call: closure.close_session(actor_of(floor.ana), call.pk, now=at(60)),
    "release (T18)": lambda floor, call: assignment.release(actor_of(floor.ana), call.pk, now=at(60)),
}


@pytest.mark.parametrize("way", BACK)
def test_a_call_that_goes_back_to_the_queue_keeps_the_customer_on_the_line(floor: Floor, way: str) -> None:
    call = floor.active(VOICE)
    calls.hold(actor_of(floor.ana), call.pk, now=at(50))

    BACK[way](floor, call)

    assert lines(call) == [("customer", "ringing")]
    assert leg_of(call, "ana").held == timedelta(seconds=10)
    assignment.pick(actor_of(floor.boris), call.pk, now=at(70))
    assert lines(call) == [("customer", "talking"), ("boris", "talking")]
    assert broken(at(70)) == []


ENDS: dict[str, Callable[[Floor, Conversation], object]] = {
    "agent hangs up (T12)": lambda floor, call: closure.end(actor_of(floor.ana), call.pk, now=at(60)),
    "customer hangs up (T13)": lambda floor, call: closure.customer_ends(customer_of(call), call.pk, now=at(60)),
    "two hours (T14)": lambda floor, call: timers.run_due(now=at(7300)),
    "force close (T24)": lambda floor, call: closure.force_close(
        actor_of(floor.sara), call.pk, version=call.version, confirmed=EVERY_CAUTION, now=at(60)
    ),
}


@pytest.mark.parametrize("way", ENDS)
def test_when_the_dialogue_is_over_every_line_is_closed(floor: Floor, way: str) -> None:
    call, sara = floor.active(VOICE), actor_of(floor.sara)
    supervision.monitor(sara, call.pk, now=at(30))
    supervision.seen([floor.sara.pk], now=at(7300))

    ENDS[way](floor, fresh(call))

    assert lines(call) == []
    assert fresh(call).state == ("closed" if "force" in way else "wrap_up")


@pytest.mark.parametrize("state", ["start", "offered"])
def test_who_hangs_up_before_an_answer_has_abandoned_the_call(floor: Floor, state: str) -> None:
    call = getattr(floor, state)(VOICE)

    closure.customer_ends(customer_of(call), call.pk, now=at(60))

    assert (fresh(call).state, fresh(call).is_abandoned, lines(call)) == ("closed", True, [])
    assert broken(at(60)) == []


# --- hold ------------------------------------------------------------------------------------------------------


def test_hold_time_is_measured_and_everybody_hears_of_it(floor: Floor) -> None:
    call, ana = floor.active(VOICE), actor_of(floor.ana)

    with hearing() as heard:
        calls.hold(ana, call.pk, now=at(100))
    assert lines(call) == [("customer", "on_hold"), ("ana", "on_hold")]
    assert heard.by("conversation.call_held") >= {SUPERVISORS, "ana", CUSTOMER}
    calls.resume(ana, call.pk, now=at(130))
    calls.hold(ana, call.pk, now=at(200))
    closure.end(ana, call.pk, now=at(230))

    leg = leg_of(call, "ana")
    assert (leg.held, leg.held_since, leg.ended_at) == (timedelta(seconds=60), None, at(230))
    assert history(call)[-4:] == ["call_held", "call_resumed", "call_held", "ended"]
    said = list(Message.objects.filter(conversation=call).exclude(code="").values_list("code", flat=True))
    assert said.count("call_held") == 2
    assert broken(at(230)) == []


def test_holding_does_not_make_a_supervisor_look_again(floor: Floor) -> None:
    call = floor.active(VOICE)
    calls.hold(actor_of(floor.ana), call.pk, now=at(40))

    closure.force_close(actor_of(floor.sara), call.pk, version=call.version, confirmed=EVERY_CAUTION, now=at(41))

    assert fresh(call).state == "closed"


def test_what_is_not_possible_with_hold_says_why(floor: Floor) -> None:
    call, ana = floor.active(VOICE), actor_of(floor.ana)
    chat = floor.active(by=floor.boris)

    with pytest.raises(ActionRefused, match="not_on_hold"):
        calls.resume(ana, call.pk, now=at(30))
    calls.hold(ana, call.pk, now=at(31))
    with pytest.raises(ActionRefused, match="already_on_hold"):
        calls.hold(ana, call.pk, now=at(32))
    with pytest.raises(ActionRefused, match="not_a_call"):
        calls.hold(actor_of(floor.boris), chat.pk, now=at(33))
    with pytest.raises(NotVisible):
        calls.hold(actor_of(floor.cene), call.pk, now=at(33))
    closure.end(ana, call.pk, now=at(34))
    with pytest.raises(ActionRefused, match="state_not_active"):
        calls.resume(ana, call.pk, now=at(35))


# --- supervisors (3.3, 3.4, P12) --------------------------------------------------------------------------------


def test_a_monitor_listens_without_a_microphone_until_they_join(floor: Floor) -> None:
    call, sara = floor.active(VOICE), actor_of(floor.sara)

    supervision.monitor(sara, call.pk, now=at(30))
    listening = leg_of(call, "sara")
    assert (listening.state, listening.party, listening.has_microphone) == ("listening", "monitor", False)

    supervision.join(sara, call.pk, now=at(40))
    talking = leg_of(call, "sara")
    assert (talking.state, talking.party, talking.has_microphone) == ("talking", "consult", True)
    listening.refresh_from_db()
    assert (listening.state, listening.ended_at) == ("hung_up", at(40))

    supervision.leave(sara, call.pk, now=at(50))
    assert lines(call) == [("customer", "talking"), ("ana", "talking")]


def test_whoever_looks_at_the_wrap_up_of_a_call_hears_nothing(floor: Floor) -> None:
    call, sara = floor.wrap_up(VOICE), actor_of(floor.sara)

    supervision.monitor(sara, call.pk, now=at(40))
    supervision.join(sara, call.pk, now=at(41))
    messaging.send(sara, call.pk, text="Note the number", visibility=Visibility.INTERNAL, now=at(42))

    assert lines(call) == []


def test_after_a_transfer_the_first_agent_stays_on_the_line_as_a_consultant(floor: Floor) -> None:
    SupervisorSettings.objects.update(transfer_voice_calls=True)
    call = floor.active(VOICE)
    assignment.transfer(
        actor_of(floor.sara),
        call.pk,
        agent_id=floor.boris.pk,
        version=call.version,
        confirmed=EVERY_CAUTION,
        now=at(50),
    )
    assert lines(call) == [("customer", "talking"), ("ana", "talking")]

    offers.accept(actor_of(floor.boris), offer_of(call).pk, now=at(60))

    legs = CallLeg.objects.filter(conversation=call, ended_at=None).order_by("party")
    assert [(leg.party, leg.state) for leg in legs] == [
        ("consult", "talking"),
        ("customer", "talking"),
        ("primary", "talking"),
    ]
    assert broken(at(60)) == []
