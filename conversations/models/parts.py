"""Which subjects that go on, and which names, have these letters in them? SQLite's own index of parts of words.

PostgreSQL has ``indexes.PartsOfWords``. SQLite has tables for it (FTS5, trigrams), which triggers keep as the rows are.
They are looked after when a migration is over, for one that makes a table anew takes its triggers away. Where SQLite
was built without them nothing is made, and a search reads what goes on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from sqlite3 import sqlite_version_info
from typing import Any

from django.db import connection, connections
from django.db.models.expressions import RawSQL

SHORTEST = 3
"""Letters of a part that can be looked up."""

FOLDED_TO = frozenset("ks")
"""The ASCII letters to which others are folded: the sign of kelvin, and the long s."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one column of a table, of its rows under a condition (``{}`` is the row); rowid is the row's id."""

    name: str
    table: str
    column: str
    where: str = "TRUE"
    also: str = ""

    @property
    def triggers(self) -> dict[str, str]:
        """What keeps them, by name. What is gone comes last: one that is still here does no harm."""
        old, new = self.where.format("old"), self.where.format("new")
        add = f"INSERT OR REPLACE INTO {self.name} (rowid, text) SELECT new.id, new.{self.column}"
        remove = f"DELETE FROM {self.name} WHERE rowid = old.id;"
        is_other = f"old.id IS NOT new.id OR old.{self.column} IS NOT new.{self.column} OR ({old}) IS NOT ({new})"
        return {
            f"{self.name}_added": f"CREATE TRIGGER {self.name}_added AFTER INSERT ON {self.table} WHEN {new} "
            f"BEGIN {add}; END",
            f"{self.name}_changed": f"CREATE TRIGGER {self.name}_changed AFTER UPDATE OF id, {self.column}{self.also} "
            f"ON {self.table} WHEN {is_other} BEGIN {remove} {add} WHERE {new}; END",
            f"{self.name}_gone": f"CREATE TRIGGER {self.name}_gone AFTER DELETE ON {self.table} WHEN {old} "
            f"BEGIN {remove} END",
        }

    def having(self, spellings: Collection[str]) -> RawSQL:
        """The ids of those that have one of these in them, as ``icontains`` says: looked up, and compared if need be.

        The index takes letters for alike that ``icontains`` does not; to read the texts costs three times the looking.
        """
        asked = " OR ".join('"{}"'.format(one.replace('"', '""')) for one in spellings)
        compared = [] if all(map(_is_exact, spellings)) else spellings
        patterns = (f"%{connection.ops.prep_for_like_query(one)}%" for one in compared)
        likes = " OR ".join(["text LIKE %s ESCAPE '\\'"] * len(compared)) or "TRUE"
        found = f"SELECT rowid FROM {self.name} WHERE {self.name} MATCH %s AND ({likes})"
        return RawSQL(found, (asked, *patterns))  # noqa: S611  Names of ours, no values.


def _is_exact(spelling: str) -> bool:
    """Whether the index finds what ``icontains`` finds: its letters have no others that Unicode folds to them."""
    return spelling.isascii() and not FOLDED_TO & set(spelling.lower())


SUBJECTS = Parts(
    "conversations_parts_subject", "conversations_conversation", "subject", "{}.closed_at IS NULL", ", closed_at"
)
NAMES = Parts("conversations_parts_name", "conversations_customer", "name")
ALL = (SUBJECTS, NAMES)


def can_find(spellings: Collection[str]) -> bool:
    """Whether these are looked up here."""
    is_sqlite = connection.vendor == "sqlite"
    return is_sqlite and all(len(one) >= SHORTEST for one in spellings) and _are_kept(connection.settings_dict["NAME"])


@cache
def _are_kept(_database: str) -> bool:
    with connection.cursor() as cursor:
        return _present(cursor, *_wanted()) == _wanted()


def keep(*, using: str, **_kwargs: Any) -> None:
    """Make them where they are not, or are not kept as they should be; for ``post_migrate``."""
    if (database := connections[using]).vendor != "sqlite":
        return
    _are_kept.cache_clear()
    with database.cursor() as cursor:
        tables = {parts.table for parts in ALL}
        if len(_present(cursor, *tables)) < len(tables):
            return  # Not migrated yet.
        if _present(cursor, *_wanted()) == _wanted():
            return
        for name in _wanted():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'")
        if cursor.fetchone() is not None and sqlite_version_info >= (3, 34):  # Which knows trigrams.
            for parts in ALL:
                _make(cursor, parts)


def _make(cursor: Any, parts: Parts) -> None:
    """Make them, while others write: what comes or changes is kept from the first on. Whole by the last trigger."""
    *before, last = parts.triggers.values()
    cursor.execute(f"CREATE VIRTUAL TABLE IF NOT EXISTS {parts.name} USING fts5 (text, tokenize = 'trigram')")
    for statement in before:
        cursor.execute(statement)
    cursor.execute(f"DELETE FROM {parts.name}")
    cursor.execute(
        f"INSERT OR REPLACE INTO {parts.name} (rowid, text) SELECT id, {parts.column} FROM {parts.table} "
        f"WHERE {parts.where.format(parts.table)}"
    )
    cursor.execute(last)


def _wanted() -> dict[str, str]:
    return {name: statement for parts in ALL for name, statement in parts.triggers.items()}


def _present(cursor: Any, *names: str) -> dict[str, str]:
    """Which of these the database has, and what made them."""
    marks = ", ".join(["%s"] * len(names))
    cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE name IN ({marks})", names)
    return dict(cursor.fetchall())
