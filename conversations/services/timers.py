"""What happens by itself when time passes (domain.md 2.3): called each second by the background work.

Deadlines are rows, so any number of processes may run this and a restart loses nothing: each due row
is handled in its own transaction, which looks again under lock and does nothing if it is settled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, Q

from conversations import selectors
from conversations.models import OFFERED_REASONS, Conversation, Mode, Offer, OfferStatus, Participant, State
from conversations.services import absence, bots, chat_pages, closure, daybreak, offers, supervision
from routing.models import Channel
from routing.services import presence
from supervisor_console.kernel import clock, idempotency, limits, realtime
from supervisor_console.kernel.actor import SYSTEM
from supervisor_console.kernel.errors import ConsoleError

logger = logging.getLogger(__name__)

BATCH = 200
"""How many rows of one kind are handled in one round."""


def run_due(*, now: datetime | None = None, misses: bool = True) -> int:
    """Do everything that is due at ``now``; returns how many things were done.

    ``misses`` says whether a page that no process said lives counts as lost: not in the first moments after nobody
    could say so.
    """
    at = now or clock.now()
    realtime.prune(at)
    idempotency.prune(at)
    limits.prune(at)
    done = _each(_due_offers(at), lambda pk: offers.expire(pk, now=at))
    done += _each(_due_holds(at), lambda pk: closure.release_wrap_up_capacity(pk, now=at))
    done += _each(_silent_with_bots(at), lambda pk: bots.give_up(pk, now=at))
    if misses:
        done += _each(_lost_monitors(at), lambda pk: supervision.drop_lost_monitor(pk, SYSTEM, now=at))
    done += _each(presence.gone(at, misses=misses)[:BATCH], lambda pk: presence.leave(pk, now=at))
    done += _each(chat_pages.gone(at, misses=misses)[:BATCH], lambda pk: chat_pages.leave(pk, now=at))
    done += _each(_left_for_good(at), lambda pk: closure.customer_gone(pk, now=at))
    done += _each(_orphaned(at), lambda pk: absence.agent_gone(pk, now=at))
    done += _each(_unanswerable_offers(), lambda pk: offers.withdraw_unanswerable(pk, now=at))
    done += _each(daybreak.due(at), lambda pk: daybreak.begin(pk, now=at))
    for ids, due in _due_closings(at):
        done += _each(ids, partial(closure.auto_close, due=due, now=at))
    return done


def resume(*, now: datetime | None = None) -> int:
    """Go on after a standstill: offers that ran out meanwhile can be answered again for a moment.

    Nobody could answer them, and a missed offer keeps new work from an agent. Returns how many there were.
    """
    at = now or clock.now()
    return _each(_due_offers(at), lambda pk: offers.give_time(pk, now=at))


def _each(ids: Iterable[int], act: Callable[[int], object]) -> int:
    done = 0
    for pk in ids:
        try:
            done += act(pk) not in (None, False)
        except ConsoleError as refusal:
            logger.info("timer left %s alone: %s", pk, refusal)
        except Exception:
            logger.exception("timer failed on %s", pk)
    return done


def _due_offers(now: datetime) -> list[int]:
    due = Offer.objects.filter(status=OfferStatus.PENDING, expires_at__lte=now)
    return list(due.order_by("expires_at", "pk").values_list("pk", flat=True)[:BATCH])


def _unanswerable_offers() -> list[int]:
    return list(offers.unanswerable().order_by("pk").values_list("pk", flat=True)[:BATCH])


def _due_holds(now: datetime) -> list[int]:
    due = Conversation.objects.filter(capacity_held_until__lte=now)
    return list(due.order_by("capacity_held_until", "pk").values_list("pk", flat=True)[:BATCH])


def _silent_with_bots(now: datetime) -> list[int]:
    rows = Conversation.objects.ongoing().filter(state=State.ACTIVE, first_wait_started_at=None, accepted_at=None)
    due = rows.filter(last_activity_at__lte=bots.silent_since(now))
    return list(due.order_by("last_activity_at", "pk").values_list("pk", flat=True)[:BATCH])


def _lost_monitors(now: datetime) -> list[int]:
    lost = Participant.objects.filter(mode=Mode.MONITOR, left_at=None, seen_at__lt=supervision.lost_since(now))
    return list(lost.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _left_for_good(now: datetime) -> list[int]:
    since = now - timedelta(seconds=selectors.settings_row().customer_disconnect)
    left = Conversation.objects.ongoing().filter(customer_left_at__lte=since)
    return list(left.order_by("customer_left_at", "pk").values_list("pk", flat=True)[:BATCH])


def _orphaned(now: datetime) -> list[int]:
    """In conversation with agents who are gone for good, and nobody is being asked to take over (T17)."""
    held = Conversation.objects.ongoing().filter(agent__left_at__lte=absence.due(now), state=State.ACTIVE)
    asked = Offer.objects.filter(status=OfferStatus.PENDING, conversation=OuterRef("pk"))
    lost = held.exclude(reason__in=OFFERED_REASONS).exclude(Exists(asked))
    return list(lost.order_by("agent__left_at", "pk").values_list("pk", flat=True)[:BATCH])


def _due_closings(now: datetime) -> Iterable[tuple[list[int], datetime]]:
    for (kind, state), after in selectors.settings_row().closing().items():
        channels = [channel.value for channel in Channel if channel.kind == kind]
        due = now - after
        rows = Conversation.objects.ongoing().filter(channel__in=channels, state=state, last_activity_at__lte=due)
        free = rows.filter(Q(capacity_held_until=None) | Q(capacity_held_until__lte=now))
        yield list(free.order_by("last_activity_at", "pk").values_list("pk", flat=True)[:BATCH]), due
    waiting = Conversation.objects.ongoing().filter(state=State.WAITING)
    for days in waiting.order_by().values_list("workstream__waiting_close_days", flat=True).distinct():
        due = now - timedelta(days=days)
        rows = waiting.filter(workstream__waiting_close_days=days, last_activity_at__lte=due)
        yield list(rows.order_by("last_activity_at", "pk").values_list("pk", flat=True)[:BATCH]), due
