"""Settings under which the channel layer drops messages: its channel holds one, and its reader takes its time."""

import asyncio
from typing import Any

from channels.layers import InMemoryChannelLayer

from tests.settings import *  # noqa: F403
from tests.settings import CHANNEL_LAYERS

READER_SECONDS = 1.5


class BusyLayer(InMemoryChannelLayer):
    """The layer of the product, read by somebody slow."""

    async def receive(self, channel: str) -> Any:
        await asyncio.sleep(READER_SECONDS)
        return await super().receive(channel)


CHANNEL_LAYERS["default"] = {"BACKEND": "tests.faults.busy.BusyLayer", "CONFIG": {"capacity": 1}}
