"""Who is told what: notices that stay until read, and toasts on the screens of those who are there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from conversations.models import Conversation, Notice, NoticeLevel
from supervisor_console.kernel import realtime
from supervisor_console.kernel.events import Json


def notify(
    user_ids: Iterable[int | None],
    code: str,
    conversation: Conversation,
    *,
    now: datetime,
    level: NoticeLevel = NoticeLevel.INFO,
    **params: Json,
) -> None:
    """Give each of these people a notice, once, in the running transaction; shown after the commit.

    ``code`` is one of ``wording.NOTICES``; the subject is always among the params.
    """
    known: dict[str, Json] = {"subject": conversation.subject, **params}
    for user_id in sorted({user_id for user_id in user_ids if user_id is not None}):
        notice = Notice.objects.create(
            user_id=user_id,
            conversation=conversation,
            code=code,
            params=known,
            level=level,
            created_at=now,
        )
        realtime.announce(
            [f"user:{user_id}"],
            {
                "type": "notice",
                "code": code,
                "level": level.value,
                "params": known,
                "conversation": conversation.pk,
                "notice": notice.pk,
                "at": now.isoformat(),
            },
        )


def done(user_id: int, code: str, conversation_id: int, *, now: datetime) -> None:
    """Count what somebody was told as read: what it asked for has been done, or cannot be done any more."""
    Notice.objects.filter(user=user_id, code=code, conversation=conversation_id, read_at=None).update(read_at=now)
