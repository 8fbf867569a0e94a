"""A socket at an address that there is not: told so, instead of a fault in the log for every scanner that passes."""

from __future__ import annotations

from channels.generic.websocket import AsyncWebsocketConsumer

from conversations.consumers.relay import NOT_VISIBLE


class NowhereConsumer(AsyncWebsocketConsumer):
    """Closes with the code that says that nothing is there, for whoever asks."""

    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Accept, because only then the code arrives, and close."""
        await self.accept()
        await self.close(NOT_VISIBLE)
