"""Notices: their reader has read them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from conversations.models import Notice
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import NotVisible
from supervisor_console.kernel.realtime import action


@action()
def mark_read(actor: Actor, notice_id: int, *, now: datetime | None = None) -> None:
    """Note that the actor has read one of their notices; the first time counts.

    Raises ``NotVisible`` for somebody else's or one that does not exist. Nobody else is told.
    """
    mine = _of(actor).filter(pk=notice_id)
    if not mine.exists():
        raise NotVisible
    mine.filter(read_at=None).update(read_at=now or clock.now())


@action()
def mark_all_read(actor: Actor, *, now: datetime | None = None) -> int:
    """Note that the actor has read all their notices; returns how many were new. Nobody else is told."""
    return _of(actor).filter(read_at=None).update(read_at=now or clock.now())


def _of(actor: Actor) -> QuerySet[Notice]:
    assert actor.user_id is not None, "only people have notices"
    return Notice.objects.filter(user_id=actor.user_id)
