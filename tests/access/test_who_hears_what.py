"""Does every socket open for whom the table says, through the very application that production serves?"""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator

from conversations.models import Conversation
from conversations.views.access import CUSTOMER_COOKIE
from supervisor_console.asgi import application
from tests.access.addresses import filled, sockets
from tests.access.stage import ROLES, Stage, hers
from tests.access.table import SOCKETS

HERE = b"http://testserver"
CODES = {4401: "1", 4404: "4"}


def test_every_socket_has_a_row() -> None:
    assert sorted(sockets()) == sorted(SOCKETS)


def staged() -> tuple[Stage, Conversation, dict[str, object]]:
    stage = Stage()
    chat = hers(stage.floor)
    return stage, chat, stage.places(chat)


def cookie(stage: Stage, role: str) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in stage.browser(role).cookies.items() if morsel.value)


def knock(url: str, *headers: tuple[bytes, bytes]) -> WebsocketCommunicator:
    """A socket at the application's front door, with whatever its middleware says to these headers."""
    return WebsocketCommunicator(application, url, headers=[(b"host", b"testserver"), *headers])


async def answer(socket: WebsocketCommunicator) -> str:
    """How the socket answers: hello, a code, or not at all."""
    opened, _subprotocol = await socket.connect(timeout=5)
    if not opened:
        return "refused"
    first: dict[str, Any] = await socket.receive_output(5)
    await socket.disconnect()
    return "+" if first["type"] == "websocket.send" else CODES.get(first["code"], str(first["code"]))


@pytest.mark.django_db(transaction=True)
async def test_every_role_hears_where_the_table_says_and_nowhere_else() -> None:
    stage, _chat, places = await sync_to_async(staged)()
    wrong = []
    for address, letters in SOCKETS.items():
        for role, letter in zip(ROLES, letters, strict=True):
            headers = (b"origin", HERE), (b"cookie", cookie(stage, role).encode())
            found = await answer(knock(filled(address, places), *headers))
            if found != letter:
                wrong.append(f"{address}: {role} is answered {found}, not {letter}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "origin",
    [b"https://evil.example.org", b"http://testserver.evil.example.org", b"null", b""],
    ids=["elsewhere", "named alike", "null", "none"],
)
async def test_a_page_of_another_site_opens_no_socket(origin: bytes) -> None:
    """The browser sends the cookies along; the origin is what tells whose page it is."""
    stage, _chat, places = await sync_to_async(staged)()
    for address, role in (("ws/console/", "supervisor"), ("ws/chat/<uuid:public_id>/", "customer")):
        headers = [(b"cookie", cookie(stage, role).encode()), *([(b"origin", origin)] if origin else [])]

        assert await answer(knock(filled(address, places), *headers)) == "refused"


@pytest.mark.django_db(transaction=True)
async def test_a_chat_s_cookie_that_was_forged_or_is_another_s_opens_nothing() -> None:
    stage, _chat, places = await sync_to_async(staged)()
    own = stage.customer
    url = filled("ws/chat/<uuid:public_id>/", places)
    assert await answer(knock(url, (b"origin", HERE), (b"cookie", f"{CUSTOMER_COOKIE}={own}".encode()))) == "+"

    for forged in (own[:-1], own[:-1] + ("A" if own[-1] != "A" else "B"), own.split(":")[0], "x", '"', "a" * 5000):
        headers = (b"origin", HERE), (b"cookie", f"{CUSTOMER_COOKIE}={forged}".encode())
        assert await answer(knock(url, *headers)) == "4"
