"""Is a client that reads nothing dropped in a bounded time, without filling the server or slowing the others?"""

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed

from supervisor_console.server import ANSWER_WITHIN, ASK_EVERY, LONGEST_MESSAGE, TAKES_WITHIN
from tests.cast import Floor
from tests.faults.conftest import CATCH_UP_MS
from tests.faults.test_push import FRAMES, talk
from tests.servers import Program
from tests.sockets import ConsoleSocket, console_socket, session_of

pytestmark = [pytest.mark.slow, pytest.mark.any_database]

DROPPED_SECONDS = ASK_EVERY + 2 + ANSWER_WITHIN + TAKES_WITHIN
"""Daphne looks every two seconds who has to be asked; whoever talks is not asked, and is given time to take."""

SLACK_SECONDS = 8.0
DEAF = 10
MOST_BYTES = 60 * 2**20
AT_ONCE_SECONDS = 3.0


@pytest.fixture(autouse=True)
def once(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("has nothing to do with the database")


def memory(server: Program) -> int:
    assert server.process is not None
    return int(psutil.Process(server.process.pid).memory_info().rss)


def connections(server: Program) -> int:
    """How many sockets are open at the server."""
    assert server.process is not None
    found = psutil.Process(server.process.pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED for one in found)


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@contextlib.contextmanager
def deaf_socket(server: Program, session: str) -> Iterator[ConsoleSocket]:
    """A console whose machine has little room, and of which nobody reads."""
    place, narrow = urlsplit(server.address), socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    narrow.connect((place.hostname, place.port))
    with console_socket(server.address, session, sock=narrow, max_queue=1, close_timeout=0.1) as opened:
        yield opened


def hears_all(console: ConsoleSocket) -> None:
    heard = 0
    while heard < FRAMES:
        heard += "conversation" in console.next_event()


@pytest.mark.skipif(not os.environ.get("FAULTS"), reason="the long one of `make faults`; the short one is in test_push")
def test_those_who_read_nothing_are_dropped_and_cost_the_others_nothing(floor: Floor, server: Program) -> None:
    session = session_of(floor.sara)
    with (
        contextlib.ExitStack() as stack,
        console_socket(server.address, session, max_queue=None) as fast,
    ):
        before = connections(server)
        for _ in range(DEAF):
            stack.enter_context(deaf_socket(server, session))
        full = memory(server)

        talk(to=floor.sara.pk)
        began = time.monotonic()
        hears_all(fast)
        assert time.monotonic() - began < AT_ONCE_SECONDS + CATCH_UP_MS / 1000

        wait_until(lambda: connections(server) <= before, DROPPED_SECONDS + SLACK_SECONDS)
        assert memory(server) - full < MOST_BYTES


def test_who_talks_and_does_not_read_is_dropped_before_the_server_is_full_of_it(floor: Floor, server: Program) -> None:
    """Its application waits for it to take something, and hears nothing: what it says would wait without end."""
    said = json.dumps({"type": "ping", "padding": "x" * (LONGEST_MESSAGE - 100)})
    before, session, is_dropped = memory(server), session_of(floor.sara), False
    with deaf_socket(server, session) as deaf:
        with console_socket(server.address, session, max_queue=None) as fast:
            talk(to=floor.sara.pk)
            hears_all(fast)
        deadline = time.monotonic() + TAKES_WITHIN + SLACK_SECONDS
        try:
            while time.monotonic() < deadline:
                deaf.connection.send(said)
        except (ConnectionClosed, OSError):
            is_dropped = True
    assert is_dropped, "it was dropped while it talked"
    assert memory(server) - before < MOST_BYTES
