"""Transfer: a request that a second agent answers; what follows from each answer (domain.md 3.6, T19, T20)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from conversations.models import Conversation, Offer, OfferStatus, SupervisorSettings
from conversations.services import assignment, closure, intake, messaging, offers, supervision
from routing.models import Agent, BasePresence, Channel, QueueMembership, SetBy
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
    make_agent,
    make_user,
    offer_of,
    set_presence,
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


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


def request(floor: Floor, chat: Conversation, to: Agent | None = None, *, note: str = "") -> Conversation:
    """Sara asks Boris to take over."""
    assignment.transfer(
        actor_of(floor.sara),
        chat.pk,
        agent_id=(to or floor.boris).pk,
        version=chat.version,
        confirmed=EVERY_CAUTION,
        note=note,
        now=at(50),
    )
    return fresh(chat)


# --- the request ----------------------------------------------------------------------------------------------


def test_a_request_moves_nothing_yet(floor: Floor, sara: Actor) -> None:
    chat = floor.active()

    with hearing() as heard:
        event = assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", floor.ana.pk)
    assert after.version == event.version == chat.version + 1
    assert people(chat) == {"ana": "primary"}
    assert attempts(chat)[-1] == ("ana", "open")
    offer = offer_of(chat)
    assert (offer.kind, offer.agent_id, offer.requested_by_id) == ("transfer", floor.boris.pk, floor.sara.pk)
    assert said(chat)[-1] == "transfer_requested (internal)"
    assert (units(floor.ana, at(50)), units(floor.boris, at(50))) == (30, 30)
    assert presence(floor.boris) == "Busy"
    assert heard.codes == ["conversation.transfer_requested"]
    assert heard.by("conversation.transfer_requested") == BILLING | {"ana", "boris", "sara"}
    assert heard.notices == [("ana", "transfer_requested"), ("boris", "assigned")]
    assert (event.from_agent_id, event.from_agent) == (floor.ana.pk, "Ana Test")
    assert broken(at(50)) == []


def test_the_customer_goes_on_talking_to_the_first_agent(floor: Floor) -> None:
    chat = request(floor, floor.active())

    messaging.receive(customer_of(chat), chat.pk, text="Still there?", now=at(51))
    messaging.send(actor_of(floor.ana), chat.pk, text="Yes", now=at(52))

    with pytest.raises(ActionRefused, match="not_participant"):
        messaging.send(actor_of(floor.boris), chat.pk, text="Hi", now=at(53))


def test_the_note_reaches_the_second_agent(floor: Floor) -> None:
    chat = request(floor, floor.active(), note="Speaks French")

    assert offer_of(chat).note == "Speaks French"
    assert said(chat)[-2:] == ["transfer_requested (internal)", "handover_note (internal)"]


# --- accepted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "channel", [Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP, Channel.VOICE]
)
def test_who_accepts_is_primary_and_the_first_agent_a_consultant(floor: Floor, channel: Channel) -> None:
    SupervisorSettings.objects.update(transfer_voice_calls=True)
    chat = request(floor, floor.active(channel))

    with hearing() as heard:
        event = offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(60))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", floor.boris.pk)
    assert (after.last_agent_id, after.transfer_count) == (floor.boris.pk, 1)
    assert people(chat) == {"boris": "primary", "ana": "consult"}
    assert departures(chat) == [("ana", "primary", "transferred")]
    assert attempts(chat)[1:] == [("ana", "SupervisorTransferToAgent"), ("boris", "open")]
    assert stays(chat) == [(chat.queue.name, "open")]
    assert said(chat)[-2:] == ["agent_took_over", "consultant_now (internal)"]
    assert (units(floor.ana, at(60)), units(floor.boris, at(60))) == (0, 30)
    assert (presence(floor.ana), presence(floor.boris)) == ("Available", "Busy")
    queue = f"supervisors of {chat.queue.name}"
    assert heard.by("conversation.transferred") == {SUPERVISORS, queue, "ana", "boris", "sara", CUSTOMER}
    assert heard.notices == [("ana", "took_over"), ("sara", "transfer_accepted")]
    assert event.data() == {
        "agent_id": floor.boris.pk,
        "agent": "Boris Test",
        "from_agent_id": floor.ana.pk,
        "from_agent": "Ana Test",
    }
    assert broken(at(60)) == []


def test_the_first_agent_can_leave_the_consult_at_any_time(floor: Floor) -> None:
    chat = request(floor, floor.active())
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(60))

    with hearing() as heard:
        supervision.leave(actor_of(floor.ana), chat.pk, now=at(70))

    assert people(chat) == {"boris": "primary"}
    assert said(chat)[-1] == "participant_left"
    assert heard.by("conversation.left") == BILLING | {"ana", "boris", CUSTOMER}


def test_a_consultant_can_get_it_back(floor: Floor) -> None:
    chat = request(floor, floor.active())
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(60))
    chat = request(floor, fresh(chat), floor.ana)

    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(70))

    assert people(chat) == {"ana": "primary", "boris": "consult"}
    assert fresh(chat).transfer_count == 2
    assert ("ana", "consult", "moved_on") in departures(chat)
    assert broken(at(70)) == []


def test_a_joined_supervisor_can_take_over(floor: Floor) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = floor.active()
    supervision.monitor(actor_of(supa), chat.pk, now=at(30))
    supervision.join(actor_of(supa), chat.pk, now=at(40))
    chat = request(floor, fresh(chat), supa)

    offers.accept(actor_of(supa), offer_of(chat).pk, now=at(60))

    assert people(chat) == {"supa": "primary", "ana": "consult"}


def test_wait_and_handle_time_go_on_across_agents(floor: Floor) -> None:
    chat = request(floor, floor.active())  # accepted at 20 s
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(140))
    closure.end(actor_of(floor.boris), chat.pk, now=at(220))
    closure.finish_wrap_up(actor_of(floor.boris), chat.pk, now=at(250))

    # The example of domain.md 5.5: 120 and 80 active, 30 in wrap-up; the consultant's time adds nothing (M21).
    after = fresh(chat)
    assert after.handled == timedelta(seconds=230)
    assert after.accepted_at == at(20)


# --- from awaiting acceptance ---------------------------------------------------------------------------------


def test_an_offer_to_the_first_agent_is_withdrawn_by_the_request(floor: Floor) -> None:
    chat = floor.offered()

    with hearing() as heard:
        chat = request(floor, chat)

    assert [(offer.agent_id, offer.status) for offer in Offer.objects.filter(conversation=chat).order_by("pk")] == [
        (floor.ana.pk, "cancelled"),
        (floor.boris.pk, "pending"),
    ]
    assert (chat.state, chat.reason, chat.agent_id) == ("active", "AssignedBySupervisor", floor.ana.pk)
    assert heard.notices == [("ana", "offer_withdrawn"), ("ana", "transfer_requested"), ("boris", "assigned")]
    first = Offer.objects.get(conversation=chat, status=OfferStatus.CANCELLED)
    with pytest.raises(ActionRefused, match="offer_gone"):
        offers.accept(actor_of(floor.ana), first.pk, now=at(55))
    assert broken(at(55)) == []


@pytest.mark.parametrize("how", ["reject", "expire", "cancel"])
def test_who_is_asked_again_when_nothing_comes_of_it_is_told_so(floor: Floor, sara: Actor, how: str) -> None:
    chat = request(floor, floor.offered())

    with hearing() as heard:
        come_to_nothing(chat, floor, sara)[how]()

    assert offer_of(chat).agent_id == floor.ana.pk
    assert [code for name, code in heard.notices if name == "ana"] == ["assigned"]


def test_one_who_never_accepted_is_no_consultant(floor: Floor) -> None:
    chat = request(floor, floor.offered())

    with hearing() as heard:
        offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(60))

    assert people(chat) == {"boris": "primary"}
    assert said(chat)[-1] == "agent_joined"
    assert heard.by("conversation.transferred") == BILLING | {"ana", "boris", "sara", CUSTOMER}
    assert heard.notices == [("ana", "taken_away"), ("sara", "transfer_accepted")]
    assert fresh(chat).accepted_at == at(60)
    assert presence(floor.ana) == "Available"
    assert broken(at(60)) == []


@pytest.mark.parametrize("how", ["reject", "expire", "cancel"])
def test_the_first_agent_is_asked_again_when_nothing_comes_of_it(floor: Floor, sara: Actor, how: str) -> None:
    stella = make_user("stella", Role.SUPERVISOR)
    give_view_all_queues(stella)
    chat = floor.start()
    assignment.assign(actor_of(stella), chat.pk, agent_id=floor.ana.pk, version=1, note="Careful", now=at(10))
    chat = request(floor, fresh(chat))

    if how == "reject":
        offers.reject(actor_of(floor.boris), offer_of(chat).pk, now=at(60))
    elif how == "expire":
        offers.expire(offer_of(chat).pk, now=at(200))
    else:
        assignment.cancel_transfer(sara, chat.pk, now=at(60))

    again = offer_of(chat)
    assert (again.agent_id, again.kind, again.note) == (floor.ana.pk, "supervisor_assign", "Careful")
    assert again.requested_by_id == stella.pk
    assert again.expires_at > at(170)
    assert fresh(chat).reason == "AssignedBySupervisor"
    assert broken(at(200)) == []
    with hearing() as heard:
        offers.reject(actor_of(floor.ana), again.pk, now=at(210))
    assert heard.notices == [("stella", "assign_rejected")]


# --- from waiting ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP])
def test_a_waiting_conversation_goes_to_the_second_agent_alone(floor: Floor, channel: Channel) -> None:
    waiting = floor.waiting(channel)
    with hearing() as asked:
        chat = request(floor, waiting)
    assert chat.state == "waiting"
    assert asked.by("conversation.transfer_requested") == BILLING | {"ana", "boris", "sara"}

    with hearing() as heard:
        event = offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(60))

    after = fresh(chat)
    assert (after.state, after.agent_id, after.last_agent_id) == ("active", floor.boris.pk, floor.boris.pk)
    assert people(chat) == {"boris": "primary"}
    assert said(chat)[-1] == "agent_joined"
    assert attempts(chat)[-1] == ("boris", "open")
    # It leaves Ana's desk, so she hears of it.
    assert heard.by("conversation.transferred") == BILLING | {"ana", "boris", "sara", CUSTOMER}
    assert heard.notices == [("ana", "taken_away"), ("sara", "transfer_accepted")]
    assert event.data()["from_agent"] == "Ana Test"
    assert broken(at(60)) == []


def test_a_waiting_conversation_may_go_to_the_agent_who_kept_it(floor: Floor) -> None:
    chat = request(floor, floor.waiting(), floor.ana)

    with hearing() as heard:
        offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(60))

    assert people(chat) == {"ana": "primary"}
    assert heard.notices == [("sara", "transfer_accepted")]
    assert last_entry(chat).data["from_agent"] == ""


@pytest.mark.parametrize("how", ["reject", "expire", "cancel"])
def test_a_waiting_conversation_goes_on_waiting_when_nothing_comes_of_it(floor: Floor, sara: Actor, how: str) -> None:
    chat = request(floor, floor.waiting())

    come_to_nothing(chat, floor, sara)[how]()

    after = fresh(chat)
    assert (after.state, after.agent_id, after.last_agent_id) == ("waiting", None, floor.ana.pk)
    assert units(floor.boris, at(200)) == 0
    assert broken(at(200)) == []


@pytest.mark.parametrize("how", ["reject", "expire", "cancel"])
def test_a_customer_who_wrote_meanwhile_does_not_wait_for_nobody(floor: Floor, sara: Actor, how: str) -> None:
    chat = request(floor, floor.waiting())
    messaging.receive(customer_of(chat), chat.pk, text="Hello?", now=at(55))
    assert fresh(chat).state == "waiting"

    with hearing() as heard:
        come_to_nothing(chat, floor, sara)[how]()

    after = fresh(chat)
    assert (after.state, after.agent_id) == ("open", None)
    assert history(chat)[-1] == "customer_returned"
    assert last_entry(chat).actor_kind == "customer"
    assert heard.by("conversation.customer_returned") == BILLING | {"ana", CUSTOMER, "open list of Billing"}
    assert attempts(chat)[-1] == ("", "open")
    assert broken(at(200)) == []


def come_to_nothing(chat: Conversation, floor: Floor, sara: Actor) -> dict[str, Callable[[], object]]:
    offer = offer_of(chat)
    return {
        "reject": lambda: offers.reject(actor_of(floor.boris), offer.pk, now=at(60)),
        "expire": lambda: offers.expire(offer.pk, now=at(200)),
        "cancel": lambda: assignment.cancel_transfer(sara, chat.pk, now=at(60)),
    }


def test_the_agent_who_kept_it_does_not_take_it_up_while_a_transfer_is_pending(floor: Floor) -> None:
    chat = request(floor, floor.waiting())

    with pytest.raises(ActionRefused, match="transfer_pending") as refused:
        intake.revive(actor_of(floor.ana), chat.pk, now=at(55))

    assert "Boris Test" in refused.value.refusal.sentence


# --- rejected, missed, cancelled ------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "outcome"), [("reject", "rejected"), ("expire", "timed_out"), ("cancel", "cancelled")])
def test_the_first_agent_stays_primary_when_nothing_comes_of_it(
    floor: Floor, sara: Actor, how: str, outcome: str
) -> None:
    chat = request(floor, floor.active())

    with hearing() as heard:
        come_to_nothing(chat, floor, sara)[how]()

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", floor.ana.pk)
    assert after.transfer_count == 0
    assert people(chat) == {"ana": "primary"}
    assert Offer.objects.filter(conversation=chat, kind="transfer").get().status == outcome
    assert said(chat)[-1] == f"transfer_{outcome} (internal)"
    assert history(chat)[-1] == f"transfer_{outcome}"
    assert heard.by(f"conversation.transfer_{outcome}") == BILLING | {"ana", "boris", "sara"}
    assert (
        heard.notices
        == {
            "reject": [("sara", "transfer_rejected")],
            "expire": [("boris", "offer_missed"), ("sara", "transfer_timed_out")],
            "cancel": [("boris", "offer_withdrawn")],
        }[how]
    )
    assert units(floor.boris, at(200)) == 0
    assert presence(floor.boris) == "Available"
    assert broken(at(200)) == []


def test_another_supervisor_who_cancels_is_not_the_only_one_who_knows(floor: Floor) -> None:
    stella = make_user("stella", Role.SUPERVISOR)
    give_view_all_queues(stella)
    chat = request(floor, floor.active())

    with hearing() as heard:
        assignment.cancel_transfer(actor_of(stella), chat.pk, now=at(60))

    assert heard.notices == [("boris", "offer_withdrawn"), ("sara", "transfer_cancelled")]
    assert heard.by("conversation.transfer_cancelled") == BILLING | {"ana", "boris", "sara", "stella"}


def test_a_presence_chosen_by_hand_outlives_an_offer_that_is_taken_back(floor: Floor, sara: Actor) -> None:
    set_presence(floor.boris, BasePresence.BUSY, set_by=SetBy.AGENT)
    chat = request(floor, floor.active())

    assignment.cancel_transfer(sara, chat.pk, now=at(60))

    assert presence(floor.boris) == "Busy"


def test_a_switch_that_is_turned_off_strands_no_request(floor: Floor, sara: Actor, client: Client) -> None:
    chat = request(floor, floor.active())
    SupervisorSettings.objects.update(transfer_enabled=False)
    client.force_login(floor.sara)

    page = client.get(f"/conversations/{chat.pk}/").content.decode()
    button = page[: page.index("Cancel pending transfer")].rpartition("<button")[2]
    assert "aria-disabled" not in button
    assignment.cancel_transfer(sara, chat.pk, now=at(60))

    assert fresh(chat).agent_id == floor.ana.pk
    with pytest.raises(ActionRefused, match="setting_off"):
        request(floor, chat)


def test_there_must_be_a_transfer_to_cancel(floor: Floor, sara: Actor) -> None:
    for chat in (floor.start(), floor.offered(), floor.closed(by=floor.boris)):
        before = everything(chat)
        with pytest.raises(ActionRefused, match="no_pending_transfer"):
            assignment.cancel_transfer(sara, chat.pk, now=at(60))
        assert everything(chat) == before


def test_only_supervisors_cancel(floor: Floor) -> None:
    chat = request(floor, floor.active())

    for who in (actor_of(floor.ana), actor_of(floor.boris), customer_of(chat)):
        with pytest.raises(ActionRefused, match="not_supervisor"):
            assignment.cancel_transfer(who, chat.pk, now=at(60))
    with pytest.raises(NotVisible):
        assignment.cancel_transfer(actor_of(floor.cene), chat.pk, now=at(60))


# --- the conversation moves while the transfer is pending -----------------------------------------------------


def movers(floor: Floor, chat: Conversation) -> dict[str, tuple[Callable[[], object], str]]:
    ana, sara = actor_of(floor.ana), actor_of(floor.sara)
    return {
        "the customer leaves": (lambda: closure.customer_ends(customer_of(chat), chat.pk, now=at(60)), "wrap_up"),
        "the agent ends": (lambda: closure.end(ana, chat.pk, now=at(60)), "wrap_up"),
        "the agent closes the session": (lambda: closure.close_session(ana, chat.pk, now=at(60)), "open"),
        "the agent releases": (lambda: assignment.release(ana, chat.pk, now=at(60)), "open"),
        "a supervisor force closes": (
            lambda: closure.force_close(
                sara, chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION, now=at(60)
            ),
            "closed",
        ),
    }


MOVES = [
    *("the customer leaves", "the agent ends", "the agent closes the session"),
    *("the agent releases", "a supervisor force closes"),
]


@pytest.mark.parametrize("what", MOVES)
def test_whatever_moves_the_conversation_withdraws_the_transfer(floor: Floor, what: str) -> None:
    chat = request(floor, floor.active())
    offer = offer_of(chat)
    act, state = movers(floor, chat)[what]

    with hearing() as heard:
        act()

    assert fresh(chat).state == state
    offer.refresh_from_db()
    assert offer.status == "cancelled"
    assert ("boris", "offer_withdrawn") in heard.notices
    assert ("sara", "transfer_cancelled") in heard.notices
    assert "boris" in heard.by(heard.codes[0])
    assert units(floor.boris, at(60)) == 0
    assert presence(floor.boris) == "Available"
    assert broken(at(60)) == []
    with pytest.raises(ActionRefused, match="offer_gone"):
        offers.accept(actor_of(floor.boris), offer.pk, now=at(61))


def test_a_customer_who_leaves_before_anybody_accepts_closes_it_for_both_agents(floor: Floor) -> None:
    chat = request(floor, floor.offered())

    with hearing() as heard:
        closure.customer_ends(customer_of(chat), chat.pk, now=at(60))

    after = fresh(chat)
    assert (after.state, after.is_abandoned) == ("closed", True)
    assert heard.by("conversation.closed") == BILLING | {"ana", "boris", CUSTOMER, "open list of Billing"}
    assert (units(floor.ana, at(60)), units(floor.boris, at(60))) == (0, 0)
    assert broken(at(60)) == []


# --- preconditions --------------------------------------------------------------------------------------------


def test_a_second_transfer_waits_for_the_first(floor: Floor, sara: Actor) -> None:
    chat = request(floor, floor.active())
    before = everything(chat)

    with pytest.raises(ActionRefused, match="transfer_pending") as refused:
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(55))

    assert "Boris Test" in refused.value.refusal.sentence
    assert everything(chat) == before


@pytest.mark.parametrize(
    ("phase", "code"), [("start", "state_open"), ("wrap_up", "state_wrap_up"), ("closed", "state_closed")]
)
def test_transfer_needs_an_active_or_waiting_conversation(floor: Floor, sara: Actor, phase: str, code: str) -> None:
    chat = getattr(floor, phase)()
    before = everything(chat)

    with pytest.raises(ActionRefused, match=code):
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(90))

    assert everything(chat) == before


def test_calls_and_chats_with_a_call_are_not_transferred(floor: Floor, sara: Actor) -> None:
    call, chat = floor.active(Channel.VOICE), floor.active(by=floor.boris)
    type(chat).objects.filter(pk=chat.pk).update(is_elevated=True)

    with pytest.raises(ActionRefused, match="voice_channel"):
        assignment.transfer(sara, call.pk, agent_id=floor.boris.pk, version=call.version, now=at(50))
    with pytest.raises(ActionRefused, match="elevated_voice_video"):
        assignment.transfer(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, now=at(50))


def test_what_a_bot_has_is_not_transferred(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    Agent.objects.filter(pk=floor.ana.pk).update(is_bot=True)

    with pytest.raises(ActionRefused, match="bot_primary"):
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("the primary", "agent_is_primary"),
        ("one of another queue", "agent_not_in_queue"),
        ("one who is away", "agent_presence"),
        ("one who is offline", "agent_presence"),
        ("a bot", "agent_is_bot"),
        ("one who left", "agent_deactivated"),
        ("one without the role", "agent_without_role"),
    ],
)
def test_only_present_members_of_the_queue_can_take_over(floor: Floor, sara: Actor, who: str, code: str) -> None:
    chat = floor.active()
    agent = {
        "the primary": lambda: floor.ana,
        "one of another queue": lambda: floor.cene,
        "one who is away": lambda: make_agent("away", floor.billing, presence=BasePresence.AWAY),
        "one who is offline": lambda: make_agent("off", floor.billing, presence=BasePresence.OFFLINE),
        "a bot": lambda: make_agent("bot", floor.billing, is_bot=True),
        "one who left": lambda: make_agent("left", floor.billing),
        "one without the role": lambda: make_agent("norole", floor.billing, roles=()),
    }[who]()
    if who == "one who left":
        agent.user.is_active = False
        agent.user.save()
    before = everything(chat)

    with pytest.raises(ActionRefused, match=f"^{code}$"):
        assignment.transfer(sara, chat.pk, agent_id=agent.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(50))

    assert everything(chat) == before


def test_membership_is_of_the_queue_it_is_in_now(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(5))
    assignment.pick(actor_of(floor.cene), chat.pk, now=at(10))
    chat = fresh(chat)

    with pytest.raises(ActionRefused, match="agent_not_in_queue"):
        assignment.transfer(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, now=at(20))
    QueueMembership.objects.create(queue=floor.returns, agent=floor.ana)
    assignment.transfer(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, now=at(20))


def test_capacity_may_be_exceeded_with_the_same_display(floor: Floor, sara: Actor) -> None:
    Agent.objects.filter(pk=floor.boris.pk).update(max_units=20)
    chat = floor.active()

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))
    assert [(caution.code, caution.numbers["over"]) for caution in asked.value.cautions] == [("capacity_override", 10)]
    event = assignment.transfer(
        sara,
        chat.pk,
        agent_id=floor.boris.pk,
        version=chat.version,
        confirmed=frozenset({"capacity_override"}),
        now=at(50),
    )

    assert event.over_units == 10
    assert last_entry(chat).data["over_units"] == 10


def test_a_lively_chat_can_be_transferred(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    for second in range(30, 40):
        messaging.receive(customer_of(chat), chat.pk, text="Well?", now=at(second))
    supervision.monitor(sara, chat.pk, now=at(41))

    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))

    assert offer_of(chat).agent_id == floor.boris.pk


def test_a_conversation_that_moved_makes_the_dialog_stale(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    assignment.release(actor_of(floor.ana), chat.pk, now=at(30))
    assignment.pick(actor_of(floor.boris), chat.pk, now=at(40))

    with pytest.raises(Stale) as refused:
        assignment.transfer(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, now=at(50))

    assert "Boris Test" in refused.value.refusal.sentence


def test_transfer_is_for_supervisors_whose_switch_is_on(floor: Floor, sara: Actor) -> None:
    chat = floor.active()

    with pytest.raises(ActionRefused, match="not_supervisor"):
        assignment.transfer(actor_of(floor.ana), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))
    SupervisorSettings.objects.update(transfer_enabled=False)
    with pytest.raises(ActionRefused, match="setting_off:transfer"):
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))
