"""Do the figures of the day add up? From three sides: the rows, the history, and what the processes said they did.

A process writes a line after each action that it has committed (``kernel/action_log``), before it does anything else.
So what is in the ledger must be in the history, and what is in the history is in the ledger, but for the one action of
a process that was killed between the two.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Sum

from conversations import invariants
from conversations.invariants import Scope
from conversations.models import (
    Conversation,
    HistoryEntry,
    Message,
    Notice,
    Offer,
    OfferKind,
    OfferStatus,
    QueueSegment,
    SenderKind,
)
from routing.models import PresenceChange

LINE = re.compile(r"outcome=done code=(\S+) conversation=(\d+)")

INSIDE = {"conversation.customer_returned", "conversation.escalated", "conversation.closed"}
"""Events that may happen inside another action, which then gives its own name to the ledger's line."""

Entry = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What all processes together said they did."""

    events: Counter[Entry]
    lines: Counter[int]
    """Messages, by conversation."""

    refused: Counter[str]
    errors: list[str]
    kills: int


def ledger(lines: Iterable[str], kills: int) -> Ledger:
    """Read the lines of the action log."""
    events, spoken, refused, errors = Counter[Entry](), Counter[int](), Counter[str](), list[str]()
    for line in lines:
        if (done := LINE.search(line)) is not None:
            code, pk = done[1], int(done[2])
            if code == "conversation.message_sent":
                spoken[pk] += 1
            elif code.startswith("conversation."):
                events[pk, code] += 1
        elif (no := re.search(r"outcome=(?:refused|unconfirmed) code=(\S+)", line)) is not None:
            refused[no[1]] += 1
        elif not line.startswith("action="):
            errors.append(line)
    return Ledger(events, spoken, refused, errors, kills)


@dataclass(frozen=True, slots=True)
class Account:
    """One sum that must come out: two figures from different sides."""

    name: str
    one: object
    other: object

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.one == self.other

    def __str__(self) -> str:
        return f"{'ok ' if self.holds else 'NOT'} {self.name}: {self.one}" + ("" if self.holds else f" ≠ {self.other}")


def settle(told: Ledger, now: datetime) -> list[Account]:
    """Every account of the day as of ``now``."""
    return [
        *_conversations(),
        *_times(now),
        *_queues(now),
        *_offers(),
        *_notices(),
        *_against(told),
        Account("presences that overlap or leave a gap", _gaps_of_presence(), 0),
        Account("what check_floor finds", [str(found) for found in invariants.violations(Scope(now=now))][:5], []),
        Account("errors in the logs", told.errors[:3], []),
    ]


def _conversations() -> Iterator[Account]:
    rows = Conversation.objects
    created = HistoryEntry.objects.filter(code="conversation.created").count()
    closed, ongoing = rows.closed().count(), rows.ongoing().count()
    yield Account("conversations created = closed + ongoing", created, closed + ongoing)
    ends = HistoryEntry.objects.filter(to_state="closed").exclude(from_state="closed")
    yield Account("closed = ended once in the history", closed, ends.count())
    yield Account("ended twice", ends.count() - ends.values("conversation").distinct().count(), 0)


def _times(now: datetime) -> Iterator[Account]:
    """Handle and wait times, added up interval by interval from the history (domain.md M1, M21)."""
    handled, waits, accepted = defaultdict[int, timedelta](timedelta), dict[int, datetime](), dict[int, datetime]()
    last: dict[int, tuple[str, str, datetime]] = {}
    fields = ("conversation_id", "code", "to_state", "reason", "at")
    for pk, code, state, reason, at in HistoryEntry.objects.order_by("conversation_id", "pk").values_list(*fields):
        if pk in last:
            handled[pk] += _handling(last[pk], at, has_person=pk in waits)
        if pk not in waits and (state == "open" or code == "conversation.escalated"):
            waits[pk] = at
        if pk in waits and pk not in accepted and (state, reason) == ("active", "InConversation"):
            accepted[pk] = at
        last[pk] = (state, reason, at)
    rows = list(Conversation.objects.order_by("pk"))
    for pk, entry in last.items():
        handled[pk] += _handling(entry, now, has_person=pk in waits)
    said = {row.pk: row.handled if row.handling_since is None else now - row.handling_since for row in rows}
    differ = [pk for pk, time in said.items() if time != handled[pk]]
    yield Account("handle time of all, in seconds", _seconds(said.values()), _seconds(handled.values()))
    yield Account("conversations whose handle time differs from their history", differ[:5], [])
    began = {row.pk: row.first_wait_started_at for row in rows if row.first_wait_started_at is not None}
    answered = {row.pk: row.accepted_at for row in rows if row.accepted_at is not None}
    yield Account("conversations that waited for people", len(began), len(waits))
    yield Account("conversations that were answered", len(answered), len(accepted))
    yield Account(
        "wait of all that were answered, in seconds",
        _seconds(answered[pk] - began[pk] for pk in answered),
        _seconds(accepted[pk] - waits[pk] for pk in accepted),
    )


def _handling(entry: tuple[str, str, datetime], until: datetime, *, has_person: bool) -> timedelta:
    state, reason, since = entry
    runs = has_person and (state == "wrap_up" or (state == "active" and reason == "InConversation"))
    return until - since if runs else timedelta(0)


def _seconds(times: Iterable[timedelta]) -> float:
    return round(sum(times, timedelta(0)).total_seconds(), 3)


def _queues(now: datetime) -> Iterator[Account]:
    """Every conversation is in one queue at any time of its life: its stays, end to end, are as long as it was."""
    lives = sum(((row.closed_at or now) - row.created_at for row in Conversation.objects.iterator()), timedelta(0))
    stays, gaps = timedelta(0), 0
    last: dict[int, datetime | None] = {}
    rows = QueueSegment.objects.order_by("conversation_id", "pk").values_list(
        "conversation_id", "started_at", "ended_at"
    )
    for pk, began, ended in rows:
        stays += (ended or now) - began
        gaps += pk in last and last[pk] != began
        last[pk] = ended
    yield Account("time in queues = life of all, in seconds", stays.total_seconds(), lives.total_seconds())
    yield Account("stays that do not begin where the one before ended", gaps, 0)


def _offers() -> Iterator[Account]:
    """Every offer had one outcome, and every outcome stands in the history once: no deadline acted twice."""
    codes = dict(HistoryEntry.objects.order_by().values_list("code").annotate(Count("pk")))
    status = dict(Offer.objects.order_by().values_list("status").annotate(Count("pk")))
    for what, names in {
        OfferStatus.ACCEPTED: ("accepted", "transferred", "picked"),
        OfferStatus.REJECTED: ("rejected", "transfer_rejected"),
        OfferStatus.TIMED_OUT: ("timed_out", "transfer_timed_out"),
    }.items():
        entries = sum(codes.get(f"conversation.{name}", 0) for name in names)
        yield Account(f"offers {what.value}", status.get(what, 0), entries)


def _notices() -> Iterator[Account]:
    """Who was asked was told once; who asked heard what became of it; who lost something was told."""
    offers = Offer.objects.exclude(agent__is_bot=True)
    by_itself = offers.filter(kind=OfferKind.INCOMING)
    asked = offers.filter(kind__in=[OfferKind.SUPERVISOR_ASSIGN, OfferKind.TRANSFER])
    for code, rows in (("offered", by_itself), ("assigned", asked)):
        wanted = Counter(rows.values_list("agent__user", "conversation"))
        told = Counter(Notice.objects.filter(code=code).values_list("user", "conversation"))
        yield Account(f"agents told «{code}»", told.total(), wanted.total())
        yield Account(f"agents told «{code}» of something else", list((told - wanted).items())[:5], [])
    withdrawn = Notice.objects.filter(code="offer_withdrawn")
    gone = withdrawn.filter(params__cause="agent_gone").count()
    missed = Notice.objects.filter(code="offer_missed").count()
    status = dict(Offer.objects.order_by().values_list("status").annotate(Count("pk")))
    yield Account("offers missed, or out of reach, and told", missed + gone, status.get(OfferStatus.TIMED_OUT, 0))
    yield Account("offers taken back, and told", withdrawn.count() - gone, status.get(OfferStatus.CANCELLED, 0))
    for code, kind in (("assign_accepted", OfferKind.SUPERVISOR_ASSIGN), ("transfer_accepted", OfferKind.TRANSFER)):
        heard = Notice.objects.filter(code=code).count()
        yield Account(
            f"supervisors told «{code}»", heard, Offer.objects.filter(kind=kind, status=OfferStatus.ACCEPTED).count()
        )
    opened = HistoryEntry.objects.filter(code="conversation.accepted", data__by_itself=True).count()
    found_open = Notice.objects.filter(code="opened_by_itself").count()
    yield Account("conversations that opened by themselves, and told", found_open, opened)
    lost = HistoryEntry.objects.filter(code="conversation.agent_disconnected", to_state="open").count()
    yield Account("agents told «lost_while_away»", Notice.objects.filter(code="lost_while_away").count(), lost)


def _against(told: Ledger) -> Iterator[Account]:
    """Nothing is lost that was said to be done, and nothing was done that nobody said."""
    history = Counter(HistoryEntry.objects.order_by().values_list("conversation_id", "code"))
    lost = told.events - history
    yield Account("acts that were said to be done and are not in the history", list(lost.items())[:5], [])
    unsaid = Counter({key: number for key, number in (history - told.events).items() if key[1] not in INSIDE})
    yield Account(
        f"acts that nobody said, beyond one for each of {told.kills} kills", max(unsaid.total() - told.kills, 0), 0
    )
    people = Message.objects.filter(sender_kind__in=[SenderKind.CUSTOMER, SenderKind.AGENT])
    spoken = Counter(people.values_list("conversation", flat=True))
    missing = told.lines - spoken
    yield Account("lines that were said to be kept and are not", list(missing.items())[:5], [])
    first = Conversation.objects.count()
    extra = spoken.total() - first - told.lines.total()
    yield Account("lines that nobody said, beyond one for each kill", max(extra - told.kills, 0), 0)


def _gaps_of_presence() -> int:
    gaps, last = 0, dict[int, datetime | None]()
    rows = PresenceChange.objects.order_by("agent_id", "pk").values_list("agent_id", "started_at", "ended_at")
    for agent, began, ended in rows:
        gaps += agent in last and last[agent] != began
        last[agent] = ended
    return gaps


def summary(told: Ledger) -> str:
    """What the day was like."""
    rows = Conversation.objects
    codes = HistoryEntry.objects.order_by().values_list("code").annotate(number=Count("pk")).order_by("-number")
    units = rows.aggregate(Sum("transfer_count"))["transfer_count__sum"]
    told_no = ", ".join(f"{code} {number}" for code, number in told.refused.most_common(12))
    sizes = (
        f"{rows.count()} conversations, {HistoryEntry.objects.count()} entries in the history, "
        f"{Message.objects.count()} lines, {Offer.objects.count()} offers, {Notice.objects.count()} notices, "
        f"{units} transfers"
    )
    history = ", ".join(f"{code.partition('.')[2]} {number}" for code, number in codes)
    return f"{sizes}\nhistory: {history}\nrefused {told.refused.total()}: {told_no}"
