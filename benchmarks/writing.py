"""How figures are written down: as a table in Markdown that names the machine, and kept in `benchmarks/results/`."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def machine() -> str:
    """The machine of these figures: cores, memory, Python."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


def commit() -> str:
    """What was measured: the commit, and whether anything was changed since."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "an unknown commit"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table: one head for each column, the first above the rows' names."""
    return [_row(heads), "|---" * len(heads) + "|", *map(_row, rows)]


def keep(name: str, lines: Iterable[str]) -> None:
    """Print these lines, and keep them as the result of this name; a former one is written over."""
    text = "\n".join(lines) + "\n"
    print(text)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)


def keep_picture(name: str, svg: str) -> None:
    """Keep a picture beside the result of this name."""
    (RESULTS / f"{name}.svg").write_text(svg)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
