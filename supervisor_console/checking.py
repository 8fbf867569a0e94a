"""Who looks whether the floor is as it must be? A loop of the background work, beside those that act."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from conversations.services import floor_check

logger = logging.getLogger(__name__)

EVERY_SECONDS = 20.0
"""How often a process asks whether it is time; the look itself happens once a minute, in one of them."""


def look_now() -> int:
    """Look at the floor, on a database connection that is given back afterwards."""
    close_old_connections()
    try:
        return floor_check.look()
    finally:
        close_old_connections()


async def keep_checking(stop: asyncio.Event, *, look: Callable[[], int] = look_now) -> None:
    """Look now and then until `stop` is set; one that fails is logged, and the next one tries again."""
    while not stop.is_set():
        try:
            wrong = await sync_to_async(look, thread_sensitive=False)()
            if wrong:
                logger.warning("%d conversations are not as they must be; see manage.py check_floor", wrong)
        except Exception:
            logger.exception("Looking at the floor failed; trying again")
        try:
            await asyncio.wait_for(stop.wait(), timeout=EVERY_SECONDS)
        except TimeoutError:
            continue
