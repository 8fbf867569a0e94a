"""A live chat in a voice or video call (domain.md 1.1, 1.4 escalation profile, 3.2 elevated_voice_video)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from conversations import matching, selectors
from conversations.models import Conversation, Message
from conversations.policy import Medium
from conversations.services import assignment, closure, elevation, offers
from routing.models import Agent, Channel
from routing.policy import why_not_offer
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded, NotVisible
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import history
from tests.invariants import broken


def in_call(floor: Floor, medium: Medium = Medium.VIDEO) -> Conversation:
    chat = floor.active()
    elevation.elevate(actor_of(floor.ana), chat.pk, medium=medium, now=at(60))
    return fresh(chat)


def lines(chat: Conversation) -> list[str]:
    return list(
        Message.objects.filter(conversation=chat).exclude(code="").order_by("pk").values_list("code", flat=True)
    )


def base(agent: Agent) -> str:
    agent.refresh_from_db()
    return agent.presence.base


def test_a_chat_is_taken_into_a_call_and_everybody_hears_of_it(floor: Floor) -> None:
    chat = floor.active()

    with hearing() as heard:
        elevation.elevate(actor_of(floor.ana), chat.pk, medium=Medium.VOICE, now=at(60))

    assert fresh(chat).is_elevated
    assert heard.by("conversation.elevated") >= {SUPERVISORS, "ana", CUSTOMER}
    assert lines(chat)[-1] == "elevated_voice"
    assert history(chat)[-1] == "elevated"
    assert broken(at(60)) == []


def test_whoever_is_in_a_call_receives_nothing_else(floor: Floor) -> None:
    in_call(floor)
    other = floor.start()
    load = selectors.loads([floor.ana.pk], at(61))[floor.ana.pk]

    assert (base(floor.ana), load.is_in_call, load.units) == ("busy_dnd", True, 30)
    work = matching.work(Conversation.objects.select_related("queue", "workstream").get(pk=other.pk))
    anybody = replace(work, allowed_presences=frozenset(["busy_dnd"]))
    contender = matching.contenders([floor.ana], at(61))[floor.ana.pk]
    refusal = why_not_offer(contender, anybody, at(61))
    assert refusal is not None
    assert refusal.code == "agent_in_call"

    with pytest.raises(ConfirmationNeeded) as needed:
        assignment.assign(actor_of(floor.sara), other.pk, agent_id=floor.ana.pk, version=other.version, now=at(62))
    assert "agent_in_call" in {caution.code for caution in needed.value.cautions}


def test_a_chat_in_a_call_is_not_transferred_until_the_call_is_over(floor: Floor) -> None:
    chat, sara = in_call(floor), actor_of(floor.sara)

    with pytest.raises(ActionRefused, match="elevated_voice_video"):
        assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(70))
    elevation.end_elevation(actor_of(floor.ana), chat.pk, now=at(80))
    chat = fresh(chat)
    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(81))

    assert (chat.is_elevated, base(floor.ana), lines(chat)[-2:]) == (
        False,
        "busy",
        ["elevation_ended", "transfer_requested"],
    )
    assert broken(at(81)) == []


def test_the_customer_leaves_the_call_and_the_chat_goes_on(floor: Floor) -> None:
    chat = in_call(floor)

    elevation.end_elevation(customer_of(chat), chat.pk, now=at(80))

    assert (fresh(chat).is_elevated, fresh(chat).state) == (False, "active")
    with pytest.raises(ActionRefused, match="not_elevated"):
        elevation.end_elevation(customer_of(chat), chat.pk, now=at(81))


ENDINGS: dict[str, Callable[[Floor, Conversation], object]] = {
    "end": lambda floor, chat: closure.end(actor_of(floor.ana), chat.pk, now=at(90)),
    "close session": lambda floor, chat: closure.close_session(actor_of(floor.ana), chat.pk, now=at(90)),
    "release": lambda floor, chat: assignment.release(actor_of(floor.ana), chat.pk, now=at(90)),
    "customer ends": lambda floor, chat: closure.customer_ends(customer_of(chat), chat.pk, now=at(90)),
    "force close": lambda floor, chat: closure.force_close(
        actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(90)
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_call_ends_with_the_dialogue(floor: Floor, ending: str) -> None:
    chat = in_call(floor)

    ENDINGS[ending](floor, chat)

    assert not fresh(chat).is_elevated
    assert lines(chat).count("elevation_ended") == 1
    assert not selectors.loads([floor.ana.pk], at(91))[floor.ana.pk].is_in_call
    assert broken(at(90)) == []


@pytest.mark.parametrize("channel", [Channel.PERSISTENT_CHAT, Channel.SMS, Channel.VOICE])
def test_only_live_chats_are_taken_into_a_call(floor: Floor, channel: Channel) -> None:
    chat = floor.active(channel)

    with pytest.raises(ActionRefused, match="elevate_kind"):
        elevation.elevate(actor_of(floor.ana), chat.pk, medium=Medium.VOICE, now=at(60))


def test_no_call_twice_none_of_somebody_else_none_while_a_transfer_is_pending(floor: Floor) -> None:
    chat = in_call(floor)
    with pytest.raises(ActionRefused, match="already_elevated"):
        elevation.elevate(actor_of(floor.ana), chat.pk, medium=Medium.VOICE, now=at(61))
    with pytest.raises(NotVisible):
        elevation.elevate(actor_of(floor.cene), chat.pk, medium=Medium.VOICE, now=at(61))
    closure.end(actor_of(floor.ana), chat.pk, now=at(62))
    with pytest.raises(ActionRefused, match="state_not_active"):
        elevation.elevate(actor_of(floor.ana), chat.pk, medium=Medium.VOICE, now=at(63))

    other = floor.active()
    assignment.transfer(
        actor_of(floor.sara),
        other.pk,
        agent_id=floor.boris.pk,
        version=other.version,
        confirmed=EVERY_CAUTION,
        now=at(64),
    )
    with pytest.raises(ActionRefused, match="transfer_pending"):
        elevation.elevate(actor_of(floor.ana), other.pk, medium=Medium.VOICE, now=at(65))
    offers.accept(actor_of(floor.boris), offer_of(other).pk, now=at(66))
    assert not fresh(other).is_elevated


def test_the_desk_starts_and_ends_the_call(floor: Floor, client: Client) -> None:
    chat = floor.active()
    client.force_login(floor.ana.user)
    page = reverse("conversations:desk_conversation", args=[chat.pk])
    assert 'data-name="elevate-video"' in client.get(page).content.decode()

    client.post(reverse("conversations:elevate", args=[chat.pk, "video"]))
    shown = client.get(page).content.decode()
    assert fresh(chat).is_elevated
    assert 'data-name="end-elevation"' in shown
    assert "In a call." in shown
    assert client.post(reverse("conversations:elevate", args=[chat.pk, "smoke"])).status_code == 404

    client.post(reverse("conversations:end_elevation", args=[chat.pk]))
    assert not fresh(chat).is_elevated
