"""What was said? The lines of a conversation, ready to print, for people of the centre or for its customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from conversations import wording
from conversations.models import Conversation, Message, SenderKind, Visibility
from conversations.reports.moments import moment
from supervisor_console.kernel import clock

STAFF_TWINS: Mapping[str, str] = {
    "supervisor_joined": "supervisor_joined_staff",
    "agent_took_over": "consultant_now",
}
"""Public system lines that have a fuller one for people of the centre, said in the same moment."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as ``components/_line.html`` prints it.

    ``kind`` is customer, agent, bot, supervisor or system. ``own`` is whether
    the reader said it. ``at_iso`` is what the browser may tick from.
    """

    id: int
    kind: str
    internal: bool
    author: str
    text: str
    at_iso: str
    at_text: str
    own: bool


def lines(
    conversation: Conversation,
    *,
    for_customer: bool,
    viewer_user_id: int | None,
    last: int | None = None,
    now: datetime | None = None,
) -> list[Line]:
    """The transcript in order, the latest ``last`` lines of it where a number is given.

    A customer reads public lines only; internal ones are for people of the centre (domain.md 3.4).
    ``viewer_user_id`` is the reader's user, None for a customer. One query.
    """
    rows = Message.objects.filter(conversation=conversation).order_by("-pk")
    if for_customer:
        rows = rows.filter(visibility=Visibility.PUBLIC)
    found = list(rows if last is None else rows[:last])[::-1]
    if not for_customer:
        found = _without_twins(found)
    now = now or clock.now()
    return [_line(row, for_customer, viewer_user_id, now) for row in found]


def earlier(conversation: Conversation, last: int) -> int:
    """How many lines people of the centre do not see when only the latest ``last`` are shown."""
    return max(0, Message.objects.filter(conversation=conversation).count() - last)


def _without_twins(rows: Iterable[Message]) -> list[Message]:
    """Without the public system lines that an internal one of the same moment says better."""
    rows = list(rows)
    said = {(row.code, row.created_at) for row in rows if row.visibility == Visibility.INTERNAL}
    return [row for row in rows if (STAFF_TWINS.get(row.code), row.created_at) not in said]


def _line(row: Message, for_customer: bool, viewer_user_id: int | None, now: datetime) -> Line:
    by_customer = row.sender_kind == SenderKind.CUSTOMER
    return Line(
        id=row.pk,
        kind=row.sender_kind,
        internal=row.visibility == Visibility.INTERNAL,
        author=row.sender_name or str(SenderKind(row.sender_kind).label),
        text=wording.line(row.code, row.params) if row.code else row.text,
        at_iso=row.created_at.isoformat(),
        at_text=moment(row.created_at, now),
        own=by_customer if for_customer else viewer_user_id is not None and row.sender_id == viewer_user_id,
    )
