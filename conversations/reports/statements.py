"""How do several readings of conversations become one statement? Django composes each, and this puts them together.

A question to the database costs more than a short walk along an index: to be asked, planned and read. And composing
one costs Django more than asking it: what follows from a few values is composed once and ``kept``, with the moments in
it left open until it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DateTimeField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.utils.dateparse import parse_datetime

from supervisor_console.kernel.questions import filled

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

P = ParamSpec("P")
T = TypeVar("T")

KEPT = 512
"""Statements of each kind, of some 10 kB: as many views as may be open in one process."""

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


def fetch(statement: Part, now: datetime, **given: object) -> list[tuple[Any, ...]]:
    """The rows of a statement, asked at a moment with what is given; none where nothing is asked."""
    with rows_of(statement, now, **given) as found:
        return list(found)


@contextmanager
def rows_of(statement: Part, now: datetime, **given: object) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The same, one after the other: SQLite looks for the next one when it is taken."""
    if not statement:
        yield iter(())
        return
    write = connection.ops.adapt_datetimefield_value
    params = [write(one.follows(now)) if isinstance(one, Moment) else one for one in statement.params]
    params = filled(params, given, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, params)
        yield iter(cursor)


def moment(value: datetime | str | None) -> datetime | None:
    """A moment as both databases answer it: SQLite keeps it as text, or without a time zone, in UTC."""
    found = parse_datetime(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


class Literal(Value):
    """A number, or a word of ours, that is written into the statement itself.

    SQLite takes an index of some of the rows only where it reads, before any value is given, that these are wanted.
    """

    def __init__(self, value: int | str) -> None:
        super().__init__(value)

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """The number, or the word in quotes."""
        if not isinstance(self.value, str):
            return str(int(self.value)), ()
        assert self.value.isidentifier(), "a value that somebody gave is no literal"
        return f"'{self.value}'", ()


# --- kept statements --------------------------------------------------------------------------------------


class Moment(Value):
    """A moment that follows from now, as a value in a statement: which one it is, ``fetch`` says."""

    def __init__(self, follows: Callable[[datetime], datetime]) -> None:
        super().__init__(None, output_field=DateTimeField())
        self.follows = follows

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """A place, and this in it."""
        return "%s", (self,)


At = datetime | Moment
"""A moment, or one that is left open."""

NOW = Moment(lambda now: now)


def at(now: At, follows: Callable[[datetime], datetime]) -> At:
    """What follows from now; left open where now is."""
    return Moment(follows) if isinstance(now, Moment) else follows(now)


def written(now: At) -> Value:
    """It, as a value in a statement."""
    return now if isinstance(now, Moment) else Value(now, output_field=DateTimeField())


def kept(compose: Callable[P, T]) -> Callable[P, T]:
    """Composes once for the same values: for what follows from them alone, its moments left open."""
    return cast("Callable[P, T]", lru_cache(maxsize=KEPT)(compose))
