"""How does a process begin that stays? With a clock that never goes back, and with the database kept open."""

from __future__ import annotations

import gc
from contextlib import suppress

from django.db import Error, close_old_connections, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.urls import get_resolver

from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import latest_at
from supervisor_console.memory import give_back

_held: list[BaseDatabaseWrapper] = []


def begin() -> None:
    """Called once, before anything else is done; a database that is away is no reason not to begin."""
    clock.start()
    with suppress(Error):
        clock.saw(latest_at())
        _hold_open()
    close_old_connections()


def settle() -> None:
    """Called once, when everything is there that stays: what is not needed is found, and given back, from now on.

    Each line that ends leaves some hundred objects which only the last generation of the collector finds, and that one
    is looked through when a quarter has been added to what it holds: with the modules in it, after thousands of lines.
    """
    _ = get_resolver().url_patterns  # Imports every view and form, as the first request would.
    gc.collect()
    gc.freeze()
    give_back()


def _hold_open() -> None:
    """Keep a connection to an SQLite file for as long as this process lives; nobody uses it.

    The last connection that closes takes the two files beside the database away, and the next one makes them again:
    where there is no space it cannot, and nothing could even be read. Requests come and go, so somebody has to stay.
    """
    if connection.vendor != "sqlite" or _held:
        return
    holder = connections.create_connection("default")
    with holder.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master")
        cursor.fetchall()  # Only who has read has the files open.
    _held.append(holder)
