"""The floor on which the machine runs."""

from tests.conversations.conftest import floor

__all__ = ["floor"]
