"""Whose pages are open, over all processes? What counts as open, closed, and lost, for agents and customers alike.

A row is one socket. A process says every few seconds which of its sockets closed and that the others live; what it has
not said for a while is lost with it. A closed row stays until its owner is back or counts as gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

RELOAD = timedelta(seconds=5)
"""How long nobody is missed after a page closed: it is loaded again, or another one is opened."""

LOST_AFTER = timedelta(seconds=12)
"""A process that has not said for so long that its sockets live has lost them."""


class Page(models.Model):
    """One socket of somebody; whose it is, the model that inherits this says."""

    key = models.UUIDField(_("key"), unique=True)
    process = models.UUIDField(_("process"))
    seen_at = models.DateTimeField(_("seen"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        abstract = True


P = TypeVar("P", bound=Page)


def over(now: datetime) -> Q:
    """The pages that are not there any more: closed for longer than a reload takes, or lost with their process."""
    return Q(closed_at__lte=now - RELOAD) | Q(closed_at=None, seen_at__lte=now - LOST_AFTER)


def keep_alive(pages: models.QuerySet[P], process: UUID, closed: Iterable[UUID], now: datetime) -> frozenset[UUID]:
    """A process says which of its pages closed, and that the others live; returns the keys of those.

    One that is missing there is new, or counted as lost meanwhile, and has to be connected.
    """
    live = pages.filter(process=process, closed_at=None)
    live.filter(key__in=list(closed)).update(closed_at=now)
    live.update(seen_at=now)
    return frozenset(live.values_list("key", flat=True))


def gone(pages: models.QuerySet[P], owner: str, now: datetime, *, misses: bool = True) -> list[int]:
    """The owners (ids of the field ``owner``) whose every page is over; who never had one is not among them.

    Who looks again after a standstill ``misses`` nobody yet: what no process could say lives is not lost for that.
    """
    is_over = over(now) if misses else Q(closed_at__lte=now - RELOAD)
    there = pages.exclude(is_over).values(owner)
    found = pages.filter(is_over).exclude(**{f"{owner}__in": there})
    return list(found.order_by(owner).values_list(owner, flat=True).distinct())


def last_seen(pages: models.QuerySet[P], now: datetime) -> datetime:
    """When the last of these was there, all of them being over.

    At the most so long ago as it takes to notice: where nothing looked for a longer time, because everything stood
    still, nobody could have come back either.
    """
    return max([*(page.closed_at or page.seen_at for page in pages), now - LOST_AFTER])
