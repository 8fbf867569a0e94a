"""A length of time in a form: written and read with units, a number of seconds everywhere else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from supervisor_console.kernel.spans import seconds_in, span

MALFORMED = _("Write a length of time with its unit, such as 90 s, 20 min, 2 h or 30 d.")


class SpanField(forms.IntegerField):
    """Seconds, as «2 min 30 s»."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> int | None:
        """The seconds of what was written."""
        if value in self.empty_values:
            return None
        seconds = seconds_in(str(value))
        if seconds is None:
            raise forms.ValidationError(str(MALFORMED), code="invalid")
        return seconds

    def prepare_value(self, value: Any) -> Any:
        """How the form shows a number; what was written stays as it was written."""
        return span(value) if isinstance(value, int) else value
