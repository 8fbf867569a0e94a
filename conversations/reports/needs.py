"""Which conversations need a supervisor most, why, and what is best done? The lane above the report (lessons 10 to 12).

One query ranks what is visible, whatever the filters of the view hide: a problem is not filtered away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, Expression, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from conversations import selectors
from conversations.models import (
    Conversation,
    ConversationQuerySet,
    Finding,
    Offer,
    OfferKind,
    OfferStatus,
    SupervisorSettings,
)
from conversations.reports import statements
from conversations.reports.counts import IS_UNHAPPY, UNHAPPY
from conversations.reports.durations import Clock, running
from conversations.reports.filters import Status
from conversations.reports.labels import labels
from conversations.reports.links import Links
from conversations.reports.statements import Literal, Moment, Part
from routing.models import Agent, BasePresence, Queue
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.questions import Among, question

SHOWN = 8
"""Most conversations in the lane."""

COUNTED = 100
"""So many are counted; beside the lane stands that there are more."""


class Need(IntEnum):
    """Why a conversation needs a supervisor; the smaller comes first."""

    STUCK = 1
    ORPHANED = 2
    UNASSIGNABLE = 3
    DECLINED = 4
    WAITING = 5
    SILENT = 6
    SENTIMENT = 7


@dataclass(frozen=True, slots=True)
class Look:
    """How a need is named, and the verb that helps best: its word, its icon, its dialog («» opens the panel)."""

    label: object
    icon: str
    tone: str
    verb: str


LOOKS: Mapping[Need, Look] = {
    Need.STUCK: Look(gettext_lazy("Records disagree"), "server-crash", "crit", "repair"),
    Need.ORPHANED: Look(gettext_lazy("Agent offline"), "user-x", "crit", "transfer"),
    Need.UNASSIGNABLE: Look(gettext_lazy("Nobody can take it"), "user-x", "crit", "assign"),
    Need.DECLINED: Look(gettext_lazy("Nobody took it"), "undo-2", "crit", "assign"),
    Need.WAITING: Look(gettext_lazy("Waits too long"), "clock-alert", "crit", "assign"),
    Need.SILENT: Look(gettext_lazy("No answer"), "message-circle", "warn", ""),
    Need.SENTIMENT: Look(gettext_lazy("Unhappy customer"), "frown", "warn", ""),
}
VERBS = {
    "transfer": (gettext_lazy("Transfer"), "arrow-right-left"),
    "assign": (gettext_lazy("Assign"), "user-plus"),
    "repair": (gettext_lazy("Repair"), "settings"),
    "": (gettext_lazy("Look"), "eye"),
}


@dataclass(frozen=True, slots=True)
class LaneItem:
    """One conversation of the lane, ready to print."""

    id: int
    version: int
    need: str
    icon: str
    tone: str
    since: Clock
    subject: str
    detail: str
    url: str
    panel_url: str
    action: str
    action_icon: str
    action_url: str


@dataclass(frozen=True, slots=True)
class Lane:
    """What needs a supervisor: how many conversations, up to ``COUNTED``, and the most urgent ones."""

    total: int
    items: tuple[LaneItem, ...]

    @property
    def number(self) -> str:
        """How many, as it is printed."""
        return str(self.total) if self.total < COUNTED else f"{COUNTED - 1}+"


def lane(actor: Actor, queues: Mapping[int, Queue], settings: SupervisorSettings, now: datetime) -> Lane:
    """Rank what needs a supervisor now, of what this actor sees. Three queries, however many there are.

    Stuck: two looks at the floor found that it breaks a rule of domain.md 2.5 (``services.floor_check``, P18).
    Orphaned: in conversation with an agent who is offline. Unassignable: open, and nobody will ever be offered it as
    things stand (P23), as the background work found (``services.unassignable``). Declined: open since an agent rejected
    or missed it. Waiting: open for longer than its queue's critical wait. Silent: the customer's line is unanswered for
    longer than ``silent_after``. Sentiment: at or below ``sentiment_alert`` (domain.md 1.5, 4.1, 7). A conversation is
    counted once, for its most urgent need; equal needs by since when.

    Of each need the first ``COUNTED`` are read, along an index: enough for those that are shown and for the number
    beside them, and as fast among 100,000 conversations as among 1,000. Where the most urgent needs are as many, SQLite
    does not look for the others.
    """
    # Asked first: a database does not know how few agents of those who have work are offline.
    gone = tuple(pk for (pk,) in _gone())
    limits = Limits(
        waits=_critical_waits(queues),
        silent=settings.silent_after,
        alert=settings.sentiment_alert if settings.sentiment_enabled else None,
    )
    asked = _composed(actor, limits, gone)
    needs: dict[int, tuple[Need, Any]] = {}
    with statements.rows_of(asked, now) as found:
        # SQLite looks for one need after the other, PostgreSQL has found all of them.
        in_turn = found if connection.vendor == "sqlite" else sorted(found)
        for number, of_need in groupby(in_turn, itemgetter(0)):
            for _number, since, pk in sorted(of_need):
                needs.setdefault(pk, (Need(number), since))
            if len(needs) >= COUNTED:
                break  # No later need changes what is shown, or the number.
    chosen = dict(islice(needs.items(), SHOWN))
    rows = {row.id: row for row in map(Facts._make, _facts(list(chosen)))}
    links, words = Links(), _words(get_language())
    items = [
        _item(row, need, running(statements.moment(since), now), queues[row.queue_id], links, words)
        for pk, (need, since) in chosen.items()
        if (row := rows.get(pk)) is not None
    ]
    return Lane(min(len(needs), COUNTED), tuple(items))


class Facts(NamedTuple):
    """What the lane says of a conversation."""

    id: int
    version: int
    subject: str
    sentiment: int
    queue_id: int
    customer: str


@question
def _facts(ids: Collection[int]) -> QuerySet[Conversation, Any]:
    wanted = Conversation.objects.filter(Among("pk", ids))
    return wanted.values_list("pk", "version", "subject", "sentiment", "queue_id", "customer__name")


@question
def _gone() -> QuerySet[Agent, Any]:
    """The agents who are offline."""
    return Agent.objects.filter(presence__base=BasePresence.OFFLINE, is_bot=False).order_by("pk").values_list("pk")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too long or too low: seconds of waiting by the queues that have them, seconds of silence, a sentiment.

    ``alert`` is None where sentiments are no need, or nobody reads them.
    """

    waits: tuple[tuple[int, tuple[int, ...]], ...]
    silent: int
    alert: int | None


def _critical_waits(queues: Mapping[int, Queue]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """The critical waits (seconds), each with the queues that have it: they are asked for together."""
    by_limit: dict[int, list[int]] = defaultdict(list)
    for pk, queue in sorted(queues.items()):
        by_limit[queue.wait_critical_seconds].append(pk)
    return tuple((seconds, tuple(ids)) for seconds, ids in sorted(by_limit.items()))


@statements.kept
def _composed(actor: Actor, limits: Limits, gone: tuple[int, ...]) -> Part:
    """All needs in one statement: the need's number, since when as the database writes it, which sorts alike, the id.

    Django's own union takes no limited queries on SQLite; as tables of their own both databases take them. One that
    nobody can have (no agent is offline, say) is not asked.
    """
    arms = _needy(selectors.visible(actor).ongoing(), limits, gone)
    return statements.united(statements.part(arm).within("SELECT * FROM ({}) AS arm") for arm in arms)


def _needy(
    rows: ConversationQuerySet, limits: Limits, gone: tuple[int, ...]
) -> Iterator[QuerySet[Conversation, tuple[int, datetime, int]]]:
    """For each need those that have it, with the need's number, since when, and the id; the longest first."""

    def first(need: Need, found: ConversationQuerySet, since: Expression | F | Subquery) -> QuerySet[Conversation, Any]:
        told = found.annotate(need=Value(int(need)), since=since).order_by("since", "pk")
        return told.values_list("need", "since", "pk")[:COUNTED]

    is_open = rows.filter(standing=Literal(0))
    talks = rows.filter(Status.ACTIVE.where)
    stuck = Finding.objects.filter(conversation=OuterRef("pk"), is_confirmed=True).order_by("found_at")
    broken = Finding.objects.filter(is_confirmed=True).values("conversation_id")
    yield first(Need.STUCK, rows.filter(pk__in=broken), Subquery(stuck.values("found_at")[:1]))
    yield first(Need.ORPHANED, talks.filter(holds_capacity=True, agent__in=gone), F("state_changed_at"))
    unassignable = is_open.filter(unassignable_since__isnull=False)
    yield first(Need.UNASSIGNABLE, unassignable, F("unassignable_since"))
    failed = Offer.objects.filter(
        ~Q(kind=Literal(OfferKind.TRANSFER.value)),
        conversation=OuterRef("pk"),
        status__in=[Literal(OfferStatus.REJECTED.value), Literal(OfferStatus.TIMED_OUT.value)],
        settled_at__gte=OuterRef("state_changed_at"),
    )
    yield first(Need.DECLINED, is_open.filter(Exists(failed)), F("state_changed_at"))
    yield first(Need.WAITING, is_open.filter(_waits_too_long(limits)), F("standing_since"))
    silent = talks.filter(unanswered_since__lte=_ago(limits.silent))
    yield first(Need.SILENT, silent, F("unanswered_since"))
    if limits.alert:
        low = [step for step in sorted(UNHAPPY) if step <= limits.alert]
        since = Coalesce("sentiment_since", "state_changed_at")
        yield first(Need.SENTIMENT, talks.filter(IS_UNHAPPY, sentiment__in=low), since)


def _waits_too_long(limits: Limits) -> Q:
    """Open for longer than the critical wait of its queue."""
    late = Q(pk__in=[])
    for seconds, ids in limits.waits:
        late |= Q(queue_id__in=ids, standing_since__lte=_ago(seconds))
    return late


def _ago(seconds: int) -> Moment:
    return Moment(lambda now: now - timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True)
class _Words:
    """What the lane says in one language."""

    needs: Mapping[Need, str]
    verbs: Mapping[str, str]
    sentiments: Mapping[int, str]
    detail: str


@lru_cache(maxsize=64)
def _words(language: str | None) -> _Words:
    return _Words(
        needs={need: str(look.label) for need, look in LOOKS.items()},
        verbs={verb: str(label) for verb, (label, _icon) in VERBS.items()},
        sentiments=labels().sentiment,
        detail=_("%(customer)s · %(queue)s"),
    )


def _item(row: Facts, need: Need, since: Clock, queue: Queue, links: Links, words: _Words) -> LaneItem:
    look = LOOKS[need]
    return LaneItem(
        id=row.id,
        version=row.version,
        need=words.needs[need] if need is not Need.SENTIMENT else words.sentiments[row.sentiment],
        icon=look.icon,
        tone=look.tone,
        since=since,
        subject=row.subject,
        detail=words.detail % {"customer": row.customer, "queue": queue.name},
        url=links.of("conversation", row.id),
        panel_url=links.of("panel", row.id),
        action=words.verbs[look.verb],
        action_icon=VERBS[look.verb][1],
        action_url=links.of(look.verb, row.id) if look.verb else "",
    )
