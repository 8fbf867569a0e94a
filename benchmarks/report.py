"""What does the report cost, from 1,000 to 100,000 ongoing conversations beside a million closed ones?

    python -m benchmarks.report                              # PostgreSQL and SQLite, all sizes: about ten minutes
    python -m benchmarks.report --databases sqlite --sizes 1000 10000 --closed 20000

For each view (first page, deep page, each filter, each sort both ways, searches): the whole request in Python, the part
of it that its queries take, how many they are, the plan of the query that chooses the rows; and the same page in SQL
written by hand, in turn with it. For some views, the time to the last byte through Daphne at 1 and 8 clients, in turn
with an answer of the same server that contains nothing.

Bars (``benchmarks.bars``, which says of each what was measured and whether it holds): 100,000 ongoing ones cost at most
1.5 times what 1,000 cost; a page of 50 rows costs at most 3 times the SQL by hand and the bare answer together; the
number of queries does not depend on the size; every list is found by an index.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks import bars, floor, plans
from benchmarks.drawing import lines_of
from benchmarks.ground import console_servers, create_database, surroundings
from benchmarks.views import bare_page, views
from benchmarks.writing import commit, keep, keep_picture, machine, percentile, table
from tests import servers

SIZES = (1_000, 10_000, 100_000)
CLOSED = 1_000_000
THROUGH_DAPHNE = ("first page", "page 13", "queue", "search, rare", "sort -wait")
DRAWN = ("first page", "page 13", "queue", "search, rare", "sort -wait", "sort customer")
CLIENTS = (1, 8)
PATIENCE = 1.5
"""Seconds for one view at one size; it is asked for twice at least, the first time to warm up."""

ASKED = 24
"""So often a view is asked for through Daphne, by all clients together."""


@dataclass
class Cost:
    """Seconds of one view: whole request, its queries, the bare SQL; how many queries, how many conversations are
    listed; the plan of its list.

    ``ours``, ``theirs`` and ``by_hand`` are seconds of CPU: of this process and of the database's for the request,
    and of both for the bare SQL. Other work on the machine makes them longer too, but not as many times.
    ``steady`` is what something costs that never changes, in turn with them: sizes are measured minutes apart, and a
    machine is not as fast in each of them.
    """

    whole: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    by_hand: list[float] = field(default_factory=list)
    steady: list[float] = field(default_factory=list)
    number: int = 0
    rows: int = 0
    plan: str = ""


class Timed:
    """An execute wrapper that notes each statement, and how long the database took for it (seconds)."""

    def __init__(self) -> None:
        self.spent: list[float] = []
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spent.append(time.perf_counter() - began)
            self.asked.append((sql, params))


@dataclass
class Served:
    """Seconds to the last byte through Daphne, at so many clients; and of the bare answer beside it."""

    clients: int
    page: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


@dataclass
class Measured:
    """One database at one size."""

    database: str
    size: int
    views: dict[str, Cost]
    served: dict[tuple[str, int], Served]
    indexes: list[str]


def main() -> None:
    """Measure, print the tables, keep them with a picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--closed", type=int, default=CLOSED)
    parser.add_argument("--databases", nargs="*", choices=["postgresql", "sqlite"], default=["postgresql", "sqlite"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--name", default="report", help="the name of the results' files")
    chosen = parser.parse_args()
    for name in chosen.databases:
        before = os.getloadavg()[2]
        found = measure(name, chosen.sizes, chosen.closed, chosen.rounds)
        keep(f"{chosen.name}-{name}", told(found, chosen.closed, chosen.rounds, (before, os.getloadavg()[2])))
        keep_picture(f"{chosen.name}-{name}", lines_of(_drawn(found), "ongoing conversations", "CPU of a request, ms"))


def measure(name: str, sizes: Sequence[int], closed: int, rounds: int) -> list[Measured]:
    """One database at every size; the closed ones are made once."""
    found = []
    with ExitStack() as stack:
        if name == "postgresql":
            database = create_database(stack.enter_context(servers.postgresql()), "console")
            without_helpers(database)
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="console-report-"))
            database = f"sqlite:///{folder}/console.sqlite3"
        os.environ |= surroundings(database, "", log_level="ERROR")
        os.environ |= {"DJANGO_SETTINGS_MODULE": "benchmarks.bare_settings", "BACKGROUND_IN_WEB": "0"}
        context = multiprocessing.get_context("spawn")
        present, session = 0, ""
        for size in sizes:
            with context.Pool(1) as pool:
                began = time.monotonic()
                if not present:
                    session = pool.apply(floor.fill, (size, closed))[0]
                else:
                    pool.apply(floor.add, (present, size, closed))
                _say(f"{name} {size}: filled in {time.monotonic() - began:.0f} s")
                costs = pool.apply(in_python, (session, rounds))
                _say(f"{name} {size}: views after {time.monotonic() - began:.0f} s")
            served = through_daphne(context, session, costs)
            with context.Pool(1) as pool:
                told_of_indexes = pool.apply(of_indexes)
            _say(f"{name} {size}: done after {time.monotonic() - began:.0f} s")
            found.append(Measured(name, size, costs[0], served, told_of_indexes))
            present = size
    return found


def without_helpers(database: str) -> None:
    """No parallel workers: they end with their query, and what they used would be in no figure."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER DATABASE console SET max_parallel_workers_per_gather = 0")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- in this process ------------------------------------------------------------------------------------------


def in_python(session: str, rounds: int) -> tuple[dict[str, Cost], dict[str, str]]:
    """Every view in this process, in turn with its SQL by hand; and the addresses of the views."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from conversations.models import SupervisorSettings
    from routing.models import Agent, Queue

    client = Client(headers={"host": "localhost"})
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    queue = Queue.objects.filter(name__startswith="Queue ").order_by("pk")[0].pk
    agent = Agent.objects.order_by("pk")[7].pk
    switches = SupervisorSettings.objects.get(pk=1)
    costs: dict[str, Cost] = {}
    addresses: dict[str, str] = {}
    for view in views(queue, agent):
        addresses[view.name] = address = f"/conversations/?{view.query}"
        cost = costs[view.name] = Cost()
        statements = bare_page(view, connection.vendor, switches)
        until = time.monotonic() + PATIENCE
        for turn in range(rounds + 1):
            if turn > 1 and time.monotonic() > until:
                break
            timed = Timed()
            base, own = database_cpu(), time.process_time()
            began = time.perf_counter()
            with connection.execute_wrapper(timed):
                response = client.get(address)
            whole = time.perf_counter() - began
            own, base = time.process_time() - own, database_cpu() - base
            assert response.status_code == 200, f"{address} answers {response.status_code}"
            before = database_cpu() + time.process_time()
            by_hand = _by_hand(statements)
            spent_by_hand = time.process_time() + database_cpu() - before
            if turn:  # The first one warms up.
                cost.whole.append(whole)
                cost.queries.append(sum(timed.spent))
                cost.bare.append(by_hand)
                cost.ours.append(own)
                cost.theirs.append(base)
                cost.by_hand.append(spent_by_hand)
                cost.steady.append(_steady())
            else:
                cost.number = len(timed.asked)
                cost.rows = response.content.count(b" data-row ")
                cost.plan = plans.of_list(timed.asked)
    return costs, addresses


def of_indexes() -> list[str]:
    """What the indexes cost, in a process of its own."""
    import django

    django.setup()
    from benchmarks import indexes

    return indexes.told()


def database_cpu() -> float:
    """Seconds of CPU that all processes of PostgreSQL have used, to the nanosecond; SQLite works in our own."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    backend = psutil.Process(connection.connection.info.backend_pid)
    server = backend.parent()
    processes = server.children() if server is not None else [backend]
    return sum(int(Path(f"/proc/{one.pid}/schedstat").read_text().split()[0]) for one in processes) / 1e9


def _steady() -> float:
    """Seconds of CPU of the same Python each time: texts, dictionaries and lists, as a page is made of."""
    began = time.process_time()
    for _ in range(60):
        rows = [{"id": number, "name": f"row {number}", "since": number * 0.5} for number in range(100)]
        "".join(f"<td>{row['name']}</td>" for row in sorted(rows, key=lambda row: str(row["name"])))
    return time.process_time() - began


def _by_hand(statements: Sequence[str]) -> float:
    """Seconds of the page in SQL by hand, with its rows fetched."""
    from django.db import connection

    began, ids = time.perf_counter(), "0"
    with connection.cursor() as cursor:
        for place, statement in enumerate(statements):
            cursor.execute(statement.replace("{ids}", ids))
            rows = cursor.fetchall()
            if place == 0:
                ids = ", ".join(str(row[0]) for row in rows) or "0"
    return time.perf_counter() - began


# --- through the server ------------------------------------------------------------------------------------------


def through_daphne(
    context: Any, session: str, measured: tuple[dict[str, Cost], dict[str, str]]
) -> dict[tuple[str, int], Served]:
    """Some views through Daphne, asked by another process, each in turn with the bare answer."""
    with console_servers(1) as (addresses, _processes), context.Pool(1) as pool:
        port = int(addresses[0].rsplit(":", 1)[1])
        return {
            (name, clients): pool.apply(ask, (port, session, measured[1][name], clients))
            for name in THROUGH_DAPHNE
            for clients in CLIENTS
        }


def ask(port: int, session: str, address: str, clients: int) -> Served:
    """Ask for a view so many times, by so many clients at once, and for the bare answer in turn with it."""
    served = Served(clients)
    start = threading.Barrier(clients)

    def one() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for turn in range(3 + ASKED // clients):
            for path, where in ((address, served.page), ("/bare/", served.bare)):
                start.wait()
                began = time.perf_counter()
                link.request("GET", path, headers={"Cookie": f"sessionid={session}"})
                response = link.getresponse()
                response.read()
                if turn >= 3:
                    where.append(time.perf_counter() - began)
                assert response.status == 200, f"{path} answers {response.status}"

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return served


# --- what came out -----------------------------------------------------------------------------------------------


QUIET = 0.5
"""A load average up to this one, of fifteen minutes before the run, is of a machine that does nothing else."""


def told(found: Sequence[Measured], closed: int, rounds: int, load: tuple[float, float]) -> list[str]:
    """All of it as Markdown. ``load`` is the average of fifteen minutes, before and after the run."""
    sizes = sorted({one.size for one in found})
    lines = [
        f"## The report: {_among(sizes)} ongoing conversations beside {closed:,} closed ones",
        "",
        (
            f"{machine()}, at {commit()}. Medians of up to {rounds} rounds, in ms. Load average of 15 minutes: "
            f"{load[0]:.1f} before, {load[1]:.1f} after."
            + (" Other work ran on the machine: figures are longer than they need be." if load[0] > QUIET else "")
        ),
        "",
        (
            "`whole` is the request in Python by the clock, with middleware, queries and template; `CPU` what it used, "
            "here and in the database (without parallel workers); `by hand` the same page in SQL by hand, with its "
            "rows fetched, in turn with it. Sizes are measured minutes apart, so how many times as much the largest "
            "costs is by what a steady piece of Python costs next to it, and how much that changed is said beside it."
        ),
        "",
    ]
    for database in dict.fromkeys(one.database for one in found):
        ours = {one.size: one for one in found if one.database == database}
        lines += bars.told(_figures(ours), sorted(ours))
        lines += _views_told(database, ours)
        lines += _served_told(ours)
        lines += _plans_told(ours[max(ours)])
        lines += ours[max(ours)].indexes
    return lines


def _figures(ours: dict[int, Measured]) -> bars.Figures:
    """What the bars look at."""
    sizes = sorted(ours)
    small, large = ours[sizes[0]].views, ours[sizes[-1]].views
    return bars.Figures(
        growth={view: _growth(cost, large[view]) for view, cost in small.items()},
        listed={view: (one.rows, large[view].rows) for view, one in small.items() if one.rows < large[view].rows},
        beside={
            f"{view}, {size:,}": median(served.page) / (median(one.views[view].bare) + median(served.bare))
            for size, one in ours.items()
            for (view, clients), served in one.served.items()
            if clients == 1
        },
        queries={view: [ours[size].views[view].number for size in sizes] for view in small},
        plans={view: cost.plan for view, cost in large.items()},
    )


def _growth(small: Cost, large: Cost) -> float:
    """How many times as much a size costs, each by what the machine was at the time."""
    return (_total(large) / median(large.steady)) / (_total(small) / median(small.steady))


def _total(cost: Cost) -> float:
    """Seconds of CPU, here and in the database."""
    return median(cost.ours) + median(cost.theirs)


def _views_told(database: str, ours: dict[int, Measured]) -> list[str]:
    sizes = sorted(ours)
    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[database]
    parts = ("whole", "CPU", "of it database", "by hand, CPU")
    heads = [name, "rows", *(f"{part}, {size:,}" for part in parts for size in sizes)]
    rows = []
    for view in ours[sizes[0]].views:
        costs = [ours[size].views[view] for size in sizes]
        totals = [_total(cost) for cost in costs]
        rows.append(
            [
                view,
                ", ".join(str(number) for number in dict.fromkeys(cost.rows for cost in costs)),
                *(_ms(cost.whole) for cost in costs),
                *(f"{total * 1e3:.1f}" for total in totals),
                *(_ms(cost.theirs) for cost in costs),
                *(_ms(cost.by_hand) for cost in costs),
                f"{_growth(costs[0], costs[-1]):.2f}",
                f"{median(costs[-1].steady) / median(costs[0].steady):.2f}",
                f"{totals[0] / median(costs[0].by_hand):.1f}",
                ", ".join(str(number) for number in sorted({cost.number for cost in costs})),
            ]
        )
    heads += [
        f"CPU, {sizes[-1]:,} / {sizes[0]:,}",
        "of a steady thing",
        f"CPU / by hand, {sizes[0]:,}",
        "number of queries",
    ]
    return [f"### {name}", "", *table(heads, rows), ""]


def _served_told(ours: dict[int, Measured]) -> list[str]:
    rows = []
    for size, one in sorted(ours.items()):
        for (view, clients), served in one.served.items():
            by_hand, bare = median(one.views[view].bare), median(served.bare)
            rows.append(
                [
                    f"{size:,}: {view}, {clients} client{'s' if clients > 1 else ''}",
                    _ms(served.page),
                    f"{percentile(served.page, 0.95) * 1e3:.1f}",
                    _ms(served.bare),
                    _ms(one.views[view].bare),
                    f"{median(served.page) / (by_hand + bare):.1f}" if clients == 1 else "–",
                ]
            )
    heads = ["through Daphne, to the last byte", "p50", "p95", "bare answer", "by hand", "page / (by hand + bare)"]
    return [*table(heads, rows), ""]


def _plans_told(one: Measured) -> list[str]:
    rows = [[view, cost.plan] for view, cost in one.views.items()]
    return [f"How the rows of a page are found at {one.size:,}:", "", *table(["view", "plan"], rows), ""]


def _drawn(found: Sequence[Measured]) -> dict[str, list[tuple[float, float]]]:
    return {
        f"{one} · {view}": [
            (measured.size, _total(measured.views[view]) * 1e3) for measured in found if measured.database == one
        ]
        for one in dict.fromkeys(measured.database for measured in found)
        for view in DRAWN
    }


def _among(sizes: Sequence[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _ms(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1e3:.1f}"


if __name__ == "__main__":
    main()
