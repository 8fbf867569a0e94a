"""How often may somebody try something? Attempts are counted in the database, for all processes and across restarts.

Each attempt is written down before it is judged, so that many at once do not all pass. One that is refused is taken
back: who waits as long as they were told gets in, however often they tried meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import AddressValueError, IPv6Address
from math import ceil

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from supervisor_console.models import Attempt, Cached

SALT = "supervisor_console.limits"
KEEP = timedelta(hours=2)
"""How long attempts are kept; longer than the longest limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many attempts of one kind in a length of time, for each who tries."""

    what: str
    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was counted, and how many seconds to wait before it may be made; 0 where it may be made now."""

    row_id: int
    seconds: int


def attempt(limit: Limit, who: str, now: datetime) -> Counted:
    """Count an attempt, and say whether it may be made; whoever refuses it takes it back."""
    name = _hashed(who)
    row = Attempt.objects.create(what=limit.what, who=name, at=now)
    earlier = Attempt.objects.filter(what=limit.what, who=name, at__gt=now - limit.within, pk__lt=row.pk)
    oldest = earlier.order_by("-at", "-pk").values_list("at", flat=True)[limit.most - 1 : limit.most].first()
    return Counted(row.pk, 0 if oldest is None else max(1, ceil((oldest + limit.within - now).total_seconds())))


def take_back(*counted: Counted) -> None:
    """These were not made after all, or are none that should count."""
    Attempt.objects.filter(pk__in=[one.row_id for one in counted]).delete()


def prune(now: datetime) -> int:
    """Forget attempts of long ago, and what the cache may forget; reads first, so that it seldom locks."""
    attempts, cached = Attempt.objects.filter(at__lt=now - KEEP), Cached.objects.filter(expires__lt=now)
    return sum(old.delete()[0] for old in (attempts, cached) if old.exists())


def address_of(request: HttpRequest) -> str:
    """Where a request comes from. Behind TLS the server has put the proxy's word there; of IPv6, the network counts."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    try:
        return str(IPv6Address(IPv6Address(address).packed[:8] + bytes(8)))
    except AddressValueError:
        return address


def _hashed(who: str) -> str:
    return salted_hmac(SALT, who, algorithm="sha256").hexdigest()[:32]
