"""What was somebody told? Their notices, ready to print, and where each of them leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.urls import reverse

from conversations import wording
from conversations.models import Notice
from conversations.reports.moments import moment
from supervisor_console.kernel.actor import Actor

PAGE = 50
"""Notices on one page of the list."""

GONE = frozenset({"taken_away", "offer_missed", "offer_withdrawn"})
"""Notices about what has left the reader's hands: there is nothing to open."""

OF_SUPERVISORS = wording.REASSIGN | {
    "assign_accepted",
    "transfer_accepted",
    "transfer_cancelled",
    "monitored_closed",
    "customer_unhappy",
}
"""Notices for whoever supervises; the others are for those who take part."""


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice as ``components/_notice.html`` prints it."""

    id: int
    code: str
    level: str
    text: str
    at_iso: str
    at_text: str
    url: str
    label: str
    read: bool
    read_url: str


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Some notices, latest first; ``older`` is the id before which the next page begins, 0 at the end."""

    rows: tuple[NoticeRow, ...]
    unread: int
    older: int


def leads_to(actor: Actor, code: str, conversation_id: int | None) -> tuple[str, str]:
    """Address and label of a notice's link; both empty where there is nothing to open.

    Rejected and timed-out requests lead to the dialog, to reassign at once (domain.md 3.5, 3.6).
    Agents open conversations at their desk.
    """
    if conversation_id is None or code in GONE:
        return "", ""
    if code in wording.REASSIGN:
        verb = "transfer" if code.startswith("transfer") else "assign"
        return reverse(f"conversations:{verb}", args=[conversation_id]), str(wording.REASSIGN_LABEL)
    at_the_desk = actor.is_agent and code not in OF_SUPERVISORS
    page = "desk_conversation" if at_the_desk else "conversation"
    return reverse(f"conversations:{page}", args=[conversation_id]), str(wording.VIEW_LABEL)


def unread(actor: Actor) -> int:
    """How many notices a person has not read."""
    return Notice.objects.filter(user=cast(int, actor.user_id), read_at=None).count()


def page(actor: Actor, now: datetime, *, before: int = 0, only_unread: bool = False, size: int = PAGE) -> NoticePage:
    """The notices of a person, latest first. Two queries."""
    mine = Notice.objects.filter(user=cast(int, actor.user_id))
    rows = mine.filter(read_at=None) if only_unread else mine
    found = list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[: size + 1])
    return NoticePage(
        rows=tuple(_row(actor, row, now) for row in found[:size]),
        unread=unread(actor),
        older=found[size - 1].pk if len(found) > size else 0,
    )


def _row(actor: Actor, row: Notice, now: datetime) -> NoticeRow:
    params: Mapping[str, object] = row.params
    is_over = row.code in wording.ASKS and row.read_at is not None  # the offer was answered, or its time ran out
    url, label = ("", "") if is_over else leads_to(actor, row.code, row.conversation_id)
    return NoticeRow(
        id=row.pk,
        code=row.code,
        level=row.level,
        text=wording.notice(row.code, params),
        at_iso=row.created_at.isoformat(),
        at_text=moment(row.created_at, now),
        url=url,
        label=label,
        read=row.read_at is not None,
        read_url=reverse("conversations:notice_read", args=[row.pk]),
    )
