"""How does a message go through the channel layer, and how long does it take? Whoever sends never waits for long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

FLOOR = "floor"
"""The one channel-layer group: every process of the product is in it."""

PUSH_SECONDS = 1.0
"""How long an action waits for the channel layer to take its message."""

REST_SECONDS = 2.0
"""For how long the layer is not asked after it did not take one: actions do not wait again and again."""

_rests_until = 0.0


def send(message: dict[str, Any]) -> None:
    """Send a message to every process; one that the layer does not take is left to the outbox."""
    global _rests_until
    if time.monotonic() < _rests_until:
        return
    try:
        async_to_sync(push)(message)
    except Exception as error:
        # The outbox has it: every process will find it there, so a committed action stays a success.
        _rests_until = time.monotonic() + REST_SECONDS
        logger.warning("The channel layer did not take an announcement, the outbox will: %r", error)


async def push(message: dict[str, Any]) -> None:
    """Send a message to every process; raises what the layer raises."""
    layer = get_channel_layer()
    assert layer is not None
    async with asyncio.timeout(PUSH_SECONDS):
        await layer.group_send(FLOOR, message)


async def round_trip(within: float) -> float:
    """The seconds that a message takes through the channel layer and back; raises what the layer raises."""
    layer = get_channel_layer()
    assert layer is not None
    async with asyncio.timeout(within):
        channel = await layer.new_channel()
        group = f"trip.{uuid.uuid4().hex}"
        await layer.group_add(group, channel)
        try:
            began = time.perf_counter()
            await layer.group_send(group, {"type": "trip"})
            await layer.receive(channel)
            return time.perf_counter() - began
        finally:
            receiver = asyncio.create_task(layer.receive(channel))
            await asyncio.sleep(0)
            await leave(layer, group, channel, receiver)


async def leave(layer: Any, group: str, channel: str, receiver: asyncio.Task[Any]) -> None:
    """Give a channel back: the pub/sub layer lets go of one when its receiver is cancelled."""
    receiver.cancel()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(PUSH_SECONDS):
            await layer.group_discard(group, channel)
            await asyncio.wait({receiver})
