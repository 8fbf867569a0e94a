"""What is known about one agent? Presence and its history, load, conversations, queues and skills (domain.md 5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations import selectors, wording
from conversations.models import Conversation, State
from conversations.policy import Switches
from conversations.reports import moods
from conversations.reports.agents.rows import AgentRow, agent_url, holdings, rows, set_by_words
from conversations.reports.durations import Clock, clock_text, running
from conversations.reports.moments import moment, short_moment
from conversations.reports.people import code_of
from conversations.reports.rows import status_of
from routing import selectors as routing_selectors
from routing.events import QueuesChanged
from routing.models import Channel, PresenceChange, StaffingChange
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import NotVisible

HELD_MAX = 30
"""So many conversations are listed; the link to the report shows the rest."""

CHANGES_MAX = 20
"""So many of the latest changes of queues are listed."""

STAYS_PANEL, STAYS_PAGE = 8, 40
"""So many stays in a presence are shown at once, in the side panel and on the page."""


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation that the agent has."""

    url: str
    subject: str
    customer: str
    status: str
    status_label: str
    channel: str
    channel_label: str
    sentiment: int
    sentiment_label: str
    since: Clock


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay in one presence: since when, how long, and who set it (P16)."""

    presence: str
    presence_label: str
    at_iso: str
    at_text: str
    at_exactly: str
    length: Clock
    set_by: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the queues, as ``components/_timeline_entry.html`` prints it."""

    text: str
    who: str
    at_iso: str
    at_text: str
    icon: str = "layers"


@dataclass(frozen=True, slots=True)
class Person:
    """Everything about one agent. ``elsewhere`` says how many conversations are outside the reader's queues."""

    row: AgentRow
    held: tuple[Held, ...]
    elsewhere: str
    stays: tuple[Stay, ...]
    earlier_url: str
    changes: tuple[Change, ...]


def person(actor: Actor, agent_id: int, *, now: datetime, shown: int = STAYS_PAGE, before: int = 0) -> Person:
    """One agent whom this actor supervises; raises ``NotVisible`` for everybody else.

    The history goes back as far as it is kept; ``before`` is the id of the stay at which a page of it ends.
    """
    if not routing_selectors.supervises(actor, agent_id):
        raise NotVisible
    held = holdings(actor)
    row = rows([agent_id], held, actor.agent_id, now)[0]
    theirs = Conversation.objects.ongoing().filter(Q(agent=agent_id) | Q(state=State.WAITING, last_agent=agent_id))
    stays = PresenceChange.objects.filter(agent=agent_id).select_related("presence", "set_by_user").order_by("-pk")
    found = list((stays.filter(pk__lt=before) if before else stays)[: shown + 1])
    return Person(
        row=row,
        held=_held(actor, theirs, selectors.switches(), now),
        elsewhere=_elsewhere(theirs.exclude(channel=Channel.RECORD).count() - row.conversations),
        stays=tuple(_stay(one, now) for one in found[:shown]),
        earlier_url=f"{agent_url(agent_id)}?before={found[shown - 1].pk}" if len(found) > shown else "",
        changes=tuple(
            _change(one, now)
            for one in StaffingChange.objects.filter(agent=agent_id, code=QueuesChanged.code).order_by("-pk")[
                :CHANGES_MAX
            ]
        ),
    )


def _held(actor: Actor, theirs: QuerySet[Conversation], switches: Switches, now: datetime) -> tuple[Held, ...]:
    found = (
        selectors.visible(actor)
        .exclude(channel=Channel.RECORD)
        .filter(pk__in=theirs.values("pk"))
        .select_related("customer")
        .order_by("state", "state_changed_at", "pk")[:HELD_MAX]
    )
    return tuple(_held_row(one, switches, now) for one in found)


def _held_row(one: Conversation, switches: Switches, now: datetime) -> Held:
    status, status_label = status_of(one)
    sentiment, sentiment_label = moods.shown(one.sentiment, is_on=switches.sentiment, alone=True)
    return Held(
        url=agent_url(one.pk, "conversation"),
        subject=one.subject,
        customer=one.customer.name,
        status=status,
        status_label=status_label,
        channel=one.channel,
        channel_label=str(Channel(one.channel).label),
        sentiment=sentiment,
        sentiment_label=sentiment_label,
        since=running(one.state_changed_at, now),
    )


def _elsewhere(number: int) -> str:
    if number <= 0:
        return ""
    return ngettext("and %(n)d outside your queues", "and %(n)d outside your queues", number) % {"n": number}


def _stay(one: PresenceChange, now: datetime) -> Stay:
    return Stay(
        presence=code_of(one.presence),
        presence_label=str(one.presence.name),
        at_iso=one.started_at.isoformat(),
        at_text=short_moment(one.started_at, now),
        at_exactly=moment(one.started_at, now),
        length=running(one.started_at, now)
        if one.ended_at is None
        else Clock(clock_text(one.ended_at - one.started_at)),
        set_by=_("by %(who)s") % {"who": set_by_words(one)},
    )


def _change(one: StaffingChange, now: datetime) -> Change:
    return Change(
        text=wording.staffing(one.code, one.data),
        who=_("by %(who)s") % {"who": one.actor_name},
        at_iso=one.at.isoformat(),
        at_text=short_moment(one.at, now),
    )
