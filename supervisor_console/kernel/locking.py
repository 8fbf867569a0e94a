"""Is it a lock that could not be had in time? Both databases say so in their own way."""

from __future__ import annotations

from django.db import OperationalError


def is_lock_timeout(error: OperationalError) -> bool:
    """Whether a database error says that a lock could not be had in time, on either database."""
    return getattr(error.__cause__, "sqlstate", None) in {"55P03", "40P01"} or "locked" in str(error)
