"""The presence of a person is one over all their pages; the last one to close shows it (domain.md 1.3, F31)."""

import asyncio
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.test import Client

from conversations.consumers import websocket_urlpatterns
from conversations.models import Conversation, Offer, SupervisorSettings
from conversations.selectors import settings_row
from conversations.services import assignment, attendance, closure, timers
from routing import steps
from routing.locks import lock_agents
from routing.models import Agent, BasePresence, Connection, PresenceChange, SetAfter, SetBy, User
from routing.services import presence
from routing.steps import inactive_presence
from supervisor_console.kernel.actor import SYSTEM
from supervisor_console.kernel.pages import RELOAD
from supervisor_console.kernel.realtime import action
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh, make_floor, set_presence
from tests.conversations.hearing import hearing
from tests.conversations.looking import attempts, said
from tests.invariants import broken

PROCESS, OTHER_PROCESS = uuid4(), uuid4()


def open_page(agent: Agent, now: datetime, *, process: UUID = PROCESS) -> UUID:
    """A page of this agent opens."""
    key = uuid4()
    attendance.connected(agent.pk, key, process=process, now=now)
    return key


def close_page(key: UUID, now: datetime, *, process: UUID = PROCESS) -> None:
    """A page closes, and its process says so."""
    presence.keep_alive(process, closed=[key], now=now)


def now_of(agent: Agent) -> tuple[str, str]:
    """The base presence, and who set it."""
    row = Agent.objects.select_related("presence").get(pk=agent.pk)
    return row.presence.base, row.presence_set_by


def leave(agent: Agent, opened: datetime, closed: datetime) -> None:
    """Open the only page, close it, and let the time pass after which the agent is missed."""
    close_page(open_page(agent, opened), closed)
    timers.run_due(now=closed + RELOAD)


def test_who_closes_the_last_page_is_offline_seconds_later(floor: Floor) -> None:
    key = open_page(floor.ana, at(0))
    close_page(key, at(10))

    timers.run_due(now=at(14))
    assert now_of(floor.ana) == ("available", "system")

    timers.run_due(now=at(15))
    assert now_of(floor.ana) == ("offline", "system")
    assert not Connection.objects.exists()


def test_a_page_that_is_loaded_again_changes_nothing(floor: Floor) -> None:
    before = PresenceChange.objects.filter(agent=floor.ana).count()
    close_page(open_page(floor.ana, at(0)), at(10))
    open_page(floor.ana, at(12))

    timers.run_due(now=at(20))

    assert now_of(floor.ana)[0] == "available"
    assert PresenceChange.objects.filter(agent=floor.ana).count() == before


def test_another_page_in_another_process_keeps_the_presence(floor: Floor) -> None:
    first = open_page(floor.ana, at(0))
    open_page(floor.ana, at(0), process=OTHER_PROCESS)
    close_page(first, at(10))
    presence.keep_alive(OTHER_PROCESS, now=at(15))

    timers.run_due(now=at(20))

    assert now_of(floor.ana)[0] == "available"


def test_a_process_that_dies_loses_its_agents(floor: Floor) -> None:
    open_page(floor.ana, at(0))
    open_page(floor.boris, at(0), process=OTHER_PROCESS)
    presence.keep_alive(OTHER_PROCESS, now=at(10))

    timers.run_due(now=at(13))

    assert (now_of(floor.ana)[0], now_of(floor.boris)[0]) == ("offline", "available")


def test_a_process_that_was_only_slow_connects_its_pages_again(floor: Floor) -> None:
    key = open_page(floor.ana, at(0))
    timers.run_due(now=at(13))

    assert key not in presence.keep_alive(PROCESS, now=at(14))
    attendance.connected(floor.ana.pk, key, process=PROCESS, now=at(14))

    assert now_of(floor.ana)[0] == "available"
    assert presence.keep_alive(PROCESS, now=at(15)) == {key}


def test_who_never_had_a_page_stays_as_they_are(floor: Floor) -> None:
    leave(floor.ana, at(0), at(10))

    timers.run_due(now=at(3600))

    assert (now_of(floor.boris)[0], now_of(floor.cene)[0]) == ("available", "available")


@pytest.mark.parametrize("base", [BasePresence.AVAILABLE, BasePresence.BUSY, BasePresence.BUSY_DND, BasePresence.AWAY])
def test_who_is_back_in_time_has_again_what_they_chose(floor: Floor, base: BasePresence) -> None:
    set_presence(floor.ana, BasePresence.OFFLINE)
    set_presence(floor.ana, base, set_by=SetBy.AGENT)
    leave(floor.ana, at(0), at(10))

    open_page(floor.ana, at(15 + 150))

    assert now_of(floor.ana) == (base.value, "agent")


def test_who_is_back_in_time_follows_what_capacity_says_by_now(floor: Floor) -> None:
    chat = floor.active()
    assert now_of(floor.ana) == ("busy", "system")
    leave(floor.ana, at(21), at(30))
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    open_page(floor.ana, at(50))

    assert now_of(floor.ana) == ("available", "system")


def test_who_missed_an_offer_does_not_come_back_from_it_by_reloading(floor: Floor) -> None:
    with action():
        ana = lock_agents([floor.ana.pk])[floor.ana.pk]
        steps.change_presence(
            ana, inactive_presence(), set_by=SetBy.SYSTEM, actor=SYSTEM, now=at(0), after=SetAfter.MISSED
        )
    leave(floor.ana, at(1), at(10))

    open_page(floor.ana, at(20))

    found = Agent.objects.get(pk=floor.ana.pk)
    assert (found.presence.is_inactive, found.needs_reset) == (True, True)


@pytest.mark.parametrize(("seconds", "base"), [(60, "available"), (600, "busy_dnd")])
def test_how_long_a_presence_is_remembered_is_what_an_administrator_set(floor: Floor, seconds: int, base: str) -> None:
    SupervisorSettings.objects.update(agent_disconnect=seconds)
    set_presence(floor.ana, BasePresence.BUSY_DND, set_by=SetBy.AGENT)
    leave(floor.ana, at(0), at(10))

    open_page(floor.ana, at(15 + 300))

    assert now_of(floor.ana)[0] == base


def test_who_comes_back_late_is_judged_anew(floor: Floor) -> None:
    set_presence(floor.ana, BasePresence.BUSY_DND, set_by=SetBy.AGENT)
    leave(floor.ana, at(0), at(10))

    open_page(floor.ana, at(15 + 151))

    assert now_of(floor.ana) == ("available", "system")


def test_who_chose_offline_stays_so_over_leaving_and_coming(floor: Floor) -> None:
    set_presence(floor.ana, BasePresence.OFFLINE, set_by=SetBy.AGENT)
    leave(floor.ana, at(0), at(10))

    open_page(floor.ana, at(20))

    assert now_of(floor.ana) == ("offline", "agent")


def test_what_a_supervisor_sets_meanwhile_holds(floor: Floor) -> None:
    leave(floor.ana, at(0), at(10))
    set_presence(floor.ana, BasePresence.AWAY, set_by=SetBy.SUPERVISOR, now=at(20))

    open_page(floor.ana, at(30))

    assert now_of(floor.ana) == ("away", "supervisor")


def test_signing_out_is_at_once_and_remembers_nothing(floor: Floor, client: Client) -> None:
    client.force_login(floor.ana.user)
    set_presence(floor.ana, BasePresence.BUSY_DND, set_by=SetBy.AGENT)
    leave(floor.ana, at(0), at(10))

    client.post("/logout/")
    open_page(floor.ana, at(20))

    assert now_of(floor.ana) == ("available", "system")


def test_leaving_keeps_the_work_and_is_in_the_history(floor: Floor) -> None:
    chat = floor.active()
    leave(floor.ana, at(21), at(30))

    assert fresh(chat).agent_id == floor.ana.pk
    stay = PresenceChange.objects.get(agent=floor.ana, ended_at=None)
    assert (stay.presence.base, stay.set_by, stay.started_at) == ("offline", "system", at(35))


def test_a_page_that_opens_just_before_the_agent_is_missed_is_enough(floor: Floor) -> None:
    close_page(open_page(floor.ana, at(0)), at(10))
    assert presence.gone(at(15)) == [floor.ana.pk]
    open_page(floor.ana, at(15))

    assert presence.leave(floor.ana.pk, now=at(15)) is False
    assert now_of(floor.ana)[0] == "available"


def test_closed_pages_do_not_pile_up(floor: Floor) -> None:
    for turn in range(5):
        close_page(open_page(floor.ana, at(10 * turn)), at(10 * turn + 1))
    open_page(floor.ana, at(60))

    assert Connection.objects.count() == 1


# --- the sockets themselves ---------------------------------------------------------------------------------------


def socket_of(user: User) -> WebsocketCommunicator:
    """A page of this person, not connected yet."""
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/ws/console/")
    cast(dict[str, Any], socket.scope)["user"] = user
    return socket


async def pages(agent: Agent, expected: int) -> bool:
    """Whether so many pages of the agent are written down as open, within two seconds."""
    live = Connection.objects.filter(agent=agent, closed_at=None)
    for _ in range(40):
        if await live.acount() == expected:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.fixture
def real_floor(transactional_db: None) -> Floor:
    """The centre, on a database that the sockets' threads see."""
    return make_floor()


@pytest.mark.django_db(transaction=True)
async def test_each_socket_of_an_agent_is_a_page_until_it_closes(real_floor: Floor) -> None:
    first, second = socket_of(real_floor.ana.user), socket_of(real_floor.ana.user)
    await first.connect()
    await second.connect()
    assert await pages(real_floor.ana, 2)

    await first.disconnect()
    assert await pages(real_floor.ana, 1)
    await second.disconnect()
    assert await pages(real_floor.ana, 0)


@pytest.mark.django_db(transaction=True)
async def test_an_agent_who_was_gone_is_there_when_a_page_connects(real_floor: Floor) -> None:
    await sync_to_async(set_presence)(real_floor.ana, BasePresence.OFFLINE)
    socket = socket_of(real_floor.ana.user)
    await socket.connect()

    assert await pages(real_floor.ana, 1)
    assert (await sync_to_async(now_of)(real_floor.ana))[0] == "available"
    await socket.disconnect()
    assert await pages(real_floor.ana, 0)


@pytest.mark.django_db(transaction=True)
async def test_the_pages_of_others_say_nothing_about_presence(real_floor: Floor) -> None:
    sockets = [socket_of(real_floor.sara), socket_of(real_floor.otto)]
    for socket in sockets:
        await socket.connect()
    await asyncio.sleep(0.3)

    assert not await Connection.objects.aexists()
    for socket in sockets:
        await socket.disconnect()


# --- offers to somebody who is gone (domain.md 2.3, P14) -----------------------------------------------------------


def outcome(conversation: Conversation) -> str:
    """What became of its latest offer."""
    return Offer.objects.filter(conversation=conversation).latest("pk").status


def test_an_offer_to_who_closed_the_last_page_is_withdrawn_and_the_supervisor_told(floor: Floor) -> None:
    """At once, not at the end of its countdown; it is not held against the agent."""
    page = open_page(floor.ana, at(0))
    chat = floor.offered()
    close_page(page, at(30))

    timers.run_due(now=at(34))
    assert outcome(chat) == "pending"

    with hearing() as heard:
        timers.run_due(now=at(35))

    assert (fresh(chat).state, outcome(chat), attempts(chat)[-2]) == (
        "open",
        "timed_out",
        ("ana", "AgentTimeout"),
    )
    assert said(chat)[-1] == "unreachable (internal)"
    assert heard.notices == [("ana", "offer_withdrawn"), ("sara", "assign_unreachable")]
    assert now_of(floor.ana) == ("offline", "system")
    assert broken(at(35)) == []
    open_page(floor.ana, at(60))
    assert now_of(floor.ana) == ("available", "system"), "missing it did not set them aside"


def test_an_offer_outlives_a_page_that_is_loaded_again(floor: Floor) -> None:
    page = open_page(floor.ana, at(0))
    chat = floor.offered()
    close_page(page, at(30))
    open_page(floor.ana, at(34))

    timers.run_due(now=at(40))

    assert outcome(chat) == "pending"


def test_an_offer_outlives_signing_out_while_another_browser_is_open(floor: Floor) -> None:
    open_page(floor.ana, at(0))
    chat = floor.offered()
    presence.keep_alive(PROCESS, now=at(30))
    presence.sign_out(floor.ana.pk, now=at(30))

    timers.run_due(now=at(31))
    assert outcome(chat) == "pending"

    Connection.objects.all().update(closed_at=at(32))
    timers.run_due(now=at(37))
    assert outcome(chat) == "timed_out"


def test_an_offer_to_who_chose_offline_or_was_gone_already_keeps_its_time(floor: Floor) -> None:
    """The first is there; the second was asked although they were gone, which a supervisor confirmed."""
    chosen, knowing = floor.offered(), floor.start()
    set_presence(floor.ana, BasePresence.OFFLINE, set_by=SetBy.AGENT, now=at(30))
    leave(floor.boris, at(0), at(30))
    knowing = fresh(knowing)
    settings = settings_row()
    settings.allow_assign_offline = True
    settings.save()
    assignment.assign(
        actor_of(floor.sara),
        knowing.pk,
        agent_id=floor.boris.pk,
        version=knowing.version,
        confirmed=EVERY_CAUTION,
        now=at(40),
    )

    timers.run_due(now=at(50))

    assert [outcome(each) for each in (chosen, knowing)] == ["pending", "pending"]


def test_a_transfer_to_who_closed_the_last_page_comes_to_nothing(floor: Floor) -> None:
    page = open_page(floor.boris, at(0))
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    close_page(page, at(31))

    with hearing() as heard:
        timers.run_due(now=at(36))

    after = fresh(chat)
    assert (after.state, after.agent_id, outcome(chat)) == ("active", floor.ana.pk, "timed_out")
    assert heard.notices == [("boris", "offer_withdrawn"), ("sara", "transfer_unreachable")]
    assert broken(at(36)) == []
