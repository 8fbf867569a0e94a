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
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "var" / "test-results"
START_SECONDS = 30


class NotHere(Exception):
    """The machine lacks the programs; the text says which."""


@dataclass
class Program:
    """A program that a test starts; it may be ended, killed, held still and started again."""

    command: Sequence[object]
    log: Path
    ready: Callable[[], bool]
    stop: signal.Signals = signal.SIGTERM
    folder: Path = Path("/")
    environment: Mapping[str, str] | None = None
    address: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                list(map(str, self.command)),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command} did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def end(self) -> None:
        """Ask it to end, and kill it if it does not."""
        self._signal(self.stop)
        self._signal(signal.SIGCONT)
        try:
            self._wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9: nothing is finished, nothing is said."""
        self._signal(signal.SIGKILL)
        self._wait(15)

    def hold(self) -> None:
        """Let it stand still, with its connections open."""
        self._signal(signal.SIGSTOP)

    def let_go(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def _wait(self, seconds: float) -> None:
        if self.process is not None:
            self.process.wait(timeout=seconds)


def find_chromium() -> str | None:
    """A Chromium that Playwright can drive."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server for this run; the value is its address."""
    with temporary_folder("console-pg-") as folder, running(postgresql_program(folder)) as server:
        yield server.address


def postgresql_program(folder: Path, **settings: str) -> Program:
    """A PostgreSQL server in this folder, with an empty cluster; ``settings`` are laid over those of all test runs."""
    programs = _postgresql_programs()
    as_user = _ordinary_user(folder)
    data = folder / "data"
    _run([*as_user, programs / "initdb", "-D", data, "-U", "console", "-A", "trust", "-E", "UTF8", "--no-sync"])
    found = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "200",
        # What is lost with the machine is lost with the run.
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "jit": "off",
        "autovacuum": "off",
    } | settings
    options = [part for name, value in found.items() for part in ("-c", f"{name}={value}")]
    command = [*as_user, *_ends_with_us("INT"), programs / "postgres", "-D", data, *options]
    is_ready = [programs / "pg_isready", "-q", "-h", folder, "-U", "console", "-d", "postgres"]
    address = f"postgresql://console@{quote(str(folder), safe='')}/console"
    return Program(command, folder / "log", ready=lambda: _succeeds(is_ready), stop=signal.SIGINT, address=address)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A Redis server for this run; the value is its address."""
    with temporary_folder("console-redis-") as folder, running(redis_program(folder)) as program:
        yield program.address


def redis_program(folder: Path) -> Program:
    """A Redis server in this folder, which listens in it and keeps nothing."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotHere("no redis-server on this machine")
    socket = folder / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
    return Program(command, folder / "log", ready=lambda: _accepts(socket), address=f"unix://{socket}")


@contextlib.contextmanager
def console(log_name: str, **variables: str) -> Iterator[str]:
    """The console (`manage.py serve`) in a process of its own on the test database; the value is its address."""
    with running(console_program(log_name, **variables)) as program:
        yield program.address


def console_program(log_name: str, **variables: str) -> Program:
    """`manage.py serve` on the test database; ``variables`` are of its environment."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    return Program(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        RESULTS / f"{log_name}-{os.getpid()}.log",
        ready=lambda: _is_healthy(address),
        folder=ROOT,
        environment=surroundings(**variables),
        address=address,
    )


def work_program(log_name: str, **variables: str) -> Program:
    """`manage.py work` on the test database; ``variables`` are of its environment."""
    log = RESULTS / f"{log_name}-{os.getpid()}.log"
    return Program(
        [sys.executable, "manage.py", "work"],
        log,
        ready=lambda: "Working" in log.read_text(),
        folder=ROOT,
        environment=surroundings(**variables),
    )


def surroundings(**variables: str) -> dict[str, str]:
    """The environment of another process that stands on the database of this test run."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    ours = {"DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE_URL": address_of_the_test_database()}
    return inherited | ours | {"PYTHONUNBUFFERED": "1"} | variables


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


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


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


def _ends_with_us(signal_name: str) -> list[str]:
    """A run that is killed leaves no server behind, where the system can see to that."""
    return ["setpriv", f"--pdeathsig={signal_name}"] if shutil.which("setpriv") else []


@contextlib.contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """A folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(program: Program) -> Iterator[Program]:
    """Start a program, and end it afterwards."""
    program.log.unlink(missing_ok=True)
    try:
        program.start()
        yield program
    finally:
        program.end()


def _run(command: Sequence[object]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _succeeds(command: Sequence[object]) -> bool:
    return subprocess.run(list(map(str, command)), capture_output=True, check=False, cwd="/").returncode == 0
