"""The background work and people act at once: on one conversation, one agent, one call, one deadline.

As in ``test_races``: each race also runs without row locks, to show the damage that the locks prevent. On PostgreSQL
only: that on SQLite whoever may write is alone is shown there already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from conversations.models import CallLeg, Conversation, Offer, Participant, SupervisorSettings
from conversations.policy import Medium
from conversations.services import absence, bots, calls, closure, distribution, elevation, offers, supervision, timers
from routing import selectors
from routing.models import Agent, BasePresence, Channel, Presence, PresenceChange, Queue, StaffingChange, Workstream
from routing.services.presence import set_presence
from routing.services.staffing import change_queues
from supervisor_console.kernel.actor import SYSTEM, Actor
from supervisor_console.kernel.errors import ActionRefused, Stale
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, make_agent, make_floor, offer_of
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
from tests.concurrency.together import Body, together, winners
from tests.invariants import broken

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


@pytest.fixture
def cast(transactional_db: None) -> Floor:
    """The cast, among whom people hand out the work."""
    return make_floor()


@pytest.fixture
def floor(cast: Floor) -> Floor:
    """The same, but work finds agents by itself."""
    SupervisorSettings.objects.update(distribution_enabled=True)
    return cast


def offering(chat: Conversation, agent: Agent) -> Body:
    return lambda: distribution.offer(chat.pk, agent.pk, now=at(10))


def presence_of(agent: Agent) -> str:
    return Agent.objects.select_related("presence").get(pk=agent.pk).presence.base


# --- two processes hand out ---------------------------------------------------------------------------------------


@in_both_orders
def test_one_conversation_is_offered_to_one_of_two_agents(floor: Floor, first: int) -> None:
    chat = floor.start()

    outcomes = race(first, offering(chat, floor.ana), offering(chat, floor.boris))

    assert outcomes[first].code == "conversation.offered"
    assert code_of(outcomes[1 - first]) == "state_not_open"
    assert Offer.objects.get().agent_id == (floor.ana if first == 0 else floor.boris).pk
    assert broken(LATER) == []


def test_without_locks_one_conversation_would_be_offered_to_both(floor: Floor, without_locks: None) -> None:
    chat = floor.start()

    outcomes = together(offering(chat, floor.ana), offering(chat, floor.boris))

    assert did_damage(*outcomes)
    assert not any(isinstance(outcome, ActionRefused) for outcome in outcomes)


@in_both_orders
def test_the_last_seat_of_an_agent_is_given_once(floor: Floor, first: int) -> None:
    one, other = floor.start(), floor.start()
    ana = with_one_seat(floor.ana)

    outcomes = race(first, offering(one, ana), offering(other, ana))

    assert outcomes[first].code == "conversation.offered"
    assert code_of(outcomes[1 - first]) == "capacity_short"
    assert units_of(ana) == 30
    assert broken(LATER) == []


def test_without_locks_the_last_seat_would_be_given_twice(floor: Floor, without_locks: None) -> None:
    one, other = floor.start(), floor.start()
    ana = with_one_seat(floor.ana)

    outcomes = together(offering(one, ana), offering(other, ana))

    assert len(winners(outcomes)) == 2
    assert units_of(ana) == 60


def looking() -> int:
    return distribution.distribute(everywhere=True, now=at(10))


def test_two_processes_that_look_at_once_offer_each_conversation_once(floor: Floor) -> None:
    chats = [floor.start() for _ in range(6)]

    made = together(looking, looking)

    assert sum(made) == 6
    assert all(codes(chat) == ["conversation.created", "conversation.offered"] for chat in chats)
    assert sorted((units_of(floor.ana), units_of(floor.boris))) == [90, 90]
    assert broken(LATER) == []


def test_without_locks_two_looks_would_get_in_each_others_way(floor: Floor, without_locks: None) -> None:
    for _ in range(6):
        floor.start()

    outcomes = together(looking, looking)

    assert did_damage(*outcomes)


# --- what opens by itself ------------------------------------------------------------------------------------------


@pytest.fixture
def told(floor: Floor) -> Floor:
    """Chats are assigned without asking, and open by themselves when the time is over."""
    Workstream.objects.filter(pk=floor.chat.pk).update(auto_assigns=True, auto_accepts=True)
    return floor


def accepting(chat: Conversation, agent: Agent) -> Body:
    offer, actor = offer_of(chat), actor_of(agent)
    return lambda: offers.accept(actor, offer.pk, now=at(130))


def opening(chat: Conversation) -> Body:
    offer = offer_of(chat)
    return lambda: offers.expire(offer.pk, now=at(130))


@in_both_orders
def test_what_opens_by_itself_while_it_is_opened_is_accepted_once(told: Floor, first: int) -> None:
    chat = told.offered()

    accepted, opened = race(first, accepting(chat, told.ana), opening(chat))

    if first == 0:
        assert (accepted.by_itself, opened) == (False, None)
    else:
        assert (code_of(accepted), opened.by_itself) == ("offer_gone", True)
    assert codes(chat).count("conversation.accepted") == 1
    assert (fresh(chat).agent_id, units_of(told.ana)) == (told.ana.pk, 30)
    assert broken(LATER) == []


def test_without_locks_it_would_be_accepted_twice(told: Floor, without_locks: None) -> None:
    chat = told.offered()

    together(accepting(chat, told.ana), opening(chat))

    assert codes(chat).count("conversation.accepted") == 2


@in_both_orders
def test_what_is_force_closed_does_not_open_and_what_opened_is_closed(told: Floor, first: int) -> None:
    chat, sara = told.offered(), actor_of(told.sara)

    def force() -> object:
        return closure.force_close(sara, chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(130))

    forced, opened = race(first, force, opening(chat))

    if first == 0:
        assert (forced.code, opened) == ("conversation.force_closed", None)
        assert units_of(told.ana) == 0
    else:
        assert opened.by_itself
        assert isinstance(forced, Stale)
        assert units_of(told.ana) == 30
    assert broken(LATER) == []


def test_without_locks_a_closed_conversation_would_open(told: Floor, without_locks: None) -> None:
    chat, sara = told.offered(), actor_of(told.sara)

    def force() -> object:
        return closure.force_close(sara, chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(130))

    outcomes = together(force, opening(chat))

    assert did_damage(*outcomes)


def test_two_processes_open_it_once(told: Floor) -> None:
    chat = told.offered()

    outcomes = together(*[lambda: timers.run_due(now=at(130))] * 2)

    assert sorted(outcomes) == [0, 1]
    assert codes(chat).count("conversation.accepted") == 1
    assert broken(LATER) == []


# --- an agent changes presence while work is offered to them --------------------------------------------------------


def going_away(agent: Agent, actor: Actor | None = None) -> Body:
    actor, away = actor or actor_of(agent), Presence.objects.get(code=BasePresence.AWAY.value)
    return lambda: set_presence(actor, agent.pk, presence_id=away.pk, now=at(10))


@in_both_orders
def test_who_goes_away_is_offered_nothing_or_keeps_the_offer(floor: Floor, first: int) -> None:
    chat = floor.start()

    went, offered = race(first, going_away(floor.ana), offering(chat, floor.ana))

    assert went.code == "agent.presence_changed"
    assert presence_of(floor.ana) == "away"
    if first == 0:
        assert code_of(offered) == "agent_presence"
        assert not Offer.objects.exists()
    else:
        assert offered.code == "conversation.offered"
    assert broken(LATER) == []


def test_without_locks_who_went_away_would_be_offered_work_and_shown_as_busy(floor: Floor, without_locks: None) -> None:
    chat = floor.start()

    went, offered = together(going_away(floor.ana), offering(chat, floor.ana))

    assert offered.code == "conversation.offered"
    assert (went.to_presence, presence_of(floor.ana)) == ("Away", "busy")


# --- an agent goes into a call while work is offered to them -------------------------------------------------------


def calling_and_offering(floor: Floor) -> tuple[Body, Body]:
    held, chat, ana = floor.active(), floor.start(), actor_of(floor.ana)
    return (
        lambda: elevation.elevate(ana, held.pk, medium=Medium.VOICE, now=at(30)),
        lambda: distribution.offer(chat.pk, floor.ana.pk, now=at(30)),
    )


@in_both_orders
def test_who_goes_into_a_call_is_offered_nothing_more(floor: Floor, first: int) -> None:
    elevated, offered = race(first, *calling_and_offering(floor))

    assert elevated.code == "conversation.elevated"
    if first == 0:
        assert code_of(offered) == "agent_presence"
    else:
        assert offered.code == "conversation.offered"
    assert presence_of(floor.ana) == "busy_dnd"
    assert broken(LATER) == []


def test_without_locks_who_is_in_a_call_would_be_offered_work(floor: Floor, without_locks: None) -> None:
    outcomes = together(*calling_and_offering(floor))

    assert [outcome.code for outcome in outcomes] == ["conversation.elevated", "conversation.offered"]


# --- two processes keep time ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """Something that is due: in which conversation, what is done to it, what the history says then, and when."""

    chat: Conversation
    act: Body
    code: str
    after: float


def offer_without_answer(floor: Floor) -> Due:
    chat = floor.offered()
    pk = offer_of(chat).pk
    return Due(chat, lambda: offers.expire(pk, now=at(150)), "conversation.timed_out", 150)


def silence(floor: Floor) -> Due:
    chat, due = floor.start(), at(1300) - timedelta(minutes=20)
    return Due(chat, lambda: closure.auto_close(chat.pk, due=due, now=at(1300)), "conversation.closed", 1300)


def silence_with_a_bot(floor: Floor) -> Due:
    chat = with_a_bot(floor)
    return Due(chat, lambda: bots.give_up(chat.pk, now=at(1300)), "conversation.closed", 1300)


def monitor_who_is_gone(floor: Floor) -> Due:
    chat, sara = floor.active(), actor_of(floor.sara)
    supervision.monitor(sara, chat.pk, now=at(30))
    pk = Participant.objects.get(conversation=chat, user=floor.sara).pk
    return Due(
        chat,
        lambda: supervision.drop_lost_monitor(pk, SYSTEM, now=at(90)),
        "conversation.monitoring_stopped",
        90,
    )


def agent_who_is_gone(floor: Floor) -> Due:
    chat = floor.active()
    Agent.objects.filter(pk=floor.ana.pk).update(left_at=at(30))
    return Due(chat, lambda: absence.agent_gone(chat.pk, now=at(200)), "conversation.agent_disconnected", 200)


def customer_who_is_gone(floor: Floor) -> Due:
    chat = floor.active()
    Conversation.objects.filter(pk=chat.pk).update(customer_left_at=at(30))
    return Due(chat, lambda: closure.customer_gone(chat.pk, now=at(220)), "conversation.ended", 220)


each_deadline = pytest.mark.parametrize(
    "prepare",
    [
        *(offer_without_answer, silence, silence_with_a_bot),
        *(monitor_who_is_gone, agent_who_is_gone, customer_who_is_gone),
    ],
)


@each_deadline
def test_what_is_due_is_done_once(cast: Floor, prepare: Callable[[Floor], Due]) -> None:
    due = prepare(cast)

    done = together(*[lambda: timers.run_due(now=at(due.after))] * 2)

    assert sorted(done) == [0, 1]
    assert codes(due.chat).count(due.code) == 1
    assert broken(at(due.after)) == []


@each_deadline
def test_without_locks_what_is_due_would_be_done_twice(
    cast: Floor, prepare: Callable[[Floor], Due], without_locks: None
) -> None:
    due = prepare(cast)

    outcomes = together(due.act, due.act)

    assert codes(due.chat).count(due.code) == 2 or did_damage(*outcomes)


# --- a bot hands over while the customer leaves ---------------------------------------------------------------------


def with_a_bot(floor: Floor) -> Conversation:
    bot = make_agent("vesna", units=1, presence=BasePresence.OFFLINE, roles=(), is_bot=True)
    Workstream.objects.filter(channel=Channel.LIVE_CHAT).update(bot=bot)
    return floor.start(text="Where is my parcel?")


def escalating_and_leaving(chat: Conversation) -> tuple[Body, Body]:
    maja = customer_of(chat)
    return (
        lambda: bots.escalate(maja, chat.pk, now=at(20)),
        lambda: closure.customer_ends(maja, chat.pk, now=at(20)),
    )


@in_both_orders
def test_a_bot_hands_over_to_nobody_who_left(cast: Floor, first: int) -> None:
    chat = with_a_bot(cast)

    escalated, left = race(first, *escalating_and_leaving(chat))

    if first == 0:
        assert escalated.code == "conversation.escalated"
        assert fresh(chat).is_abandoned
    else:
        assert code_of(escalated) == "chat_ended"
        assert not fresh(chat).is_abandoned
    assert (left.to_state, fresh(chat).state) == ("closed", "closed")
    assert broken(LATER) == []


def test_without_locks_a_bot_would_hand_over_who_left(cast: Floor, without_locks: None) -> None:
    outcomes = together(*escalating_and_leaving(with_a_bot(cast)))

    assert did_damage(*outcomes)
    assert not any(isinstance(outcome, ActionRefused) for outcome in outcomes)


# --- two people on the legs of one call -------------------------------------------------------------------------------


def holding(floor: Floor, call: Conversation) -> Body:
    ana = actor_of(floor.ana)
    return lambda: calls.hold(ana, call.pk, now=at(40))


def hanging_up(call: Conversation) -> Body:
    maja = customer_of(call)
    return lambda: closure.customer_ends(maja, call.pk, now=at(40))


@in_both_orders
def test_a_call_that_is_put_on_hold_and_hung_up_has_no_line_left(cast: Floor, first: int) -> None:
    call = cast.active(Channel.VOICE)

    held, ended = race(first, holding(cast, call), hanging_up(call))

    assert ended.code == "conversation.ended"
    assert held.code == "conversation.call_held" if first == 0 else code_of(held) == "state_not_active"
    assert not CallLeg.objects.filter(conversation=call, ended_at=None).exists()
    assert broken(LATER) == []


def test_without_locks_a_call_that_is_over_would_be_on_hold(cast: Floor, without_locks: None) -> None:
    call = cast.active(Channel.VOICE)

    outcomes = together(hanging_up(call), holding(cast, call))

    assert len(winners(outcomes)) == 2
    assert did_damage(*outcomes)


def monitoring(floor: Floor, call: Conversation) -> Body:
    sara = actor_of(floor.sara)
    return lambda: supervision.monitor(sara, call.pk, now=at(40))


@in_both_orders
def test_who_monitors_a_call_that_is_hung_up_has_no_line(cast: Floor, first: int) -> None:
    call = cast.active(Channel.VOICE)

    watched, ended = race(first, monitoring(cast, call), hanging_up(call))

    assert ended.code == "conversation.ended"
    if first == 0:
        assert watched.code == "conversation.monitoring_started"
    assert not CallLeg.objects.filter(conversation=call, ended_at=None).exists()
    assert broken(LATER) == []


def test_without_locks_a_line_would_stay_open(cast: Floor, without_locks: None) -> None:
    call = cast.active(Channel.VOICE)

    outcomes = together(monitoring(cast, call), hanging_up(call))

    assert did_damage(*outcomes)


# --- two supervisors change the same people ---------------------------------------------------------------------------


@in_both_orders
def test_two_supervisors_who_set_one_presence_follow_each_other(cast: Floor, first: int) -> None:
    sara, other = actor_of(cast.sara), stella()

    outcomes = race(first, going_away(cast.ana, sara), going_busy(cast.ana, other))

    assert outcomes[1 - first].from_presence == outcomes[first].to_presence
    assert presence_of(cast.ana) == ("busy" if first == 0 else "away")
    known = PresenceChange.objects.filter(agent=cast.ana).order_by("pk").values_list("set_by_user", flat=True)
    assert list(known)[-2:] == [[cast.sara.pk, other.user_id][first], [cast.sara.pk, other.user_id][1 - first]]
    assert broken(LATER) == []


def test_without_locks_one_presence_would_come_from_nowhere(cast: Floor, without_locks: None) -> None:
    outcomes = together(going_away(cast.ana, actor_of(cast.sara)), going_busy(cast.ana, stella()))

    assert did_damage(*outcomes)


def going_busy(agent: Agent, actor: Actor) -> Body:
    busy = Presence.objects.get(code=BasePresence.BUSY.value)
    return lambda: set_presence(actor, agent.pk, presence_id=busy.pk, now=at(10))


def adding(actor: Actor, agent: Agent, queue: Queue) -> Body:
    return lambda: change_queues(actor, agent.pk, add=frozenset({queue.pk}), now=at(10))


@in_both_orders
def test_of_two_supervisors_who_add_one_agent_the_second_is_told(cast: Floor, first: int) -> None:
    sara, other = actor_of(cast.sara), stella()

    outcomes = race(first, adding(sara, cast.ana, cast.returns), adding(other, cast.ana, cast.returns))

    assert outcomes[first].added == ("Returns",)
    assert code_of(outcomes[1 - first]) == "queues_unchanged"
    assert StaffingChange.objects.filter(agent=cast.ana).count() == 1


def test_without_locks_the_second_would_fail(cast: Floor, without_locks: None) -> None:
    sara, other = actor_of(cast.sara), stella()

    outcomes = together(adding(sara, cast.ana, cast.returns), adding(other, cast.ana, cast.returns))

    assert did_damage(*outcomes)


def taking_out(actor: Actor, agent: Agent, queue: Queue) -> Body:
    return lambda: change_queues(actor, agent.pk, remove=frozenset({queue.pk}), now=at(10))


@in_both_orders
def test_two_supervisors_cannot_empty_a_queue_together(cast: Floor, first: int) -> None:
    sara, other = actor_of(cast.sara), stella()

    outcomes = race(first, taking_out(sara, cast.ana, cast.billing), taking_out(other, cast.boris, cast.billing))

    assert outcomes[first].removed == ("Billing",)
    assert code_of(outcomes[1 - first]) == "last_member"


def test_without_locks_they_would_empty_it(cast: Floor, without_locks: None) -> None:
    sara, other = actor_of(cast.sara), stella()

    outcomes = together(taking_out(sara, cast.ana, cast.billing), taking_out(other, cast.boris, cast.billing))

    assert len(winners(outcomes)) == 2
    assert not selectors.members(cast.billing).exists()


def test_an_agent_who_is_taken_out_of_a_queue_is_not_offered_its_work(floor: Floor) -> None:
    chat, sara = floor.start(), actor_of(floor.sara)

    _, offered = together(taking_out(sara, floor.ana, floor.billing), offering(chat, floor.ana))

    assert code_of(offered) == "agent_not_in_queue"


def test_without_locks_who_was_taken_out_would_be_offered_it(floor: Floor, without_locks: None) -> None:
    chat, sara = floor.start(), actor_of(floor.sara)

    outcomes = together(taking_out(sara, floor.ana, floor.billing), offering(chat, floor.ana))

    assert len(winners(outcomes)) == 2
    assert not selectors.is_member(floor.ana.pk, floor.billing)
