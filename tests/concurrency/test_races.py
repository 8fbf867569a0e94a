"""Two people act on the same thing at once: one wins, the other is told, and nothing is half done.

Each race also runs without row locks on PostgreSQL, to show the damage that the locks prevent. SQLite has no row
locks: there a transaction that may write is alone from its beginning.
"""

from collections.abc import Callable
from typing import Any

import pytest

from conversations.models import Conversation, Customer, Message, Offer, OfferStatus, Participant, State
from conversations.services import assignment, closure, intake, messaging, offers, supervision, timers
from routing.models import Agent, BasePresence, Presence
from routing.services.presence import set_presence
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded, Stale
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of
from tests.concurrency.outcomes import (
    LATER,
    code_of,
    codes,
    did_damage,
    in_both_orders,
    race,
    stella,
    units_of,
    with_one_seat,
)
from tests.concurrency.together import Body, losers, together, winners
from tests.invariants import broken

pytestmark = pytest.mark.slow


def assigning(actor: Actor, conversation: Conversation, agent: Agent) -> Body:
    return lambda: assignment.assign(
        actor, conversation.pk, agent_id=agent.pk, version=conversation.version, now=at(10)
    )


def force_closing(actor: Actor, conversation: Conversation) -> Body:
    return lambda: closure.force_close(
        actor, conversation.pk, version=conversation.version, confirmed=EVERY_CAUTION, now=at(60)
    )


# --- two supervisors assign one conversation ----------------------------------------------------------------


@in_both_orders
def test_of_two_supervisors_who_assign_one_conversation_one_wins(floor: Floor, first: int) -> None:
    chat = floor.start()

    outcomes = race(first, assigning(actor_of(floor.sara), chat, floor.ana), assigning(stella(), chat, floor.boris))

    winner = floor.ana if first == 0 else floor.boris
    assert outcomes[first].agent_id == winner.pk
    assert isinstance(outcomes[1 - first], Stale)
    assert winner.name in outcomes[1 - first].refusal.sentence
    assert fresh(chat).agent_id == winner.pk
    assert codes(chat) == ["conversation.created", "conversation.assigned"]
    assert Offer.objects.filter(conversation=chat).count() == 1
    assert (units_of(floor.ana), units_of(floor.boris)) == ((30, 0) if first == 0 else (0, 30))
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_both_would_assign_it(floor: Floor, without_locks: None) -> None:
    chat = floor.start()

    outcomes = together(assigning(actor_of(floor.sara), chat, floor.ana), assigning(stella(), chat, floor.boris))

    assert did_damage(*outcomes)
    assert not any(isinstance(outcome, ActionRefused) for outcome in outcomes)


# --- two supervisors give the last free seat away -------------------------------------------------------------


@in_both_orders
def test_whoever_comes_second_for_the_last_seat_is_asked_for_the_override(floor: Floor, first: int) -> None:
    one, other = floor.start(), floor.start()
    ana = with_one_seat(floor.ana)

    outcomes = race(first, assigning(actor_of(floor.sara), one, ana), assigning(stella(), other, ana))

    assert outcomes[first].over_units == 0
    asked = outcomes[1 - first]
    assert isinstance(asked, ConfirmationNeeded), asked
    assert [(caution.code, caution.numbers["over"]) for caution in asked.cautions if "over" in caution.numbers] == [
        ("capacity_override", 30)
    ]
    assert units_of(ana) == 30
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_the_seat_would_be_given_twice_and_nobody_asked(floor: Floor, without_locks: None) -> None:
    one, other = floor.start(), floor.start()
    ana = with_one_seat(floor.ana)

    outcomes = together(assigning(actor_of(floor.sara), one, ana), assigning(stella(), other, ana))

    assert [outcome.over_units for outcome in outcomes] == [0, 0]
    assert units_of(ana) == 60


# --- an agent accepts while the time runs out -------------------------------------------------------------------


def accept_and_expire(floor: Floor, chat: Conversation) -> tuple[Body, Body]:
    offer = offer_of(chat)
    ana = actor_of(floor.ana)
    return lambda: offers.accept(ana, offer.pk, now=at(20)), lambda: offers.expire(offer.pk, now=at(300))


@in_both_orders
def test_an_offer_is_either_accepted_or_timed_out(floor: Floor, first: int) -> None:
    chat = floor.offered()

    accepted, expired = race(first, *accept_and_expire(floor, chat))

    if first == 0:
        assert accepted.code == "conversation.accepted"
        assert expired is None
        assert fresh(chat).agent_id == floor.ana.pk
    else:
        assert code_of(accepted) == "offer_gone"
        assert expired.code == "conversation.timed_out"
        assert fresh(chat).state == State.OPEN
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_an_offer_would_be_accepted_and_timed_out(floor: Floor, without_locks: None) -> None:
    chat = floor.offered()

    outcomes = together(*accept_and_expire(floor, chat))

    assert did_damage(*outcomes)
    assert len([outcome for outcome in winners(outcomes) if outcome is not None]) == 2


# --- an agent accepts while a supervisor closes -----------------------------------------------------------------


def accept_and_close(floor: Floor, chat: Conversation) -> tuple[Body, Body]:
    offer, ana = offer_of(chat), actor_of(floor.ana)
    return lambda: offers.accept(ana, offer.pk, now=at(20)), force_closing(actor_of(floor.sara), chat)


@in_both_orders
def test_an_offer_is_accepted_or_its_conversation_force_closed(floor: Floor, first: int) -> None:
    chat = floor.offered()

    accepted, closed = race(first, *accept_and_close(floor, chat))

    if first == 0:
        assert accepted.code == "conversation.accepted"
        assert code_of(closed) == "stale_version"
        assert fresh(chat).state == State.ACTIVE
    else:
        assert code_of(accepted) == "offer_gone"
        assert closed.code == "conversation.force_closed"
        assert units_of(floor.ana) == 0
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_a_closed_conversation_would_be_accepted(floor: Floor, without_locks: None) -> None:
    outcomes = together(*accept_and_close(floor, floor.offered()))

    assert did_damage(*outcomes)
    assert len(winners(outcomes)) == 2


# --- a transfer is rejected while it is cancelled ------------------------------------------------------------------


def with_transfer(floor: Floor) -> Conversation:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    return fresh(chat)


def reject_and_cancel(floor: Floor, chat: Conversation) -> tuple[Body, Body]:
    offer, boris, sara = offer_of(chat), actor_of(floor.boris), actor_of(floor.sara)
    return (
        lambda: offers.reject(boris, offer.pk, now=at(40)),
        lambda: assignment.cancel_transfer(sara, chat.pk, now=at(40)),
    )


@in_both_orders
def test_a_transfer_is_rejected_or_cancelled(floor: Floor, first: int) -> None:
    chat = with_transfer(floor)

    rejected, cancelled = race(first, *reject_and_cancel(floor, chat))

    if first == 0:
        assert rejected.code == "conversation.transfer_rejected"
        assert code_of(cancelled) == "no_pending_transfer"
    else:
        assert code_of(rejected) == "offer_gone"
        assert cancelled.code == "conversation.transfer_cancelled"
    assert fresh(chat).agent_id == floor.ana.pk
    assert units_of(floor.boris) == 0
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_a_transfer_would_be_rejected_and_cancelled(floor: Floor, without_locks: None) -> None:
    outcomes = together(*reject_and_cancel(floor, with_transfer(floor)))

    assert len(winners(outcomes)) == 2
    assert did_damage(*outcomes)


# --- the customer ends while a transfer is accepted -----------------------------------------------------------------


def end_and_accept(floor: Floor, chat: Conversation) -> tuple[Body, Body]:
    offer, boris, maja = offer_of(chat), actor_of(floor.boris), customer_of(chat)
    return (
        lambda: closure.customer_ends(maja, chat.pk, now=at(40)),
        lambda: offers.accept(boris, offer.pk, now=at(40)),
    )


@in_both_orders
def test_a_customer_who_ends_while_a_transfer_is_accepted_ends_for_one_agent(floor: Floor, first: int) -> None:
    chat = with_transfer(floor)

    ended, accepted = race(first, *end_and_accept(floor, chat))

    assert ended.code == "conversation.ended"
    if first == 0:
        assert code_of(accepted) == "offer_gone"
    else:
        assert accepted.code == "conversation.transferred"
    holder, free = (floor.ana, floor.boris) if first == 0 else (floor.boris, floor.ana)
    assert (fresh(chat).state, fresh(chat).agent_id) == (State.WRAP_UP, holder.pk)
    assert (units_of(holder), units_of(free)) == (30, 0)
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_an_ended_conversation_would_be_taken_over(floor: Floor, without_locks: None) -> None:
    outcomes = together(*end_and_accept(floor, with_transfer(floor)))

    assert did_damage(*outcomes)


# --- two supervisors force close ------------------------------------------------------------------------------------


@in_both_orders
def test_the_second_force_close_is_told_who_was_first_and_when(floor: Floor, first: int) -> None:
    chat = floor.active()
    other = stella()

    outcomes = race(first, force_closing(actor_of(floor.sara), chat), force_closing(other, chat))

    assert outcomes[first].code == "conversation.force_closed"
    assert code_of(outcomes[1 - first]) == "already_closed"
    name = "Sara Test" if first == 0 else "Stella Test"
    assert outcomes[1 - first].refusal.sentence == f"Already closed by {name} at 10:01:00."
    assert codes(chat).count("conversation.force_closed") == 1
    assert Message.objects.filter(conversation=chat, code="force_closed").count() == 1
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_it_would_be_closed_twice(floor: Floor, without_locks: None) -> None:
    chat = floor.active()

    outcomes = together(force_closing(actor_of(floor.sara), chat), force_closing(stella(), chat))

    assert len(winners(outcomes)) == 2
    assert codes(chat).count("conversation.force_closed") == 2


# --- agents pick, customers write, supervisors watch ------------------------------------------------------------------


def picking(agent: Agent, chat: Conversation) -> Body:
    actor = actor_of(agent)
    return lambda: assignment.pick(actor, chat.pk, now=at(10))


@in_both_orders
def test_of_two_agents_who_pick_one_gets_it(floor: Floor, first: int) -> None:
    chat = floor.start()

    outcomes = race(first, picking(floor.ana, chat), picking(floor.boris, chat))

    assert outcomes[first].code == "conversation.picked"
    assert code_of(outcomes[1 - first]) in {"state_not_open", "not_found"}
    assert fresh(chat).agent_id == (floor.ana if first == 0 else floor.boris).pk
    assert broken(LATER) == []


@pytest.mark.postgresql
def test_without_locks_both_would_pick_it(floor: Floor, without_locks: None) -> None:
    chat = floor.start()

    outcomes = together(picking(floor.ana, chat), picking(floor.boris, chat))

    assert did_damage(*outcomes)


@in_both_orders
def test_an_agent_picks_or_a_supervisor_assigns(floor: Floor, first: int) -> None:
    chat = floor.start()

    picked, assigned = race(first, picking(floor.ana, chat), assigning(actor_of(floor.sara), chat, floor.boris))

    if first == 0:
        assert picked.code == "conversation.picked"
        assert code_of(assigned) == "stale_version"
    else:
        assert code_of(picked) in {"state_not_open", "not_found"}
        assert assigned.code == "conversation.assigned"
    assert broken(LATER) == []


def writing(floor: Floor, chat: Conversation) -> tuple[Body, Body]:
    ana, maja = actor_of(floor.ana), customer_of(chat)
    return (
        lambda: messaging.send(ana, chat.pk, text="One moment", now=at(30)),
        lambda: messaging.receive(maja, chat.pk, text="Are you there?", now=at(30)),
    )


@in_both_orders
def test_two_lines_at_once_are_two_versions(floor: Floor, first: int) -> None:
    chat = floor.active()

    sent, received = race(first, *writing(floor, chat))

    assert {sent.version, received.version} == {chat.version + 1, chat.version + 2}
    assert Message.objects.filter(conversation=chat, code="").count() == 3
    assert fresh(chat).version == chat.version + 2


@pytest.mark.postgresql
def test_without_locks_two_lines_would_be_one_version(floor: Floor, without_locks: None) -> None:
    chat = floor.active()

    together(*writing(floor, chat))

    assert fresh(chat).version == chat.version + 1


def monitoring(floor: Floor, chat: Conversation) -> Body:
    sara = actor_of(floor.sara)
    return lambda: supervision.monitor(sara, chat.pk, now=at(30))


@pytest.mark.postgresql
def test_without_locks_a_constraint_would_stop_the_second_tab(floor: Floor, without_locks: None) -> None:
    outcomes = together(*[monitoring(floor, floor.active())] * 2)

    assert did_damage(*outcomes)


def test_one_supervisor_monitors_once_from_two_tabs(floor: Floor) -> None:
    chat = floor.active()

    outcomes = together(*[monitoring(floor, chat)] * 2)

    assert len(winners(outcomes)) == 1
    assert [code_of(refusal) for refusal in losers(outcomes)] == ["already_monitoring"]
    assert Participant.objects.filter(conversation=chat, user=floor.sara).count() == 1


def test_one_form_sent_twice_by_a_known_customer_starts_one_conversation(floor: Floor) -> None:
    known = floor.start()

    def start() -> object:
        return intake.start(
            workstream_id=floor.chat.pk,
            name="Maja",
            text="Again",
            customer_id=known.customer_id,
            client_key="form-1",
            now=at(5),
        )

    outcomes = together(start, start)

    assert len({event.conversation_id for event in winners(outcomes)}) == 1
    assert Conversation.objects.count() == 2


def test_one_form_sent_twice_by_a_stranger_starts_one_conversation(floor: Floor) -> None:
    def start() -> object:
        return intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hello", client_key="form-1", now=at(5))

    outcomes = together(start, start)

    assert len({event.conversation_id for event in winners(outcomes)}) == 1
    assert Conversation.objects.count() == Customer.objects.count() == 1


def test_an_agent_with_two_browsers_accepts_once(floor: Floor) -> None:
    chat, ana = floor.offered(), actor_of(floor.ana)
    offer = offer_of(chat)

    outcomes = together(*[lambda: offers.accept(ana, offer.pk, now=at(20))] * 2)

    assert [code_of(refusal) for refusal in losers(outcomes)] == ["offer_gone"]
    assert codes(chat).count("conversation.accepted") == 1
    assert Message.objects.filter(conversation=chat, code="agent_joined").count() == 1


@pytest.mark.postgresql
def test_without_locks_both_browsers_would_accept(floor: Floor, without_locks: None) -> None:
    chat, ana = floor.offered(), actor_of(floor.ana)
    offer = offer_of(chat)

    together(*[lambda: offers.accept(ana, offer.pk, now=at(20))] * 2)

    assert codes(chat).count("conversation.accepted") == 2


def test_two_processes_that_keep_time_do_what_is_due_once(floor: Floor) -> None:
    chat = floor.offered()

    outcomes = together(*[lambda: timers.run_due(now=at(130))] * 2)

    assert sorted(outcomes) == [0, 1]
    assert codes(chat).count("conversation.timed_out") == 1
    assert broken(LATER) == []


# --- what a lock is waited for changes meanwhile ------------------------------------------------------------------


def test_an_assignment_that_waited_for_the_agent_sees_the_presence_of_now(floor: Floor) -> None:
    chat, sara, ana = floor.start(), actor_of(floor.sara), actor_of(floor.ana)
    away = Presence.objects.get(code=BasePresence.AWAY.value)

    outcomes = together(
        lambda: set_presence(ana, floor.ana.pk, presence_id=away.pk, now=at(5)), assigning(sara, chat, floor.ana)
    )

    asked = outcomes[1]
    assert isinstance(asked, ConfirmationNeeded), asked
    assert [caution.code for caution in asked.cautions] == ["presence_override"]


@pytest.mark.parametrize("act", ["assign to queue", "assign to agent", "accept a transfer"])
def test_an_action_that_waited_for_the_conversation_sees_the_row_of_now(floor: Floor, act: str) -> None:
    sara, other = actor_of(floor.sara), stella()
    chat = with_transfer(floor) if act == "accept a transfer" else floor.start()
    acts: dict[str, Callable[[], Any]] = {
        "assign to queue": lambda: assignment.assign_to_queue(
            sara, chat.pk, queue_id=floor.returns.pk, version=chat.version, now=at(10)
        ),
        "assign to agent": assigning(sara, chat, floor.ana),
        "accept a transfer": lambda: offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40)),
    }

    outcomes = together(acts[act], force_closing(other, chat))

    assert not isinstance(outcomes[0], Exception)
    assert code_of(outcomes[1]) == "stale_version"
    assert fresh(chat).is_ongoing
    assert Offer.objects.filter(conversation=chat, status=OfferStatus.CANCELLED).count() == 0
    assert broken(LATER) == []
