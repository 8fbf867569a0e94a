"""Who is told what: notices that stay until read, and toasts on the screens of those who are there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
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
        _tell(user_id, code, known, level, conversation.pk, now)


def tell(user_id: int, code: str, params: dict[str, Json], now: datetime, **_: object) -> None:
    """What somebody changed about a person, and no conversation: the receiver of ``person_is_told``."""
    _tell(user_id, code, params, NoticeLevel.INFO, None, now)


def _tell(
    user_id: int, code: str, params: dict[str, Json], level: NoticeLevel, conversation_id: int | None, now: datetime
) -> None:
    notice = Notice.objects.create(
        user_id=user_id, conversation_id=conversation_id, code=code, params=params, level=level, created_at=now
    )
    realtime.announce(
        [f"user:{user_id}"],
        {
            "type": "notice",
            "code": code,
            "level": level.value,
            "params": params,
            "conversation": conversation_id,
            "notice": notice.pk,
            "at": now.isoformat(),
        },
    )


def done(user_id: int, codes: Collection[str], conversation_id: int, *, now: datetime) -> None:
    """Count what somebody was told as read: what it asked for has been done, or cannot be done any more."""
    told = Notice.objects.filter(user=user_id, code__in=list(codes), conversation=conversation_id, read_at=None)
    told.update(read_at=now)
