"""Under which key does the cache keep something? A column has an end, and what others choose has none."""

from __future__ import annotations

from hashlib import sha256

LONGEST = 200
"""Characters; the column takes 255."""


def key_of(key: str, prefix: str, version: int) -> str:
    """As Django does, and a hash instead of what is too long."""
    plain = f"{prefix}:{version}:{key}"
    return plain if len(plain) <= LONGEST else f"{prefix}:{version}:{sha256(key.encode()).hexdigest()}"
