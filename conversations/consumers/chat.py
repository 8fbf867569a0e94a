"""The socket of a customer's chat: hears of the own conversation only."""

from __future__ import annotations

from collections import Counter
from http.cookies import CookieError, SimpleCookie
from uuid import UUID

from channels.db import database_sync_to_async

from conversations.consumers.relay import NOT_VISIBLE, TOO_MUCH, RelayConsumer
from conversations.consumers.roll import customers
from conversations.models import Conversation
from conversations.views.access import CUSTOMER_COOKIE, customer_key_in
from routing.models import Channel
from supervisor_console.kernel.realtime import Frame

PAGES_MOST = 20
"""Pages of one chat that one process serves at a time: more than anybody reads, fewer than a program opens."""

_pages: Counter[UUID] = Counter()


class ChatConsumer(RelayConsumer):
    """Tells the customer's page that something changed; the page asks over HTTP what."""

    refusal = NOT_VISIBLE
    conversation_id: int | None = None
    page: UUID | None = None
    opened: UUID | None = None

    async def connect(self) -> None:
        """As any socket; that of a live chat says that the customer is there (domain.md 2.3)."""
        await super().connect()
        if not self.workers:
            return
        self.opened = self.scope["url_route"]["kwargs"]["public_id"]
        _pages[self.opened] += 1
        if _pages[self.opened] > PAGES_MOST:
            self.end(TOO_MUCH)
        elif self.conversation_id is not None:
            self.page = customers().open(self.conversation_id)

    async def disconnect(self, code: int) -> None:
        """Forget the socket, and the page it stood for."""
        if self.opened is not None:
            _pages[self.opened] -= 1
            if not _pages[self.opened]:
                del _pages[self.opened]
            self.opened = None
        if self.page is not None:
            customers().close(self.page)
            self.page = None
        await super().disconnect(code)

    async def find_topics(self) -> frozenset[str] | None:
        """The topic of this chat, if the browser's signed cookie is its customer's."""
        key = customer_key_in(_cookie(dict(self.scope["headers"]).get(b"cookie", b"")))
        public_id = self.scope["url_route"]["kwargs"]["public_id"]
        found = await database_sync_to_async(_chat_of)(public_id, key) if key else None
        if found is None:
            return None
        pk, channel = found
        if channel == Channel.LIVE_CHAT:
            self.conversation_id = pk
        return frozenset({f"chat:{pk}"})

    def translate(self, topics: frozenset[str], frame: Frame) -> Frame | None:
        """A customer is told that something changed, never what, who or which internal code; and who types to them."""
        if frame["type"] == "typing":
            return {"type": "typing", "conversation": None, "name": frame["name"]}
        return {"type": "event", "id": frame["id"], "code": "chat.changed", "topics": ["chat"], "at": frame["at"]}


def _cookie(header: bytes) -> str:
    try:
        morsel = SimpleCookie(header.decode("latin-1")).get(CUSTOMER_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _chat_of(public_id: UUID, key: str) -> tuple[int, str] | None:
    return Conversation.objects.filter(public_id=public_id, customer__key=key).values_list("pk", "channel").first()
