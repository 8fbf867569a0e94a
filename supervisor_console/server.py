"""What does Daphne not do by itself? Wait for a slow client, miss one that is gone without a word, and stop to listen.

Daphne hands every frame to Twisted, which keeps what the client has not taken, without end. Here a send waits until
the client has taken enough of what was sent before; whoever sends can then tell that a client is too slow. A client
whose machine sleeps or whose cable is out says nothing: it is asked often, and dropped when it does not answer. And who
says more than anybody listens to is not written down to the end.

And what many are told is one frame for all of them: Daphne makes one for each, so that 500 consoles which came back at
once took a hundred megabytes for the same text.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any

from autobahn.exception import Disconnected
from autobahn.websocket.protocol import PreparedMessage
from daphne.http_protocol import WebRequest
from daphne.server import Server

ASK_EVERY = 5
"""Seconds between two pings to a socket (Daphne looks every two). The browser answers below the page, also for a tab
in the background whose timers stand still."""

ANSWER_WITHIN = 5
"""Seconds for the answer; not more than between two pings, or a late answer to the first would not count. So a dead
line is noticed after 12 s at most."""


def running_reactor() -> Any:
    """The loop of Twisted that serves. Daphne puts its own in place when it is imported; one that was taken before that
    never runs, and neither does what it is asked to do at the end."""
    from twisted.internet import reactor

    return reactor


SHAKE_HANDS_WITHIN = 20
"""Seconds that a socket may take to come in; a thousand who come back at once wait for each other."""

LONGEST_MESSAGE = 64 * 1024
"""Bytes that a client may send at once; what a page says of itself is a few thousand."""

LONGEST_BODY = 1024 * 1024
"""Bytes of a request's body that are kept. No page takes so much (``DATA_UPLOAD_MAX_MEMORY_SIZE``), and each refuses
what it has of it as it would refuse the whole."""

TAKES_WITHIN = 10.0
"""Seconds after which a client that takes nothing of what is sent to it is dropped."""

WAIT_MOST = 100
"""Messages of a client that may wait until its page's last one was answered; more is dropped with the client. A page
says a few things in ten seconds."""

LONG = 1024
"""Characters from which on a text is one frame for all who are told the same; what is shorter is not worth it."""

FRAMES_KEPT = 4
"""Frames that are kept for those who are told the same in a moment. A report is about 100 kB."""

TOO_SLOW, TOO_MUCH = 4408, 4429
"""The codes of the good-byes to both (``conversations/consumers/relay.py``); who does not read never sees them."""


class Brake:
    """Stands still while the buffer of a connection is full; Twisted says when (its interface IPushProducer)."""

    def __init__(self) -> None:
        self.is_free = asyncio.Event()
        self.is_free.set()

    def pauseProducing(self) -> None:  # noqa: N802  Twisted's name.
        """The buffer is full."""
        self.is_free.clear()

    def resumeProducing(self) -> None:  # noqa: N802  Twisted's name.
        """The client has taken what was in it."""
        self.is_free.set()

    def stopProducing(self) -> None:  # noqa: N802  Twisted's name.
        """The connection is gone: nobody waits for it."""
        self.is_free.set()


class Inbox:
    """What a client has said and its application has not heard yet; who says too much of it is dropped."""

    def __init__(self, queue: asyncio.Queue[dict[str, Any]], drop: Callable[[], None]) -> None:
        self._queue = queue
        self._drop = drop
        self._is_full = False

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Let it wait; the good-bye always has room."""
        if message["type"] != "websocket.receive" or self._queue.qsize() < WAIT_MOST:
            self._queue.put_nowait(message)
        elif not self._is_full:
            self._is_full = True
            self._drop()


class Body:
    """The body of one request as it comes in: what is more than anybody takes is heard, and not kept.

    Daphne keeps all of it before anything looks at it, so that a few requests could fill the memory of the server.
    """

    def __init__(self, keep: Callable[[bytes], None]) -> None:
        self._keep = weakref.WeakMethod(keep)  # It is the request's own, which holds this.
        self._room = LONGEST_BODY

    def take(self, data: bytes) -> None:
        """Take the next piece of it."""
        if self._room > 0 and (keep := self._keep()) is not None:
            keep(data[: self._room])
            self._room -= len(data)


class PatientServer(Server):  # type: ignore[misc]  # Daphne has no types.
    """Daphne, whose ``send`` on a socket returns when the client keeps up, and who notices that one is gone."""

    def __init__(self, application: Any, *, is_behind_proxy: bool = False, **options: Any) -> None:
        self.is_behind_proxy = is_behind_proxy
        super().__init__(
            application,
            ping_interval=ASK_EVERY,
            ping_timeout=ANSWER_WITHIN,
            websocket_handshake_timeout=SHAKE_HANDS_WITHIN,
            websocket_connect_timeout=SHAKE_HANDS_WITHIN,
            websocket_max_message_size=LONGEST_MESSAGE,
            websocket_max_frame_size=LONGEST_MESSAGE,
            **options,
        )

    def protocol_connected(self, protocol: Any) -> None:
        """Somebody begins a request, or a socket."""
        super().protocol_connected(protocol)
        if isinstance(protocol, WebRequest):
            protocol.handleContentChunk = Body(protocol.handleContentChunk).take
        else:
            protocol.is_closed.addCallback(lambda _protocol: None)  # Or a socket that is gone would hold itself.

    def protocol_disconnected(self, protocol: Any) -> None:
        """A request has ended, or is a socket from now on: its channel remembers it then, and it its channel, for ever.

        Whatever holds itself stays until the collector looks, and 500 lines that are cut at once are megabytes.
        """
        super().protocol_disconnected(protocol)
        if isinstance(protocol, WebRequest) and protocol.transport is None:
            protocol.channel.requests.clear()

    def timeout_checker(self) -> None:
        """Ask who has not been heard of. After the clock was set back, nobody was heard of in the future."""
        now = time.time()
        for protocol in list(self.connections):
            protocol.last_ping = min(getattr(protocol, "last_ping", now), now)
        super().timeout_checker()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """The queue of what a client says to its application, which hears of the proxy where the client is.

        The queue of a socket does not grow without end.
        While an application waits for a client that takes nothing, it hears nothing of it either.
        """
        if self.is_behind_proxy and (address := told_by_proxy(scope["headers"])):
            scope["client"] = [address, 0]
        queue = super().create_application(protocol, scope)
        if scope["type"] != "websocket" or queue is None:
            return queue
        return Inbox(queue, drop=partial(_drop, weakref.ref(protocol)))

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send what an application says, in the pace of the client; a good-bye does not wait."""
        if message["type"] == "websocket.send":
            try:
                async with asyncio.timeout(TAKES_WITHIN):
                    await brake_of(protocol).is_free.wait()
            except TimeoutError:
                protocol.serverClose(code=TOO_SLOW)
                return
            if len(text := message.get("text") or "") >= LONG:
                self._say(protocol, text)
                return
            with unlimited(protocol), contextlib.suppress(Disconnected):  # Who has just gone misses nothing more.
                await super().handle_reply(protocol, message)
        else:
            await super().handle_reply(protocol, message)

    def _say(self, protocol: Any, text: str) -> None:
        """Send a long text in the frame that it is for all; who has just gone misses nothing more."""
        if protocol.state == protocol.STATE_OPEN and not self.connections.get(protocol, GONE).get("disconnected"):
            protocol.sendPreparedMessage(frame_of(text))


def _drop(found: weakref.ref[Any]) -> None:
    """Drop who says too much; their inbox does not hold them, so that who is gone is forgotten at once."""
    if (protocol := found()) is not None:
        protocol.serverClose(code=TOO_MUCH)


GONE = {"disconnected": True}


@lru_cache(maxsize=FRAMES_KEPT)
def frame_of(text: str) -> PreparedMessage:
    """The frame of a text, as every connection sends it: what a server says has no mask, and is not compressed.

    Twisted hands on the bytes it was given, so there is one copy for all clients, also for those who are slow.
    """
    return PreparedMessage(text.encode(), isBinary=False, applyMask=False, doNotCompress=True)


def told_by_proxy(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Where a request comes from, in the words of the proxy: the last that ``X-Forwarded-For`` says.

    What stands before it, the client may have written itself, where a proxy adds to what it was sent. Daphne would take
    the first, and fail where that is no text. Empty where the last is no address.
    """
    said = [value for name, value in headers if name.lower() == b"x-forwarded-for"]
    last = said[-1].decode("latin-1").rpartition(",")[2].strip() if said else ""
    with contextlib.suppress(ValueError):
        return str(ip_address(last))
    return ""


@contextlib.contextmanager
def unlimited(protocol: Any) -> Iterator[None]:
    """Autobahn has one limit for what comes and what goes; it is meant for what comes. Nothing comes in between."""
    limit, protocol.maxMessagePayloadSize = protocol.maxMessagePayloadSize, 0
    try:
        yield
    finally:
        protocol.maxMessagePayloadSize = limit


def brake_of(protocol: Any) -> Brake:
    """The brake of a socket, put in at its first frame in place of that of the HTTP request that it once was."""
    found: Brake | None = getattr(protocol, "brake", None)
    if found is None:
        found = protocol.brake = Brake()
        protocol.transport.unregisterProducer()
        protocol.transport.registerProducer(found, True)
    return found
