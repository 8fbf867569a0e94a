"""What is asked of the database again and again? Django composes it once, and then it is asked with other values.

To compose a query costs Django several times what it costs a database to answer one that an index finds. So a question
that always has the same form is a function that composes a queryset, under ``question``: the first call composes it,
every call fills in its values, and the rows are made by Django as ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from functools import cache, wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar, cast

from django.db import connections
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value

P = ParamSpec("P")
M = TypeVar("M", bound=Model)
R = TypeVar("R")


class Given(Value):
    """A place for the value that is given under this name when the question is asked."""

    def __init__(self, name: str) -> None:
        super().__init__(None)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """A place, and this in it."""
        return "%s", (self,)


class Among(Func):
    """Whether a column holds one of several numbers that are given: one form, however many there are."""

    output_field = BooleanField()
    arg_joiner, template = " = ANY(", "%(expressions)s)"

    def __init__(self, column: str, numbers: Collection[int]) -> None:
        super().__init__(F(column), cast(Given, numbers))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """SQLite has no arrays, but a table of what is in one of JSON."""
        joiner = " IN (SELECT value FROM json_each("
        return self.as_sql(compiler, connection, arg_joiner=joiner, template="%(expressions)s))")


def question(compose: Callable[P, QuerySet[M, R]]) -> Callable[P, list[R]]:
    """Compose this once, and answer with its rows however often it is asked; values are given by position.

    It is composed with places for its values. So it only passes them on: to compare a column with a number or a text,
    or with several numbers by ``Among``.
    """
    names = list(signature(compose).parameters)

    @cache
    def composed() -> _Composed:
        return _Composed(cast(Any, compose)(*map(Given, names)))

    @wraps(compose)
    def ask(*args: P.args, **kwargs: P.kwargs) -> list[R]:
        return composed().rows(dict(zip(names, args, strict=True)))

    return ask


class _Composed:
    """A queryset and the statement that Django made of it."""

    def __init__(self, found: QuerySet[Any, Any]) -> None:
        self._found = found
        self._compiler = found.query.get_compiler(using=found.db)
        self._sql, self._params = self._compiler.as_sql()
        del self._compiler.connection  # It is of this thread.

    def rows(self, values: dict[str, Any]) -> list[Any]:
        """Ask with these values. Django's own copy of the queryset makes the rows; it is told the statement."""
        compiler = copy(self._compiler)
        compiler.connection = connections[self._found.db]
        params = filled(self._params, values, compiler.connection.vendor)
        compiler.as_sql = lambda *args, **kwargs: (self._sql, tuple(params))
        found = self._found.all()
        found.query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]
        return list(found)


def filled(params: Iterable[Any], values: Mapping[str, object], vendor: str) -> list[Any]:
    """The parameters of a statement, with these values in their places, as this database takes them."""
    return [_written(values[one.name], vendor) if isinstance(one, Given) else one for one in params]


def _written(given: object, vendor: str) -> object:
    if isinstance(given, str) or not isinstance(given, Collection):
        return given
    return json.dumps(list(given)) if vendor == "sqlite" else list(given)
