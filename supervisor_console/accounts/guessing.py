"""How fast may a password be guessed?

Failed attempts are counted by name and address together, so that nobody is kept out by somebody else's guessing; and by
each of the two alone, with more patience, against guessing from many addresses and through many names. The counting is
django-allauth's; it keeps its counts in the cache, which is a table of the database.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from supervisor_console.kernel.limits import address_of

APP = "allauth.account"
SALT = "supervisor_console.accounts.guessing"

TOO_MANY = "too_many_attempts"

PAIR, NAME, ADDRESS = "login_failed", "login_failed_name", "login_failed_address"
"""What is counted, under the names that ACCOUNT_RATE_LIMITS in the settings gives a limit. The second factor counts
under the first, by person."""


@dataclass(slots=True)
class Attempt:
    """One attempt to log in, counted before it is judged, so that many at once do not all pass."""

    usages: list[Any] = field(default_factory=list)

    def take_back(self) -> None:
        """It came right, or was not made: it counts no more."""
        for usage in self.usages:
            usage.rollback()


def count(request: HttpRequest, name: str) -> Attempt:
    """Count an attempt; raises ValidationError where it may not be made, which then does not count."""
    attempt = Attempt()
    for action, who in _counted(request, name).items():
        usage = ratelimit.consume(request, app=APP, action=action, key=who)
        if usage is None:
            attempt.take_back()
            raise too_many(_seconds_left(request, action, who))
        attempt.usages.append(usage)
    return attempt


def forget(request: HttpRequest, name: str) -> None:
    """Who got in is forgiven what went wrong before, under this name from this address.

    Not what came from the address under other names: an account of one's own buys no guesses at others.
    """
    ratelimit.clear(request, app=APP, action=PAIR, key=_counted(request, name)[PAIR])


def too_many(seconds: int) -> ValidationError:
    """The refusal, with how long to wait."""
    minutes = -(-seconds // 60)
    text = ngettext(
        "Too many failed attempts. Wait %(minutes)d minute and try again, or ask an administrator for a new password.",
        "Too many failed attempts. Wait %(minutes)d minutes and try again, or ask an administrator for a new password.",
        minutes,
    )
    return ValidationError(text, code=TOO_MANY, params={"minutes": minutes, "seconds": seconds})


def _counted(request: HttpRequest, name: str) -> Mapping[str, str]:
    """Who is counted, for each limit; hashed with a key, so that what is kept names nobody."""
    name, address = name.casefold(), address_of(request)
    plain = {PAIR: f"{name} {address}", NAME: name, ADDRESS: address}
    return {action: salted_hmac(SALT, who, algorithm="sha256").hexdigest()[:32] for action, who in plain.items()}


def _seconds_left(request: HttpRequest, action: str, who: str) -> int:
    """How long until the oldest attempt that counts is old enough; the library does not say."""
    rate = ratelimit.get_rates(app=APP, action=action)[0]
    history = cache.get(ratelimit.get_cache_key(request, app=APP, action=action, rate=rate, key=who)) or []
    oldest = history[rate.amount - 1] if len(history) >= rate.amount else time.time()
    left: float = oldest + rate.duration - time.time()
    return max(1, ceil(left))
