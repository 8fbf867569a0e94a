"""Is all that belongs to a line forgotten at once when it is cut? In a server whose collector never looks."""

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests import servers
from tests.cast import Floor
from tests.servers import Program
from tests.sockets import console_socket, session_of

pytestmark = pytest.mark.slow

LINES = 5
FORGOTTEN_WITHIN_SECONDS = 8.0
"""Daphne looks every second whose application has ended."""

NEVER_COLLECTS = """
import gc, json, os, signal, sys

OURS = {"ConsoleConsumer", "Guest", "Inbox", "Brake", "WebSocketProtocol", "WebRequest", "HTTPChannel"}

def count(*_):
    found = [name for one in gc.get_objects() if (name := type(one).__name__) in OURS]
    with open(os.environ["COUNTED"], "a") as told:
        told.write(json.dumps({name: found.count(name) for name in found}) + "\\n")

gc.disable()
signal.signal(signal.SIGUSR1, count)
import manage
manage.main()
"""


def counted(server: Program, told: Path) -> dict[str, int]:
    """How many of what belongs to a line the server holds."""
    assert server.process is not None
    before = told.read_text()
    server.process.send_signal(signal.SIGUSR1)
    while not (said := told.read_text().removeprefix(before)).endswith("\n"):
        time.sleep(0.05)
    found: dict[str, int] = json.loads(said)
    return found


@contextmanager
def never_collecting(told: Path) -> Iterator[Program]:
    program = servers.console_program("faults-gone-lines", COUNTED=str(told))
    _python, _script, *words = program.command
    with servers.running(replace(program, command=[sys.executable, "-c", NEVER_COLLECTS, *words])) as server:
        yield server


def test_what_belongs_to_a_line_is_forgotten_when_it_is_cut(floor: Floor, tmp_path: Path) -> None:
    """What holds itself waits for the collector: 500 lines that come back at once were there twice."""
    floor.start()
    told, session = tmp_path / "told", session_of(floor.sara)
    told.touch()
    watch = json.dumps({"type": "watch", "query": "window=all", "topics": [], "digest": "", "language": "en"})
    with never_collecting(told) as server:
        before = Counter(counted(server, told))
        with ExitStack() as stack:
            for number in range(LINES):
                console = stack.enter_context(console_socket(server.address, session))
                console.connection.send(watch)
                while console.next_frame()["type"] != "region":
                    pass
                if number % 2:
                    stack.callback(console.connection.socket.close)  # Cut, without a good-bye.
            assert counted(server, told)["ConsoleConsumer"] == LINES

        deadline = time.monotonic() + FORGOTTEN_WITHIN_SECONDS
        while (more := Counter(counted(server, told)) - before) and time.monotonic() < deadline:
            time.sleep(0.5)
    assert not more
