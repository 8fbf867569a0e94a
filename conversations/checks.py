"""What does the database of this installation lack, and what does a person do about it?

conversations.W001  searches of the report have no index: the extension pg_trgm is not there
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import DatabaseError, connections

from conversations.models import Conversation, Customer
from conversations.models.indexes import PartsOfWords


@checks.register(checks.Tags.database)
def parts_of_words_are_found(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Whether searches have their indexes; the hint is what makes them."""
    return [warning for name in databases or () for warning in _missing(connections[name])]


def _missing(connection: Any) -> list[checks.CheckMessage]:
    if connection.vendor != "postgresql":
        return []
    wanted = {
        index.name: (model, index)
        for model in (Conversation, Customer)
        for index in model._meta.indexes
        if isinstance(index, PartsOfWords)
    }
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [Conversation._meta.db_table])
            if cursor.fetchone()[0] is None:
                return []  # Not migrated yet.
            cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname = ANY(%s)", [list(wanted)])
            present = {name for (name,) in cursor.fetchall()}
    except DatabaseError:
        return []  # Whether it can be reached is another question.
    if not wanted.keys() - present:
        return []
    with connection.schema_editor(collect_sql=True) as editor:
        make = [index.statement(model, editor) for name, (model, index) in wanted.items() if name not in present]
    return [
        checks.Warning(
            "Searches of the report have no index: they read every conversation that goes on.",
            hint="As an administrator of the database: " + "; ".join(["CREATE EXTENSION IF NOT EXISTS pg_trgm", *make]),
            id="conversations.W001",
        )
    ]
