"""The customer of a live chat is there as long as a page is, and has three minutes to come back (domain.md 2.3)."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.consumers import websocket_urlpatterns
from conversations.models import ChatPage, Conversation, HistoryEntry
from conversations.reports import chat as chat_report
from conversations.services import assignment, chat_pages, closure, messaging, settings, timers
from conversations.views.access import CUSTOMER_COOKIE, CUSTOMER_SALT
from routing.models import Channel
from supervisor_console.kernel.pages import LOST_AFTER, RELOAD
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh, make_floor
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import attempts, last_entry, presence, said, units
from tests.invariants import broken

PROCESS, OTHER_PROCESS = uuid4(), uuid4()
LIMIT = timedelta(minutes=3)  # domain.md 2.3


def open_page(chat: Conversation, now: datetime, *, process: UUID = PROCESS) -> UUID:
    """A page of this chat opens."""
    key = uuid4()
    chat_pages.connected(chat.pk, key, process=process, now=now)
    return key


def close_page(key: UUID, now: datetime, *, process: UUID = PROCESS) -> None:
    """A page closes, and its process says so."""
    chat_pages.keep_alive(process, closed=[key], now=now)


def leave(chat: Conversation, opened: datetime, closed: datetime) -> None:
    """Open the only page, close it, and let the time pass after which the customer is missed."""
    close_page(open_page(chat, opened), closed)
    timers.run_due(now=closed + RELOAD)


def codes(chat: Conversation) -> list[str]:
    return list(HistoryEntry.objects.filter(conversation=chat).order_by("pk").values_list("code", flat=True))


# --- who stays away ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["start", "offered"])
def test_a_chat_that_nobody_answered_is_closed_and_abandoned(floor: Floor, phase: str) -> None:
    floor.chat.accept_seconds = 600
    floor.chat.save()
    chat = getattr(floor, phase)()
    leave(chat, at(11), at(30))

    assert timers.run_due(now=at(30) + LIMIT - timedelta(seconds=1)) == 0
    assert timers.run_due(now=at(30) + LIMIT) == 1

    after = fresh(chat)
    assert (after.state, after.reason) == ("closed", "CustomerDisconnectedOrLeftOpen")
    assert (after.is_abandoned, after.customer_left_at) == (True, None)
    assert attempts(chat)[-1][1] == "CustomerDisconnect"
    assert said(chat)[-1] == "customer_left"
    assert (units(floor.ana, at(300)), presence(floor.ana)) == (0, "Available")
    assert last_entry(chat).actor_kind == "customer"
    assert broken(at(300)) == []
    assert timers.run_due(now=at(30) + LIMIT) == 0


def test_a_chat_with_an_agent_goes_to_wrap_up_and_keeps_its_capacity_meanwhile(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(11), at(30))
    assert units(floor.ana, at(100)) == 30

    with hearing() as heard:
        timers.run_due(now=at(30) + LIMIT)

    after = fresh(chat)
    assert (after.state, after.reason) == ("wrap_up", "CustomerDisconnectedOrLeftActive")
    assert (after.agent_id, after.customer_left_at) == (floor.ana.pk, None)
    assert said(chat)[-1] == "customer_left"
    assert {"ana", CUSTOMER, SUPERVISORS} <= heard.by("conversation.ended")
    assert broken(at(300)) == []


def test_one_that_was_answered_before_is_closed_but_not_abandoned(floor: Floor) -> None:
    chat = floor.active()
    assignment.release(actor_of(floor.ana), chat.pk, now=at(30))
    leave(chat, at(31), at(40))

    timers.run_due(now=at(40) + LIMIT)

    assert (fresh(chat).state, fresh(chat).is_abandoned) == ("closed", False)


def test_a_pending_transfer_ends_with_it(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))
    late = at(30) + LIMIT - timedelta(seconds=10)
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=fresh(chat).version, now=late)

    with hearing() as heard:
        timers.run_due(now=at(30) + LIMIT)

    assert fresh(chat).state == "wrap_up"
    assert set(heard.notices) >= {("boris", "offer_withdrawn"), ("sara", "transfer_cancelled")}
    assert units(floor.boris, at(300)) == 0
    assert broken(at(300)) == []


def test_the_time_is_what_an_administrator_set_and_holds_at_once(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(11), at(30))
    settings.change(actor_of(floor.otto), values={"customer_disconnect": 60})

    assert timers.run_due(now=at(89)) == 0
    assert timers.run_due(now=at(90)) == 1


# --- who is there, or back in time -----------------------------------------------------------------------------------


def test_a_page_that_is_loaded_again_is_no_disconnect(floor: Floor) -> None:
    chat = floor.active()
    close_page(open_page(chat, at(21)), at(30))
    open_page(chat, at(33))
    before = fresh(chat).version

    timers.run_due(now=at(40))

    assert (fresh(chat).customer_left_at, fresh(chat).version) == (None, before)


def test_another_page_in_another_process_is_enough(floor: Floor) -> None:
    chat = floor.active()
    first = open_page(chat, at(21))
    open_page(chat, at(21), process=OTHER_PROCESS)
    close_page(first, at(30))
    chat_pages.keep_alive(OTHER_PROCESS, now=at(34))

    timers.run_due(now=at(40))

    assert fresh(chat).customer_left_at is None


def test_who_is_back_in_time_goes_on_as_if_nothing_had_been(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))
    open_page(chat, at(30) + LIMIT - timedelta(seconds=1))
    chat_pages.keep_alive(PROCESS, now=at(30) + LIMIT + timedelta(hours=1))

    assert timers.run_due(now=at(30) + LIMIT + timedelta(hours=1)) == 0

    assert (fresh(chat).state, fresh(chat).customer_left_at) == ("active", None)
    assert said(chat)[-1] == "agent_joined"
    assert codes(chat)[-2:] == ["conversation.customer_disconnected", "conversation.customer_reconnected"]
    assert broken(at(300)) == []


def test_coming_and_going_makes_nobody_stale_and_is_no_activity(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))
    open_page(chat, at(60))

    assert fresh(chat).last_activity_at == chat.last_activity_at
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(61))
    assert fresh(chat).state == "closed"


def test_the_three_minutes_begin_anew_each_time(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))
    leave(chat, at(100), at(110))

    assert timers.run_due(now=at(30) + LIMIT) == 0
    assert fresh(chat).customer_left_at == at(110)
    assert timers.run_due(now=at(110) + LIMIT) == 1


def test_a_process_that_dies_takes_its_customers_away(floor: Floor) -> None:
    one, other = floor.active(), floor.start()
    open_page(one, at(30))
    open_page(other, at(30), process=OTHER_PROCESS)
    chat_pages.keep_alive(OTHER_PROCESS, now=at(40))

    timers.run_due(now=at(30) + LOST_AFTER)

    assert fresh(one).customer_left_at == at(30)
    assert fresh(other).customer_left_at is None


def test_after_an_hour_in_which_nothing_ran_everybody_has_the_time_to_come_back(floor: Floor) -> None:
    chat = floor.active()
    open_page(chat, at(30))

    timers.run_due(now=at(3600))

    assert fresh(chat).customer_left_at == at(3600) - LOST_AFTER
    assert fresh(chat).state == "active"


def test_a_restart_loses_no_deadline(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))

    # Nothing of it is kept in memory: the row is all that another process needs.
    assert list(Conversation.objects.filter(customer_left_at=at(30))) == [chat]
    assert timers.run_due(now=at(30) + LIMIT) == 1


def test_who_never_had_a_page_is_never_missed(floor: Floor) -> None:
    chat = floor.active()

    timers.run_due(now=at(20) + timedelta(days=1))

    assert fresh(chat).state == "active"


@pytest.mark.parametrize("phase", ["wrap_up", "closed"])
def test_what_is_over_is_not_left(floor: Floor, phase: str) -> None:
    chat = getattr(floor, phase)()
    before = fresh(chat).version
    leave(chat, at(41), at(50))

    assert (fresh(chat).customer_left_at, fresh(chat).version) == (None, before)
    assert not ChatPage.objects.exists()


def test_what_ends_otherwise_meanwhile_ends_once(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))
    closure.end(actor_of(floor.ana), chat.pk, now=at(60))

    assert fresh(chat).customer_left_at is None
    assert closure.customer_gone(chat.pk, now=at(30) + LIMIT) is None
    assert said(chat)[-1] == "agent_ended"


def test_a_persistent_chat_falls_silent_and_stays(floor: Floor) -> None:
    chat = floor.active(Channel.PERSISTENT_CHAT)
    leave(chat, at(21), at(30))

    timers.run_due(now=at(30) + LIMIT)

    assert (fresh(chat).state, fresh(chat).customer_left_at) == ("active", None)


def test_an_agent_can_go_on_writing_to_who_is_away(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))

    messaging.send(actor_of(floor.ana), chat.pk, text="Still there?", now=at(60))

    assert fresh(chat).customer_left_at == at(30)
    assert timers.run_due(now=at(30) + LIMIT) == 1


def test_a_clock_that_jumps_ends_it_once_and_never_too_early(floor: Floor) -> None:
    chat = floor.active()
    leave(chat, at(21), at(30))

    assert timers.run_due(now=at(-3600)) == 0
    assert timers.run_due(now=at(30) + timedelta(days=2)) == 1
    assert timers.run_due(now=at(60)) == 0
    assert fresh(chat).state == "wrap_up"
    assert broken(at(0) + timedelta(days=3)) == []


# --- who is told ---------------------------------------------------------------------------------------------------


def test_supervisors_and_the_agent_hear_of_both(floor: Floor) -> None:
    chat = floor.active()
    with hearing() as went:
        leave(chat, at(21), at(30))
    with hearing() as came:
        open_page(chat, at(60))

    expected = {SUPERVISORS, "supervisors of Billing", "ana"}
    assert went.by("conversation.customer_disconnected") == expected
    assert came.by("conversation.customer_reconnected") == expected


def test_the_desk_and_the_console_say_since_when_and_until_when(floor: Floor, client: Client) -> None:
    chat = floor.active()
    now = timezone.now()
    Conversation.objects.filter(pk=chat.pk).update(customer_left_at=now)
    ends = timezone.localtime(now + LIMIT)

    client.force_login(floor.ana.user)
    desk = client.get(reverse("conversations:desk_conversation", args=[chat.pk])).content.decode()
    client.force_login(floor.sara)
    page = client.get(reverse("conversations:conversation", args=[chat.pk])).content.decode()

    assert "The customer is away." in desk
    assert f"It ends at {ends:%H:%M}" in desk
    assert "Customer away" in page
    assert "Customer, away" in page


def test_the_customer_reads_why_the_chat_is_over(floor: Floor) -> None:
    chat = floor.start()
    leave(chat, at(21), at(30))
    timers.run_due(now=at(30) + LIMIT)

    shown = chat_report.chat(fresh(chat), at(300))

    assert shown.ended == "You were away for too long, so this chat was ended."


# --- the sockets themselves ---------------------------------------------------------------------------------------


@pytest.fixture
def real_floor(transactional_db: None) -> Floor:
    """The centre, on a database that the sockets' threads see."""
    return make_floor()


def socket_of(chat: Conversation, cookie: str = "") -> WebsocketCommunicator:
    """A page of this chat in its customer's browser, not connected yet."""
    cookie = cookie or signing.dumps(chat.customer.key, salt=CUSTOMER_SALT)
    headers = [(b"cookie", f"{CUSTOMER_COOKIE}={cookie}".encode())]
    return WebsocketCommunicator(URLRouter(websocket_urlpatterns), f"/ws/chat/{chat.public_id}/", headers)


async def live_pages(chat: Conversation, expected: int) -> bool:
    """Whether so many pages of the chat are written down as open, within two seconds."""
    live = ChatPage.objects.filter(conversation=chat, closed_at=None)
    for _ in range(40):
        if await live.acount() == expected:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.django_db(transaction=True)
async def test_each_socket_of_a_live_chat_is_a_page_until_it_closes(real_floor: Floor) -> None:
    chat = await sync_to_async(real_floor.start)()
    first, second = await sync_to_async(lambda: (socket_of(chat), socket_of(chat)))()
    await first.connect()
    await second.connect()
    assert await live_pages(chat, 2)

    await first.disconnect()
    assert await live_pages(chat, 1)
    await second.disconnect()
    assert await live_pages(chat, 0)


@pytest.mark.django_db(transaction=True)
async def test_neither_a_stranger_nor_a_persistent_chat_is_written_down(real_floor: Floor) -> None:
    chat = await sync_to_async(real_floor.start)()
    stays = await sync_to_async(real_floor.start)(Channel.PERSISTENT_CHAT)
    sockets = [await sync_to_async(socket_of)(chat, "forged"), await sync_to_async(socket_of)(stays)]
    for socket in sockets:
        await socket.connect()
    await asyncio.sleep(0.3)

    assert not await ChatPage.objects.aexists()
    for socket in sockets:
        await socket.disconnect()
