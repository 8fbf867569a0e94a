"""Why does the database not do what it is asked? Told apart by what a person can do about it.

Nothing here is about what was asked for: the database is away, or it cannot write. Whatever was under way was not done,
but for one case: a commit whose answer got lost. Trying again is right in each, because a form that is sent twice is
carried out once (``kernel.idempotency``).
"""

from __future__ import annotations

import sqlite3

from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from supervisor_console.kernel.errors import BUSY, Kind, Refusal
from supervisor_console.kernel.locking import is_lock_timeout

UNREACHABLE = Refusal(
    "database_unreachable",
    _("The console cannot reach its database just now. Wait a moment and try again: nothing is done twice."),
    kind=Kind.BUSY,
)
CANNOT_WRITE = Refusal(
    "cannot_write",
    _(
        "The console cannot write to its disk, which may be full. Nothing was changed. You can go on reading; tell "
        "whoever looks after the console."
    ),
    kind=Kind.BUSY,
)

NO_ROOM = frozenset({"53100", "25006", "58030"})
"""PostgreSQL: the disk is full, the database takes no writes, it cannot read or write its files."""

NO_WRITING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
"""SQLite says one of these where there is no space: of the file, of the files beside it, or of the disk."""

AWAY = ("08", "57P", "53300")
"""PostgreSQL: the connection broke, the server ends or begins, it takes no more connections."""


def refusal_of(error: BaseException | None) -> Refusal | None:
    """What to tell a person whose request met this error; None where it is a fault of ours."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    if isinstance(error, OperationalError) and is_lock_timeout(error):
        return BUSY
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return CANNOT_WRITE if getattr(cause, "sqlite_errorcode", 0) & 0xFF in NO_WRITING else None
    state = getattr(cause, "sqlstate", None)
    if state in NO_ROOM:
        return CANNOT_WRITE
    # Without a state it is the driver that speaks: there is nobody at the other end.
    is_away = state.startswith(AWAY) if state else isinstance(error, OperationalError | InterfaceError)
    return UNREACHABLE if is_away else None
