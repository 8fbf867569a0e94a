"""Which conversations need a supervisor most, why, and what is best done? The lane above the report (lessons 10 to 12).

One query ranks what is visible, whatever the filters of the view hide: a problem is not filtered away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, TypedDict, cast

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.models import (
    Conversation,
    ConversationQuerySet,
    Finding,
    Offer,
    OfferKind,
    OfferStatus,
    Sentiment,
    State,
    StateReason,
    SupervisorSettings,
)
from conversations.reports.durations import Clock, running, waiting_since_sql
from routing.models import BasePresence, Queue

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

SHOWN = 8
"""Most conversations in the lane; the number beside it counts all of them."""


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
    """What needs a supervisor: how many conversations, and the most urgent ones."""

    total: int
    items: tuple[LaneItem, ...]


def lane(
    visible: ConversationQuerySet, queues: Mapping[int, Queue], settings: SupervisorSettings, now: datetime
) -> Lane:
    """Rank what needs a supervisor now. One query, however many there are.

    Stuck: two looks at the floor found that it breaks a rule of domain.md 2.5 (``services.floor_check``, P18).
    Orphaned: in conversation with an agent who is offline. Unassignable: open, and nobody will ever be offered it as
    things stand (P23), as the background work found (``services.unassignable``). Declined: open since an agent rejected
    or missed it. Waiting: open for longer than its queue's critical wait. Silent: the customer's line is unanswered for
    longer than ``silent_after``. Sentiment: at or below ``sentiment_alert`` (domain.md 1.5, 4.1, 7). A conversation is
    counted once, for its most urgent need; equal needs by since when.
    """
    conditions = _conditions(queues, settings, now)
    stuck = Finding.objects.filter(conversation=OuterRef("pk"), is_confirmed=True)
    ranked = (
        visible.ongoing()
        .filter(reduce(or_, conditions.values()))
        .annotate(
            need=Case(
                *(When(condition, then=Value(int(need))) for need, condition in conditions.items()),
                output_field=IntegerField(),
            ),
        )
        .annotate(
            need_since=Case(
                When(need=Need.STUCK, then=Subquery(stuck.order_by("found_at").values("found_at")[:1])),
                When(need__in=[Need.DECLINED, Need.ORPHANED], then=F("state_changed_at")),
                When(need=Need.SENTIMENT, then=Coalesce("sentiment_since", "state_changed_at")),
                When(need=Need.SILENT, then=F("unanswered_since")),
                When(need=Need.UNASSIGNABLE, then=F("unassignable_since")),
                default=waiting_since_sql(),
                output_field=DateTimeField(),
            ),
            need_total=Window(Count("pk")),
        )
        .order_by("need", "need_since", "pk")
        .select_related("customer")[:SHOWN]
    )
    found = cast("list[WithAnnotations[Conversation, _Rank]]", list(ranked))
    items = [_item(row, Need(row.need), running(row.need_since, now), queues) for row in found]
    return Lane(found[0].need_total if found else 0, tuple(items))


class _Rank(TypedDict):
    """What the query says of each conversation beside its columns."""

    need: int
    need_since: datetime
    need_total: int


def _conditions(queues: Mapping[int, Queue], settings: SupervisorSettings, now: datetime) -> dict[Need, Q]:
    talks = Q(state=State.ACTIVE, reason=StateReason.IN_CONVERSATION)
    failed = Offer.objects.filter(
        ~Q(kind=OfferKind.TRANSFER),
        conversation=OuterRef("pk"),
        status__in=[OfferStatus.REJECTED, OfferStatus.TIMED_OUT],
        settled_at__gte=OuterRef("state_changed_at"),
    )
    confirmed = Finding.objects.filter(is_confirmed=True)
    conditions: dict[Need, Q] = {
        Need.STUCK: Q(pk__in=confirmed.values("conversation_id")),
        Need.ORPHANED: talks & Q(agent__presence__base=BasePresence.OFFLINE, agent__is_bot=False),
        Need.UNASSIGNABLE: Q(state=State.OPEN, unassignable_since__isnull=False),
        Need.DECLINED: Q(Exists(failed), state=State.OPEN),
        Need.WAITING: Q(state=State.OPEN) & _waits_too_long(queues, now),
        Need.SILENT: talks & Q(unanswered_since__lte=now - timedelta(seconds=settings.silent_after)),
    }
    if settings.sentiment_alert:
        low = range(Sentiment.VERY_NEGATIVE, settings.sentiment_alert + 1)
        conditions[Need.SENTIMENT] = talks & Q(sentiment__in=list(low))
    return conditions


def _waits_too_long(queues: Mapping[int, Queue], now: datetime) -> Q:
    """Open for longer than the critical wait of its queue; queues with the same one are asked together."""
    by_limit: dict[int, list[int]] = defaultdict(list)
    for pk, queue in queues.items():
        by_limit[queue.wait_critical_seconds].append(pk)
    late = Q(pk__in=[])
    for seconds, ids in by_limit.items():
        limit = now - timedelta(seconds=seconds)
        late |= Q(queue_id__in=ids) & (
            Q(accepted_at__isnull=True, first_wait_started_at__lte=limit)
            | Q(accepted_at__isnull=False, state_changed_at__lte=limit)
        )
    return late


def _item(row: Conversation, need: Need, since: Clock, queues: Mapping[int, Queue]) -> LaneItem:
    look = LOOKS[need]
    action, icon = VERBS[look.verb]
    panel = reverse("conversations:panel", args=[row.pk])
    return LaneItem(
        id=row.pk,
        version=row.version,
        need=str(look.label) if need is not Need.SENTIMENT else str(Sentiment(row.sentiment).label),
        icon=look.icon,
        tone=look.tone,
        since=since,
        subject=row.subject,
        detail=_("%(customer)s · %(queue)s") % {"customer": row.customer.name, "queue": queues[row.queue_id].name},
        url=reverse("conversations:conversation", args=[row.pk]),
        panel_url=panel,
        action=str(action),
        action_icon=icon,
        action_url=reverse(f"conversations:{look.verb}", args=[row.pk]) if look.verb else "",
    )
