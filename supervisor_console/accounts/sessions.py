"""Where are sessions kept? In the database, as Django does it; what cannot be the key of one is not looked for."""

from __future__ import annotations

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    """A cookie can spell any sign, and PostgreSQL takes not each of them in a text: asking for it was a fault."""

    def _validate_session_key(self, key: str | None) -> bool:
        is_long_enough: bool = super()._validate_session_key(key)  # type: ignore[misc]  # Django's types leave it out.
        return is_long_enough and str(key).isascii() and str(key).isalnum()
