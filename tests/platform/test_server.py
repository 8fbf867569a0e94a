"""What does our server do that Daphne does not? Slow and dead clients are tested on real ones, in ``tests/faults``."""

from typing import Any

import pytest
from autobahn.exception import Disconnected
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from django.conf import settings
from twisted.internet.testing import StringTransport

from supervisor_console.server import LONGEST_BODY, Brake, PatientServer, told_by_proxy


class Closing:
    """A socket that has just closed, of which the server has not heard yet."""

    maxMessagePayloadSize = 64  # noqa: N815  Autobahn's name.
    brake = Brake()

    def handle_reply(self, message: dict[str, Any]) -> None:
        assert self.maxMessagePayloadSize == 0, "what goes has no limit"
        raise Disconnected("Attempt to send on a closed protocol")


async def test_what_is_said_to_a_socket_that_has_just_closed_is_no_error() -> None:
    server, socket = PatientServer(None, endpoints=["tcp:0"]), Closing()
    server.connections = {socket: {}}

    await server.handle_reply(socket, {"type": "websocket.send", "text": "hello"})

    assert socket.maxMessagePayloadSize == 64, "what comes has one again"


class Listening:
    """A socket that takes what it is sent."""

    STATE_OPEN = 3
    brake = Brake()

    def __init__(self, state: int = STATE_OPEN) -> None:
        self.state = state
        self.taken: list[bytes] = []

    def sendPreparedMessage(self, prepared: Any) -> None:
        self.taken.append(prepared.payloadHybi)


async def test_what_many_are_told_is_one_frame_for_all_of_them() -> None:
    """With one for each, 500 consoles that came back at once took a hundred megabytes."""
    server, text = PatientServer(None, endpoints=["tcp:0"]), "Größe " * 20_000
    one, other, gone, closing = Listening(), Listening(), Listening(), Listening(state=2)
    server.connections = {one: {}, other: {}, gone: {"disconnected": 1.0}, closing: {}}

    for socket in (one, other, gone, closing, Listening()):
        await server.handle_reply(socket, {"type": "websocket.send", "text": text})

    assert one.taken[0] is other.taken[0]
    assert one.taken[0] == b"\x81\x7f" + len(text.encode()).to_bytes(8, "big") + text.encode()
    assert not gone.taken + closing.taken, "who has just gone misses nothing"


PIECE = b"x" * 65_536
HEAD = b"POST /chat/ HTTP/1.1\r\nHost: localhost\r\n"


def kept_of(request: bytes, pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many bytes of a body are there when the application is to be asked."""
    kept: list[int] = []
    monkeypatch.setattr(WebRequest, "process", lambda asked: kept.append(len(asked.content.read())))
    server = PatientServer(None, endpoints=["tcp:0"])
    server.connections = {}
    transport: Any = StringTransport
    channel = HTTPFactory(server).buildProtocol(None)
    channel.makeConnection(transport())
    for data in (request, *pieces):
        channel.dataReceived(data)
    return kept[0]


@pytest.mark.parametrize(("pieces", "kept"), [(4, 4 * len(PIECE)), (160, LONGEST_BODY)])
def test_of_a_body_no_more_is_kept_than_anybody_takes(pieces: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of a gigabyte was a gigabyte of memory before it was refused."""
    length = b"Content-Length: %d\r\n\r\n" % (pieces * len(PIECE))
    chunk = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)

    assert kept_of(HEAD + length, [PIECE] * pieces, monkeypatch) == kept
    assert kept_of(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", [*[chunk] * pieces, b"0\r\n\r\n"], monkeypatch) == kept


def test_what_is_kept_of_a_body_is_still_too_much_for_every_page() -> None:
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE < LONGEST_BODY


@pytest.mark.parametrize(
    ("said", "believed"),
    [
        pytest.param([b"192.0.2.7"], "192.0.2.7", id="by a proxy that says it itself"),
        pytest.param([b"198.51.100.1, 192.0.2.7"], "192.0.2.7", id="by one that adds to what the client wrote"),
        pytest.param([b"198.51.100.1", b"192.0.2.7"], "192.0.2.7", id="by one that adds a line"),
        pytest.param([b"\xff\xfe, 2001:db8::7"], "2001:db8::7", id="after what is no text"),
        pytest.param([b"192.0.2.7, unknown"], "", id="no address"),
        pytest.param([b""], "", id="nothing"),
        pytest.param([], "", id="not at all"),
    ],
)
def test_of_where_somebody_comes_from_the_proxy_s_own_word_is_believed(said: list[bytes], believed: str) -> None:
    """The first of several is whatever the client writes: with another one each time, no limit by address held."""
    assert told_by_proxy([(b"host", b"localhost"), *((b"X-Forwarded-For", value) for value in said)]) == believed


@pytest.mark.parametrize(("is_behind_proxy", "client"), [(True, "192.0.2.7"), (False, "127.0.0.1")])
async def test_only_a_proxy_is_believed(is_behind_proxy: bool, client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(Server, "create_application", lambda _server, _protocol, scope: asked.append(scope))
    server = PatientServer(None, endpoints=["tcp:0"], is_behind_proxy=is_behind_proxy)

    headers = [(b"x-forwarded-for", b"192.0.2.7")]
    server.create_application(None, {"type": "http", "client": ["127.0.0.1", 5], "headers": headers})

    assert asked[0]["client"][0] == client
