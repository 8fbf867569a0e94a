"""Is everything there once, and nothing by half? What the crowd was told, against what the database says."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db.models import F, Sum

from conversations import invariants, selectors
from conversations.invariants import Scope
from conversations.models import (
    Conversation,
    HistoryEntry,
    Message,
    Notice,
    Offer,
    OfferStatus,
    Participant,
    QueueSegment,
    SenderKind,
    Session,
)
from routing.models import Agent, BasePresence, PresenceChange
from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import latest_at
from tests.faults.storm.crowd import Told

PEOPLE = (SenderKind.CUSTOMER, SenderKind.AGENT)
MOST_SHOWN = 5

HEALS_WITHIN = 15.0
"""Seconds within which it comes right."""


def settle(stories: Sequence[Told], since: int) -> list[str]:
    """Whatever is not as it must be. ``since`` is the last change of presence of before.

    On a busy machine a page that lives may not have been noted for a while: what comes right by itself is no fault.
    """
    deadline = time.monotonic() + HEALS_WITHIN
    while (found := _not_settled(stories, since)) and time.monotonic() < deadline:
        time.sleep(1)
    return found


def _not_settled(stories: Sequence[Told], since: int) -> list[str]:
    clock.saw(latest_at())
    found = [*_stories(stories), *_capacity(), *_presences(since), *_times()]
    return found + [str(violation) for violation in invariants.violations(Scope(now=clock.now()))][:MOST_SHOWN]


def _stories(stories: Sequence[Told]) -> Iterator[str]:
    ids = [told.conversation for told in stories]
    if len(ids) != len(set(ids)):
        yield "two customers were given one conversation"
    rows = Conversation.objects.in_bulk(ids)
    for told in stories:
        pk, row = told.conversation, rows[told.conversation]
        codes = list(HistoryEntry.objects.filter(conversation=pk).order_by("pk").values_list("code", flat=True))
        if codes != list(told.codes):
            yield f"conversation {pk}: history {codes}, not {told.codes}"
        lines = Message.objects.filter(conversation=pk, sender_kind__in=PEOPLE).order_by("pk")
        if (said := list(lines.values_list("text", flat=True))) != list(told.lines):
            yield f"conversation {pk}: lines {said}, not {told.lines}"
        if row.agent_id != told.holder:
            yield f"conversation {pk}: held by {row.agent_id}, not {told.holder}"
        offers = Offer.objects.filter(conversation=pk).values_list("status", flat=True)
        if list(offers) != [OfferStatus.ACCEPTED] * 2:
            yield f"conversation {pk}: offers {list(offers)}"
    yield from _notices(ids)


def _notices(ids: Sequence[int]) -> Iterator[str]:
    """Every story of one kind leaves the same notices; what most of them left is what was to be left."""
    by_conversation: dict[int, Counter[str]] = {pk: Counter() for pk in ids}
    for pk, code in Notice.objects.filter(conversation__in=ids).values_list("conversation", "code"):
        by_conversation[pk][code] += 1
    kinds: dict[bool, Counter[tuple[tuple[str, int], ...]]] = {True: Counter(), False: Counter()}
    closed = set(Conversation.objects.filter(pk__in=ids).closed().values_list("pk", flat=True))
    for pk, codes in by_conversation.items():
        kinds[pk in closed][tuple(sorted(codes.items()))] += 1
    for usual in kinds.values():
        for other, number in usual.most_common()[1:]:
            yield f"{number} conversations left the notices {dict(other)}, unlike {dict(usual.most_common(1)[0][0])}"


def _capacity() -> Iterator[str]:
    """What the product says that an agent carries, against what they hold."""
    agents = list(Agent.objects.values_list("pk", flat=True))
    said = selectors.loads(agents, clock.now())
    for agent in agents:
        held = Conversation.objects.ongoing().filter(agent=agent, holds_capacity=True).aggregate(Sum("units"))
        if said[agent].units != (held["units__sum"] or 0):
            yield f"agent {agent} carries {said[agent].units} units, and holds {held}"


def _times() -> Iterator[str]:
    """Nothing ended before it began, and nobody worked for less than no time."""
    for rows in (
        Conversation.objects.filter(handled__lt=timedelta(0)),
        Conversation.objects.filter(closed_at__lt=F("created_at")),
        Conversation.objects.filter(accepted_at__lt=F("first_wait_started_at")),
        Offer.objects.filter(settled_at__lt=F("offered_at")),
        Session.objects.filter(closed_at__lt=F("created_at")),
        Participant.objects.filter(left_at__lt=F("added_at")),
        QueueSegment.objects.filter(ended_at__lt=F("started_at")),
        PresenceChange.objects.filter(ended_at__lt=F("started_at")),
    ):
        if (number := rows.count()) > 0:
            yield f"{number} rows of {rows.model.__name__} end before they begin"


def _presences(since: int) -> Iterator[str]:
    """Nobody of whom a page was open, or who never had one, was taken for gone."""
    gone = PresenceChange.objects.filter(pk__gt=since, presence__base=BasePresence.OFFLINE)
    for change in gone.select_related("agent__user"):
        yield f"{change.agent.user.username} was taken for gone at {change.started_at:%H:%M:%S}"
