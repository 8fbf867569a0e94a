"""What does the report cost, from 1,000 to 100,000 ongoing conversations beside a million closed ones?

    python -m benchmarks.report                              # PostgreSQL and SQLite, all sizes: about ten minutes
    python -m benchmarks.report --databases sqlite --sizes 1000 10000 --closed 20000

For each view (first page, deep page, each filter, each sort both ways, searches): the whole request in Python, how many
queries it makes, the plan of the query that chooses the rows; and the same page in SQL written by hand, in turn with
it. For some views, the time to the last byte through Daphne at 1 and 8 clients, in turn with an answer of the same
server that contains nothing.

Each size has a database and a process of its own; the past is made once and copied. They are measured in turn, view by
view and round by round, so that a machine that is slower for a minute is slower for all of them.

Bars (``benchmarks.bars``, which says of each what was measured and whether it holds): 100,000 ongoing ones cost at most
1.5 times what 1,000 cost (a view that lists fewer rows at 1,000 is held against the dearer of itself and the first
page there); a page of 50 rows costs at most 3 times the SQL by hand and the bare answer together; the number of queries
does not depend on the size; every list is found by an index.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool

from benchmarks import floor, rounds
from benchmarks.copies import databases
from benchmarks.costs import Cost, Measured, lists_fewer
from benchmarks.drawing import lines_of
from benchmarks.ground import process_in, surroundings
from benchmarks.report_tables import drawn, told
from benchmarks.served import through_daphne
from benchmarks.writing import keep, keep_picture

SIZES = (1_000, 10_000, 100_000)
CLOSED = 1_000_000
FIRST = "first page"
PATIENCE = 1.5
"""Seconds for one view at one size; when one size has spent them, the rounds of the view are over for all. Each is
asked for twice at least, the first time to warm up."""


def main() -> None:
    """Measure, print the tables, keep them with a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--closed", type=int, default=CLOSED)
    parser.add_argument("--databases", nargs="*", choices=["postgresql", "sqlite"], default=["postgresql", "sqlite"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--name", default="report", help="the name of the results' files")
    chosen = parser.parse_args()
    for name in chosen.databases:
        before = os.getloadavg()[2]
        found = measure(name, sorted(chosen.sizes), chosen.closed, chosen.rounds)
        keep(f"{chosen.name}-{name}", told(found, chosen.closed, chosen.rounds, (before, os.getloadavg()[2])))
        keep_picture(f"{chosen.name}-{name}", lines_of(drawn(found), "ongoing conversations", "CPU of a request, ms"))


def measure(name: str, sizes: Sequence[int], closed: int, most: int) -> list[Measured]:
    """One kind of database at every size."""
    with _filled(name, sizes, closed) as (environments, session):
        with ExitStack() as stack:
            processes = {size: stack.enter_context(process_in(around)) for size, around in environments.items()}
            addresses = {size: one.apply(rounds.make_ready, (session,)) for size, one in processes.items()}
            costs = {view: in_turn(processes, view, most) for view in addresses[sizes[0]]}
        _say(f"{name}: views measured")
        found = []
        for size, around in environments.items():
            served = through_daphne(around, session, addresses[size])
            found.append(Measured(name, size, {view: cost[size] for view, cost in costs.items()}, served))
            _say(f"{name} {size}: asked through Daphne")
        with process_in(environments[sizes[-1]]) as process:
            found[-1].indexes = process.apply(rounds.of_indexes)
    return found


def in_turn(processes: Mapping[int, Pool], view: str, most: int) -> dict[int, Cost]:
    """A view at all sizes, which take turns; each round goes the other way, so that none is always the first."""
    small, *_, large = processes if len(processes) > 1 else [*processes] * 2
    costs = {size: Cost(one.apply(rounds.look, (view,))) for size, one in processes.items()}
    turns = [(size, view, costs[size].rounds) for size in processes]
    if lists_fewer(costs[small], costs[large]):
        turns.insert(0, (small, FIRST, costs[small].page))
    spent = dict.fromkeys(processes, 0.0)
    for _ in range(most):
        for size, name, kept in turns:
            began = time.monotonic()
            kept.append(processes[size].apply(rounds.measure, (name,)))
            spent[size] += time.monotonic() - began
        if max(spent.values()) > PATIENCE:
            break
        turns.reverse()
    return costs


@contextmanager
def _filled(name: str, sizes: Sequence[int], closed: int) -> Iterator[tuple[dict[int, dict[str, str]], str]]:
    """Databases with so many ongoing conversations each: the surroundings of their processes, and a session."""
    began = time.monotonic()
    with databases(name) as (first, copy):
        with process_in(_around(first)) as process:
            session = process.apply(floor.fill, (0, closed))[0]
        _say(f"{name}: the past after {time.monotonic() - began:.0f} s")
        found = {}
        for size in sizes:
            found[size] = _around(copy(f"console_{size}"))
            with process_in(found[size]) as process:
                process.apply(floor.add, (0, size, closed))
            _say(f"{name} {size}: filled after {time.monotonic() - began:.0f} s")
        yield found, session


def _around(database: str) -> dict[str, str]:
    """The surroundings of a process that measures in this database."""
    more = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare_settings", "BACKGROUND_IN_WEB": "0"}
    return surroundings(database, "", log_level="ERROR") | more


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
