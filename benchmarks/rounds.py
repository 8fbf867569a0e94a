"""One size of the report in a process of its own: it makes ready once, and then measures one view for each call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import plans
from benchmarks.costs import Looked, Round
from benchmarks.views import View, bare_page, views

if TYPE_CHECKING:
    from django.test import Client


@dataclass(frozen=True, slots=True)
class Ready:
    """What this process measures with: a supervisor's browser, the views, their SQL by hand."""

    client: Client
    views: dict[str, View]
    by_hand: dict[str, list[str]]


BEFORE = 10
"""So many pages a process answers before anything is measured in it: Python is slower at first."""

_made: list[Ready] = []
"""By ``make_ready``, one in a process."""


def make_ready(session: str) -> dict[str, str]:
    """Log in with this session; returns the addresses of the views, by name."""
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
    found = {view.name: view for view in views(queue, agent)}
    by_hand = {name: bare_page(view, connection.vendor, switches) for name, view in found.items()}
    _made.append(Ready(client, found, by_hand))
    for _ in range(BEFORE):
        _ask(next(iter(found)))
    return {name: _address(view) for name, view in found.items()}


def look(name: str) -> Looked:
    """Ask for a view, and for its SQL by hand, for the first time: it warms up, and tells what stays the same."""
    from django.db import connection

    asked: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        content = _ask(name)
    _by_hand(name)
    return Looked(len(asked), content.count(b" data-row "), plans.of_list(asked))


def measure(name: str) -> Round:
    """One round of a view: the request, and right after it the same page in SQL by hand."""
    began, ours, theirs = _now()
    _ask(name)
    asked, ours_asked, theirs_asked = _now()
    _by_hand(name)
    ended, ours_ended, theirs_ended = _now()
    return Round(
        whole=asked - began,
        bare=ended - asked,
        ours=ours_asked - ours,
        theirs=theirs_asked - theirs,
        by_hand=ours_ended - ours_asked + theirs_ended - theirs_asked,
    )


def of_indexes() -> list[str]:
    """What the indexes cost."""
    import django

    django.setup()
    from benchmarks import indexes

    return indexes.told()


def _now() -> tuple[float, float, float]:
    """Seconds by the clock, and of CPU: of this process, and of the database."""
    return time.perf_counter(), time.process_time(), database_cpu()


def database_cpu() -> float:
    """Seconds of CPU that PostgreSQL has used for this connection, to the nanosecond; SQLite works in our own.

    A backend does all the work of its connection, because parallel workers are off; what the server writes down in the
    background meanwhile was caused by filling it.
    """
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    return int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9


def _address(view: View) -> str:
    return f"/conversations/?{view.query}"


def _ask(name: str) -> bytes:
    address = _address(_made[0].views[name])
    response = _made[0].client.get(address)
    assert response.status_code == 200, f"{address} answers {response.status_code}"
    return bytes(response.content)


def _by_hand(name: str) -> None:
    """The page in SQL by hand, with its rows fetched."""
    from django.db import connection

    ids: Sequence[str] = ()
    with connection.cursor() as cursor:
        for place, statement in enumerate(_made[0].by_hand[name]):
            cursor.execute(statement.replace("{ids}", ", ".join(ids) or "0"))
            rows = cursor.fetchall()
            if place == 0:
                ids = [str(row[0]) for row in rows]
