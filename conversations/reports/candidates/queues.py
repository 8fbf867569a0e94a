"""Which queues could an open conversation move to, and what waits there (domain.md 3.5)?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Min, Q

from conversations import policy
from conversations.models import Conversation, State
from conversations.policy import QueueTarget
from conversations.reports.durations import Clock, running, waiting_since_sql
from routing import selectors as routing_selectors
from routing.models import Queue
from supervisor_console.kernel.errors import Caution, Refusal


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue in the Assign dialog: what waits there, for how long, and who could take it now."""

    queue_id: int
    name: str
    backlog: int
    longest: Clock
    members: int
    ready: int
    is_open: bool
    refusal: Refusal | None
    cautions: tuple[Caution, ...] = field(default=())


def queues(conversation: Conversation, *, now: datetime) -> tuple[QueueRow, ...]:
    """Every queue of the conversation's type except its own (domain.md 3.5); those without members with the reason."""
    rows = (
        Queue.objects.filter(type=conversation.kind.queue_type)
        .exclude(pk=conversation.queue_id)
        .prefetch_related("operating_hours")
        .order_by("name", "pk")
    )
    waiting = {
        queue_id: (number, since)
        for queue_id, number, since in Conversation.objects.filter(state=State.OPEN, closed_at__isnull=True)
        .values_list("queue")
        .annotate(Count("pk"), since=Min(waiting_since_sql()))
    }
    allowed = conversation.workstream.allowed_presences
    ready = Count("pk", distinct=True, filter=Q(presence__base__in=allowed))
    everybody = routing_selectors.agents().aggregate(members=Count("pk", distinct=True), ready=ready)
    by_queue = {
        queue_id: (members, count)
        for queue_id, members, count in routing_selectors.agents()
        .filter(memberships__isnull=False)
        .values_list("memberships__queue")
        .annotate(Count("pk", distinct=True), ready=ready)
    }
    found = []
    for queue in rows:
        default = (everybody["members"], everybody["ready"]) if queue.is_default else (0, 0)
        members, count = default if queue.is_default else by_queue.get(queue.pk, default)
        backlog, since = waiting.get(queue.pk, (0, None))
        target = QueueTarget(
            queue_id=queue.pk,
            name=queue.name,
            is_current=False,
            same_type=True,
            members=members,
            is_open=routing_selectors.queue_is_open(queue),
        )
        found.append(
            QueueRow(
                queue_id=queue.pk,
                name=queue.name,
                backlog=backlog,
                longest=running(since, now),
                members=members,
                ready=count,
                is_open=target.is_open,
                refusal=policy.why_not_assign_to_queue(target),
                cautions=policy.cautions_assign_to_queue(target),
            )
        )
    return tuple(sorted(found, key=lambda row: row.refusal is not None))
