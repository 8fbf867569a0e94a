"""What signing in and out does to an agent's presence (domain.md 1.3), and what stays readable at the desk."""

import pytest
from django.test import Client
from django.utils import timezone

from conversations import selectors
from conversations.models import State
from conversations.services import assignment, closure, offers
from routing.models import Agent, BasePresence, Channel, Presence, PresenceChange, SetBy
from routing.policy import Load
from routing.services import presence
from supervisor_console.kernel.errors import NotVisible
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh, offer_of, set_presence


def now_of(agent: Agent) -> tuple[str, str]:
    row = Agent.objects.select_related("presence").get(pk=agent.pk)
    return row.presence.base, row.presence_set_by


def test_an_agent_who_signs_in_is_available_and_one_who_signs_out_is_offline(floor: Floor, client: Client) -> None:
    set_presence(floor.ana, BasePresence.OFFLINE)

    client.force_login(floor.ana.user)
    assert now_of(floor.ana) == ("available", "system")

    client.post("/logout/")
    assert now_of(floor.ana) == ("offline", "system")
    stays = PresenceChange.objects.filter(agent=floor.ana).order_by("pk")
    assert [stay.presence.base for stay in stays][-3:] == ["offline", "available", "offline"]


@pytest.mark.parametrize(("load", "expected"), [(0, "available"), (30, "busy"), (100, "busy_dnd"), (130, "busy_dnd")])
def test_who_holds_work_signs_in_as_their_load_says(floor: Floor, load: int, expected: str) -> None:
    set_presence(floor.ana, BasePresence.OFFLINE)

    presence.sign_in(floor.ana.pk, load_of=lambda _agent, _now: Load(load, {}, int(load > 0)), now=at(5))

    assert now_of(floor.ana) == (expected, "system")


def test_the_real_load_is_asked_at_sign_in(floor: Floor, client: Client) -> None:
    floor.active()
    set_presence(floor.ana, BasePresence.OFFLINE, now=at(25))

    client.force_login(floor.ana.user)

    assert now_of(floor.ana)[0] == "busy"


@pytest.mark.parametrize(
    ("base", "expected"),
    [("away", "Lunch"), ("offline", "Lunch"), ("available", "Available"), ("busy_dnd", "Available")],
)
def test_a_default_presence_is_judged_by_its_base(floor: Floor, base: str, expected: str) -> None:
    Agent.objects.filter(pk=floor.ana.pk).update(default_presence=Presence.objects.create(name="Lunch", base=base))
    set_presence(floor.ana, BasePresence.OFFLINE)

    presence.sign_in(floor.ana.pk, load_of=lambda _agent, _now: Load(), now=at(5))

    assert Agent.objects.get(pk=floor.ana.pk).presence.name == expected


@pytest.mark.parametrize("chosen", [BasePresence.AWAY, BasePresence.BUSY_DND, BasePresence.OFFLINE])
def test_a_second_browser_does_not_change_what_the_agent_chose(
    floor: Floor, client: Client, chosen: BasePresence
) -> None:
    set_presence(floor.ana, chosen, set_by=SetBy.AGENT)

    client.force_login(floor.ana.user)

    assert now_of(floor.ana) == (chosen.value, "agent")


def test_signing_out_ends_a_chosen_presence_and_keeps_the_work(floor: Floor, client: Client) -> None:
    chat = floor.active()
    client.force_login(floor.ana.user)
    set_presence(floor.ana, BasePresence.OFFLINE, set_by=SetBy.AGENT, now=timezone.now())

    client.post("/logout/")

    assert now_of(floor.ana) == ("offline", "system")
    assert fresh(chat).agent_id == floor.ana.pk


def test_a_supervisor_with_an_agent_profile_but_not_the_role_does_not_come_and_go(floor: Floor, client: Client) -> None:
    client.force_login(floor.stefan)

    assert Agent.objects.get(user=floor.stefan).presence.base == "offline"


def test_what_was_force_closed_under_an_agent_can_still_be_read_by_them_and_by_nobody_else(floor: Floor) -> None:
    chat = floor.active()
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    assert selectors.get_visible(actor_of(floor.ana), chat.pk).state == State.CLOSED
    with pytest.raises(NotVisible):
        selectors.get_visible(actor_of(floor.boris), chat.pk)


def test_a_consultant_who_stayed_to_the_end_can_still_read_it(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(31))
    chat = fresh(chat)
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    assert selectors.get_visible(actor_of(floor.ana), chat.pk) == chat
    assert selectors.get_visible(actor_of(floor.boris), chat.pk) == chat


def test_who_was_only_offered_it_cannot_read_it_afterwards(floor: Floor) -> None:
    chat = floor.offered(Channel.LIVE_CHAT)
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    with pytest.raises(NotVisible):
        selectors.get_visible(actor_of(floor.ana), chat.pk)
