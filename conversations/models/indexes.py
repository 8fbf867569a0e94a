"""What indexes hold beside columns, and which of them PostgreSQL has alone: SQLite makes none of those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    from django.db.models.sql.compiler import SQLCompiler

NOTHING = "SELECT 1"

PENDING = 1024
"""kB of new words that are collected before they are put in their places: together that costs a tenth, and a search
looks through all of them."""


class Waited(models.Func):
    """How long it took until somebody accepted, in microseconds on SQLite.

    Written there without functions of Django's, which no other program has, so that an index can hold it.
    """

    output_field = models.DurationField()
    arg_joiner = " - "
    template = "(%(expressions)s)"
    seconds = "CAST(ROUND((JULIANDAY(SUBSTR({0}, 1, 19)) - JULIANDAY(SUBSTR({1}, 1, 19))) * 86400) AS INTEGER)"
    rest = "SUBSTR({0} || '.000000', 21, 6) - SUBSTR({1} || '.000000', 21, 6)"

    def __init__(self, ended: str = "accepted_at", began: str = "first_wait_started_at", **extra: Any) -> None:
        super().__init__(ended, began, **extra)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """Whole seconds from days, and what the text says behind the point, which it leaves out where it is zero."""
        names = [compiler.compile(one)[0] for one in self.get_source_expressions()]
        return f"({self.seconds} * 1000000 + {self.rest})".format(*names), ()


class PostgreSQLIndex(models.Index):
    """An index that SQLite does not make."""

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        """The statement that makes it, or one that does nothing."""
        if not self.is_possible(schema_editor.connection):
            return NOTHING
        return super().create_sql(model, schema_editor, using, **kwargs)

    def remove_sql(self, model: type[models.Model], schema_editor: Any, **kwargs: Any) -> Any:
        """The statement that takes it away, or one that does nothing."""
        if schema_editor.connection.vendor != "postgresql":
            return NOTHING
        return f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.name)}"

    def is_possible(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether this database can have it."""
        return connection.vendor == "postgresql"


class PartsOfWords(PostgreSQLIndex):
    """Finds parts of words in a text, whatever their case: three letters or more. Needs the extension ``pg_trgm``."""

    def __init__(self, field: str, *, name: str, condition: models.Q | None = None) -> None:
        super().__init__(fields=[field], name=name, condition=condition)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """How a migration writes it down."""
        path, _args, kwargs = super().deconstruct()
        (field,) = kwargs.pop("fields")
        return path, [field], kwargs

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        """The statement that makes it; the text is written as ``icontains`` does."""
        if not self.is_possible(schema_editor.connection):
            return NOTHING
        return self.statement(model, schema_editor)

    def statement(self, model: type[models.Model], schema_editor: Any) -> str:
        """The statement that makes it, for a person too."""
        quote = schema_editor.quote_name
        ours: Any = self  # How Django writes a condition is not among what its types tell.
        condition = ours._get_condition_sql(model, schema_editor)
        return (
            f"CREATE INDEX IF NOT EXISTS {quote(self.name)} ON {quote(model._meta.db_table)} USING gin "
            f"(UPPER({quote(self.fields[0])}) gin_trgm_ops) WITH (gin_pending_list_limit = {PENDING})"
            f"{f' WHERE {condition}' if condition else ''}"
        )

    def is_possible(self, connection: BaseDatabaseWrapper) -> bool:
        """Where the extension is."""
        if connection.vendor != "postgresql":
            return False
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
            return cursor.fetchone() is not None
