"""Which servers and which browser does this machine have, and how does a test run start its own?

Each server lives in a folder of its own under the temporary folder, listens on a socket in it and nowhere else, and is
gone with the run.
"""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "var" / "test-results"
START_SECONDS = 30


class NotHere(Exception):
    """The machine lacks the programs; the text says which."""


def find_chromium() -> str | None:
    """A Chromium that Playwright can drive."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server for this run; the value is its address."""
    programs = _postgresql_programs()
    with _folder("console-pg-") as folder:
        as_user = _ordinary_user(folder)
        data = folder / "data"
        _run([*as_user, programs / "initdb", "-D", data, "-U", "console", "-A", "trust", "-E", "UTF8", "--no-sync"])
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            # What is lost with the machine is lost with the run.
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "jit": "off",
            "autovacuum": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*as_user, programs / "postgres", "-D", data, *options]
        is_ready = [programs / "pg_isready", "-q", "-h", folder, "-U", "console", "-d", "postgres"]
        with _server(command, folder / "log", ready=lambda: _succeeds(is_ready), stop=signal.SIGINT):
            yield f"postgresql://console@{quote(str(folder), safe='')}/console"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis server for this run; the value is its address."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotHere("no redis-server on this machine")
    with _folder("console-redis-") as folder:
        socket = folder / "redis.sock"
        command = [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
        with _server(command, folder / "log", ready=socket.exists, stop=signal.SIGTERM):
            yield f"unix://{socket}"


@contextlib.contextmanager
def console(log_name: str) -> Iterator[str]:
    """The console (`manage.py serve`) in a process of its own on the test database; the value is its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    RESULTS.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    with _server(
        command,
        RESULTS / f"{log_name}-{os.getpid()}.log",
        ready=lambda: _is_healthy(address),
        stop=signal.SIGTERM,
        folder=ROOT,
        environment={name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
        | {"DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE_URL": address_of_the_test_database()},
    ):
        yield address


def address_of_the_test_database() -> str:
    """What another process writes into TEST_DATABASE_URL to stand on the database of this test run."""
    from django.conf import settings

    name = settings.DATABASES["default"]["NAME"]  # The test database by now.
    if settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        return f"sqlite:///{name}"
    return re.sub(r"/[^/?]+(?=\?|$)", f"/{name}", os.environ["TEST_DATABASE_URL"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as response:
            healthy: bool = response.status == 200
            return healthy
    except OSError:
        return False


def _postgresql_programs() -> Path:
    """The newest folder that holds both initdb and postgres (Debian keeps them out of the PATH)."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    folders.sort(key=lambda folder: float(folder.parent.name), reverse=True)
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    for folder in folders:
        if (folder / "postgres").exists():
            return folder
    raise NotHere("no PostgreSQL programs on this machine")


def _ordinary_user(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as its own user, to whom the folder is given."""
    if os.getuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    raise NotHere("PostgreSQL does not run as root, and there is no other user")


@contextlib.contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _server(
    command: Sequence[object],
    log: Path,
    *,
    ready: Callable[[], bool],
    stop: signal.Signals,
    folder: Path = Path("/"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(
            list(map(str, command)), stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=environment
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(stop)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _run(command: Sequence[object]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _succeeds(command: Sequence[object]) -> bool:
    return subprocess.run(list(map(str, command)), capture_output=True, check=False, cwd="/").returncode == 0
