"""One conversation through everybody's hands: the verbs fit together."""

from conversations import selectors
from conversations.models import ClosureReason, HistoryEntry, Message, Mode, Participant, Session, State
from conversations.services import assignment, closure, messaging, offers, supervision
from routing.models import Channel
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of


def test_a_chat_is_assigned_monitored_joined_transferred_and_force_closed(floor: Floor) -> None:
    sara, ana, boris = actor_of(floor.sara), actor_of(floor.ana), actor_of(floor.boris)
    chat = floor.active()
    assert (chat.state, chat.agent_id) == (State.ACTIVE, floor.ana.pk)
    assert selectors.loads([floor.ana.pk], at(30))[floor.ana.pk].units == 30

    messaging.receive(customer_of(chat), chat.pk, text="This is terrible", now=at(31))
    messaging.send(ana, chat.pk, text="I am sorry", now=at(32))
    supervision.monitor(sara, chat.pk, now=at(33))
    supervision.join(sara, chat.pk, now=at(34))
    messaging.send(sara, chat.pk, text="Offer a refund", now=at(35))
    supervision.leave(sara, chat.pk, now=at(36))

    chat = fresh(chat)
    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(40))
    assert selectors.loads([floor.boris.pk], at(40))[floor.boris.pk].units == 30
    offers.accept(boris, offer_of(chat).pk, now=at(41))
    chat = fresh(chat)
    assert chat.agent_id == floor.boris.pk
    assert chat.transfer_count == 1
    modes = dict(Participant.objects.filter(conversation=chat, left_at=None).values_list("user__username", "mode"))
    assert modes == {"boris": Mode.PRIMARY, "ana": Mode.CONSULT}
    assert selectors.loads([floor.ana.pk, floor.boris.pk], at(42))[floor.ana.pk].units == 0

    closure.force_close(sara, chat.pk, version=chat.version, confirmed=EVERY_CAUTION, note="Abuse", now=at(50))
    chat = fresh(chat)
    assert chat.state == State.CLOSED
    assert not Participant.objects.filter(conversation=chat, left_at=None).exists()
    assert list(Session.objects.filter(conversation=chat).order_by("pk").values_list("closure_reason", flat=True)) == [
        ClosureReason.AGENT_REROUTED,
        ClosureReason.SUPERVISOR_TRANSFER_TO_AGENT,
        ClosureReason.FORCE_CLOSE,
    ]
    assert list(HistoryEntry.objects.filter(conversation=chat).order_by("pk").values_list("code", flat=True)) == [
        "conversation.created",
        "conversation.assigned",
        "conversation.accepted",
        "conversation.monitoring_started",
        "conversation.joined",
        "conversation.left",
        "conversation.transfer_requested",
        "conversation.transferred",
        "conversation.force_closed",
    ]
    assert Message.objects.filter(conversation=chat, code="force_closed").exists()
    # Handled from the acceptance at 20 s to the force close at 50 s, by two agents (domain.md M21).
    assert chat.handled.total_seconds() == 30


def test_a_persistent_chat_waits_and_comes_back(floor: Floor) -> None:
    chat = floor.waiting(Channel.PERSISTENT_CHAT)
    assert (chat.state, chat.agent_id, chat.last_agent_id) == (State.WAITING, None, floor.ana.pk)
    messaging.receive(customer_of(chat), chat.pk, text="Hello again", now=at(60))
    assert fresh(chat).state == State.OPEN
