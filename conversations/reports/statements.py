"""How do several readings of conversations become one statement? Django composes each, and this puts them together.

A question to the database costs more than a short walk along an index: to be asked, planned and read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_datetime

NEVER = "CAST(NULL AS timestamp with time zone)"
"""No moment, where the other parts of a union have one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of SQL and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sql)

    def within(self, template: str, *before: object) -> Part:
        """The template with this piece in place of ``{}``; ``before`` are the parameters that stand before it."""
        return self and Part(template.replace("{}", self.sql), (*before, *self.params))


NOTHING = Part("")
"""A query that is known to find nothing; nothing is asked."""


def part(rows: QuerySet[Any, Any]) -> Part:
    """A query as a piece of SQL."""
    try:
        sql, params = rows.query.sql_with_params()
    except EmptyResultSet:
        return NOTHING
    return Part(sql, tuple(params))


def joined(first: Part, second: Part, template: str) -> Part:
    """The template with both pieces, where it says ``{}``; nothing where one of them finds nothing."""
    if not first or not second:
        return NOTHING
    before, between, after = template.split("{}")
    return Part(f"{before}{first.sql}{between}{second.sql}{after}", (*first.params, *second.params))


def outer(name: str) -> RawSQL:
    """A column of the statement around, to compare with."""
    return RawSQL(name, ())  # noqa: S611  A name of ours, no value.


def united(parts: Iterable[Part]) -> Part:
    """All rows of these; a part with an order and a limit stands within a table of its own."""
    found = [one for one in parts if one]
    return Part(" UNION ALL ".join(one.sql for one in found), tuple(value for one in found for value in one.params))


def fetch(statement: Part) -> list[tuple[Any, ...]]:
    """The rows of a statement; none where nothing is asked."""
    if not statement:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def moment(value: datetime | str | None) -> datetime | None:
    """A moment as both databases answer it: SQLite keeps it as text, or without a time zone, in UTC."""
    found = parse_datetime(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
