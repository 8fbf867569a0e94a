"""Who looks whether the floor is as it must be? Loops of the background work, beside those that act."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from conversations.services import floor_check, full_check
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


ASK_SECONDS = 2.0
"""How often a process asks whether somebody wants all data checked: one statement."""

LEAST_REST_SECONDS = 0.1
AFTER_FAILURE_SECONDS = 20.0


async def keep_checking_everything(stop: asyncio.Event, *, go_on: Callable[[], bool] = full_check.go_on) -> None:
    """Look at one portion after the other where somebody asked for it, until `stop` is set.

    After each one it rests for as long as that took: others want the database and this process, too.
    """
    while not stop.is_set():
        began = time.monotonic()
        try:
            looked = await in_thread(go_on)
            rest = max(time.monotonic() - began, LEAST_REST_SECONDS) if looked else ASK_SECONDS
        except Exception:
            logger.exception("Checking all data failed; trying again")
            rest = AFTER_FAILURE_SECONDS
        try:
            await asyncio.wait_for(stop.wait(), timeout=rest)
        except TimeoutError:
            continue
