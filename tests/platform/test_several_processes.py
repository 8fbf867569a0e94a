"""Do several processes of the console act as one, over PostgreSQL and Redis?"""

import base64
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client

from tests import servers
from tests.cast import Floor, make_floor

pytestmark = [pytest.mark.redis, pytest.mark.django_db(transaction=True)]

PATIENCE_SECONDS = 10.0
AT_ONCE_SECONDS = 1.0  # A third of the time in which the outbox would bring it without Redis.


class ConsoleSocket:
    """A socket of a signed-in person, as a browser opens it."""

    def __init__(self, address: str, session: str) -> None:
        place = urlsplit(address)
        self.connection = socket.create_connection((place.hostname, place.port), timeout=PATIENCE_SECONDS)
        request = [
            "GET /ws/console/ HTTP/1.1",
            f"Host: {place.netloc}",
            f"Origin: {address}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            f"Cookie: {settings.SESSION_COOKIE_NAME}={session}",
        ]
        self.connection.sendall(("\r\n".join(request) + "\r\n\r\n").encode())
        self.incoming = self.connection.makefile("rb")
        status = self.incoming.readline().decode()
        assert " 101 " in status, status
        while self.incoming.readline().strip():
            pass

    def next_frame(self) -> dict[str, Any]:
        """The next JSON frame; pings of the server are passed over."""
        while True:
            kind, length = self.incoming.read(2)
            if length == 126:
                length = int.from_bytes(self.incoming.read(2), "big")
            text = self.incoming.read(length)
            if kind & 0x0F == 1:
                frame: dict[str, Any] = json.loads(text)
                return frame
            assert kind & 0x0F == 9, f"The server closed the socket: {text!r}"

    def close(self) -> None:
        self.incoming.close()
        self.connection.close()


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    return make_floor()


@pytest.fixture
def sockets(floor: Floor) -> Iterator[list[ConsoleSocket]]:
    """Sara's console, open at two servers."""
    client = Client()
    client.force_login(floor.sara)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    with ExitStack() as stack:
        addresses = [stack.enter_context(servers.console(f"server-{name}")) for name in ("a", "b")]
        opened = [ConsoleSocket(address, session) for address in addresses]
        for each in opened:
            stack.callback(each.close)
            assert each.next_frame()["type"] == "hello"
        yield opened


def test_what_one_process_does_is_heard_at_once_in_every_other(floor: Floor, sockets: list[ConsoleSocket]) -> None:
    for _ in range(5):
        conversation = floor.start()
        done_at = time.monotonic()

        for each in sockets:
            while (frame := each.next_frame()).get("conversation") != conversation.pk:
                pass
            assert frame["type"] == "event"
            assert time.monotonic() - done_at < AT_ONCE_SECONDS
