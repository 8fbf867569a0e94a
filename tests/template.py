"""Where does a run on SQLite get its migrated database from? From a file that is migrated once and then copied.

The file is made anew when what decides about a fresh database changed: migrations, models, what every installation has
from the start, the locked packages. A run still migrates its copy, which then has nothing left to do.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.servers import ROOT

FOLDER = ROOT / "var" / "test-databases"
PACKAGES = ("supervisor_console", "routing", "conversations")
DECISIVE = {"migrations", "models"}
DECISIVE_FILES = {"actor.py", "apps.py", "essentials.py", "models.py", "settings.py"}


def copy_migrated(to: Path) -> None:
    """Put a migrated database at ``to``; the first one who asks makes it, and the others wait for that."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        template = FOLDER / f"{state()}.sqlite3"
        if not template.exists():
            for leftover in FOLDER.glob("*.sqlite3*"):
                leftover.unlink()
            _migrate(template)
        shutil.copyfile(template, to)


def state() -> str:
    """One word for everything that decides about a fresh database."""
    found = hashlib.sha256(f"{sys.version} {sqlite3.sqlite_version}".encode())
    for path in sorted(decisive()):
        found.update(f"\n{path.relative_to(ROOT)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:32]


def decisive() -> Iterator[Path]:
    """The files that decide about it."""
    yield ROOT / "requirements-dev.lock"
    yield ROOT / "tests" / "settings.py"
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if path.name in DECISIVE_FILES or DECISIVE & set(path.parts):
                yield path


def _migrate(template: Path) -> None:
    unfinished = template.with_suffix(".unfinished.sqlite3")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE_URL": f"sqlite:///{unfinished}",
        "TEST_REDIS_URL": "",
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"The database of the tests cannot be migrated:\n{done.stdout}{done.stderr}")
    unfinished.rename(template)
