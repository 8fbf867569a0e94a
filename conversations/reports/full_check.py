"""How far is the check of all data, and what did the last one say? (domain.md 2.5)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.invariants import BY_CODE, RULES, About
from conversations.models import CheckStage, FullCheck, FullCheckFinding
from conversations.reports.durations import clock_text
from conversations.reports.moments import moment

PATIENCE = timedelta(seconds=20)
"""How long the first portion may take to be looked at before the page asks whether the background work runs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the check found, in a sentence; ``about`` and ``subject_id`` say where it is."""

    code: str
    sentence: str
    about: About
    subject_id: int
    is_repairable: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The check that is under way, or the last one. ``tone``: a ``data-state``; ``percent``: while it goes on."""

    is_going: bool
    tone: str
    title: str
    text: str
    error: str
    percent: int
    faults: tuple[Fault, ...]
    hidden: int
    can_repair: bool


def latest(now: datetime) -> Look | None:
    """The check that is under way, or else the last one; None where nobody ever asked for one. Three queries."""
    check = FullCheck.objects.select_related("asked_by").order_by("is_over", "-pk").first()
    if check is None:
        return None
    rows = FullCheckFinding.objects.filter(check_of=check)
    faults = tuple(map(_fault, rows.order_by("pk")))
    counted = rows.aggregate(all=Count("pk"), repairable=Count("pk", filter=Q(is_repairable=True)))
    return Look(
        is_going=not check.is_over,
        tone=_tone(check),
        title=_title(check),
        text=_going(check, now) if not check.is_over else _over(check, now),
        error=_error(check, now),
        percent=_percent(check),
        faults=faults,
        hidden=max(0, check.found - counted["all"]),
        can_repair=bool(counted["repairable"]),
    )


def _tone(check: FullCheck) -> str:
    if not check.is_over:
        return "asking"
    if check.found:
        return "failing"
    return "idle" if check.was_stopped else "ok"


def _title(check: FullCheck) -> str:
    if check.found:
        said = ngettext("%(n)d thing is not as it must be.", "%(n)d things are not as they must be.", check.found)
        return said % {"n": check.found}
    if not check.is_over:
        return _("Checking all data …")
    return _("Stopped before everything was checked.") if check.was_stopped else _("Everything is as it must be.")


def _percent(check: FullCheck) -> int:
    if check.stage != CheckStage.CONVERSATIONS or not check.up_to:
        return 0
    return min(100, 100 * check.done_to // check.up_to)


def _numbers(check: FullCheck, now: datetime) -> dict[str, Any]:
    return {
        "conversations": ngettext("%(n)d conversation", "%(n)d conversations", check.conversations)
        % {"n": check.conversations},
        "agents": ngettext("%(n)d agent", "%(n)d agents", check.agents) % {"n": check.agents},
        "rules": len(RULES),
        "name": check.asked_by.display_name,
        "asked": moment(check.asked_at, now),
        "percent": _percent(check),
    }


def _going(check: FullCheck, now: datetime) -> str:
    said = _("%(conversations)s and %(agents)s so far, about %(percent)d %%. Asked for by %(name)s at %(asked)s.")
    return " ".join([said % _numbers(check, now), *_repaired(check)])


def _over(check: FullCheck, now: datetime) -> str:
    ended = check.ended_at or check.asked_at
    numbers = _numbers(check, now) | {"ended": moment(ended, now), "took": clock_text(ended - check.asked_at)}
    said = _(
        "%(rules)d rules, %(conversations)s, %(agents)s; ended at %(ended)s after %(took)s. Asked for by %(name)s."
    )
    return " ".join([said % numbers, *_repaired(check)])


def _repaired(check: FullCheck) -> list[str]:
    if not check.repairs:
        return []
    said = ngettext("%(n)d thing was repaired.", "%(n)d things were repaired.", check.repaired)
    return [said % {"n": check.repaired}]


def _error(check: FullCheck, now: datetime) -> str:
    if check.is_over:
        return ""
    if check.error:
        return _("The last portion failed, and is tried again: %(error)s") % {"error": check.error}
    has_begun = check.stage != CheckStage.PEOPLE or check.taken_until is not None
    if has_begun or now - check.asked_at < PATIENCE:
        return ""
    return _("Nobody has begun yet. Is the background work running? The page Live path knows.")


def _fault(row: FullCheckFinding) -> Fault:
    rule = BY_CODE.get(row.code)
    sentence = str(rule.text) % _readable(row.params) if rule is not None else row.code
    return Fault(row.code, sentence, About(row.about), row.subject_id, row.is_repairable)


def _readable(params: Mapping[str, Any]) -> dict[str, Any]:
    """As they were found; moments were kept as text."""
    moments = {name: parse_datetime(value) for name, value in params.items() if isinstance(value, str) and "T" in value}
    return {**params, **{name: at for name, at in moments.items() if at is not None}}
