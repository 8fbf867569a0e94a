"""Force close asks, and then ends for everybody at once (domain.md 3.7, T24)."""

from collections.abc import Callable

import pytest

from conversations.models import Conversation, Offer, SupervisorSettings
from conversations.services import assignment, closure, messaging, offers, supervision, timers
from routing.models import Channel, WrapUpBlock
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded, NotVisible, Stale
from tests.cast import (
    EVERY_CAUTION,
    Floor,
    actor_of,
    at,
    customer_of,
    fresh,
    give_view_all_queues,
    make_user,
    offer_of,
)
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

BILLING = {SUPERVISORS, "supervisors of Billing"}
OPEN_LIST = {"open list of Billing"}


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


def close(actor: Actor, chat: Conversation, *, note: str = "") -> None:
    closure.force_close(actor, chat.pk, version=chat.version, confirmed=EVERY_CAUTION, note=note, now=at(90))


PHASES = ["start", "offered", "active", "wrap_up"]
EVERY_CASE = [
    *[(phase, channel) for phase in PHASES for channel in Channel if channel != Channel.RECORD],
    *[("waiting", channel) for channel in (Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP)],
]


@pytest.mark.parametrize(("phase", "channel"), EVERY_CASE)
def test_force_close_ends_any_ongoing_conversation(floor: Floor, sara: Actor, phase: str, channel: Channel) -> None:
    chat = getattr(floor, phase)(channel)
    was = chat.state

    close(sara, chat)

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("closed", "ForceClosedBySupervisor", None)
    assert (after.closed_at, after.is_abandoned, after.holds_capacity) == (at(90), False, False)
    assert people(chat) == {}
    assert not Offer.objects.filter(conversation=chat, status="pending").exists()
    assert attempts(chat)[-1][1] == ("AgentMovedConversationToWaiting" if was == "waiting" else "ForceClose")
    assert stays(chat)[-1][1] == "ForceClose"
    assert said(chat)[-1] == "force_closed"
    entry = last_entry(chat)
    assert (entry.code, entry.from_state, entry.to_state) == ("conversation.force_closed", was, "closed")
    assert (units(floor.ana, at(90)), presence(floor.ana)) == (0, "Available")
    assert broken(at(90)) == []


def test_force_close_asks_first(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    before = everything(chat)

    with pytest.raises(ConfirmationNeeded) as asked:
        closure.force_close(sara, chat.pk, version=chat.version, now=at(90))

    assert [caution.code for caution in asked.value.cautions] == ["force_close"]
    assert everything(chat) == before


def test_everybody_in_it_is_told(floor: Floor, sara: Actor) -> None:
    stella, stanko = (make_user(name, Role.SUPERVISOR) for name in ("stella", "stanko"))
    for user in (stella, stanko):
        give_view_all_queues(user)
    chat = floor.active()
    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40))  # ana is a consultant now
    supervision.monitor(actor_of(stella), chat.pk, now=at(50))
    supervision.monitor(actor_of(stanko), chat.pk, now=at(51))
    supervision.join(actor_of(stanko), chat.pk, now=at(52))

    with hearing() as heard:
        close(sara, fresh(chat), note="Abuse")

    everybody = {"ana", "boris", "stella", "stanko", "sara", CUSTOMER}
    assert heard.by("conversation.force_closed") == BILLING | OPEN_LIST | everybody
    assert sorted(heard.notices) == [
        ("ana", "force_closed"),
        ("boris", "force_closed"),
        ("stanko", "force_closed"),
        ("stella", "monitored_closed"),
    ]
    assert {who for who, _, how in departures(chat) if how == "closed"} == {"ana", "boris", "stella", "stanko"}
    assert last_entry(chat).data == {"note": "Abuse"}


def test_one_who_closes_what_they_take_part_in_is_not_told_twice(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(50))

    with hearing() as heard:
        close(sara, fresh(chat))

    assert heard.notices == [("ana", "force_closed")]


def test_from_open_there_is_nobody_to_tell_but_the_customer(floor: Floor, sara: Actor) -> None:
    chat = floor.start()

    with hearing() as heard:
        close(sara, chat)

    assert heard.by("conversation.force_closed") == BILLING | OPEN_LIST | {"sara", CUSTOMER}
    assert heard.notices == []
    assert fresh(chat).accepted_at is None


def test_an_open_offer_is_withdrawn_and_its_agent_told_once(floor: Floor, sara: Actor) -> None:
    chat = floor.offered()
    offer = offer_of(chat)

    with hearing() as heard:
        close(sara, chat)

    offer.refresh_from_db()
    assert offer.status == "cancelled"
    assert heard.notices == [("ana", "offer_withdrawn")]
    assert "ana" in heard.by("conversation.force_closed")
    with pytest.raises(ActionRefused, match="offer_gone"):
        offers.accept(actor_of(floor.ana), offer.pk, now=at(91))


def test_the_agent_who_kept_a_waiting_one_hears_of_it(floor: Floor, sara: Actor) -> None:
    chat = floor.waiting()

    with hearing() as heard:
        close(sara, chat)

    assert heard.by("conversation.force_closed") == BILLING | OPEN_LIST | {"sara", "ana", CUSTOMER}


@pytest.mark.parametrize("block", WrapUpBlock)
def test_capacity_is_free_at_once_also_in_wrap_up(floor: Floor, sara: Actor, block: WrapUpBlock) -> None:
    floor.chat.wrapup_block, floor.chat.wrapup_block_seconds = block, 3600
    floor.chat.save()
    chat = floor.wrap_up()

    close(sara, chat)

    assert units(floor.ana, at(90)) == 0
    assert presence(floor.ana) == "Available"
    assert timers.run_due(now=at(100_000)) == 0


def test_nothing_can_be_done_to_it_afterwards(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    close(sara, chat)
    before, version = everything(chat), fresh(chat).version
    ana, maja = actor_of(floor.ana), customer_of(chat)

    acts: list[tuple[Callable[[], object], str]] = [
        (lambda: assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=version, now=at(95)), "state_closed"),
        (
            lambda: assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=version, now=at(95)),
            "state_closed",
        ),
        (lambda: supervision.monitor(sara, chat.pk, now=at(95)), "state_closed"),
        (lambda: messaging.receive(maja, chat.pk, text="Hello?", now=at(95)), "chat_ended"),
        (lambda: messaging.send(ana, chat.pk, text="Sorry", now=at(95)), "state_closed"),
        (lambda: closure.customer_ends(maja, chat.pk, now=at(95)), "chat_ended"),
        (lambda: closure.end(ana, chat.pk, now=at(95)), "state_closed"),
        (lambda: closure.close_session(ana, chat.pk, now=at(95)), "state_closed"),
        (lambda: assignment.release(ana, chat.pk, now=at(95)), "state_closed"),
        (lambda: closure.finish_wrap_up(ana, chat.pk, now=at(95)), "state_closed"),
    ]
    for act, code in acts:
        with pytest.raises(ActionRefused, match=code):
            act()

    assert everything(chat) == before


@pytest.mark.parametrize("fresh_page", [False, True], ids=["double click", "reloaded page"])
def test_a_second_force_close_names_the_first(floor: Floor, sara: Actor, fresh_page: bool) -> None:
    chat = floor.active()
    close(sara, chat)
    version = fresh(chat).version if fresh_page else chat.version
    before = everything(chat)

    with pytest.raises(Stale, match="already_closed") as refused:
        closure.force_close(sara, chat.pk, version=version, confirmed=EVERY_CAUTION, now=at(95))

    assert refused.value.refusal.sentence == "Already closed by Sara Test at 10:01:30."
    assert everything(chat) == before
    assert history(chat).count("force_closed") == 1


def test_one_that_the_agent_closed_says_so(floor: Floor, sara: Actor) -> None:
    chat = floor.closed()

    with pytest.raises(Stale) as refused:
        close(sara, chat)

    assert refused.value.refusal.sentence == "Already closed by Ana Test at 10:00:40."


def test_a_flood_of_lines_does_not_keep_it_open(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    for second in range(30, 60):
        messaging.receive(customer_of(chat), chat.pk, text="!!!", now=at(second))

    close(sara, chat)

    assert fresh(chat).state == "closed"


def test_a_move_makes_the_dialog_stale(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    closure.end(actor_of(floor.ana), chat.pk, now=at(30))

    with pytest.raises(Stale, match="stale_version") as refused:
        close(sara, chat)

    assert "wrap-up" in refused.value.refusal.sentence


def test_a_reason_can_be_required(floor: Floor, sara: Actor) -> None:
    SupervisorSettings.objects.update(force_close_reason_required=True)
    chat = floor.active()

    for note in ("", "   ", "\x00"):
        with pytest.raises(ActionRefused, match="reason_required"):
            close(sara, chat, note=note)
    with pytest.raises(ActionRefused, match="note_too_long"):
        close(sara, chat, note="x" * 501)
    close(sara, chat, note="Spam")

    assert last_entry(chat).data == {"note": "Spam"}


def test_force_close_is_for_supervisors_of_the_queue_while_the_switch_is_on(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    before = everything(chat)

    for actor in (actor_of(floor.ana), customer_of(chat)):
        with pytest.raises(ActionRefused, match="not_supervisor"):
            close(actor, chat)
    for who in (floor.boris, floor.otto, floor.api):
        with pytest.raises(NotVisible):
            close(actor_of(who), chat)
    SupervisorSettings.objects.update(force_close_enabled=False)
    with pytest.raises(ActionRefused, match="setting_off:force_close"):
        close(sara, chat)

    assert everything(chat) == before


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 2**70])
def test_an_unknown_conversation_is_not_found(floor: Floor, sara: Actor, unknown: int) -> None:
    with pytest.raises(NotVisible):
        closure.force_close(sara, unknown, version=1, confirmed=EVERY_CAUTION, now=at(90))
