"""The one sanctioned up-call: routing says that an agent may take work again (house-style.md 2)."""

from django.dispatch import Signal

agent_became_free = Signal()
"""Sent inside the transaction with ``agent_id``; distribution listens."""
