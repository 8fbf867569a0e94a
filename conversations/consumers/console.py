"""The socket of a signed-in person: report, conversation page, desk, notices."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.utils import translation

from conversations import wording
from conversations.consumers.board import board
from conversations.consumers.door import Guest, door
from conversations.consumers.relay import COME_BACK, NOT_ALLOWED, RelayConsumer
from conversations.consumers.roll import roll
from conversations.reports import notices
from conversations.reports.live import QUERY_MAX, View, view_of
from routing.events import QueuesChanged
from routing.models import User
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.events import Json
from supervisor_console.kernel.realtime import Frame

WATCHED_MAX = 50
DIGEST_MAX = 64


class ConsoleConsumer(RelayConsumer):
    """Tells what concerns this person, and keeps the report's region as it is in the database.

    The page says once what it shows: ``{"type": "watch", "query": …, "digest": …, "topics": […]}``. With
    that, the report comes as regions from the board, and only events that a shown region names are relayed.
    """

    actor: Actor
    guest: Guest | None = None
    page: UUID | None = None

    async def connect(self) -> None:
        """As any socket; an agent's counts for their presence, which is one over all their pages (domain.md 1.3)."""
        await super().connect()
        if not self.workers:
            return
        session = self.scope.get("session")
        self.guest = Guest(
            actor=self.actor,
            session_key=session.session_key if session is not None else None,
            password=cast(User, self.scope.get("user")).password,
            ask_back=partial(self.end, COME_BACK),
        )
        door().enter(self.guest)
        if self.actor.is_agent and self.actor.agent_id is not None:
            self.page = roll().open(self.actor.agent_id)

    async def find_topics(self) -> frozenset[str] | None:
        """The person's own topic, and by role the report's and the open lists' (one scope for all, D13)."""
        self.view: View | None = None
        self.watched: frozenset[str] | None = None
        self.language = settings.LANGUAGE_CODE
        found = await self._read_actor()
        if found is None:
            return None
        self.actor = found
        return frozenset(_topics_of(found))

    async def _read_actor(self) -> Actor | None:
        user = self.scope.get("user")
        if user is None or not user.is_authenticated:
            return None
        return await door().actor_of(cast(int, user.pk))

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Take what the page shows; everything else as any socket does."""
        if isinstance(content, dict) and content.get("type") == "watch" and hasattr(self, "actor"):
            self._watch(content)
            return
        await super().receive_json(content, **kwargs)

    def _watch(self, content: dict[str, Any]) -> None:
        topics, query, language = content.get("topics"), content.get("query"), content.get("language")
        if isinstance(topics, list):
            before, shown = self.watched, frozenset(topic for topic in topics[:WATCHED_MAX] if isinstance(topic, str))
            self.watched = shown
            if before is not None:
                self._catch_up(shown - before, content.get("since"))
        if isinstance(language, str) and language in dict(settings.LANGUAGES):
            self.language = language
        self._close_view()
        if isinstance(query, str) and not self.actor.is_supervisor:
            self.end(NOT_ALLOWED)  # Their page is the report still, and they are no supervisor any more.
        elif isinstance(query, str) and len(query) <= QUERY_MAX:
            self.view = view_of(self.actor, query, self.language)
            board().open(self.view, cast(int, self.actor.user_id), self.put, str(content.get("digest"))[:DIGEST_MAX])

    def _catch_up(self, regions: frozenset[str], mark: object) -> None:
        """Regions that the page begins to show were asked for after ``mark``: name those that changed since.

        The page hears of them from now on; in between nobody told it. Before the first ``watch`` all is told.
        """
        missed = self.hub.since(mark, self.deliver) if isinstance(mark, int) else None
        if missed is None:
            stale = set(regions)
        else:
            stale = set().union(*(self._regions(topics, frame) for topics, frame in missed)) & regions
        if stale:
            self.put(json.dumps({"type": "stale", "topics": sorted(stale)}))

    def _close_view(self) -> None:
        if self.view is not None:
            board().close(self.view, self.put)
            self.view = None

    def translate(self, topics: frozenset[str], frame: Frame) -> Frame | None:
        """Name the regions that a page refreshes; make the sentence of a notice in the reader's language."""
        if frame["type"] == "notice":
            with translation.override(self.language):
                return _notice(frame, self.actor)
        if frame["type"] in {"typing", "probe"}:
            return frame
        if frame.get("code") == QueuesChanged.code and f"user:{self.actor.user_id}" in topics:
            # Other open lists, perhaps another scope: the page comes back at once, and hears of those.
            self.end(COME_BACK)
            return None
        regions = self._regions(topics, frame)
        if self.watched is not None:
            regions &= self.watched
        own = any(topic.startswith("user:") for topic in topics)
        return {**frame, "topics": list[Json](sorted(regions)), "own": own} if regions else None

    def _regions(self, topics: frozenset[str], frame: Frame) -> set[str]:
        """The regions of pages that a frame to these topics changes, for this person."""
        regions = {"report"} if any(topic.startswith("report:") for topic in topics) else set()
        if self.actor.is_agent and any(topic.startswith(("user:", "open:")) for topic in topics):
            regions.add("desk")
        if "agents" in topics:
            regions.add("agents")
        if frame.get("conversation") is not None:
            regions.add(f"conversation:{frame['conversation']}")
        return regions

    async def disconnect(self, code: int) -> None:
        """Forget the socket, its view, and the page it stood for."""
        if self.guest is not None:
            door().leave(self.guest)
            self.guest = None
        if self.page is not None:
            roll().close(self.page)
            self.page = None
        if hasattr(self, "view"):
            self._close_view()
        await super().disconnect(code)


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


def _notice(frame: Frame, actor: Actor) -> Frame:
    code, conversation = str(frame["code"]), cast(int | None, frame.get("conversation"))
    url, label = notices.leads_to(actor, code, conversation)
    return {
        "type": "notice",
        "id": frame["id"],
        "code": code,
        "level": frame["level"],
        "text": wording.notice(code, cast(dict[str, object], frame["params"])),
        "url": url or None,
        "label": label or None,
        "topics": ["notices"],
    }
