"""How does the same beginning come into the database for many tests, without being worked out for each?

What a function puts there is read back the first time, and from then on these rows are written as they were, ids
included. That is for beginnings inside a transaction that is rolled back: what is committed is worked out each time,
because other processes see it and remember its ids.
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.db.backends.base.creation import BaseDatabaseCreation
from django.db.models.sql import InsertQuery

from supervisor_console.kernel import clock
from supervisor_console.models import Announcement

T = TypeVar("T")

Table = dict[Any, tuple[Any, ...]]
"""The rows of a table by primary key."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was put into the database, as statements, and what the function gave back, pickled."""

    statements: list[tuple[str, Any]]
    value: bytes

    def put_back(self) -> Any:
        with connection.cursor() as cursor:
            for statement, values in self.statements:
                cursor.execute(statement, values)
        # What was announced was announced just now, as if it had been worked out.
        Announcement.objects.update(at=clock.now())
        return pickle.loads(self.value)  # noqa: S301  It was pickled by this process.


class Kept(Generic[T]):
    """A beginning that this process works out once; ``key`` says when it has to be worked out anew."""

    def __init__(self, build: Callable[[], T], *, key: Callable[[], object]) -> None:
        self._build = build
        self._key = key
        self._written: dict[object, Written] = {}

    def __call__(self, *, is_first: bool) -> T:
        """The beginning; ``is_first`` says that nothing is in the database yet but what the migrations put there."""
        if not (is_first and connection.in_atomic_block):
            return self._build()
        if (written := self._written.get(self._key())) is not None:
            return cast(T, written.put_back())
        before = all_rows()
        value = self._build()
        self._written[self._key()] = Written(inserts(before, all_rows()), pickle.dumps(value))
        return value

    def forget(self) -> None:
        """Work it out anew the next time: the ids of what the migrations put there are others now."""
        self._written.clear()


def put_back_at_once(before: Sequence[tuple[str, Any]]) -> Callable[[BaseDatabaseCreation, str], None]:
    """What Django calls to put back what the migrations left, with every row as it was: it would save one by one.

    It does so around each test that commits, before which everything is there in most cases.
    """

    def put_back(creation: BaseDatabaseCreation, _serialized: str) -> None:
        if ContentType.objects.exists():
            return
        with transaction.atomic(), creation.connection.cursor() as cursor:
            for statement, values in before:
                cursor.execute(statement, values)

    return put_back


def all_rows() -> dict[type[models.Model], Table]:
    """Everything that is in the database."""
    return {
        model: {row[0]: row[1:] for row in model._base_manager.values_list("pk", *map(attribute, columns_of(model)))}
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }


def as_statements() -> list[tuple[str, Any]]:
    """Everything that is in the database, as the statements that write it."""
    return inserts(defaultdict(dict), all_rows())


def inserts(
    before: Mapping[type[models.Model], Table], after: Mapping[type[models.Model], Table]
) -> list[tuple[str, Any]]:
    """The statements that write what came in between."""
    found: list[tuple[str, Any]] = []
    for model, rows in after.items():
        if any(rows.get(key) != row for key, row in before[model].items()):
            raise RuntimeError(f"{model.__name__}: a beginning adds rows; what is there already it leaves alone")
        columns = columns_of(model)
        came = [
            model(**dict(zip(map(attribute, columns), row, strict=True)))
            for key, row in rows.items()
            if key not in before[model]
        ]
        if came:
            query = InsertQuery(model)
            query.insert_values(columns, came, raw=True)
            found += query.get_compiler(connection=connection).as_sql()
    return found


def columns_of(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return list(model._meta.local_concrete_fields)


def attribute(column: models.Field[Any, Any]) -> str:
    return column.attname
