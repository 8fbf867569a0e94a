"""What happened to a conversation? Who, when and why, from its history, the latest first (domain.md 6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations import wording
from conversations.models import Conversation, HistoryEntry, LeftReason
from conversations.reports.durations import clock_text
from conversations.reports.moments import moment

SHOWN = 40
"""How many entries are shown before the rest is asked for."""

ICONS: Mapping[str, tuple[str, str]] = {
    "created": ("message-square-plus", ""),
    "offered": ("user-plus", ""),
    "assigned": ("user-plus", ""),
    "assigned_to_queue": ("layers", ""),
    "picked": ("hand", ""),
    "accepted": ("user-check", "good"),
    "rejected": ("user-x", "warn"),
    "timed_out": ("clock-alert", "warn"),
    "transfer_requested": ("arrow-right-left", ""),
    "transferred": ("arrow-right-left", "good"),
    "transfer_rejected": ("undo-2", "warn"),
    "transfer_timed_out": ("clock-alert", "warn"),
    "transfer_cancelled": ("undo-2", ""),
    "released": ("corner-up-left", ""),
    "moved_to_waiting": ("hourglass", ""),
    "revived": ("refresh-cw", ""),
    "customer_returned": ("message-circle", ""),
    "ended": ("clipboard-check", ""),
    "closed": ("circle-check", ""),
    "force_closed": ("octagon-x", "crit"),
    "monitoring_started": ("eye", "violet"),
    "monitoring_stopped": ("eye-off", "violet"),
    "joined": ("users", "violet"),
    "left": ("log-out", ""),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as ``components/_timeline_entry.html`` prints it."""

    code: str
    icon: str
    tone: str
    text: str
    who: str
    why: str
    at_iso: str
    at_text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The entries, and how many earlier ones there are."""

    entries: tuple[Entry, ...]
    earlier: int


def timeline(conversation: Conversation, *, everything: bool, now: datetime) -> Timeline:
    """The history of a conversation, the latest first; ``everything`` shows all of it. Two queries at most."""
    rows = HistoryEntry.objects.filter(conversation=conversation).order_by("-pk")
    found = list(rows if everything else rows[: SHOWN + 1])
    earlier = rows.count() - SHOWN if not everything and len(found) > SHOWN else 0
    shown = found if everything else found[:SHOWN]
    return Timeline(tuple(_entry(row, now) for row in shown), earlier)


def _entry(row: HistoryEntry, now: datetime) -> Entry:
    icon, tone = ICONS.get(row.code.removeprefix("conversation."), ("history", ""))
    text = wording.timeline(row.code, row.data)
    return Entry(
        code=row.code,
        icon=icon,
        tone=tone,
        text=text,
        who="" if row.actor_name in text else _("by %(name)s") % {"name": row.actor_name},
        why=" ".join(_reasons(row.data)),
        at_iso=row.at.isoformat(),
        at_text=moment(row.at, now),
    )


def _reasons(data: Mapping[str, Any]) -> Iterator[str]:
    """The overrides with what they exceeded, how a monitoring ended, and the note."""
    overrides = data.get("overrides") or []
    if {"presence_override", "presence_offline"} & set(overrides):
        yield _("Presence override: %(presence)s.") % {"presence": data.get("presence") or "–"}
    if over := data.get("over_units"):
        text = ngettext("Capacity exceeded by %(over)d unit.", "Capacity exceeded by %(over)d units.", over)
        yield text % {"over": over}
    for profile, items in sorted((data.get("over_items") or {}).items()):
        text = ngettext("%(profile)s exceeded by %(over)d item.", "%(profile)s exceeded by %(over)d items.", items)
        yield text % {"profile": profile, "over": items}
    if "session_limit" in overrides:
        yield _("More conversations than the desk shows at once.")
    if "queue_closed_hours" in overrides:
        yield _("Outside the operating hours of the queue.")
    if "seconds" in data:
        yield _("After %(time)s.") % {"time": clock_text(timedelta(seconds=data["seconds"]))}
    if data.get("cause") in (LeftReason.CONNECTION_LOST, LeftReason.CLOSED):
        yield _("Cause: %(cause)s.") % {"cause": LeftReason(data["cause"]).label}
    if note := data.get("note"):
        yield _("«%(note)s»") % {"note": note}
