"""Sockets: subscribe, relay, disconnect."""

from typing import Any, cast

from django.urls import path

from conversations.consumers.chat import ChatConsumer
from conversations.consumers.console import ConsoleConsumer
from conversations.consumers.nowhere import NowhereConsumer

websocket_urlpatterns = [
    path("ws/console/", cast(Any, ConsoleConsumer.as_asgi())),
    path("ws/chat/<uuid:public_id>/", cast(Any, ChatConsumer.as_asgi())),
    path("<path:anywhere>", cast(Any, NowhereConsumer.as_asgi())),
]
