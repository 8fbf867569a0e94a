"""Do two servers and a background process stay one console while the Redis between them restarts, stalls or forgets?

The page is open at one server, the action is done at the other: what the page shows has come from process to process.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from conversations.models import Conversation
from tests.browser.conftest import People
from tests.cast import Floor
from tests.faults.conftest import CATCH_UP_MS, REPORT, SOON_MS, Installation, Screen, screen
from tests.sockets import ConsoleSocket, console_socket, post, session_of

pytestmark = [pytest.mark.redis, pytest.mark.browser]

FOUND = 302
ACTION_SECONDS = 5.0
"""An action may wait a second for a broker that stands still, and the machine of the tests is not idle."""


@pytest.fixture
def report(open_page: People, floor: Floor, installation: Installation) -> Screen:
    """Sara's report at the one server."""
    return screen(replace(open_page, address=installation.here)(floor.sara, REPORT))


@pytest.fixture
def listener(floor: Floor, installation: Installation) -> Iterator[ConsoleSocket]:
    """Another console of hers at the same server, which says which way each frame came."""
    with console_socket(installation.here, session_of(floor.sara), max_queue=None) as opened:
        yield opened


@dataclass
class Customers:
    """They begin chats at the other server."""

    installation: Installation

    def __call__(self, topic: str) -> Conversation:
        began = time.monotonic()
        assert post(self.installation.there, "/chat/", name="Maja", text="Hello", topic=topic) == FOUND
        assert time.monotonic() - began < ACTION_SECONDS
        return Conversation.objects.get(subject=topic)


@pytest.fixture
def customer_begins(installation: Installation) -> Customers:
    return Customers(installation)


def pushes_again(listener: ConsoleSocket, customer_begins: Customers) -> None:
    """Soon after the trouble the push goes from process to process through Redis again."""
    deadline = time.monotonic() + SOON_MS / 1000 + CATCH_UP_MS / 1000
    number = 0
    while time.monotonic() < deadline:
        number += 1
        conversation = customer_begins(f"Try {number}")
        if listener.frame_about(conversation.pk)["via"] == "layer":
            return
    pytest.fail("the push never came through Redis again")


def test_the_push_goes_through_redis(listener: ConsoleSocket, report: Screen, customer_begins: Customers) -> None:
    """The control: without trouble it does not need the outbox."""
    conversation = customer_begins("In good times")

    assert listener.frame_about(conversation.pk)["via"] == "layer"
    report.shows("In good times")


def test_while_redis_is_stopped_actions_succeed_and_the_outbox_serves(
    installation: Installation, listener: ConsoleSocket, report: Screen, customer_begins: Customers
) -> None:
    installation.redis.kill()

    first = customer_begins("While there was no Redis")
    customer_begins("And another one")
    assert listener.frame_about(first.pk)["via"] == "outbox"
    report.shows("While there was no Redis")
    report.shows("And another one", within=1000)
    report.is_live()
    report.says_that_it_is_delayed()

    installation.redis.start()
    pushes_again(listener, customer_begins)
    report.shows("Try 1")
    report.says_that_it_is_delayed(False)
    assert report.was_never_reloaded()


def test_while_redis_stands_still_actions_are_not_held_up(
    installation: Installation, listener: ConsoleSocket, report: Screen, customer_begins: Customers
) -> None:
    """It accepts and never answers, which is worse than not being there."""
    installation.redis.hold()
    try:
        first = customer_begins("While Redis stood still")
        customer_begins("And one more")
        assert listener.frame_about(first.pk)["via"] == "outbox"
        report.shows("While Redis stood still")
        report.shows("And one more", within=1000)
    finally:
        installation.redis.let_go()

    pushes_again(listener, customer_begins)
    assert report.was_never_reloaded()


def test_a_redis_that_is_flushed_is_missed_by_nobody(
    installation: Installation, listener: ConsoleSocket, report: Screen, customer_begins: Customers
) -> None:
    installation.client().flushall()

    conversation = customer_begins("After the flush")

    assert listener.frame_about(conversation.pk)["via"] == "layer"
    report.shows("After the flush")
    assert report.was_never_reloaded()


def test_subscribers_that_redis_threw_out_come_back(
    installation: Installation, listener: ConsoleSocket, report: Screen, customer_begins: Customers
) -> None:
    """As it does to those who do not read fast enough."""
    thrown_out = installation.client().client_kill_filter(_type="pubsub")
    assert thrown_out

    customer_begins("Just after it")
    report.shows("Just after it")

    pushes_again(listener, customer_begins)
    assert report.was_never_reloaded()
