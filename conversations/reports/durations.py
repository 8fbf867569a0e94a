"""How long? Wait, handle time and the other times of a row: the formula in Python, and the same in SQL for sorting.

A time that runs carries its start, and the browser ticks from there; a time that rests is only text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, DateTimeField, DurationField, Expression, ExpressionWrapper, F, Q, When
from django.db.models.functions import Coalesce

from conversations.models import Conversation, State
from conversations.reports.statements import At, written

NONE = "–"


class Band(StrEnum):
    """How bad a time is (domain.md 5.4); the values are the classes of ``components``."""

    NORMAL = ""
    AT_RISK = "warn"
    CRITICAL = "urgent"


@dataclass(frozen=True, slots=True)
class Clock:
    """A time as the ``clock`` tag takes it: ``since`` is an ISO start, empty for a time that rests."""

    text: str = NONE
    since: str = ""
    warn: int | str = ""
    urgent: int | str = ""
    band: str = ""


RESTING = Clock()


def clock_text(length: timedelta) -> str:
    """``m:ss``, then ``h:mm:ss``, then days and hours; ``static/js/times.js`` writes the same."""
    seconds = max(0, int(length.total_seconds()))
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def band(length: timedelta, warn: int, urgent: int) -> Band:
    """The band of a time against two thresholds in seconds."""
    seconds = length.total_seconds()
    return Band.CRITICAL if seconds >= urgent else Band.AT_RISK if seconds >= warn else Band.NORMAL


def running(since: datetime | None, now: datetime) -> Clock:
    """A time that runs since a moment, without thresholds; nothing where there is no start."""
    return Clock(clock_text(now - since), since.isoformat()) if since is not None else RESTING


# --- wait (domain.md M1) ----------------------------------------------------------------------------------


def waiting_since(conversation: Conversation) -> datetime | None:
    """Since when the customer waits for an agent now; None where nobody waits, as long as a bot serves.

    Before the first acceptance: M1, from ``first_wait_started_at``. Once accepted and back in the queue
    (T16, T18, T21): the wait in the queue, since it became Open again.
    """
    if conversation.closed_at is not None:
        return None
    if conversation.accepted_at is None:
        return conversation.first_wait_started_at
    return conversation.state_changed_at if conversation.state == State.OPEN else None


def wait(conversation: Conversation, now: datetime) -> Clock:
    """Wait time of a row (domain.md M1), with the bands of its queue while it runs; unit: seconds.

    accepted_at − first_wait_started_at once accepted, closed_at − first_wait_started_at where it closed
    before, else now − ``waiting_since``; nothing where a bot serves. Needs ``queue``.
    """
    if conversation.first_wait_started_at is None:
        return RESTING  # A bot has it, or settled it: nobody ever waited for a person.
    since = waiting_since(conversation)
    if since is None:
        end = conversation.accepted_at or conversation.closed_at or now
        return Clock(clock_text(end - conversation.first_wait_started_at))
    return queue_wait(since, conversation.queue.wait_warning_seconds, conversation.queue.wait_critical_seconds, now)


def queue_wait(since: datetime, warn: int, urgent: int, now: datetime) -> Clock:
    """A wait that runs, against the thresholds of a queue."""
    return Clock(clock_text(now - since), since.isoformat(), warn, urgent, band(now - since, warn, urgent).value)


IS_OPEN_AGAIN = Q(state=State.OPEN, accepted_at__isnull=False)


def waiting_since_sql() -> Expression:
    """``waiting_since`` for ongoing conversations, as the database computes it."""
    return Case(
        When(accepted_at__isnull=True, then=F("first_wait_started_at")),
        When(IS_OPEN_AGAIN, then=F("state_changed_at")),
        default=None,
        output_field=DateTimeField(),
    )


def wait_sql(now: At) -> Expression:
    """The length of ``wait``, as the database computes it."""
    moment = written(now)
    start = Case(
        When(IS_OPEN_AGAIN, then=F("state_changed_at")),
        default=F("first_wait_started_at"),
        output_field=DateTimeField(),
    )
    end = Case(
        When(IS_OPEN_AGAIN, then=moment),
        default=Coalesce("accepted_at", "closed_at", moment, output_field=DateTimeField()),
        output_field=DateTimeField(),
    )
    return ExpressionWrapper(end - start, output_field=DurationField())


# --- handle time (domain.md M21) ----------------------------------------------------------------------------


def handle(conversation: Conversation, now: datetime) -> Clock:
    """Handle time of a row (domain.md M21): active and wrap-up time of primary agents; unit: seconds.

    While it runs, now − ``handling_since``; when it rests, ``handled``; nothing before the first acceptance.
    """
    if conversation.handling_since is not None:
        return running(conversation.handling_since, now)
    return Clock(clock_text(conversation.handled)) if conversation.handled else RESTING


def handle_sql(now: At) -> Expression:
    """The length of ``handle``, as the database computes it."""
    moment = written(now)
    began = Coalesce(
        F("handling_since"),
        ExpressionWrapper(moment - F("handled"), output_field=DateTimeField()),
        output_field=DateTimeField(),
    )
    return ExpressionWrapper(moment - began, output_field=DurationField())
