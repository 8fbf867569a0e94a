"""Sockets: subscribe, relay, disconnect."""

from typing import Any, cast

from django.urls import path

from conversations.consumers.chat import ChatConsumer
from conversations.consumers.console import ConsoleConsumer

websocket_urlpatterns = [
    path("ws/console/", cast(Any, ConsoleConsumer.as_asgi())),
    path("ws/chat/<uuid:public_id>/", cast(Any, ChatConsumer.as_asgi())),
]
