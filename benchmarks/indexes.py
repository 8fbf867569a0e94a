"""What do the indexes of conversations cost a write, and which of them did the views not use? PostgreSQL tells."""

from __future__ import annotations

import time

UPDATED = 2_000
"""Ongoing conversations that are changed, twice: the first time warms up."""

FAMILIES = {"words": "conv_words_%", "counters": "conv_count_%", "orders": "conv_order_%"}
"""The indexes of the report by what they are for; taken away one family after the other."""


def told() -> list[str]:
    """A table and a line as Markdown; nothing is changed for good."""
    from django.db import connection, transaction

    if connection.vendor != "postgresql":
        return []
    idle = _names("SELECT indexrelname FROM pg_stat_user_indexes WHERE relname = %s AND idx_scan = 0 ORDER BY 1")
    spent = {}
    with transaction.atomic():
        spent["with all indexes"] = _update()
        for family, pattern in FAMILIES.items():
            names = _names("SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexname LIKE %s", pattern)
            with connection.cursor() as cursor:
                cursor.execute(f"DROP INDEX {', '.join(names)}")
            spent[f"and without those of {family} ({len(names)})"] = _update()
        transaction.set_rollback(True)
    rows = [f"| {name} | {seconds * 1e3:.3f} |" for name, seconds in spent.items()]
    return [
        "| an update of version and last activity, of one conversation | ms |",
        "|---|---|",
        *rows,
        "",
        f"Indexes of conversations that no view of the report used: {', '.join(idle) or 'none'}.",
        "",
    ]


def _names(sql: str, *more: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, ["conversations_conversation", *more])
        return [str(name) for (name,) in cursor.fetchall()]


def _update() -> float:
    """Seconds for one of many."""
    from django.db import connection

    began = time.perf_counter()
    for _ in range(2):
        with connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(
                "UPDATE conversations_conversation SET version = version + 1, last_activity_at = now() WHERE id IN "
                "(SELECT id FROM conversations_conversation WHERE closed_at IS NULL ORDER BY id LIMIT %s)",
                [UPDATED],
            )
    return (time.perf_counter() - began) / UPDATED
