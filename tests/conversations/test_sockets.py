"""Who hears what: two kinds of socket, each told what concerns it and nothing more (domain.md 3.3, D13)."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from conversations.consumers import door as doors
from conversations.consumers import websocket_urlpatterns
from conversations.consumers.console import ConsoleConsumer
from conversations.consumers.door import Door, Guest, not_as_they_came
from conversations.consumers.relay import COME_BACK
from conversations.models import Conversation, Participant, Visibility
from conversations.services import assignment, closure, intake, messaging, offers, supervision
from conversations.views.access import remember_customer
from routing.models import QueueMembership, User
from routing.selectors import actors_for
from routing.services import staffing
from supervisor_console.kernel.actor import Actor, Role
from tests.access import hostile
from tests.cast import EVERY_CAUTION, Floor, actor_of, customer_of, fresh, make_floor, offer_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

QUERIES_OF_A_LOOK = 3
"""People; which agent each is, with roles and the right to see every queue; queues. And sessions, where there are."""

QUIET = 0.25
"""Seconds without a frame after which nothing more is expected; the push itself takes a few milliseconds."""


class Ear:
    """One open socket and what it heard since one last looked."""

    def __init__(self, socket: WebsocketCommunicator, closed: int = 0) -> None:
        self.socket = socket
        self.closed = closed  # the code with which the server refused, 0 where it did not

    def ended(self) -> int:
        """The code with which the server closed it since, 0 where it did not; what came before is passed over."""
        queue = self.socket.output_queue
        while not queue.empty():
            if (message := queue.get_nowait())["type"] == "websocket.close":
                return int(message["code"])
        return 0

    async def heard(self, at_least: int = 0) -> list[dict[str, Any]]:
        """The frames that came; waits longer for as many as one knows must come."""
        found: list[dict[str, Any]] = []
        while True:
            try:
                # The queue itself: waiting at the communicator in vain would end the socket.
                message = await asyncio.wait_for(self.socket.output_queue.get(), 5 if len(found) < at_least else QUIET)
            except TimeoutError:
                return found
            assert message["type"] == "websocket.send", message
            found.append(json.loads(message["text"]))


Listen = Callable[..., Awaitable[Ear]]


@asynccontextmanager
async def listening() -> AsyncIterator[Listen]:
    """Opens sockets, and closes them afterwards."""
    opened: list[WebsocketCommunicator] = []

    async def listen(
        user: User | None = None,
        *,
        chat: Conversation | None = None,
        cookie: str = "",
        watch: list[str] | None = None,
        session: SessionStore | None = None,
    ) -> Ear:
        path = f"/ws/chat/{chat.public_id}/" if chat is not None else "/ws/console/"
        headers = [(b"cookie", f"chat={cookie}".encode())] if cookie else []
        socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path, headers=headers)
        if user is not None:
            cast(dict[str, Any], socket.scope)["user"] = user
        if session is not None:
            cast(dict[str, Any], socket.scope)["session"] = session
        opened.append(socket)
        assert (await socket.connect())[0]
        first = await socket.receive_output(5)
        ear = Ear(socket, first["code"] if first["type"] == "websocket.close" else 0)
        if watch is not None:
            await socket.send_json_to({"type": "watch", "query": None, "topics": watch})
        return ear

    try:
        yield listen
    finally:
        for socket in opened:
            await socket.disconnect()


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    """The centre, on a database in which commits are real: only those are announced."""
    return make_floor()


def cookie_of(conversation: Conversation) -> str:
    response = HttpResponse()
    remember_customer(response, conversation.customer_id, secure=False)
    return response.cookies["chat"].value


def session_for(user: User) -> SessionStore:
    """A session of this person that is in the database."""
    client = Client()
    client.force_login(user)
    return SessionStore(client.session.session_key)


def codes(frames: list[dict[str, Any]], kind: str = "event") -> list[str]:
    return [frame["code"] for frame in frames if frame["type"] == kind]


def topics(frames: list[dict[str, Any]]) -> set[str]:
    return {topic for frame in frames for topic in frame["topics"]}


do = sync_to_async


async def test_an_offer_reaches_its_agent_and_the_supervisors_and_no_other_agent(floor: Floor) -> None:
    chat = await do(floor.start)()
    sara = await do(actor_of)(floor.sara)
    async with listening() as listen:
        hers, anas, cenes = await listen(floor.sara), await listen(floor.ana.user), await listen(floor.cene.user)

        await do(assignment.assign)(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, confirmed=EVERY_CAUTION)

        assert "conversation.assigned" in codes(await hers.heard(1))
        heard = await anas.heard(2)
        assert "conversation.assigned" in codes(heard)
        assert codes(heard, "notice") == ["assigned"]
        assert {"desk", f"conversation:{chat.pk}", "notices"} <= topics(heard)
        assert await cenes.heard() == []


async def test_the_open_list_of_the_queue_hears_of_a_new_conversation(floor: Floor) -> None:
    async with listening() as listen:
        boris, cene = await listen(floor.boris.user), await listen(floor.cene.user)

        await do(intake.start)(workstream_id=floor.chat.pk, name="Maja", text="Hello", queue_id=floor.billing.pk)

        assert codes(await boris.heard(1)) == ["conversation.created"]
        assert await cene.heard() == []


async def test_a_supervisor_hears_of_the_own_queues_only(floor: Floor) -> None:
    async with listening() as listen:
        stefan, sara = await listen(floor.stefan), await listen(floor.sara)

        await do(intake.start)(workstream_id=floor.chat.pk, name="Maja", text="Hello", queue_id=floor.returns.pk)

        assert "conversation.created" in codes(await sara.heard(1))
        assert await stefan.heard() == []


async def test_monitoring_is_heard_by_supervisors_and_by_nobody_in_the_conversation(floor: Floor) -> None:
    chat = await do(floor.active)()
    sara = await do(actor_of)(floor.sara)
    async with listening() as listen:
        stefans, anas = await listen(floor.stefan), await listen(floor.ana.user)
        customers = await listen(chat=chat, cookie=await do(cookie_of)(chat))

        await do(supervision.monitor)(sara, chat.pk)
        await do(supervision.stop_monitoring)(sara, chat.pk)

        assert codes(await stefans.heard(2)) == [
            "conversation.monitoring_started",
            "conversation.monitoring_stopped",
        ]
        assert await anas.heard() == []
        assert await customers.heard() == []


async def test_joining_is_heard_by_agent_and_customer(floor: Floor) -> None:
    chat = await do(floor.active)()
    sara = await do(actor_of)(floor.sara)
    await do(supervision.monitor)(sara, chat.pk)
    async with listening() as listen:
        anas = await listen(floor.ana.user)
        customers = await listen(chat=chat, cookie=await do(cookie_of)(chat))

        await do(supervision.join)(sara, chat.pk)

        heard = await anas.heard(2)
        assert "conversation.joined" in codes(heard)
        assert codes(heard, "notice") == ["supervisor_joined"]
        assert codes(await customers.heard(1)) == ["chat.changed"]


async def test_a_public_line_reaches_the_customer_and_an_internal_one_does_not(floor: Floor) -> None:
    chat = await do(floor.active)()
    ana = await do(actor_of)(floor.ana)
    async with listening() as listen:
        customers = await listen(chat=chat, cookie=await do(cookie_of)(chat))

        await do(messaging.send)(ana, chat.pk, text="Between us", visibility=Visibility.INTERNAL)
        assert await customers.heard() == []

        await do(messaging.send)(ana, chat.pk, text="To you")
        assert codes(await customers.heard(1)) == ["chat.changed"]


async def test_a_customer_is_told_nothing_but_that_something_changed(floor: Floor) -> None:
    chat = await do(floor.active)()
    async with listening() as listen:
        customers = await listen(chat=chat, cookie=await do(cookie_of)(chat))

        await do(messaging.receive)(await do(customer_of)(chat), chat.pk, text="A secret")

        (frame,) = await customers.heard(1)
        assert set(frame) == {"type", "id", "code", "topics", "at"}


async def test_frames_to_people_of_the_centre_carry_no_words_of_the_customer(floor: Floor) -> None:
    chat = await do(floor.active)()
    async with listening() as listen:
        anas = await listen(floor.ana.user)

        await do(messaging.receive)(await do(customer_of)(chat), chat.pk, text="A secret")

        heard = await anas.heard(1)
        assert codes(heard) == ["conversation.message_sent"]
        assert "A secret" not in str(heard)


async def test_a_force_close_reaches_agent_monitor_and_customer_at_once(floor: Floor) -> None:
    chat = await do(floor.active)()
    sara, stefan = await do(actor_of)(floor.sara), await do(actor_of)(floor.stefan)
    await do(supervision.monitor)(stefan, chat.pk)
    chat = await do(fresh)(chat)
    async with listening() as listen:
        anas, stefans = await listen(floor.ana.user), await listen(floor.stefan)
        customers = await listen(chat=chat, cookie=await do(cookie_of)(chat))

        await do(closure.force_close)(sara, chat.pk, version=chat.version, confirmed=EVERY_CAUTION)

        assert codes(await anas.heard(2), "notice") == ["force_closed"]
        assert codes(await stefans.heard(2), "notice") == ["monitored_closed"]
        assert codes(await customers.heard(1)) == ["chat.changed"]


async def test_who_belongs_to_other_queues_is_told_comes_back_and_hears_of_those(floor: Floor) -> None:
    sara = await do(actor_of)(floor.sara)
    async with listening() as listen:
        anas = await listen(floor.ana.user)

        await do(staffing.change_queues)(sara, floor.ana.pk, add=frozenset({floor.returns.pk}))

        told, goodbye = [await asyncio.wait_for(anas.socket.output_queue.get(), 5) for _ in range(2)]
        assert json.loads(told["text"])["code"] == "queues_added"
        assert (goodbye["type"], goodbye["code"]) == ("websocket.close", 4409)
        back = await listen(floor.ana.user)
        await do(intake.start)(workstream_id=floor.chat.pk, name="Maja", text="Hello", queue_id=floor.returns.pk)
        assert codes(await back.heard(1)) == ["conversation.created"]


async def test_the_former_agent_hears_that_somebody_took_over(floor: Floor) -> None:
    chat = await do(floor.active)()
    sara, boris = await do(actor_of)(floor.sara), await do(actor_of)(floor.boris)
    await do(assignment.transfer)(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version)
    async with listening() as listen:
        anas = await listen(floor.ana.user)

        await do(offers.accept)(boris, (await do(offer_of)(chat)).pk)

        heard = await anas.heard(2)
        assert codes(heard, "notice") == ["took_over"]
        assert f"conversation:{chat.pk}" in topics(heard)


async def test_a_notice_to_a_supervisor_leads_to_reassign_and_one_to_an_agent_to_the_desk(floor: Floor) -> None:
    chat = await do(floor.offered)()
    ana = await do(actor_of)(floor.ana)
    offer = await do(offer_of)(chat)
    await do(type(offer).objects.filter(pk=offer.pk).update)(expires_at="2100-01-01T00:00Z")
    async with listening() as listen:
        saras = await listen(floor.sara)

        await do(offers.reject)(ana, offer.pk)

        (notice,) = [frame for frame in await saras.heard(2) if frame["type"] == "notice"]
        assert (notice["code"], notice["url"]) == ("assign_rejected", f"/conversations/{chat.pk}/assign/")
        assert notice["label"] == "Reassign"

        anas = await listen(floor.ana.user)
        sara = await do(actor_of)(floor.sara)
        version = (await do(fresh)(chat)).version
        await do(assignment.assign)(sara, chat.pk, agent_id=floor.ana.pk, version=version, confirmed=EVERY_CAUTION)
        (notice,) = [frame for frame in await anas.heard(2) if frame["type"] == "notice"]
        assert notice["url"] == f"/desk/{chat.pk}/"


async def test_a_page_that_says_what_it_shows_is_told_only_of_that(floor: Floor) -> None:
    chat, other = await do(floor.active)(), await do(floor.start)()
    async with listening() as listen:
        anas = await listen(floor.ana.user, watch=[f"conversation:{chat.pk}"])
        await asyncio.sleep(0.05)

        await do(messaging.receive)(await do(customer_of)(other), other.pk, text="Not shown")
        await do(messaging.receive)(await do(customer_of)(chat), chat.pk, text="Shown")

        assert topics(await anas.heard(1)) == {f"conversation:{chat.pk}"}


async def mark_of(ear: Ear) -> int:
    """What the server says it has heard so far."""
    await ear.socket.send_json_to({"type": "ping"})
    return int(next(frame for frame in await ear.heard(1) if frame["type"] == "pong")["mark"])


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("before", True),
        ("after", False),  # The control: who asked after it was told of nothing, and knows it.
        ("never", True),  # Where it is not known, everything counts as changed.
        ("long ago", True),
    ],
)
async def test_what_changed_between_the_request_for_a_region_and_its_watch_is_named(
    floor: Floor, asked: str, told: bool
) -> None:
    chat, other = await do(floor.active)(), await do(floor.start)()
    async with listening() as listen:
        saras = await listen(floor.sara, watch=[f"conversation:{other.pk}"])
        before = await mark_of(saras)

        await do(messaging.receive)(await do(customer_of)(chat), chat.pk, text="While the page was on its way")
        assert await saras.heard() == [], "nobody told a page that did not show it yet"

        since = {"before": before, "after": await mark_of(saras), "never": None, "long ago": before - 1_000_000}[asked]
        topics = [f"conversation:{chat.pk}", f"conversation:{other.pk}"]
        await saras.socket.send_json_to({"type": "watch", "query": None, "topics": topics, "since": since})
        heard = [frame["topics"] for frame in await saras.heard() if frame["type"] == "stale"]
        assert heard == ([[f"conversation:{chat.pk}"]] if told else [])


async def test_nobody_listens_without_signing_in(floor: Floor) -> None:
    async with listening() as listen:
        assert (await listen(None)).closed == 4401


async def test_a_deactivated_person_does_not_listen(floor: Floor) -> None:
    await do(User.objects.filter(pk=floor.ana.user_id).update)(is_active=False)
    async with listening() as listen:
        assert (await listen(floor.ana.user)).closed == 4401


def sign_out(floor: Floor, session: SessionStore) -> None:
    session.flush()


def deactivate(floor: Floor, session: SessionStore) -> None:
    User.objects.filter(pk=floor.ana.user_id).update(is_active=False)


def change_password(floor: Floor, session: SessionStore) -> None:
    user = User.objects.get(pk=floor.ana.user_id)
    user.set_password("another one")
    user.save()


def take_the_role(floor: Floor, session: SessionStore) -> None:
    floor.ana.user.groups.clear()


def give_another_role(floor: Floor, session: SessionStore) -> None:
    staffing.give_roles(floor.ana.user_id, frozenset({Role.AGENT, Role.SUPERVISOR}))


def give_a_role_a_right(floor: Floor, session: SessionStore) -> None:
    right = Permission.objects.get(codename="view_all_queues")
    Group.objects.get(name=Role.AGENT.value).permissions.add(right)
    staffing.give_roles(floor.ana.user_id, frozenset({Role.AGENT, Role.SUPERVISOR}))


def take_from_a_queue(floor: Floor, session: SessionStore) -> None:
    QueueMembership.objects.filter(agent=floor.ana).delete()


def nothing(floor: Floor, session: SessionStore) -> None:
    """The control."""


@pytest.mark.parametrize(
    ("change", "closed"),
    [
        (sign_out, {"ana": 4409}),
        (deactivate, {"ana": 4409}),
        (change_password, {"ana": 4409}),
        (take_the_role, {"ana": 4409}),
        (give_another_role, {"ana": 4409}),
        (give_a_role_a_right, {"ana": 4409}),
        (take_from_a_queue, {"ana": 4409}),
        (nothing, {}),
    ],
)
async def test_a_socket_does_not_outlive_what_it_was_opened_for(
    floor: Floor, change: Callable[[Floor, SessionStore], None], closed: dict[str, int]
) -> None:
    """Within two seconds, whoever changed it and on which way; whoever it does not concern stays."""
    async with listening() as listen:
        session = await do(session_for)(floor.ana.user)
        ears = {"ana": await listen(floor.ana.user, session=session), "boris": await listen(floor.boris.user)}

        await do(change)(floor, session)

        await asyncio.sleep(2.0)
        assert {name: code for name, ear in ears.items() if (code := ear.ended())} == closed


async def test_who_is_no_supervisor_any_more_does_not_keep_the_report(floor: Floor) -> None:
    """Their page comes back with what it shows, and is told that it may not."""
    await do(staffing.give_roles)(floor.sara.pk, frozenset({Role.AGENT}))
    async with listening() as listen:
        hers = await listen(floor.sara)

        await hers.socket.send_json_to({"type": "watch", "query": "", "topics": []})

        await asyncio.sleep(QUIET)
        assert hers.ended() == 4403


async def test_one_look_at_the_door_costs_the_same_for_all(
    floor: Floor, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    def look(people: list[User]) -> None:
        actors = actors_for(people)
        guests = [Guest(actors[person.pk], None, person.password, lambda: None) for person in people]
        with django_assert_num_queries(QUERIES_OF_A_LOOK):
            assert not_as_they_came(guests) == set()

    await do(look)([floor.ana.user, floor.boris.user])
    await do(look)([floor.ana.user, floor.boris.user, floor.cene.user, floor.sara, floor.stefan])


async def test_who_comes_in_while_others_are_read_is_read_with_all_who_wait(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand consoles that come back at once are two readings, not a thousand."""
    readings: list[frozenset[int]] = []

    def noted(user_ids: frozenset[int]) -> dict[int, Actor]:
        readings.append(user_ids)
        return actors_for(User.objects.filter(pk__in=user_ids))

    monkeypatch.setattr(doors, "actors_of", noted)
    here = Door()
    first = asyncio.create_task(here.actor_of(floor.sara.pk))
    await asyncio.sleep(0.001)  # Its reading has begun.
    people = [floor.ana.user.pk, floor.boris.user.pk, floor.ana.user.pk, 0]

    found = await asyncio.gather(*(here.actor_of(pk) for pk in people))

    assert (await first) == await do(actor_of)(floor.sara)
    assert [actor and actor.user_id for actor in found] == [*people[:3], None]
    assert len(readings) == 2


async def test_a_reading_at_the_door_that_fails_fails_for_those_who_waited_and_for_nobody_after_them(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(user_ids: frozenset[int]) -> dict[int, Actor]:
        raise OperationalError

    here = Door()
    with monkeypatch.context() as broken:
        broken.setattr(doors, "actors_of", fails)
        waiting = [here.actor_of(pk) for pk in (floor.ana.user.pk, floor.boris.user.pk)]
        assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [OperationalError] * 2

    found = await here.actor_of(floor.ana.user.pk)

    assert found is not None
    assert found.user_id == floor.ana.user.pk


async def test_who_monitors_is_noted_to_be_there_while_the_socket_is_open(floor: Floor) -> None:
    """A monitor without a page is lost after 30 s (domain.md 3.3)."""
    conversation = await do(floor.active)()
    long_ago = timezone.now() - timedelta(seconds=60)
    await do(supervision.monitor)(await do(actor_of)(floor.sara), conversation.pk, now=long_ago)
    monitors = Participant.objects.filter(user=floor.sara, left_at=None)
    async with listening() as listen:
        await listen(floor.ana.user)
        await asyncio.sleep(2.0)
        assert await monitors.filter(seen_at__gt=long_ago).acount() == 0  # The control: another person's socket.
        await listen(floor.sara)
        doors.door()._noted_at = -math.inf

        await asyncio.sleep(2.0)

        assert await monitors.filter(seen_at__gt=long_ago + timedelta(seconds=50)).acount() == 1


@pytest.mark.parametrize("cookie", ["", "forged", "anothers"])
async def test_a_chat_is_heard_only_with_its_customer_s_cookie(floor: Floor, cookie: str) -> None:
    chat, other = await do(floor.active)(), await do(floor.start)()
    value = await do(cookie_of)(other) if cookie == "anothers" else cookie
    async with listening() as listen:
        assert (await listen(chat=chat, cookie=value)).closed == 4404


@pytest.mark.parametrize(
    "words", ["{", "[]", '"x"', '{"type": "watch", "topics": 7, "query": []}', '{"type": "unknown"}', b"\xff\x00"]
)
async def test_what_a_client_says_wrongly_is_ignored(floor: Floor, words: str | bytes) -> None:
    async with listening() as listen:
        anas = await listen(floor.ana.user)

        if isinstance(words, bytes):
            await anas.socket.send_to(bytes_data=words)
        else:
            await anas.socket.send_to(text_data=words)
        await anas.socket.send_json_to({"type": "ping"})

        assert [frame["type"] for frame in await anas.heard(1)] == ["pong"]


async def test_a_socket_that_cannot_say_what_it_heard_ends_and_its_page_comes_back(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not stay open and silent: to its page it would look alive."""

    def fail(*_: object) -> None:
        raise ValueError("a defect")

    async with listening() as listen:
        ear = await listen(floor.sara)
        monkeypatch.setattr(ConsoleConsumer, "translate", fail)
        await sync_to_async(floor.start)()

        code = None
        for _ in range(250):
            if code := ear.ended():
                break
            await asyncio.sleep(0.02)
    assert code == COME_BACK
    assert "could not say what it heard" in caplog.text


async def test_half_a_sign_is_garbage_and_nobody_is_told_it_back(floor: Floor) -> None:
    """A view that named one could not be sent: it ended the socket, with a fault in the log."""
    async with listening() as listen:
        ear = await listen(floor.sara, watch=[])

        await ear.socket.send_to(text_data=hostile.HALF_A_SIGN)
        await ear.socket.send_json_to({"type": "ping"})

        assert {frame["type"] for frame in await ear.heard(1)} == {"pong"}
