"""Do `serve` and `work` start, answer, and end when they are told to?"""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.servers import ROOT, START_SECONDS, free_port

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated SQLite database of its own."""
    address = f"sqlite:///{tmp_path_factory.mktemp('serve') / 'console.sqlite3'}"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=surroundings(address), check=True
    )
    return address


def surroundings(database: str) -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE_URL": database,
        "TEST_REDIS_URL": "",
        "PYTHONUNBUFFERED": "1",
    }


def start(database: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=surroundings(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output_until(process: subprocess.Popen[str], text: str) -> str:
    """What the process wrote until the line that holds this text; fails if it ends first."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
    pytest.fail(f"{text!r} never came:\n{seen}")


@pytest.fixture
def server(database: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    process = start(database, "serve", "--port", str(port))
    output_until(process, f"http://127.0.0.1:{port}/")
    yield process, f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_serve_answers_and_ends_in_order_when_it_is_terminated(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server

    with urllib.request.urlopen(f"{address}/healthz", timeout=START_SECONDS) as response:
        answer = json.load(response)
    time.sleep(1.5)  # Lets the background work begin.
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=START_SECONDS)

    assert answer["status"] == "ok"
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "ERROR" not in rest


@pytest.mark.parametrize("command", ["serve", "work"])
def test_the_background_work_says_that_it_lives_and_ends_in_order(database: str, command: str) -> None:
    """Its row is there while it runs, and the process takes it away when it is told to end."""
    process = start(database, command, *(["--port", str(free_port())] if command == "serve" else []))
    wait_until(lambda: heartbeats(database) == [command])
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 0
    assert heartbeats(database) == []
    assert "reactor" not in rest


def heartbeats(database: str) -> list[str]:
    """What the processes are that say that they live."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
        return [kind for (kind,) in connection.execute("SELECT kind FROM supervisor_console_heartbeat")]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_serve_starts_without_a_warning(database: str) -> None:
    process = start(database, "serve", "--port", str(free_port()))
    said = output_until(process, "http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=START_SECONDS)

    assert "Warning" not in said
    assert said.count("\n") == 1


def test_serve_says_when_its_port_is_taken(database: str) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        process = start(database, "serve", "--port", str(port))
        output, _ = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 1
    assert f"port {port}" in output
    assert "Traceback" not in output


def test_serve_lets_nobody_be_simulated_outside_the_demo(database: str) -> None:
    process = start(database, "serve", "--port", str(free_port()), "--simulate", "1")
    output, _ = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 1
    assert "DEMO=1" in output
    assert "Traceback" not in output


def test_serve_refuses_a_host_that_is_not_its_own(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server
    request = urllib.request.Request(f"{address}/login/", headers={"Host": "evil.example.org"})

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=START_SECONDS)

    assert caught.value.code == 400


def test_serve_delivers_static_files_of_the_admin(server: tuple[subprocess.Popen[str], str]) -> None:
    _, address = server

    with urllib.request.urlopen(f"{address}/static/admin/css/base.css", timeout=START_SECONDS) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/css")


def test_work_runs_until_it_is_terminated(database: str) -> None:
    process = start(database, "work")
    output_until(process, "Working")
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=START_SECONDS)

    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "ERROR" not in rest
