"""What does our server do that Daphne does not? Slow and dead clients are tested on real ones, in ``tests/faults``."""

from typing import Any

from autobahn.exception import Disconnected

from supervisor_console.server import Brake, PatientServer


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
