"""A database that is filled once, and copies of it that go on differently."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.ground import create_database
from tests import servers

BUFFERS = "512MB"
"""Of PostgreSQL for all copies: as they are read in turn, none should push another's pages out."""

Copy = Callable[[str], str]
"""Makes a copy of this name while nobody is in the original; the value is its address."""


@contextmanager
def databases(kind: str) -> Iterator[tuple[str, Copy]]:
    """An empty database: its address, and how it is copied. All of them are gone afterwards."""
    with (_postgresql if kind == "postgresql" else _sqlite)() as found:
        yield found


@contextmanager
def _postgresql() -> Iterator[tuple[str, Copy]]:
    # No parallel workers: they end with their query, and what they used would be in no figure.
    settings = {"shared_buffers": BUFFERS, "max_parallel_workers_per_gather": "0"}
    with (
        servers.temporary_folder("console-pg-") as folder,
        servers.running(servers.postgresql_program(folder, **settings)) as server,
    ):
        yield (
            create_database(server.address, "console"),
            lambda name: create_database(server.address, name, like="console"),
        )


@contextmanager
def _sqlite() -> Iterator[tuple[str, Copy]]:
    with servers.temporary_folder("console-report-") as folder:
        original = folder / "console.sqlite3"

        def copy(name: str) -> str:
            with closing(sqlite3.connect(original)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return _address(shutil.copyfile(original, folder / f"{name}.sqlite3"))

        yield _address(original), copy


def _address(path: Path) -> str:
    return f"sqlite:///{path}"
