"""What each benchmark stands on: a database of its own, the surroundings of its processes, and console servers."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.pool import Pool

import psutil

from benchmarks.writing import RESULTS, ROOT
from tests import servers


def create_database(server: str, name: str, *, like: str = "") -> str:
    """Create a database on the server of this address, empty or ``like`` another one; returns its address."""
    import psycopg

    base = server.rsplit("/", 1)[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} {f'TEMPLATE {like} STRATEGY FILE_COPY' if like else ''}")
    return f"{base}/{name}"


def surroundings(database: str, broker: str, *, log_level: str) -> dict[str, str]:
    """The environment of a process that is measured: a demo installation in which nobody acts by itself."""
    return {
        "DJANGO_SETTINGS_MODULE": "supervisor_console.settings",
        "DEMO": "1",
        "SIMULATE": "0",
        "DATABASE_URL": database,
        "REDIS_URL": broker,
        "LOG_LEVEL": log_level,
    }


@contextlib.contextmanager
def process_in(environment: Mapping[str, str]) -> Iterator[Pool]:
    """A process of its own, in which nothing has happened yet, in these surroundings; it ends in peace."""
    with multiprocessing.get_context("spawn").Pool(1, _stand_in, (dict(environment),)) as process:
        yield process
        process.close()
        process.join()


@contextlib.contextmanager
def console_servers(
    number: int, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[list[str], list[psutil.Process]]]:
    """So many `manage.py serve` processes in these surroundings, or ours; their addresses and themselves."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    found: list[subprocess.Popen[bytes]] = []
    addresses = []
    try:
        for place in range(number):
            port = servers.free_port()
            with (RESULTS / f"serve-{place}.log").open("w") as log:
                command = [sys.executable, "manage.py", "serve", "--port", str(port)]
                around = os.environ | (environment or {})
                found.append(subprocess.Popen(command, cwd=ROOT, env=around, stdout=log, stderr=log))
            addresses.append(f"http://127.0.0.1:{port}")
        for address in addresses:
            _wait_for(("127.0.0.1", int(address.rsplit(":", 1)[1])))
        yield addresses, [psutil.Process(process.pid) for process in found]
    finally:
        for process in found:
            process.terminate()
        for process in found:
            process.wait()


def memory(processes: Sequence[psutil.Process]) -> int:
    """Bytes in memory of these processes together."""
    return sum(int(process.memory_info().rss) for process in processes)


def cpu(processes: Sequence[psutil.Process]) -> float:
    """Seconds of CPU that these processes have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _stand_in(environment: Mapping[str, str]) -> None:
    os.environ |= environment


def _wait_for(address: tuple[str, int]) -> None:
    """Wait until a server listens."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5):
            return
        time.sleep(0.1)
