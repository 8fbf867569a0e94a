"""How long from the commit of a change to the last of N consoles, what does it cost, and how long to come back?

    python -m benchmarks.push                                   # 200 consoles on one process
    python -m benchmarks.push --consoles 1000 --processes 2
    python -m benchmarks.push --views different
    python -m benchmarks.push --series                          # 50, 200, 1,000; the same and different views

Starts its own PostgreSQL and Redis, fills a floor, starts the servers (`manage.py serve`), opens the consoles from one
more process, and makes changes through the services from another, as several processes of the product do. Everything
shares the machine's cores: the consoles and the changes are part of the load. In the end each console's screen is
compared with what the database says. The floor is a bare ``websockets`` broadcast of the same bytes to as many clients,
in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from typing import Any

from benchmarks import centre
from benchmarks.bare import bare_broadcast
from benchmarks.centre import SAME, Change
from benchmarks.consoles import Console, Outcome, run
from benchmarks.ground import console_servers, cpu, create_database, memory, surroundings
from benchmarks.writing import keep, machine, percentile, table
from tests import servers

IDLE_SECONDS = 6.0
SETTLE_SECONDS = 6.0
CHECKED_WITHIN = 12
"""Seconds in which each view is looked at again without a cause, where there are many."""

SERIES = (
    (50, 1, "same"),
    (200, 1, "same"),
    (1000, 1, "same"),
    (1000, 2, "same"),
    (50, 1, "different"),
    (200, 1, "different"),
)

Pool = Any


@dataclass(frozen=True, slots=True)
class Run:
    """What is measured: so many consoles on so many server processes, with the same view or different ones."""

    consoles: int
    processes: int
    views: str
    rate: float
    seconds: float


def main() -> None:
    """Measure, print a table, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consoles", type=int, default=200)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=20.0, help="changes a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--views", choices=["same", "different"], default="same")
    parser.add_argument("--series", action="store_true", help="50, 200 and 1,000 consoles, one after the other")
    parser.add_argument("--name", default="", help="the name of the result's file")
    chosen = parser.parse_args()
    wanted = SERIES if chosen.series else ((chosen.consoles, chosen.processes, chosen.views),)
    runs = [Run(number, processes, views, chosen.rate, chosen.seconds) for number, processes, views in wanted]
    load = os.getloadavg()[0]
    with servers.postgresql() as server, servers.redis() as broker:
        database = create_database(server, "console")
        os.environ |= surroundings(database, broker, log_level="WARNING")
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            sessions = pool.apply(centre.fill, (chosen.conversations, max(one.consoles for one in runs)))
            columns = [measure(context, pool, one, sessions) for one in runs]
    name = chosen.name or ("push-series" if chosen.series else "push-{}x{}-{}".format(*wanted[0]))
    keep(name, told(runs, columns, chosen.conversations, load))


# --- one run -----------------------------------------------------------------------------------------------


def measure(context: SpawnContext, pool: Pool, wanted: Run, sessions: Sequence[str]) -> dict[str, str]:
    """One run; the figures by name."""
    different = wanted.views == "different"
    queries = pool.apply(centre.different_views, (wanted.consoles,)) if different else [SAME] * wanted.consoles
    with console_servers(wanted.processes) as (addresses, processes):
        consoles = [
            Console(addresses[place % len(addresses)], sessions[place], query) for place, query in enumerate(queries)
        ]
        orders, orders_end = context.Pipe()
        results_end, results = context.Pipe()

        def order(what: str) -> Any:
            orders.send(what)
            return results_end.recv()

        empty = memory(processes)
        context.Process(target=run, args=(consoles, orders_end, results), daemon=True).start()
        opening = order("open")
        full = memory(processes)
        order("drop")
        coming = cpu(processes)
        again = order("open")
        coming = cpu(processes) - coming
        time.sleep(2)
        idle = cpu(processes)
        time.sleep(IDLE_SECONDS)
        idle = (cpu(processes) - idle) / IDLE_SECONDS
        order("clear")
        began, before = time.monotonic(), cpu(processes)
        made = changes_of(context, wanted)
        time.sleep(SETTLE_SECONDS)
        busy = cpu(processes) - before - idle * (time.monotonic() - began)
        later = memory(processes)
        outcome: Outcome = order("report")
        untrue = untrue_of(pool, outcome.consoles)
    if outcome.faults:
        print("consoles ended with", outcome.faults, file=sys.stderr)
    floor = asyncio.run(bare_broadcast(outcome.wire.typical, wanted.consoles))
    old = outcome.wire.delays
    delays, incomplete = (old, None) if different else delays_of(made, outcome.consoles)
    return {
        "changes made": str(len(made)),
        "changes that a console missed": "–" if incomplete is None else str(incomplete),
        "consoles whose screen is not true in the end": str(untrue),
        "consoles lost": str(outcome.lost),
        "commit to screen, p50": f"{percentile(delays, 0.50):.3f} s",
        "commit to screen, p95": f"{percentile(delays, 0.95):.3f} s",
        "commit to screen, p99": f"{percentile(delays, 0.99):.3f} s",
        "commit to screen, last": f"{max(delays):.3f} s",
        "oldest change in a frame to its arrival, p95": f"{percentile(old, 0.95):.3f} s",
        "floor: bare broadcast of a frame, p95": f"{percentile(floor, 0.95):.3f} s",
        "p95 / floor": f"{percentile(delays, 0.95) / percentile(floor, 0.95):.0f}",
        "first opening, until the last is true": f"{opening:.2f} s",
        "all come back at once, until the last is true": f"{again:.2f} s",
        "server CPU per console that comes back": f"{coming / wanted.consoles * 1e3:.1f} ms",
        "memory of the servers, empty": f"{empty / 1e6:.0f} MB",
        "memory per console": f"{(full - empty) / wanted.consoles / 1e3:.0f} kB",
        "memory per console after the changes": f"{(later - empty) / wanted.consoles / 1e3:.0f} kB",
        "server CPU while nothing happens": f"{idle * 1e3:.0f} ms/s",
        "server CPU per change": f"{busy / len(made) * 1e3:.1f} ms",
        "server CPU per change and console": f"{busy / len(made) / wanted.consoles * 1e6:.0f} µs",
        "CPU of the consoles' own process, whole run": f"{outcome.cpu:.1f} s",
        "frames per console, with a change and without": f"{outcome.wire.regions / wanted.consoles:.0f}, "
        f"{outcome.wire.beats / wanted.consoles:.0f}",
        "bytes per frame": f"{outcome.wire.bytes / max(1, outcome.wire.regions) / 1e3:.1f} kB",
    }


def changes_of(context: SpawnContext, wanted: Run) -> list[Change]:
    """Let a process make the changes; returns what it made."""
    near, far = context.Pipe()
    changing = context.Process(target=centre.make_changes, args=(wanted.rate, wanted.seconds, far))
    changing.start()
    far.close()
    made: list[Change] = near.recv()
    changing.join()
    return made


# --- figures -------------------------------------------------------------------------------------------------


def delays_of(made: list[Change], consoles: list[Console]) -> tuple[list[float], int]:
    """Seconds from each commit until each console showed that version or a later one, and how many some never did.

    For a view in which every change is on the first page; what was closed has left it, and shows in the figures only.
    """
    at: dict[int, list[tuple[int, float]]] = defaultdict(list)
    gone = {change.conversation for change in made if not change.is_listed}
    for change in made:
        if change.conversation not in gone:
            at[change.conversation].append((change.version, change.at))
    delays: list[float] = []
    missed: set[tuple[int, int]] = set()
    for console in consoles:
        shown: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for (pk, version), moment in console.rows.items():
            shown[pk].append((version, moment))
        for pk, changes in at.items():
            for version, committed in changes:
                seen = [moment for later, moment in shown.get(pk, ()) if later >= version]
                if seen:
                    delays.append(min(seen) - committed)
                else:
                    missed.add((pk, version))
    return delays, len(missed)


def untrue_of(pool: Pool, consoles: list[Console]) -> int:
    """How many consoles show something else than the database says.

    What time alone changes (one more has waited too long) is looked at every few seconds, so a console may show what
    was true as long ago.
    """
    now, untrue = time.time(), consoles
    for ago in range(CHECKED_WITHIN + 1):
        if untrue:
            digests = pool.apply(centre.truth, (sorted({console.query for console in untrue}), now - ago))
            untrue = [console for console in untrue if console.digest != digests[console.query]]
    return len(untrue)


def told(runs: list[Run], columns: list[dict[str, str]], conversations: int, load: float) -> list[str]:
    """The figures as Markdown, with the machine named."""
    shared = "consoles, changes, PostgreSQL and Redis on the same cores"
    heads = [f"{one.consoles} on {one.processes}, {one.views} views" for one in runs]
    return [
        f"## Push: {conversations} ongoing conversations, {runs[0].rate:g} changes/s for {runs[0].seconds:g} s",
        "",
        f"{machine()}; {shared}; load average at the start {load:.1f}.",
        "",
        *table(
            ["consoles and processes", *heads],
            ([name, *(column[name] for column in columns)] for name in columns[0]),
        ),
    ]


if __name__ == "__main__":
    main()
