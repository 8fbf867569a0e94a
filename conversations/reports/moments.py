"""How is a moment written? The time of day, and the day where it was not today."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format


def moment(at: datetime, now: datetime) -> str:
    """The time of day in the centre's zone; with the day in front where it was another one."""
    local = timezone.localtime(at)
    clock = f"{local:%H:%M}"
    if local.date() == timezone.localtime(now).date():
        return clock
    day = date_format(local, "MONTH_DAY_FORMAT" if local.year == timezone.localtime(now).year else "DATE_FORMAT")
    return f"{day}, {clock}"
