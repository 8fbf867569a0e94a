"""Who gets a second try in a whole run, and does the closing line say so?"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import run


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[list[str]]]:
    """What pytest finds at each of its runs: the tests that pass and those that fail."""

    def will_find(*found: tuple[Sequence[str], Sequence[str]]) -> list[list[str]]:
        commands: list[list[str]] = []

        def pretend(command: list[str], **_options: object) -> subprocess.CompletedProcess[str]:
            passed, failed = found[len(commands)]
            commands.append(command)
            cases = [f'<testcase classname="tests" name="{name}"/>' for name in passed]
            cases += [f'<testcase classname="tests" name="{name}"><failure/></testcase>' for name in failed]
            report = next(part for part in command if part.startswith("--junitxml=")).removeprefix("--junitxml=")
            suite = f'<testsuite tests="{len(cases)}" failures="{len(failed)}" errors="0" skipped="0">'
            Path(report).write_text(f"<testsuites>{suite}{''.join(cases)}</testsuite></testsuites>")
            return subprocess.CompletedProcess(command, int(bool(failed)))

        monkeypatch.setattr(run, "RESULTS", tmp_path)
        monkeypatch.setattr(subprocess, "run", pretend)
        return commands

    return will_find


def test_what_passes_at_the_second_try_is_named(runs: Callable[..., list[list[str]]]) -> None:
    commands = runs((["a", "b"], ["c"]), (["c"], []))

    outcome = run.run_pytest("browser", {})

    assert outcome.is_good
    assert (outcome.passed, outcome.failed) == (3, 0)
    assert outcome.line.endswith("; 1 of them only at the second try: tests.c")
    assert run.UNSTEADY in commands[1][commands[1].index("-m", 3) + 1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((["a"], ["c"]), ([], ["c"]), id="it fails again"),
        pytest.param((["a"], ["c", "d"]), (["d"], []), id="one of them stands on nothing that may be busy"),
    ],
)
def test_what_fails_stays_failed(
    runs: Callable[..., list[list[str]]],
    first: tuple[list[str], list[str]],
    second: tuple[list[str], list[str]],
) -> None:
    runs(first, second)

    outcome = run.run_pytest("browser", {})

    assert not outcome.is_good
    assert (outcome.passed, outcome.failed) == (1, len(first[1]))
    assert "second" not in outcome.line


def test_many_failures_are_not_the_machines(runs: Callable[..., list[list[str]]]) -> None:
    commands = runs((["a"], list("bcdef")))

    assert run.run_pytest("sqlite", {}).failed == 5
    assert len(commands) == 1
