"""Runs the suite group by group and says in one line per group how it ended: `python -m tests.run [GROUP …]`.

sqlite       what needs no server and no browser
postgresql   what of it a database can make a difference to, on PostgreSQL, and what only PostgreSQL can show
redis        what needs a Redis server, pages in a real Chromium included
browser      the other pages in a real Chromium
quick        of sqlite, what is not marked slow; only when it is asked for by name

A group whose programs are missing is named as not run. With CI=true that fails the run.

Tests of real processes and browsers (``UNSTEADY``) that failed get a second try, alone; whoever needed it is named in
the closing line. Nothing else is tried twice.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests import servers
from tests.servers import RESULTS, ROOT

TESTS_FAILED, NOTHING_COLLECTED = 1, 5

UNSTEADY = ("tests.browser.", "tests.faults.", "tests.platform.", "tests.day.")
"""Which tests depend on how busy the machine is: they wait for other processes, for seconds."""

SECOND_TRIES_MOST = 3
"""If more than these fail, it is not the machine."""

GROUPS = {
    "sqlite": "not postgresql and not redis and not browser",
    "postgresql": "not redis and not browser",
    "redis": "redis",
    "browser": "browser and not redis",
    "quick": "not postgresql and not redis and not browser and not slow",
}

SIDE_BY_SIDE = {"sqlite", "postgresql", "browser", "quick"}
"""What runs on every core, each worker with a database, a console and a Chromium of its own. There is one Redis."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one group ended."""

    line: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    is_good: bool = True


def main() -> None:
    chosen = sys.argv[1:] or [name for name in GROUPS if name != "quick"]
    if unknown := [name for name in chosen if name not in GROUPS]:
        sys.exit(f"There is no group {', '.join(unknown)}; there are {', '.join(GROUPS)}.")
    RESULTS.mkdir(parents=True, exist_ok=True)
    outcomes = [run_group(name) for name in chosen]
    print()
    for outcome in outcomes:
        print(outcome.line)
    passed, failed, skipped = (sum(getattr(o, part) for o in outcomes) for part in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    if not all(outcome.is_good for outcome in outcomes):
        sys.exit(1)


def run_group(name: str) -> Outcome:
    print(f"\n--- {name}", flush=True)
    with contextlib.ExitStack() as stack:
        try:
            surroundings = stack.enter_context(surroundings_of(name))
        except servers.NotHere as missing:
            in_ci = os.environ.get("CI") == "true"
            return Outcome(f"{name}: not run, {missing}", failed=int(in_ci), is_good=not in_ci)
        return run_pytest(name, surroundings)


@contextlib.contextmanager
def surroundings_of(name: str) -> Iterator[dict[str, str]]:
    """Start what the group needs; the value is what the tests' environment says about it."""
    environment = {"TEST_DATABASE_URL": "", "TEST_REDIS_URL": ""}
    with contextlib.ExitStack() as stack:
        if name == "postgresql":
            environment["TEST_DATABASE_URL"] = stack.enter_context(servers.postgresql())
        elif name == "redis":
            environment["TEST_REDIS_URL"] = stack.enter_context(servers.redis())
            # Redis belongs to installations of several processes, and those stand on PostgreSQL.
            with contextlib.suppress(servers.NotHere):
                environment["TEST_DATABASE_URL"] = stack.enter_context(servers.postgresql())
        elif name == "browser" and servers.find_chromium() is None:
            raise servers.NotHere("no Chromium on this machine")
        yield environment


def run_pytest(name: str, surroundings: dict[str, str]) -> Outcome:
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    cache = f"cache_dir={RESULTS / f'{name}-cache'}"
    command = [sys.executable, "-m", "pytest", "-q", "-m", GROUPS[name], f"--junitxml={report}", "-o", cache]
    if name in SIDE_BY_SIDE:
        command += ["-n", str(min(os.cpu_count() or 1, 8)), "--dist", "loadfile"]
    if name == "postgresql":
        command.append("--only-with-database")
    environment = os.environ | surroundings
    started = time.monotonic()
    code = subprocess.run([*command, "--cache-clear"], cwd=ROOT, env=environment, check=False).returncode
    steadied = second_try(name, cache, environment) if code == TESTS_FAILED else []
    code = 0 if steadied else code
    seconds = time.monotonic() - started
    if code == NOTHING_COLLECTED:
        return Outcome(f"{name}: no tests", is_good=False)
    if not report.exists():
        return Outcome(f"{name}: pytest broke off with exit code {code}", failed=1, is_good=False)
    tests, failures, errors, skipped = counts(report)
    failed = 0 if steadied else max(failures + errors, int(code != 0))
    passed = max(tests - failed - skipped, 0)
    line = f"{name}: {passed} passed, {failed} failed, {skipped} skipped in {seconds:.0f} s"
    if steadied:
        line += f"; {len(steadied)} of them only at the second try: {', '.join(steadied)}"
    return Outcome(line, passed, failed, skipped, is_good=code == 0)


def second_try(name: str, cache: str, environment: dict[str, str]) -> list[str]:
    """Run what failed once more, one after the other; the value names the tests if all of them passed now."""
    failed = failures_in(RESULTS / f"{name}.xml")
    if not 0 < len(failed) <= SECOND_TRIES_MOST or not all(test.startswith(UNSTEADY) for test in failed):
        return []
    print(f"\n--- {name}: a second try of what failed and stands on other processes", flush=True)
    again = RESULTS / f"{name}-again.xml"
    again.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", GROUPS[name], f"--junitxml={again}", "-o", cache]
    command += ["--last-failed", "--last-failed-no-failures=none"]
    code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return sorted(failed) if code == 0 and failed <= tests_in(again) else []


def tests_in(report: Path) -> set[str]:
    """The names of the tests that pytest wrote down."""
    return {name_of(case) for case in cases_in(report)}


def failures_in(report: Path) -> set[str]:
    """The names of those that failed."""
    return {name_of(case) for case in cases_in(report) if {"failure", "error"} & {part.tag for part in case}}


def name_of(case: ElementTree.Element) -> str:
    """Where a test is and what it is called."""
    return f"{case.get('classname')}.{case.get('name')}"


def cases_in(report: Path) -> list[ElementTree.Element]:
    """Every test that pytest wrote down."""
    return list(written_in(report).iter("testcase")) if report.exists() else []


def written_in(report: Path) -> ElementTree.Element:
    """What pytest wrote down."""
    return ElementTree.parse(report).getroot()  # noqa: S314  Our own pytest wrote it.


def counts(report: Path) -> tuple[int, int, int, int]:
    """How many tests, failures, errors and skips pytest wrote down."""
    totals = [0, 0, 0, 0]
    for suite in written_in(report).iter("testsuite"):
        for place, attribute in enumerate(("tests", "failures", "errors", "skipped")):
            totals[place] += int(suite.get(attribute, "0"))
    return totals[0], totals[1], totals[2], totals[3]


if __name__ == "__main__":
    main()
