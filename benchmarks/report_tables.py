"""What the report costs, as Markdown: the bars, a table of the views, through Daphne, the plans, the indexes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from benchmarks import bars
from benchmarks.costs import Cost, Measured, growth, judged_growth, lists_fewer
from benchmarks.writing import commit, machine, percentile, table

DRAWN = ("first page", "page 13", "queue", "search, rare", "sort -wait", "sort customer")
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
            "rows fetched, in turn with it. Each size has a database of its own, and all take part in each round of a "
            "view, one right after the other; how many times as much the largest costs as the smallest is the median "
            "of what it was in each round."
        ),
        "",
    ]
    for database in dict.fromkeys(one.database for one in found):
        ours = {one.size: one for one in found if one.database == database}
        lines += bars.told(_figures(ours), sorted(ours))
        lines += _views_told(database, ours)
        lines += _served_told(ours)
        lines += _plans_told(ours[max(ours)])
        lines += list(ours[max(ours)].indexes)
    return lines


def _figures(ours: dict[int, Measured]) -> bars.Figures:
    """What the bars look at."""
    sizes = sorted(ours)
    small, large = ours[sizes[0]].views, ours[sizes[-1]].views
    return bars.Figures(
        growth={view: judged_growth(cost, large[view]) for view, cost in small.items()},
        listed={
            view: (cost.looked.rows, large[view].looked.rows)
            for view, cost in small.items()
            if lists_fewer(cost, large[view])
        },
        beside={
            f"{view}, {size:,}": median(served.page) / (_bare(one.views[view]) + median(served.bare))
            for size, one in ours.items()
            for (view, clients), served in one.served.items()
            if clients == 1
        },
        queries={view: [ours[size].views[view].looked.queries for size in sizes] for view in small},
        plans={view: cost.looked.plan for view, cost in large.items()},
    )


def _bare(cost: Cost) -> float:
    """Seconds of the SQL by hand, by the clock."""
    return median(one.bare for one in cost.rounds)


def _views_told(database: str, ours: dict[int, Measured]) -> list[str]:
    sizes = sorted(ours)
    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[database]
    parts = ("whole", "CPU", "of it database", "by hand, CPU")
    heads = [name, "rows", *(f"{part}, {size:,}" for part in parts for size in sizes)]
    rows = []
    for view in ours[sizes[0]].views:
        costs = [ours[size].views[view] for size in sizes]
        rows.append(
            [
                view,
                _different(cost.looked.rows for cost in costs),
                *(_ms(one.whole for one in cost.rounds) for cost in costs),
                *(_ms([cost.cpu]) for cost in costs),
                *(_ms(one.theirs for one in cost.rounds) for cost in costs),
                *(_ms(one.by_hand for one in cost.rounds) for cost in costs),
                f"{growth(costs[0], costs[-1]):.2f}",
                f"{median(one.cpu / one.by_hand for one in costs[0].rounds):.1f}",
                _different(sorted(cost.looked.queries for cost in costs)),
            ]
        )
    heads += [
        f"CPU, {sizes[-1]:,} / {sizes[0]:,}",
        f"CPU / by hand, {sizes[0]:,}",
        "number of queries",
    ]
    return [f"### {name}", "", *table(heads, rows), ""]


def _served_told(ours: dict[int, Measured]) -> list[str]:
    rows = []
    for size, one in sorted(ours.items()):
        for (view, clients), served in one.served.items():
            by_hand, bare = _bare(one.views[view]), median(served.bare)
            rows.append(
                [
                    f"{size:,}: {view}, {clients} client{'s' if clients > 1 else ''}",
                    _ms(served.page),
                    f"{percentile(served.page, 0.95) * 1e3:.1f}",
                    _ms(served.bare),
                    _ms([by_hand]),
                    f"{median(served.page) / (by_hand + bare):.1f}" if clients == 1 else "–",
                ]
            )
    heads = ["through Daphne, to the last byte", "p50", "p95", "bare answer", "by hand", "page / (by hand + bare)"]
    return [*table(heads, rows), ""]


def _plans_told(one: Measured) -> list[str]:
    rows = [[view, cost.looked.plan] for view, cost in one.views.items()]
    return [f"How the rows of a page are found at {one.size:,}:", "", *table(["view", "plan"], rows), ""]


def drawn(found: Sequence[Measured]) -> dict[str, list[tuple[float, float]]]:
    """The lines of the picture: ms of CPU of some views, by size."""
    return {
        f"{one} · {view}": [
            (measured.size, measured.views[view].cpu * 1e3) for measured in found if measured.database == one
        ]
        for one in dict.fromkeys(measured.database for measured in found)
        for view in DRAWN
    }


def _among(sizes: Sequence[int]) -> str:
    return ", ".join(f"{size:,}" for size in sizes)


def _different(numbers: Iterable[int]) -> str:
    """Each number once, as they come."""
    return ", ".join(str(number) for number in dict.fromkeys(numbers))


def _ms(seconds: Iterable[float]) -> str:
    return f"{median(seconds) * 1e3:.1f}"
