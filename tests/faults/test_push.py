"""Does a change reach the screens when the push of it is lost: dropped, never sent, or not taken?"""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from conversations.models import Conversation
from supervisor_console.kernel.realtime import Frame, action, announce
from tests import servers
from tests.browser.conftest import People
from tests.cast import Floor
from tests.faults.conftest import CATCH_UP_MS, NO_ANSWER, REPORT, SOON_MS, Screen, screen
from tests.servers import Program
from tests.sockets import ConsoleSocket, console_socket, post, session_of

pytestmark = pytest.mark.slow

FOUND = 302
GONE = {4408, 1006}
"""Closed by our code, or without any word if the client had no room even for that."""


@pytest.mark.browser
def test_an_action_whose_process_was_killed_before_the_push_is_on_the_screen(floor: Floor, report: Screen) -> None:
    died = subprocess.run(
        [sys.executable, "-m", "tests.faults.dying", str(floor.chat.pk), "Committed and never pushed"],
        cwd=servers.ROOT,
        env=servers.surroundings(),
        check=False,
    )

    assert died.returncode == -signal.SIGKILL
    assert Conversation.objects.filter(subject="Committed and never pushed").exists()
    report.shows("Committed and never pushed")
    assert report.was_never_reloaded()


@pytest.fixture
def forgetful(floor: Floor) -> Iterator[str]:
    """The address of a server whose channel layer drops messages under load."""
    with servers.console("faults-forgetful", DJANGO_SETTINGS_MODULE="tests.faults.busy") as address:
        yield address


@pytest.mark.browser
def test_messages_that_a_full_channel_dropped_are_on_the_screen(
    open_page: People, floor: Floor, forgetful: str
) -> None:
    open_page.allow_errors(NO_ANSWER)  # This server ends before the page does.
    report = screen(replace(open_page, address=forgetful)(floor.sara, REPORT))
    with console_socket(forgetful, session_of(floor.sara)) as listener:
        for number in range(10):
            assert post(forgetful, "/chat/", name="Maja", text="Hello", topic=f"Number {number} of ten") == FOUND

        for number in range(10):
            report.shows(f"Number {number} of ten")
        ways = {listener.next_event(within=(CATCH_UP_MS + SOON_MS) / 1000)["via"] for _ in range(10)}
    assert ways == {"layer", "outbox"}, "some were dropped, or this test shows nothing"
    assert report.was_never_reloaded()


ROUNDS, FRAMES, BYTES = 3, 180, 20_000
"""Eleven megabytes in portions that a client takes easily, if it takes anything."""


def talk(to: int) -> None:
    """Let a person's consoles hear a lot."""
    with action():
        for number in range(1, FRAMES + 1):
            frame: Frame = {"type": "event", "code": "conversation.test", "at": "", "padding": "x" * BYTES}
            announce([f"user:{to}"], frame | {"conversation": number})


def end_of(console: ConsoleSocket) -> int:
    """The code with which the server closed it, after whatever was still on the way."""
    with pytest.raises(ConnectionClosed) as closed:
        read_all(console)
    return closed.value.rcvd.code if closed.value.rcvd else 1006


def read_all(console: ConsoleSocket) -> None:
    while True:
        console.next_frame()


@pytest.fixture
def slow_and_fast(server: Program, floor: Floor) -> Iterator[tuple[ConsoleSocket, ConsoleSocket]]:
    """Two consoles of one person; nobody reads the first, and its machine has little room."""
    place, session = urlsplit(server.address), session_of(floor.sara)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((place.hostname, place.port))
    with ExitStack() as stack:
        slow = stack.enter_context(console_socket(server.address, session, sock=narrow, max_queue=1, close_timeout=1))
        fast = stack.enter_context(console_socket(server.address, session, max_queue=None))
        yield slow, fast


def _next_about_a_conversation(socket: ConsoleSocket) -> object:
    """Somebody's presence may change meanwhile: that is an event too, and not one of those counted."""
    while "conversation" not in (frame := socket.next_event()):
        pass
    return frame["conversation"]


@pytest.mark.any_database
def test_a_client_that_does_not_read_is_dropped_and_told_everything_when_it_comes_back(
    floor: Floor, server: Program, slow_and_fast: tuple[ConsoleSocket, ConsoleSocket]
) -> None:
    slow, fast = slow_and_fast

    for _ in range(ROUNDS):
        talk(to=floor.sara.pk)
        heard = [_next_about_a_conversation(fast) for _ in range(FRAMES)]
        assert heard == list(range(1, FRAMES + 1)), "the others hear everything, in order"

    assert end_of(slow) in GONE
    with console_socket(server.address, session_of(floor.sara)) as again:
        assert post(server.address, "/chat/", name="Maja", text="Hello") == FOUND
        assert again.next_event()["via"] == "layer"
