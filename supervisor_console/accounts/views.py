"""Which pages does an account have?"""

from __future__ import annotations

import logging
from typing import Any

from allauth.account import views as account_views
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import Form
from django.http import HttpResponse

from supervisor_console.accounts.guessing import TOO_MANY

logger = logging.getLogger("supervisor_console.actions")

FAILED = "login_failed"


class LoginView(account_views.LoginView):
    """The log-in; too many attempts are answered with 429 and how long to wait."""

    template_name = "account/login.html"

    def form_invalid(self, form: Form) -> HttpResponse:
        """Show the form again, with what is in the way."""
        refusals = [error for error in form.errors.as_data().get(NON_FIELD_ERRORS, []) if error.code == TOO_MANY]
        code = TOO_MANY if refusals else FAILED
        # Never the name: now and then somebody types a password there.
        logger.info("action=login outcome=refused code=%s address=%s", code, self.request.META.get("REMOTE_ADDR"))
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form, code=code))
        if refusals:
            response.status_code = 429
            response.headers["Retry-After"] = str((refusals[0].params or {})["seconds"])
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With where to go on afterwards."""
        return {**super().get_context_data(**kwargs), "next": self.get_next_url() or ""}
