"""What does SQLite need to be read while its disk is full? That somebody has it open.

The last connection that closes takes the two files beside the database away, and the next one makes them again: where
there is no space, it cannot, and nothing can even be read. Requests come and go, so a process keeps one connection.
"""

from __future__ import annotations

from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

_held: list[BaseDatabaseWrapper] = []


def hold_open() -> None:
    """Keep a connection to an SQLite file for as long as this process lives; nobody uses it."""
    if connection.vendor != "sqlite" or _held:
        return
    holder = connections.create_connection("default")
    with holder.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master")
        cursor.fetchall()  # Only who has read has the files open.
    _held.append(holder)
