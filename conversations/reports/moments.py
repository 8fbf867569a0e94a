"""How is a moment written? The time of day, and the day where it was not today."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language


def moment(at: datetime, now: datetime) -> str:
    """The time of day in the centre's zone; with the day in front where it was another one."""
    local = timezone.localtime(at)
    clock = f"{local:%H:%M}"
    if local.date() == timezone.localtime(now).date():
        return clock
    day = date_format(local, "MONTH_DAY_FORMAT" if local.year == timezone.localtime(now).year else "DATE_FORMAT")
    return f"{day}, {clock}"


def short_moment(at: datetime, now: datetime) -> str:
    """A moment that fits a narrow column: the time today, weekday and time within a week, else the date."""
    local, today = timezone.localtime(at), timezone.localtime(now).date()
    days = (today - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    if 0 < days < 7:
        return f"{_day(local.date(), 'D', get_language())} {local:%H:%M}"
    return _day(local.date(), "j M" if local.year == today.year else "j M Y", get_language())


@lru_cache(maxsize=1024)
def _day(day: date, form: str, language: str | None) -> str:
    """A day as this language writes it; the rows of a list have few between them."""
    return date_format(day, form)
