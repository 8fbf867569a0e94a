"""A socket that relays: accept, subscribe, send in order, go away. It carries no commands; commands are HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import Frame, hub

logger = logging.getLogger(__name__)

NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403
NOT_VISIBLE = 4404
TOO_SLOW = 4408
COME_BACK = 4409
TOO_MUCH = 4429

QUEUE_LIMIT = 200
"""Frames that may wait for one slow client before it is dropped; it comes back and is told everything."""

MESSAGES_MOST, MESSAGES_WITHIN = 200, 10.0
"""A client that says more in so many seconds is no page of ours, and is dropped."""

LIFETIME = 12 * 3600
"""Seconds after which a socket is asked to come back, before servers and layers end it silently."""


class RelayConsumer(AsyncJsonWebsocketConsumer):
    """Relays what it is handed, in order, from one queue per socket that cannot grow without end."""

    refusal = NOT_SIGNED_IN
    channel_layer_alias = "none"
    """No channel of its own: the process hears for all its sockets, and who comes while Redis is away comes in."""

    async def connect(self) -> None:
        """Accept, find the topics, subscribe, say hello; refuse with a code that the page understands."""
        self.outbox: asyncio.Queue[str | tuple[frozenset[str], Frame]] = asyncio.Queue(QUEUE_LIMIT)
        self.workers: list[asyncio.Task[None]] = []
        self.dropped = False
        self.counted_since, self.counted = 0.0, 0
        await self.accept()
        topics = await self.find_topics()
        if topics is None:
            await self.close(self.refusal)
            return
        self.hub = hub()
        await self.hub.start()
        self.hub.subscribe(topics, self.deliver)
        await self.send_json(self.sign_of_life("hello"))
        self.workers = [asyncio.create_task(self.relay()), asyncio.create_task(self.tend())]

    async def find_topics(self) -> frozenset[str] | None:
        """The topics this client may hear, or None for nobody we know."""
        raise NotImplementedError

    def translate(self, topics: frozenset[str], frame: Frame) -> Frame | None:
        """What the client is told of a frame, or None for nothing."""
        raise NotImplementedError

    def deliver(self, topics: frozenset[str], frame: Frame) -> None:
        """Called by the hub."""
        self.put((topics, frame))

    def put(self, item: str | tuple[frozenset[str], Frame]) -> None:
        """Let something wait its turn; a client that does not keep up is dropped and comes back."""
        if self.dropped:
            return
        try:
            self.outbox.put_nowait(item)
        except asyncio.QueueFull:
            self.end(TOO_SLOW)

    def end(self, code: int) -> None:
        """Close the socket, and let nothing more wait for it."""
        self.dropped = True
        self.workers.append(asyncio.create_task(self.close(code)))

    async def relay(self) -> None:
        """Send what waits, one after the other. What cannot be said ends the socket, never in silence."""
        try:
            while True:
                await self._say(await self.outbox.get())
        except Exception:
            logger.exception("A socket could not say what it heard; its page comes back and reads everything")
            self.end(COME_BACK)

    async def _say(self, item: str | tuple[frozenset[str], Frame]) -> None:
        if isinstance(item, str):
            await self.send(text_data=item)
            return
        told = self.translate(*item)
        if told is not None:
            await self.send_json(told)

    async def tend(self) -> None:
        """Ask the client to come back when the socket has grown old."""
        await asyncio.sleep(LIFETIME)
        await self.close(COME_BACK)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Answer a ping; anything else means nothing here."""
        if isinstance(content, dict) and content.get("type") == "ping" and hasattr(self, "hub"):
            await self.send_json(self.sign_of_life("pong"))

    def sign_of_life(self, kind: str) -> Frame:
        """The server's clock, and how much this process has heard: what a page reads after that, shows it.

        ``prompt`` says whether it hears at once of what others do, or some seconds later.
        """
        return {"type": kind, "now": clock.now().isoformat(), "mark": self.hub.heard, "prompt": self.hub.is_prompt}

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Garbage from a client is nothing, not an error; too much of anything ends the socket."""
        if self.dropped or self._says_too_much():
            return
        text = text_data or ""
        try:
            content = json.loads(text)
            if "\\u" in text:  # Only so can JSON spell half a sign, which nobody can be told.
                json.dumps(content, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return
        await self.receive_json(content)

    def _says_too_much(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self.counted_since > MESSAGES_WITHIN:
            self.counted_since, self.counted = now, 0
        self.counted += 1
        if self.counted > MESSAGES_MOST:
            self.end(TOO_MUCH)
        return self.counted > MESSAGES_MOST

    async def disconnect(self, code: int) -> None:
        """Forget the socket."""
        if hasattr(self, "hub"):
            self.hub.unsubscribe(self.deliver)
        for worker in self.workers:
            if worker is not asyncio.current_task():
                worker.cancel()
        self.workers = []  # A task that was cancelled knows where it stood: here. Who is gone would hold itself.
