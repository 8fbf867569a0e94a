"""Who gets a second try in a whole run, and does the closing line say so?"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import run, servers

Runs = Callable[..., list[list[str]]]

PAGE, FAULT, RULE = (
    "tests.browser.test_live.test_a",
    "tests.faults.test_push.test_b",
    "tests.routing.test_policy.test_c",
)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    """What pytest finds at each of its runs: the tests that pass and those that fail."""

    def will_find(*found: tuple[Sequence[str], Sequence[str]]) -> list[list[str]]:
        commands: list[list[str]] = []

        def pretend(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
            passed, failed = found[len(commands)]
            commands.append(command)
            cases = [written(name) for name in passed] + [written(name, "<failure/>") for name in failed]
            report = next(part for part in command if part.startswith("--junitxml=")).removeprefix("--junitxml=")
            suite = f'<testsuite tests="{len(cases)}" failures="{len(failed)}" errors="0" skipped="0">'
            Path(report).write_text(f"<testsuites>{suite}{''.join(cases)}</testsuite></testsuites>")
            return subprocess.CompletedProcess(command, int(bool(failed)))

        monkeypatch.setattr(run, "RESULTS", tmp_path)
        monkeypatch.setattr(subprocess, "run", pretend)
        return commands

    return will_find


def written(name: str, how: str = "") -> str:
    """As pytest writes a test down."""
    place, _, test = name.rpartition(".")
    return f'<testcase classname="{place}" name="{test}">{how}</testcase>'


def test_what_passes_at_the_second_try_is_named(runs: Runs) -> None:
    commands = runs(([RULE, FAULT], [PAGE]), ([PAGE], []))

    outcome = run.run_pytest("browser", {})

    assert outcome.is_good
    assert (outcome.passed, outcome.failed) == (3, 0)
    assert outcome.line.endswith(f"; 1 of them only at the second try: {PAGE}")
    assert "--last-failed" in commands[1]


def test_what_fails_twice_stays_failed(runs: Runs) -> None:
    commands = runs(([RULE], [PAGE, FAULT]), ([PAGE], [FAULT]))

    outcome = run.run_pytest("sqlite", {})

    assert not outcome.is_good
    assert (outcome.passed, outcome.failed, len(commands)) == (1, 2, 2)
    assert "second" not in outcome.line


@pytest.mark.parametrize(
    "failed",
    [
        pytest.param([PAGE, RULE], id="one of them stands on nothing that may be busy"),
        pytest.param([f"{FAULT}{number}" for number in range(run.SECOND_TRIES_MOST + 1)], id="it is not the machine"),
    ],
)
def test_there_is_no_second_try(runs: Runs, failed: list[str]) -> None:
    commands = runs(([], failed))

    assert run.run_pytest("sqlite", {}).failed == len(failed)
    assert len(commands) == 1


@pytest.mark.parametrize(("group", "is_so"), [("postgresql", True), ("sqlite", False), ("redis", False)])
def test_what_asks_for_no_database_is_run_once(runs: Runs, group: str, is_so: bool) -> None:
    commands = runs(([RULE], []))

    run.run_pytest(group, {})

    assert ("--only-with-database" in commands[0]) is is_so


def test_only_what_asks_for_no_database_is_left_out() -> None:
    """By the markers and fixtures of real tests: every kind that a database could make a difference to stays."""
    kinds = {
        "tests/routing/test_policy.py": False,
        "tests/routing/test_presence.py": True,
        "tests/conversations/test_demo.py": True,
        "tests/concurrency/test_engine_races.py": True,
        "tests/faults/test_storm.py": True,
        "tests/faults/test_slow_client.py": False,
    }
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "--only-with-database"]

    listed = subprocess.run([*command, *kinds], cwd=servers.ROOT, capture_output=True, text=True, check=True).stdout

    assert {path: f"{path}::" in listed for path in kinds} == kinds
