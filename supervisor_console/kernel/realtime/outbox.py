"""What did the channel layer not bring? The outbox rows that a process has not delivered yet."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from supervisor_console.models import Announcement

KEEP = timedelta(minutes=10)
"""How long outbox rows are kept; far longer than any process needs to catch up."""

REMEMBERED = 1000
"""How many announcements a process remembers as delivered, at least. A row is written at the very end of
its action, so ids that become visible late are a few behind the newest, never a thousand."""


class Seen:
    """Which announcements a process has delivered: the latest by their ids, and everything before those."""

    def __init__(self, ids: Collection[int] = ()) -> None:
        self.ids = set(ids)
        self.floor = min(self.ids, default=1) - 1

    def add(self, pk: int) -> bool:
        """Whether this one is new."""
        if pk <= self.floor or pk in self.ids:
            return False
        self.ids.add(pk)
        if len(self.ids) > 2 * REMEMBERED:
            self.ids = set(sorted(self.ids)[-REMEMBERED:])
            self.floor = min(self.ids) - 1
        return True


def newest() -> list[int]:
    """The latest ids: what a process that starts now counts as delivered already."""
    return sorted(Announcement.objects.order_by("-pk").values_list("pk", flat=True)[:REMEMBERED])


def latest_at() -> datetime | None:
    """When something was announced last."""
    return Announcement.objects.order_by("-pk").values_list("at", flat=True).first()


def missed(floor: int, known: frozenset[int]) -> list[tuple[int, list[dict[str, Any]]]]:
    """The announcements after ``floor`` that are not in ``known``, oldest first."""
    ids = [
        pk
        for pk in Announcement.objects.filter(pk__gt=floor).order_by("pk").values_list("pk", flat=True)
        if pk not in known
    ]
    rows = Announcement.objects.in_bulk(ids)
    return [(pk, rows[pk].frames) for pk in ids if pk in rows]


def prune(now: datetime) -> int:
    """Delete announcements that every process has seen long ago; reads first, so that it seldom locks."""
    old = Announcement.objects.filter(at__lt=now - KEEP)
    return old.delete()[0] if old.exists() else 0
