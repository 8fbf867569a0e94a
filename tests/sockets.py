"""Sockets and requests of a signed-in person without a browser, at whichever server process a test wants."""

import contextlib
import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.test import Client
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from routing.models import User

PATIENCE_SECONDS = 10.0
TOKEN = "c" * 32
"""A token that goes with itself: cookie and header must agree, that is all there is to it."""


def session_of(user: User) -> str:
    """A session of this person, as the log-in page would make it."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def post(address: str, path: str, session: str = "", **fields: str) -> int:
    """Post a form as a browser does, to one server; the value is the status of the answer."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={TOKEN}; {settings.SESSION_COOKIE_NAME}={session}",
        "X-CSRFToken": TOKEN,
    }
    with contextlib.closing(HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE_SECONDS)) as connection:
        connection.request("POST", path, urlencode(fields), headers)
        return connection.getresponse().status


class ConsoleSocket:
    """A console's socket, as a browser opens it, and the frames that came over it."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def next_frame(self, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next frame; TimeoutError if none comes."""
        frame: dict[str, Any] = json.loads(self.connection.recv(timeout=within))
        return frame

    def frame_about(self, conversation_id: int, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next event of this conversation; what came before it is passed over."""
        deadline = time.monotonic() + within
        while True:
            frame = self.next_frame(deadline - time.monotonic())
            if frame["type"] == "event" and frame.get("conversation") == conversation_id:
                return frame

    def next_event(self, within: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The next event; what came before it is passed over."""
        deadline = time.monotonic() + within
        while (frame := self.next_frame(deadline - time.monotonic()))["type"] != "event":
            pass
        return frame


@contextlib.contextmanager
def console_socket(address: str, session: str, **options: Any) -> Iterator[ConsoleSocket]:
    """A console's socket at one server, which has said hello."""
    place = urlsplit(address)
    with connect(
        f"ws://{place.netloc}/ws/console/",
        origin=Origin(address),
        additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"},
        **options,
    ) as connection:
        opened = ConsoleSocket(connection)
        assert opened.next_frame()["type"] == "hello"
        yield opened
