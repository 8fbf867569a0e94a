"""The same floor as for conversations: people are tested with the work that they have."""

from tests.conversations.conftest import floor

__all__ = ["floor"]
