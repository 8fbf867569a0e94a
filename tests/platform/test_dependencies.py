"""Is what runs exactly what was locked: pinned, with hashes, from no particular place, and all of it?

What is known to be unsafe in it, only an advisory service can say: tools/audit.py asks one (test_audit.py).
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [("requirements.in", "requirements.lock"), ("requirements-dev.in", "requirements-dev.lock")]


def wanted(name: str) -> list[Requirement]:
    """What a person wrote down."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def rows_of(name: str) -> list[Requirement]:
    """What was locked, for every platform."""
    text = re.sub(r"\\\n\s*--hash=\S+", "", (ROOT / name).read_text())
    return [Requirement(line.strip()) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def locked(name: str) -> dict[str, Requirement]:
    """What was locked for this machine, by name."""
    here = {key: str(value) for key, value in default_environment().items()} | {"extra": ""}
    return {
        canonicalize_name(row.name): row for row in rows_of(name) if row.marker is None or row.marker.evaluate(here)
    }


def pinned(row: Requirement) -> str:
    return str(row.specifier).removeprefix("==")


@pytest.mark.parametrize(("asked", "lock"), PAIRS)
def test_everything_that_is_asked_for_is_locked_at_a_version_that_was_asked_for(asked: str, lock: str) -> None:
    rows = locked(lock)

    for requirement in wanted(asked):
        row = rows[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pinned(row)), requirement


@pytest.mark.parametrize("lock", [lock for _asked, lock in PAIRS])
def test_each_package_is_pinned_with_hashes_and_from_no_particular_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    rows = rows_of(lock)

    assert len(rows) > 15
    assert all(re.fullmatch(r"==[\w.+!-]+", str(row.specifier)) and row.url is None for row in rows)
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(blocks) == len(rows)
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert not re.search(r"://|--index|--find-links|git\+|@ ", text)


def test_development_tries_what_production_runs() -> None:
    runtime, development = locked("requirements.lock"), locked("requirements-dev.lock")

    assert {name: pinned(row) for name, row in runtime.items()}.items() <= {
        name: pinned(row) for name, row in development.items()
    }.items()


def test_what_is_installed_is_what_was_locked() -> None:
    wrong = []
    for name, row in locked("requirements-dev.lock").items():
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "nothing"
        if found != pinned(row):
            wrong.append(f"{name}: {found} is installed, {pinned(row)} is locked")

    assert wrong == []
