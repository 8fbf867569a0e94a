"""How do conversations lie in their indexes? SQLite is told what is typical; it would guess, until somebody counts.

Without an idea of it SQLite takes each index for as good as the next, and the report reads ten thousands of rows where
a few dozen stand first in the right one. `ANALYZE` counts all rows, while writers wait, and what it finds of a floor
that is small, or empty, is wrong later. So these are written after each migration, as SQLite's documentation proposes:
a large floor, for a small one is quick anyhow. PostgreSQL counts by itself.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

TYPICAL = {
    "conversations_conversation": {
        "conv_block_time": "100 1",
        "conv_closed_newest": "200000 1 1",
        "conv_count_channel": "100000 25000 5000 1 1 1 1 1",
        "conv_count_closed": "200000 1 1 1 1 1 1",
        "conv_count_created": "100000 1 1 1 1 1 1",
        "conv_count_queue": "100000 12500 2500 1 1 1 1 1",
        "conv_count_sentiment": "100000 12500 2500 1 1 1 1 1",
        "conv_count_status": "100000 15000 1 1 1 1 1 1",
        "conv_customer_left": "100 1",
        "conv_held_by_agent": "50000 250",
        "conv_ongoing_activity": "100000 1 1",
        "conv_ongoing_state": "100000 25000 1 1",
        "conv_open_changed": "10000 1 1 1",
        "conv_order_back": "1000 1 1 1 1 1",
        "conv_order_channel": "100000 25000 12500 1 1 1",
        "conv_order_customer": "100000 6 4 1 1 1",
        "conv_order_default": "100000 50000 1 1 1",
        "conv_order_handled": "55000 31 31 1 1 1",
        "conv_order_handling": "45000 1 1 1 1 1",
        "conv_order_holder": "100000 500 500 1 1 1",
        "conv_order_priority": "100000 33000 17000 1 1 1",
        "conv_order_queue": "100000 12500 6250 1 1 1",
        "conv_order_sentiment": "100000 12500 6250 1 1 1",
        "conv_order_state_since": "100000 1 1",
        "conv_order_status": "100000 20000 1 1 1",
        "conv_order_subject": "100000 1",
        "conv_order_transfers": "100000 25000 12500 1 1 1",
        "conv_order_unanswered": "12000 1 1 1 1 1",
        "conv_order_waited": "85000 1 1 1 1 1",
        "conv_order_waiting": "15000 1 1 1 1 1",
        "conv_order_workstream": "100000 25000 12500 1 1 1",
        "conv_unassignable": "100 1",
        "conv_unhappy": "10000 1 1",
        "sqlite_autoindex_conversations_conversation_1": "300000 1",
    },
    "conversations_customer": {"customer_name": "20000 1", "sqlite_autoindex_conversations_customer_1": "20000 1"},
}
"""By index: how many rows are in it, and how many of them are alike in its first column, the first two, and so on."""

FOREIGN = {"customer_id": 16, "workstream_id": 75_000, "queue_id": 40_000, "agent_id": 1_500, "last_agent_id": 1_500}
"""The indexes of foreign keys, whose names end in nothing that lasts: how many rows are alike."""


def tell(*, using: str, **_kwargs: Any) -> None:
    """Write what is typical; for ``post_migrate``."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'")
        present = {(table, name) for table, name in cursor.fetchall() if table in TYPICAL}
        if not present:
            return
        cursor.execute("ANALYZE sqlite_master")  # Makes the table of statistics where there is none.
        cursor.executemany("DELETE FROM sqlite_stat1 WHERE tbl = %s", [(table,) for table in TYPICAL])
        cursor.executemany(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (%s, %s, %s)",
            [(table, name, stat) for table, name in sorted(present) if (stat := _stat(table, name))],
        )
        cursor.execute("ANALYZE sqlite_master")  # This connection reads it again, others when they begin.


def _stat(table: str, name: str) -> str:
    if (stat := TYPICAL[table].get(name)) is not None:
        return stat
    alike = FOREIGN.get(name.removeprefix(f"{table}_").rpartition("_")[0])
    return f"300000 {alike}" if alike is not None else ""
