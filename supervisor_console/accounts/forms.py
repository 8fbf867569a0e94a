"""What do people write at the door?"""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as LibraryLoginForm
from django.utils.translation import gettext_lazy as _


class LoginForm(LibraryLoginForm):
    """Name and password. The library's field ``login`` is called ``username`` on the page, as it always was."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("User name")

    def add_prefix(self, field_name: str) -> str:
        """The name of a field on the page."""
        return "username" if field_name == "login" else str(super().add_prefix(field_name))
