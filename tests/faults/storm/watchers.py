"""Who looks on while things break? Consoles that follow the report as a browser does, and come back when cut."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlsplit

from django.conf import settings
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

QUERY = "window=all&sort=-activity"
ASK_EVERY_SECONDS = 4.0
COME_BACK_SECONDS = (0.2, 2.0)


@dataclass
class Watcher:
    """A console of somebody at one of these servers; when it is cut, it comes back to the next."""

    addresses: Sequence[str]
    session: str
    follows: bool = True
    """Whether it shows the report; an agent's shows the desk only."""

    digest: str = ""
    notices: list[str] = field(default_factory=list)
    ways: dict[str, str] = field(default_factory=dict)
    """Which way each event came, by its id."""

    marks: list[bool] = field(default_factory=list)
    """Whether the server said, each time it was asked, that changes come at once."""

    cuts: int = 0
    is_open: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def begin(self) -> None:
        """Sit down."""
        self.thread = threading.Thread(target=self._sit, daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Go home."""
        self.over.set()
        if self.thread is not None:
            self.thread.join(15)

    def _sit(self) -> None:
        first, pause = count(), COME_BACK_SECONDS[0]
        while not self.over.is_set():
            address = self.addresses[next(first) % len(self.addresses)]
            try:
                with connect(
                    address.replace("http", "ws") + "/ws/console/",
                    origin=Origin(f"http://{urlsplit(address).netloc}"),
                    additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={self.session}"},
                    max_size=None,
                    open_timeout=5,
                    close_timeout=0.5,
                ) as link:
                    pause = COME_BACK_SECONDS[0]
                    self._follow(link)
            except (OSError, WebSocketException, TimeoutError):
                pass
            self.cuts += self.is_open and not self.over.is_set()
            self.is_open = False
            self.over.wait(pause)
            pause = min(pause * 2, COME_BACK_SECONDS[1])

    def _follow(self, link: ClientConnection) -> None:
        self._watch(link)
        asked = time.monotonic()
        while not self.over.is_set():
            if time.monotonic() - asked > ASK_EVERY_SECONDS:
                link.send(json.dumps({"type": "ping"}))
                asked = time.monotonic()
            try:
                frame = json.loads(link.recv(timeout=0.3))
            except TimeoutError:
                continue
            self.is_open = True
            self._take(link, frame)

    def _watch(self, link: ClientConnection) -> None:
        words = {
            "type": "watch",
            "query": QUERY if self.follows else None,
            "topics": ["desk", "report"],
            "language": "en",
        }
        link.send(json.dumps(words | {"digest": self.digest}))

    def _take(self, link: ClientConnection, frame: dict[str, str]) -> None:
        match frame["type"]:
            case "region" if frame["was"] and frame["was"] != self.digest:
                self._watch(link)
            case "region":
                self.digest = frame["digest"]
            case "notice":
                self.notices.append(frame["id"])
            case "event":
                self.ways[frame["id"]] = frame["via"]
            case "hello" | "pong":
                self.marks.append(bool(frame.get("prompt", True)))


def wait_until(holds: Callable[[], bool], seconds: float) -> float | None:
    """After how many seconds it was so; None if it was not in time."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if holds():
            return time.monotonic() - began
        time.sleep(0.1)
    return None
