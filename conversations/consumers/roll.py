"""Which pages does this process hold? Written down, and kept alive, in one place per process.

One task for the agents' pages, and one for the customers', says what opened and what closed, and every few seconds, in
one statement, that the rest lives: however many people there are. If the process dies, it says so no more, and the
background work finds out (domain.md 1.3, 2.3).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Protocol
from uuid import UUID, uuid4

from conversations.services import attendance, chat_pages
from routing.services import presence
from supervisor_console.kernel.loops import OnePerLoop, in_thread

logger = logging.getLogger(__name__)

ALIVE_EVERY = 3.0
"""Seconds between two signs of life; after ``pages.LOST_AFTER`` without one the pages count as lost."""


class KeepAlive(Protocol):
    """Say which pages of a process closed, and that the others live."""

    def __call__(self, process: UUID, *, closed: frozenset[UUID]) -> frozenset[UUID]:
        """The keys that are known to live."""


class Connected(Protocol):
    """Say that a page of somebody is connected."""

    def __call__(self, owner_id: int, key: UUID, /, *, process: UUID) -> object:
        """What it changed is told by events, not here."""


class Roll:
    """The pages of one kind of people in one process (one event loop)."""

    def __init__(self, keep_alive: KeepAlive, connected: Connected) -> None:
        self._keep_alive = keep_alive
        self._connected = connected
        self._process = uuid4()
        self._pages: dict[UUID, int] = {}
        self._closed: set[UUID] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self, owner_id: int) -> UUID:
        """A page of this agent, or of this conversation's customer, opened; the key is what closes it."""
        key = uuid4()
        self._pages[key] = owner_id
        self._tell()
        return key

    def close(self, key: UUID) -> None:
        """A page closed."""
        del self._pages[key]
        self._closed.add(key)
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._pages or self._closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ALIVE_EVERY):
                    await self._news.wait()
            self._news.clear()
            pages, closed = dict(self._pages), frozenset(self._closed)
            try:
                await in_thread(self._write, pages, closed)
                self._closed -= closed
            except Exception:
                logger.exception("The connections could not be written down; trying again")
                self._news.set()
                await asyncio.sleep(1.0)

    def _write(self, pages: dict[UUID, int], closed: frozenset[UUID]) -> None:
        known = self._keep_alive(self._process, closed=closed)
        for key in pages.keys() - known:
            self._connected(pages[key], key, process=self._process)


roll = OnePerLoop(lambda: Roll(presence.keep_alive, attendance.connected))
"""The agents' pages of the running event loop."""

customers = OnePerLoop(lambda: Roll(chat_pages.keep_alive, chat_pages.connected))
"""The pages of live chats of the running event loop."""
