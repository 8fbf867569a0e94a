"""What may be read of all this on one page, `benchmarks/results/attack.md`? Its tables are written by commands.

`python -m tests.access.page` writes the table of addresses anew, `python -m tests.access.protections --write` that of
the protections. A test compares the first with what holds now, and the second with what is tried.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

import django

from tests.servers import ROOT

PAGE = ROOT / "benchmarks" / "results" / "attack.md"


def put(name: str, lines: Iterable[str]) -> None:
    """Write the part of this name anew."""
    text = PAGE.read_text()
    fresh = f"<!-- {name} -->\n{chr(10).join(lines)}\n<!-- end -->"
    found, times = re.subn(rf"<!-- {name} -->\n.*?<!-- end -->", lambda _old: fresh, text, flags=re.DOTALL)
    assert times == 1, f"{PAGE.name} has not one part called {name}"
    PAGE.write_text(found)


def part(name: str) -> list[str]:
    """The lines of the part of this name, as they were written."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", PAGE.read_text(), re.DOTALL)
    return found[1].split("\n") if found else []


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def addresses() -> list[str]:
    """Every address and socket × every role, as the tests hold it."""
    from tests.access.stage import ROLES  # Its models are not there before Django is set up.
    from tests.access.table import ROWS, SOCKETS, admin_rows

    pages = ([f"`/{row.address}`", *map(_cell, row.get, row.post)] for row in (*ROWS, *admin_rows()))
    sockets = ([f"socket `/{address}`", *(f"`{letter}`" for letter in letters)] for address, letters in SOCKETS.items())
    return table(["address", *ROLES], [*pages, *sockets])


def _cell(get: str, post: str) -> str:
    return f"`{get} {post}`"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    put("addresses", addresses())
