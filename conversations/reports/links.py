"""Where does what belongs to a conversation lie? Django takes long to find an address, so it finds each once.

The addresses of a page's conversations are made from that of conversation 0.
"""

from __future__ import annotations

from functools import lru_cache

from django.urls import get_script_prefix, reverse


class Links:
    """Addresses by their name in ``conversations.urls``, for all rows of a page."""

    def __init__(self) -> None:
        self._prefix = get_script_prefix()

    def of(self, name: str, pk: int) -> str:
        """What lies under this name, of this conversation."""
        before, after = _around(self._prefix, name)
        return f"{before}{pk}{after}"


@lru_cache(maxsize=64)
def _around(prefix: str, name: str) -> tuple[str, str]:
    """What stands before and after the id."""
    before, _id, after = reverse(f"conversations:{name}", args=[0]).rpartition("0")
    return before, after
