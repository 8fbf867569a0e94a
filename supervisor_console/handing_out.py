"""Who hands out work? The loop that hears what may let work find an agent, in the web process or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from conversations.services import distribution, unassignable
from conversations.steps import DISTRIBUTION
from supervisor_console.kernel.loops import in_thread
from supervisor_console.kernel.realtime import Frame, hub

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 4.0
"""How often everything that waits is looked at, whether a mark was heard or not."""

LONGEST_PAUSE_SECONDS = 5.0


@dataclass(slots=True)
class Marks:
    """What was heard since the last look: agents who may take work, conversations that wait, or anything at all."""

    agents: set[int] = field(default_factory=set)
    conversations: set[int] = field(default_factory=set)
    everywhere: bool = True
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, topics: frozenset[str], frame: Frame) -> None:
        """A mark that a service left (``steps.ask_to_distribute``)."""
        agent, conversation = frame.get("agent"), frame.get("conversation")
        if isinstance(agent, int) and agent:
            self.agents.add(agent)
        if isinstance(conversation, int) and conversation:
            self.conversations.add(conversation)
        if not agent and not conversation:
            self.everywhere = True
        self.heard.set()

    def drain(self) -> Marks:
        """What to look at now; what is heard from here on is for the next look."""
        taken = Marks(self.agents, self.conversations, self.everywhere)
        self.agents, self.conversations, self.everywhere = set(), set(), False
        self.heard.clear()
        return taken


def distribute_now(marks: Marks) -> int:
    """Hand out work where there are marks.

    Who looks everywhere also says of what is left whether anybody can ever take it.
    """
    made = distribution.distribute(
        everywhere=marks.everywhere, agent_ids=marks.agents, conversation_ids=marks.conversations
    )
    if marks.everywhere:
        unassignable.mark()
    return made


async def hand_out(stop: asyncio.Event, *, distribute: Callable[[Marks], int] = distribute_now) -> None:
    """Hand out work until `stop` is set: at once where a mark is heard, and everywhere every few seconds.

    A mark comes through the channel layer milliseconds after its commit, or from the outbox seconds later. A look that
    made as many offers as one may is followed by another one. A failing one is logged and tried again, everywhere,
    less and less often while it goes on failing.
    """
    marks = Marks()
    hub().subscribe([DISTRIBUTION], marks.take)
    swept, failures = time.monotonic(), 0
    try:
        while not stop.is_set():
            if time.monotonic() - swept >= SWEEP_SECONDS:
                marks.everywhere = True
            look = marks.drain()
            try:
                if not hub().is_listening:
                    await hub().start()
                made = await in_thread(distribute, look)
            except Exception:
                failures += 1
                marks.everywhere = True
                logger.exception("Handing out work failed; trying again")
                await _first(min(2.0**failures, LONGEST_PAUSE_SECONDS), stop.wait())
                continue
            failures = 0
            if look.everywhere:
                swept = time.monotonic()
            if made >= distribution.MOST:
                marks.everywhere = True
                continue
            await _first(swept + SWEEP_SECONDS - time.monotonic(), stop.wait(), marks.heard.wait())
    finally:
        hub().unsubscribe(marks.take)


async def _first(seconds: float, *waits: Coroutine[Any, Any, object]) -> None:
    """Until one of these happens, or so many seconds are over."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, timeout=max(seconds, 0), return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
