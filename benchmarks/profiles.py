"""Where does the time go, in the report and in an action? What `cProfile` says, in short.

    python -m benchmarks.profiles
    python -m benchmarks.profiles --ongoing 10000 --name profiles-later

On SQLite, in this process: what is slow here is Python. The calls are those of the view and of the service, so the time
of the server around them is not in it. The profiler itself makes everything some two to three times slower.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import os
import pstats
import re
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks import floor
from benchmarks.ground import surroundings
from benchmarks.writing import ROOT, commit, keep, machine

LINES = 15
ROUNDS = 20


def main() -> None:
    """Profile, print, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ongoing", type=int, default=1000)
    parser.add_argument("--closed", type=int, default=5000)
    parser.add_argument("--name", default="profiles", help="the name of the result's file")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="console-profile-") as folder:
        os.environ |= surroundings(f"sqlite:///{folder}/console.sqlite3", "", log_level="CRITICAL")
        session = floor.fill(chosen.ongoing, chosen.closed)[0]
        parts = {"The report, first page": _report(session), "Assign to an agent": _assign()}
    lines = [
        f"## Profiles: {chosen.ongoing:,} ongoing conversations beside {chosen.closed:,} closed ones, SQLite",
        "",
        (
            f"{machine()}, at {commit()}; load average {os.getloadavg()[0]:.1f} at the end. {ROUNDS} of each, "
            "sorted by the time within a function and what it calls."
        ),
        "",
    ]
    for name, (seconds, calls, profile) in parts.items():
        lines += [f"### {name}: {seconds * 1e3:.0f} ms of CPU, {calls:,} calls, each", "", "```", profile, "```", ""]
    keep(chosen.name, lines)


def _report(session: str) -> tuple[float, int, str]:
    from django.conf import settings
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    return _profiled(lambda: client.get("/conversations/"))


def _assign() -> tuple[float, int, str]:
    from conversations.models import Conversation
    from conversations.services import assignment
    from routing.models import Agent, User
    from routing.selectors import actor_for

    boss = actor_for(User.objects.get(username="boss0"))
    agents = [agent.pk for agent in Agent.objects.order_by("pk")[:ROUNDS]]
    targets = iter(Conversation.objects.ongoing().filter(state="open").order_by("pk").values_list("pk", "version"))
    confirmed = frozenset({"capacity_override", "profile_override", "presence_override", "session_limit"})

    def once() -> object:
        pk, version = next(targets)
        return assignment.assign(boss, pk, agent_id=agents[pk % len(agents)], version=version, confirmed=confirmed)

    return _profiled(once)


def _profiled(once: Callable[[], Any]) -> tuple[float, int, str]:
    """Seconds of CPU of one without the profiler, the calls of one, and the table of the profiler."""
    for _ in range(3):
        once()
    began = time.process_time()
    for _ in range(ROUNDS):
        once()
    seconds = (time.process_time() - began) / ROUNDS
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(ROUNDS):
        once()
    profile.disable()
    told = io.StringIO()
    found: Any = pstats.Stats(profile, stream=told)
    calls = int(found.total_calls / ROUNDS)
    found.sort_stats("cumulative").print_stats(r"conversations|routing|supervisor_console|sqlite3|template/base", LINES)
    lines = [line for line in told.getvalue().splitlines() if re.match(r"\s+(ncalls|[0-9]+[/0-9]* )", line)]
    return seconds, calls, "\n".join(_short(line) for line in lines if "function calls" not in line)


def _short(line: str) -> str:
    """A line without the folders of this machine."""
    line = line.replace(f"{ROOT}/", "")
    return re.sub(r"\S*/site-packages/", "", line).rstrip()


if __name__ == "__main__":
    main()
