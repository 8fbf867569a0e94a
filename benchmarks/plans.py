"""By which indexes does the database find the rows of a page? Its plan, in short."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any


def of_list(asked: Sequence[tuple[str, Any]]) -> str:
    """The plan of the query among these that chooses the rows of the page: the one with a limit for ids only."""
    chosen = [
        one
        for one in asked
        if " LIMIT 50" in one[0]
        and (one[0].startswith("SELECT id FROM") or one[0].count('"conversations_conversation"."id" AS') == 1)
    ]
    return "; ".join(short(*one) for one in chosen) or "no rows"


def short(sql: str, params: Any) -> str:
    """The kinds of nodes and the indexes of a plan, from the outermost inwards."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
            plan = json.loads(plan) if isinstance(plan, str) else plan
            return " › ".join(_squeezed(_nodes(plan[0]["Plan"])))
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        return " › ".join(_squeezed(re.sub(r" \(.*\)| LEFT-JOIN", "", row[3]) for row in cursor.fetchall()))


def _nodes(plan: dict[str, Any]) -> Iterator[str]:
    name = plan["Node Type"]
    if index := plan.get("Index Name"):
        name += f" {index}"
    elif relation := plan.get("Relation Name"):
        name += f" {relation}"
    yield name
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)


def _squeezed(names: Iterator[str]) -> list[str]:
    """The names without repetitions."""
    return list(dict.fromkeys(names))
