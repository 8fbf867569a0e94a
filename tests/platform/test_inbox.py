"""Does what a client says wait for its application, and not without end?"""

import asyncio
from typing import Any

from supervisor_console.server import WAIT_MOST, Inbox

SAID: dict[str, Any] = {"type": "websocket.receive", "text": "Hello"}
GONE: dict[str, Any] = {"type": "websocket.disconnect", "code": 1006}


def test_what_is_said_waits_in_its_order() -> None:
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dropped: list[str] = []
    inbox = Inbox(queue, drop=lambda: dropped.append("dropped"))

    for message in ({"type": "websocket.connect"}, SAID, GONE):
        inbox.put_nowait(message)

    assert [queue.get_nowait()["type"].removeprefix("websocket.") for _ in range(3)] == [
        "connect",
        "receive",
        "disconnect",
    ]
    assert dropped == []


def test_who_says_more_than_anybody_hears_is_dropped_once_and_may_still_say_good_bye() -> None:
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    dropped: list[str] = []
    inbox = Inbox(queue, drop=lambda: dropped.append("dropped"))

    for _ in range(WAIT_MOST + 50):
        inbox.put_nowait(SAID)
    inbox.put_nowait(GONE)

    assert queue.qsize() == WAIT_MOST + 1
    assert dropped == ["dropped"]
