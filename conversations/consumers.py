"""Sockets: subscribe, relay, disconnect. They carry no commands; commands are HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any, cast
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path, reverse
from django.utils import timezone

from conversations import wording
from conversations.models import Conversation, Customer
from conversations.services import supervision
from conversations.views.access import CUSTOMER_COOKIE, customer_key_in
from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.events import Json
from supervisor_console.kernel.realtime import Frame, hub

NOT_SIGNED_IN = 4401
NOT_VISIBLE = 4404
TOO_SLOW = 4408
REFRESH = 4409

QUEUE_LIMIT = 500
"""Frames that may wait for one slow client before it is dropped; it comes back and fetches afresh."""

SEEN_EVERY = 10
"""Seconds between two notes that a console is there (a monitor is lost after 30, domain.md 3.3)."""

LIFETIME = 12 * 3600
"""Seconds after which a socket is asked to come back, before servers and layers end it silently."""


class RelayConsumer(AsyncJsonWebsocketConsumer):
    """Relays frames of the subscribed topics, in order, from one queue per socket."""

    async def connect(self) -> None:
        """Accept, find the topics, subscribe, say hello; refuse with a code that the page understands."""
        self.outbox: asyncio.Queue[tuple[frozenset[str], Frame]] = asyncio.Queue(QUEUE_LIMIT)
        self.workers: list[asyncio.Task[None]] = []
        await self.accept()
        topics = await self.find_topics()
        if topics is None:
            await self.close(self.refusal)
            return
        self.hub = hub()
        await self.hub.start()
        self.hub.subscribe(topics, self.deliver)
        await self.send_json({"type": "hello", "now": timezone.now().isoformat()})
        self.workers = [asyncio.create_task(self.relay()), asyncio.create_task(self.tend())]

    refusal = NOT_SIGNED_IN

    async def find_topics(self) -> frozenset[str] | None:
        """The topics this client may hear, or None for nobody we know."""
        raise NotImplementedError

    async def translate(self, topics: frozenset[str], frame: Frame) -> Frame:
        """What the client is told of a frame."""
        raise NotImplementedError

    def deliver(self, topics: frozenset[str], frame: Frame) -> None:
        """Called by the hub; a client whose queue is full is dropped and comes back."""
        try:
            self.outbox.put_nowait((topics, frame))
        except asyncio.QueueFull:
            self.hub.unsubscribe(self.deliver)
            self.workers.append(asyncio.create_task(self.close(TOO_SLOW)))

    async def relay(self) -> None:
        """Send what waits, one frame after the other."""
        while True:
            topics, frame = await self.outbox.get()
            await self.send_json(await self.translate(topics, frame))

    async def tend(self) -> None:
        """Ask the client to come back when the socket has grown old."""
        await asyncio.sleep(LIFETIME)
        await self.close(REFRESH)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Answer a ping; anything else is not for sockets and is ignored."""
        if isinstance(content, dict) and content.get("type") == "ping":
            await self.send_json({"type": "pong", "now": timezone.now().isoformat()})

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """Garbage from a client is nothing, not an error."""
        try:
            return await super().decode_json(text_data)
        except ValueError:
            return None

    async def disconnect(self, code: int) -> None:
        """Forget the socket."""
        if hasattr(self, "hub"):
            self.hub.unsubscribe(self.deliver)
        for worker in self.workers:
            if worker is not asyncio.current_task():
                worker.cancel()


class ConsoleConsumer(RelayConsumer):
    """The socket of a signed-in person: report, conversation page, desk, notices."""

    actor: Actor

    async def find_topics(self) -> frozenset[str] | None:
        """The person's own topic, and by role the report's and the open lists' (one scope for all, D13)."""
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return None
        self.actor = await database_sync_to_async(routing_selectors.actor_for)(cast(User, user))
        if not self.actor.is_active:
            return None
        return frozenset(_topics_of(self.actor))

    async def translate(self, topics: frozenset[str], frame: Frame) -> Frame:
        """Name the regions that a page refreshes; make the sentence of a notice in the reader's language."""
        if frame["type"] == "notice":
            return _notice(frame)
        regions = {"report"} if any(topic.startswith("report:") for topic in topics) else set()
        if self.actor.agent_id is not None:
            regions.add("desk")
        if any(topic == "agents" for topic in topics):
            regions.add("agents")
        if frame.get("conversation") is not None:
            regions.add(f"conversation:{frame['conversation']}")
        return {**frame, "topics": list[Json](sorted(regions))}

    async def tend(self) -> None:
        """Note every few seconds that this person's console is there, for monitoring (domain.md 3.3)."""
        for _ in range(LIFETIME // SEEN_EVERY):
            await database_sync_to_async(supervision.seen)(cast(int, self.actor.user_id), now=timezone.now())
            await asyncio.sleep(SEEN_EVERY)
        await self.close(REFRESH)


def _topics_of(actor: Actor) -> Iterable[str]:
    yield f"user:{actor.user_id}"
    if actor.is_supervisor:
        yield "agents"
        if actor.supervised_queue_ids is None:
            yield "report:all"
        else:
            yield from (f"report:queue:{queue_id}" for queue_id in actor.supervised_queue_ids)
    if actor.is_agent:
        yield from (f"open:{queue_id}" for queue_id in actor.agent_queue_ids)


def _notice(frame: Frame) -> Frame:
    code, conversation = str(frame["code"]), frame.get("conversation")
    params = cast(dict[str, object], frame["params"])
    url = label = None
    if code in wording.REASSIGN and conversation is not None:
        verb = "transfer" if code.startswith("transfer") else "assign"
        url = reverse(f"conversations:{verb}", args=[conversation])
        label = str(wording.REASSIGN_LABEL)
    elif conversation is not None:
        url = reverse("conversations:conversation", args=[conversation])
        label = str(wording.VIEW_LABEL)
    return {
        "type": "notice",
        "id": frame["id"],
        "code": code,
        "level": frame["level"],
        "text": wording.notice(code, params),
        "url": url,
        "label": label,
        "topics": ["notices"],
    }


class ChatConsumer(RelayConsumer):
    """The socket of a customer's chat: hears of the own conversation only."""

    refusal = NOT_VISIBLE

    async def find_topics(self) -> frozenset[str] | None:
        """The topic of this chat, if the browser's signed cookie is its customer's."""
        cookies = SimpleCookie(dict(self.scope["headers"]).get(b"cookie", b"").decode("latin-1"))
        morsel = cookies.get(CUSTOMER_COOKIE)
        key = customer_key_in(morsel.value) if morsel is not None else ""
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        found = await database_sync_to_async(_chat_of)(public_id, key) if key else None
        return frozenset({f"chat:{found}"}) if found is not None else None

    async def translate(self, topics: frozenset[str], frame: Frame) -> Frame:
        """A customer is told that something changed, never what, who or which internal code."""
        return {"type": "event", "id": frame["id"], "code": "chat.changed", "topics": ["chat"], "at": frame["at"]}


def _chat_of(public_id: UUID, key: str) -> int | None:
    customer = Customer.objects.filter(key=key).first()
    return (
        Conversation.objects.filter(public_id=public_id, customer=customer).values_list("pk", flat=True).first()
        if customer is not None
        else None
    )


websocket_urlpatterns = [
    path("ws/console/", cast(Any, ConsoleConsumer.as_asgi())),
    path("ws/chat/<uuid:public_id>/", cast(Any, ChatConsumer.as_asgi())),
]
