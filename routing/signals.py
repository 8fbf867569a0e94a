"""The sanctioned up-calls: an agent may take work again, and somebody is to be told something (house-style.md 2)."""

from django.dispatch import Signal

agent_became_free = Signal()
"""Sent inside the transaction with ``agent_id``; distribution listens."""

person_is_told = Signal()
"""Sent inside the transaction with ``user_id``, ``code``, ``params`` and ``now``; the app above keeps the notices."""
