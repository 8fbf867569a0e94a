"""Does the report keep its bars? Each one with what was measured, and whether it holds, as a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.writing import table

GROWTH = 1.5
"""The largest size costs at most so many times the smallest, in CPU.

Where the smallest lists fewer rows, its first page stands for it if that is dearer, for it has as many: a page of 50
rows costs more than one of 3, whatever the database holds.
"""

BESIDE = 3.0
"""A page costs at most so many times the SQL by hand and a bare answer together, by the clock."""

MORE_QUERIES = 1
"""Agents are read where some stand on the page, which is a question more."""

NAMED = 8
"""So many views that break a bar are named, the worst first."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the bars look at, by view: CPU of the largest size by the smallest, the page by the hand and the bare one
    (at every size), how many queries at each size, the plan of the list at the largest; and of views that list more
    conversations at the largest size than at the smallest, how many: their growth is beside the dearer of the
    smallest's own cost and its first page.
    """

    growth: Mapping[str, float]
    listed: Mapping[str, tuple[int, int]]
    beside: Mapping[str, float]
    queries: Mapping[str, Sequence[int]]
    plans: Mapping[str, str]


def told(figures: Figures, sizes: Sequence[int]) -> list[str]:
    """The table."""
    numbers = [number for found in figures.queries.values() for number in found]
    changing = {view: float(max(found) - min(found)) for view, found in figures.queries.items()}
    unserved = {view: 1.0 for view, plan in figures.plans.items() if reads_all(plan)}
    rows = [
        [
            "the number of queries does not depend on the size, but for one where agents stand on the page",
            f"{min(numbers)} to {max(numbers)}",
            _verdict(changing, MORE_QUERIES),
        ],
        [
            (
                f"{max(sizes):,} cost at most {GROWTH} times {min(sizes):,} (CPU in the same round; a view that lists "
                f"fewer rows at {min(sizes):,} is held against the dearer of itself and the first page there)"
            ),
            _span(figures.growth),
            _verdict(figures.growth, GROWTH, figures.listed),
        ],
        [
            f"a page costs at most {BESIDE:g} times the SQL by hand and a bare answer (clock, 1 client, every size)",
            _span(figures.beside),
            _verdict(figures.beside, BESIDE),
        ],
        [
            "no list is found by reading the whole table",
            f"{len(figures.plans) - len(unserved)} of {len(figures.plans)} by an index",
            _verdict(unserved, 0.5),
        ],
    ]
    return [*table(["bar", "measured", "verdict"], rows), ""]


def reads_all(plan: str) -> bool:
    """Whether a plan reads the conversations without an index."""
    return bool(re.search(r"(Seq Scan|SCAN) conversations_conversation(?! USING)", plan))


def _span(found: Mapping[str, float]) -> str:
    """The least and the most, and which view has it."""
    worst = max(found, key=lambda view: found[view])
    return f"{min(found.values()):.1f} to {found[worst]:.1f} ({worst})"


def _verdict(found: Mapping[str, float], most: float, listed: Mapping[str, tuple[int, int]] | None = None) -> str:
    """Holds, or which views break it."""
    broken = sorted((view for view in found if found[view] > most), key=lambda view: -found[view])
    if not broken:
        return "holds"
    rows = {view: f" ({large} rows, {small} before)" for view, (small, large) in (listed or {}).items()}
    more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    named = ", ".join(f"{view} {found[view]:.1f}{rows.get(view, '')}" for view in broken[:NAMED])
    return f"**does not hold**: {named}{more}"
