"""Who looks whether the floor is as it must be? A loop of the background work, beside those that act."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from conversations.services import floor_check
from supervisor_console.kernel.loops import in_thread

logger = logging.getLogger(__name__)

EVERY_SECONDS = 20.0
"""How often a process asks whether it is time; the look itself happens once a minute, in one of them."""


async def keep_checking(stop: asyncio.Event, *, look: Callable[[], int] = floor_check.look) -> None:
    """Look now and then until `stop` is set; one that fails is logged, and the next one tries again."""
    while not stop.is_set():
        try:
            wrong = await in_thread(look)
            if wrong:
                logger.warning("%d conversations are not as they must be; see manage.py check_floor", wrong)
        except Exception:
            logger.exception("Looking at the floor failed; trying again")
        try:
            await asyncio.wait_for(stop.wait(), timeout=EVERY_SECONDS)
        except TimeoutError:
            continue
