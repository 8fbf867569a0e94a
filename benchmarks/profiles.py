"""Where does the time go, in the report and in each action? What `cProfile` says, in short, now and at another commit.

    python -m benchmarks.profiles
    python -m benchmarks.profiles --before 79081bc

On SQLite, in one process without a server: what is slow here is Python. With ``--before`` the same program also
measures the code of that commit, in turn with this one, so that both are of one machine and one hour. Calls and
statements are exact; CPU is the median of the process's own, which other work on the machine disturbs far less than the
clock on the wall. The profiler itself makes everything some two to three times slower.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import io
import json
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import actions, floor
from benchmarks.ground import surroundings
from benchmarks.writing import ROOT, commit, keep, machine, table

LINES = 15
READY, ROUNDS = 3, 20
"""So many of each make the process ready, and so many are measured, without the profiler and again with it."""

TURNS = 2
REPORT, SHOWN = "the report, first page", "assign"
"""What is no action, and the action whose profile is printed beside it."""

Part = dict[str, Any]
"""Of one action: ms of CPU, calls, statements, and the profiler's table."""


def main() -> None:
    """Measure, print, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ongoing", type=int, default=2000)
    parser.add_argument("--closed", type=int, default=5000)
    parser.add_argument("--before", default="", help="a commit to compare with")
    parser.add_argument("--name", default="profiles", help="the name of the result's file")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.into:
        chosen.into.write_text(json.dumps(measure(chosen.ongoing, chosen.closed)))
        return
    with _trees(chosen.before) as trees:
        found: dict[str, list[dict[str, Part]]] = {name: [] for name in trees}
        for _turn in range(TURNS):
            for name, tree in trees.items():
                found[name].append(_measured(tree, chosen.ongoing, chosen.closed))
    best = {name: _lowest(turns) for name, turns in found.items()}
    lines = [
        f"## Profiles: {chosen.ongoing:,} ongoing conversations beside {chosen.closed:,} closed ones, SQLite",
        "",
        (
            f"{machine()}; load average {os.getloadavg()[0]:.1f} at the end. {ROUNDS} of each in {TURNS} turns; CPU is "
            "the median of the better turn, in ms, with SQLite's own; an action from its call to its commit."
        ),
        "",
        *_compared(best),
    ]
    for part in (REPORT, SHOWN):
        for name, parts in best.items():
            lines += ["", f"### {part.capitalize()}, at {name}", "", "```", parts[part]["profile"], "```"]
    keep(chosen.name, lines)


def _compared(best: Mapping[str, Mapping[str, Part]]) -> list[str]:
    heads = ["", *(f"{what}, {name}" for what in ("statements", "calls", "CPU") for name in best)]
    parts = next(iter(best.values()))
    return table(
        heads,
        [
            [part]
            + [str(there[part]["statements"]) for there in best.values()]
            + [f"{there[part]['calls']:,}" for there in best.values()]
            + [f"{there[part]['ms']:.1f}" for there in best.values()]
            for part in parts
        ],
    )


def _lowest(turns: Sequence[dict[str, Part]]) -> dict[str, Part]:
    return {part: min((turn[part] for turn in turns), key=lambda found: found["ms"]) for part in turns[0]}


@contextlib.contextmanager
def _trees(before: str) -> Iterator[dict[str, Path]]:
    """The folders to measure, by what is in them: that commit with this program in it, and this one."""
    if not before:
        yield {commit(): ROOT}
        return
    with tempfile.TemporaryDirectory(prefix="console-before-") as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), before], cwd=ROOT, check=True)
        try:
            shutil.copytree(ROOT / "benchmarks", tree / "benchmarks", dirs_exist_ok=True)
            yield {before: tree, commit(): ROOT}
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def _measured(tree: Path, ongoing: int, closed: int) -> dict[str, Part]:
    """The parts as the code in this folder does them, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="console-profile-") as folder:
        into = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks.profiles", "--into", str(into)]
        command += ["--ongoing", str(ongoing), "--closed", str(closed)]
        around = surroundings(f"sqlite:///{folder}/console.sqlite3", "", log_level="CRITICAL")
        subprocess.run(command, cwd=tree, env=os.environ | around, check=True)
        found: dict[str, Part] = json.loads(into.read_text())
    return found


def measure(ongoing: int, closed: int) -> dict[str, Part]:
    """Every part, in this process."""
    session = floor.fill(ongoing, closed)[0]
    from django.conf import settings
    from django.test import Client

    from routing.models import User
    from routing.selectors import actor_for

    client = Client(headers={"host": "localhost"})
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    times = READY + 2 * ROUNDS
    parts = {REPORT: _part([lambda: client.get("/conversations/")] * times)}
    boss = actor_for(User.objects.get(username="boss0"))
    for name, targets in actions.choose(times).items():
        actions.everybody_available()
        parts[name] = _part(actions.deed(name, boss, target, actions.seen_of(target)) for target in targets)
    return parts


def _part(deeds: Iterator[Callable[[], object]] | Sequence[Callable[[], object]]) -> Part:
    from django.db import connection

    number = 0

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal number
        number += 1
        return execute(*args)

    seconds, profile = [], cProfile.Profile()
    for place, deed in enumerate(deeds):
        if place < READY:
            deed()
        elif place == READY:
            with connection.execute_wrapper(count):
                deed()
        elif place < READY + ROUNDS:
            began = time.process_time()
            deed()
            seconds.append(time.process_time() - began)
        else:
            profile.enable()
            deed()
            profile.disable()
    told = io.StringIO()
    found: Any = pstats.Stats(profile, stream=told)
    calls = int(found.total_calls / ROUNDS)
    found.sort_stats("cumulative").print_stats(r"conversations|routing|supervisor_console|sqlite3|template/base", LINES)
    lines = [line for line in told.getvalue().splitlines() if re.match(r"\s+(ncalls|[0-9]+[/0-9]* )", line)]
    profiled = "\n".join(_short(line) for line in lines if "function calls" not in line)
    return {"ms": median(seconds) * 1e3, "calls": calls, "statements": number, "profile": profiled}


def _short(line: str) -> str:
    """A line without the folders of this machine."""
    line = line.replace(f"{Path.cwd()}/", "")
    return re.sub(r"\S*/site-packages/", "", line).rstrip()


if __name__ == "__main__":
    main()
