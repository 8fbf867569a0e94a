"""How is a form that was sent twice recognised? By a key that each rendered form carries."""

from __future__ import annotations

import uuid

from django.http import HttpRequest


def new_client_key() -> str:
    """A key for a form that is being rendered."""
    return str(uuid.uuid4())


def client_key(request: HttpRequest) -> str:
    """The key of the form that was sent; what is not a key counts as none."""
    try:
        return str(uuid.UUID(request.POST.get("client_key", "")))
    except ValueError:
        return ""
