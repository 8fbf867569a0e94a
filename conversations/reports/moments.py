"""How is a moment written? The time of day, and the day where it was not today."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language


class Moments:
    """Writes moments as they are read now: zone, day and language are looked up once for all of a page."""

    def __init__(self, now: datetime) -> None:
        self._zone = timezone.get_current_timezone()
        self._today = now.astimezone(self._zone).date()
        self._language = get_language()

    def full(self, at: datetime) -> str:
        """The time of day in the centre's zone; with the day in front where it was another one."""
        local = at.astimezone(self._zone)
        clock = f"{local:%H:%M}"
        if local.date() == self._today:
            return clock
        day = date_format(local, "MONTH_DAY_FORMAT" if local.year == self._today.year else "DATE_FORMAT")
        return f"{day}, {clock}"

    def short(self, at: datetime) -> str:
        """A moment that fits a narrow column: the time today, weekday and time within a week, else the date."""
        local = at.astimezone(self._zone)
        day = local.date()
        days = (self._today - day).days
        if days == 0:
            return f"{local:%H:%M}"
        if 0 < days < 7:
            return f"{_day(day, 'D', self._language)} {local:%H:%M}"
        return _day(day, "j M" if day.year == self._today.year else "j M Y", self._language)

    def exact(self, at: datetime) -> str:
        """Day and time to the second, the same in every language."""
        return f"{at.astimezone(self._zone):%Y-%m-%d %H:%M:%S}"


def moment(at: datetime, now: datetime) -> str:
    """One moment, in full."""
    return Moments(now).full(at)


def short_moment(at: datetime, now: datetime) -> str:
    """One moment, for a narrow column."""
    return Moments(now).short(at)


@lru_cache(maxsize=1024)
def _day(day: date, form: str, language: str | None) -> str:
    """A day as this language writes it; the rows of a list have few between them."""
    return date_format(day, form)
