"""Who could take which open work? Reads what ``routing.policy`` needs, in a fixed number of queries.

Of the agents it reads nobody's, and of the conversations nothing one by one: distribution decides over a whole floor,
and the page «Why is this not assigned?» over one conversation, from the same values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, DateTimeField, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce

from conversations import selectors
from conversations.models import ClosureReason, Conversation, Offer, OfferStatus, RequiredSkill, Session, State
from conversations.policy import PERSISTS
from routing import selectors as routing_selectors
from routing.models import Agent, AssignmentMethod, Channel, Distribution, Queue, SkillMatching, Workstream
from routing.policy import Contender, Cost, Declines, Past, Work

RETURNS_TO = frozenset(
    {ClosureReason.AGENT_MOVED_TO_WAITING, ClosureReason.AGENT_CLOSED, ClosureReason.AGENT_DISCONNECTED}
)
"""How the last session with an agent ended if the customer may keep them. Not so where the agent gave it back, or
declined it since (domain.md 2.2, affinity)."""


# --- agents -------------------------------------------------------------------------------------------------


def contenders(agent_rows: Iterable[Agent], now: datetime) -> dict[int, Contender]:
    """These agents as distribution sees them at ``now``."""
    rows = list(agent_rows)
    ids = [agent.pk for agent in rows]
    return routing_selectors.contenders(rows, selectors.loads(ids, now), pasts(ids))


def has_room(units: int, now: datetime) -> Q:
    """A filter on agents: those whom the conversations that they have leave so many units.

    It asks no more than that, so that of many agents those few are read who may be free.
    """
    theirs = selectors.held(now).filter(agent=OuterRef("pk")).order_by().values("agent")
    held = Subquery(theirs.annotate(total=Sum("units")).values("total"))
    return Q(max_units__gte=Coalesce(held, 0) + units)


def pasts(agent_ids: Iterable[int]) -> dict[int, Past]:
    """When work came to each of these agents last, and since when their last one is over; by any way it came."""
    mine = Session.objects.filter(agent=OuterRef("pk"))
    came = mine.filter(agent_assigned_at__isnull=False).order_by("-agent_assigned_at")
    ended = mine.filter(closed_at__isnull=False).order_by("-closed_at")
    rows = (
        Agent.objects.filter(pk__in=list(agent_ids))
        .annotate(
            came_at=Subquery(came.values("agent_assigned_at")[:1]), ended_at=Subquery(ended.values("closed_at")[:1])
        )
        .values_list("pk", "came_at", "ended_at")
    )
    return {pk: Past(came_at, ended_at) for pk, came_at, ended_at in rows}


# --- work ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Former:
    """The last session of a conversation that had an agent, and when somebody accepted last."""

    agent_id: int
    queue_id: int
    closure_reason: str
    accepted_at: datetime | None


def works(rows: Sequence[Conversation]) -> list[Work]:
    """These conversations as distribution sees them, in their order; queue and workstream are read with them."""
    ids = [row.pk for row in rows]
    settings = selectors.settings_row()
    pause = timedelta(seconds=settings.decline_pause)
    profiles: dict[int, dict[int, str]] = defaultdict(dict)
    carried = Conversation.profiles.through.objects.filter(conversation__in=ids)
    for pk, profile_id, name in carried.values_list("conversation_id", "capacityprofile_id", "capacityprofile__name"):
        profiles[pk][profile_id] = name
    needed: dict[int, dict[int, int]] = defaultdict(dict)
    names: dict[int, str] = {}
    required = RequiredSkill.objects.filter(conversation__in=ids)
    for pk, skill_id, minimum, name in required.values_list("conversation_id", "skill_id", "minimum", "skill__name"):
        needed[pk][skill_id] = minimum
        names[skill_id] = name
    former = _former([row.pk for row in rows if row.last_agent_id is not None])
    declined = _declines(ids, former)
    return [
        Work(
            id=row.pk,
            queue_id=row.queue_id,
            queue_name=row.queue.name,
            cost=Cost(row.units, profiles[row.pk]),
            allowed_presences=frozenset(row.workstream.allowed_presences),
            method=AssignmentMethod(row.queue.assignment_method),
            matching=SkillMatching(row.workstream.skill_matching),
            skills=needed[row.pk],
            skill_names={skill_id: names[skill_id] for skill_id in needed[row.pk]},
            returning_to=_returning_to(row, former.get(row.pk)),
            ignores_presence_and_capacity=row.kind in PERSISTS,
            declines=declined.get(row.pk, {}),
            decline_limit=settings.decline_limit,
            decline_pause=pause,
            is_pushed=row.workstream.distribution == Distribution.PUSH,
            distribution_enabled=settings.distribution_enabled,
        )
        for row in rows
    ]


def work(row: Conversation) -> Work:
    """One conversation as distribution sees it."""
    return works([row])[0]


def _returning_to(row: Conversation, former: _Former | None) -> int | None:
    """The agent whom the customer keeps: push only, in the same queue, and only who did not decline it since."""
    stream = row.workstream
    if former is None or not stream.keeps_agent or stream.distribution != Distribution.PUSH:
        return None
    if former.closure_reason not in RETURNS_TO or former.queue_id != row.queue_id:
        return None
    return former.agent_id


def _former(ids: Sequence[int]) -> dict[int, _Former]:
    if not ids:
        return {}
    had = Session.objects.filter(conversation__in=ids, agent__isnull=False).order_by()
    last = {
        pk: (session_id, accepted_at)
        for pk, session_id, accepted_at in had.values_list("conversation").annotate(Max("pk"), Max("agent_accepted_at"))
    }
    rows = Session.objects.in_bulk([session_id for session_id, _ in last.values()])
    found = {}
    for pk, (session_id, accepted_at) in last.items():
        session = rows[session_id]
        assert session.agent_id is not None, "only sessions with an agent were asked for"
        found[pk] = _Former(session.agent_id, session.queue_id, session.closure_reason, accepted_at)
    return found


def _declines(ids: Sequence[int], former: Mapping[int, _Former]) -> dict[int, dict[int, Declines]]:
    """How often each agent declined each of these since somebody had it last: then it begins anew."""
    rows = (
        Offer.objects.filter(conversation__in=ids, status__in=[OfferStatus.REJECTED, OfferStatus.TIMED_OUT])
        .order_by("pk")
        .values_list("conversation_id", "agent_id", "settled_at")
    )
    found: dict[int, dict[int, Declines]] = defaultdict(dict)
    for pk, agent_id, settled_at in rows:
        assert settled_at is not None, "a declined offer was declined at some time"
        before = former.get(pk)
        if before is not None and before.accepted_at is not None and settled_at <= before.accepted_at:
            continue
        known = found[pk].get(agent_id)
        found[pk][agent_id] = Declines(known.count + 1 if known is not None else 1, settled_at)
    return found


# --- what waits ------------------------------------------------------------------------------------------------

PERSISTENT = [channel.value for channel in Channel if channel.kind in PERSISTS]

AGE = Case(
    When(channel__in=PERSISTENT, then=Coalesce("last_customer_message_at", "created_at")),
    default=Coalesce("first_wait_started_at", "created_at"),
    output_field=DateTimeField(),
)
"""Since when somebody waits in its turn: messages since the customer's last line, chats and calls since they wait
for a person (domain.md 1.2)."""

Place = tuple[int, bool, datetime, int]
"""Where a conversation stands among all that wait: the queue's priority, returning customers first, oldest first."""


def waiting_work(queue_ids: Iterable[int]) -> QuerySet[Conversation]:
    """The open conversations of these queues that are pushed; records are offered to nobody."""
    rows = Conversation.objects.filter(
        closed_at__isnull=True,
        state=State.OPEN,
        queue__in=list(queue_ids),
        workstream__distribution=Distribution.PUSH,
    )
    return rows.exclude(channel=Channel.RECORD)


READ = (
    *("id", "queue", "workstream", "channel", "units", "last_agent"),
    *("created_at", "first_wait_started_at", "last_customer_message_at"),
)
"""What of a conversation decides about it: of thousands that wait, no more is read."""


def _read(rows: QuerySet[Conversation]) -> list[Conversation]:
    """These rows as ``works`` and ``_place`` take them; each queue and workstream is read once. Three queries."""
    found = list(rows.only(*READ))
    queues = Queue.objects.in_bulk({row.queue_id for row in found})
    streams = Workstream.objects.in_bulk({row.workstream_id for row in found})
    for row in found:
        row.queue, row.workstream = queues[row.queue_id], streams[row.workstream_id]
    return found


def returning_work(queue_ids: Iterable[int]) -> list[tuple[Place, Work]]:
    """Those of them whose customers came back to an agent they may keep, in their turn."""
    rows = _read(waiting_work(queue_ids).filter(last_agent__isnull=False, workstream__keeps_agent=True))
    found = [
        (_place(row, is_first=True), work)
        for row, work in zip(rows, works(rows), strict=True)
        if work.returning_to is not None
    ]
    return sorted(found, key=lambda pair: pair[0])


def next_work(queue_ids: Iterable[int], after: Place | None, most: int) -> list[tuple[Place, Work]]:
    """The next ones in their turn after a place, at most so many; returning customers are among them as any other."""
    rows = waiting_work(queue_ids).alias(age=AGE)
    if after is not None:
        priority, _, age, pk = after
        later = Q(age__gt=age) | Q(age=age, pk__gt=pk)
        rows = rows.filter(Q(queue__priority__gt=priority) | (Q(queue__priority=priority) & later))
    block = _read(rows.order_by("queue__priority", "age", "pk")[:most])
    return [(_place(row), work) for row, work in zip(block, works(block), strict=True)]


def _place(row: Conversation, *, is_first: bool = False) -> Place:
    since = row.last_customer_message_at if row.channel in PERSISTENT else row.first_wait_started_at
    return (row.queue.priority, not is_first, since or row.created_at, row.pk)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one queue to be handed out: the least units that one of them needs, and its presences."""

    queue_id: int
    least_units: int
    allowed_presences: frozenset[str]
    has_members: bool


def backlogs(queue_ids: Iterable[int] | None = None) -> list[Backlog]:
    """The queues (of these) in which something waits to be handed out. Two queries, and one per kind of queue."""
    rows = Conversation.objects.filter(
        closed_at__isnull=True, state=State.OPEN, workstream__distribution=Distribution.PUSH
    ).exclude(channel=Channel.RECORD)
    if queue_ids is not None:
        rows = rows.filter(queue__in=list(queue_ids))
    least: dict[int, int] = {}
    allowed: dict[int, set[str]] = defaultdict(set)
    streams = dict(Workstream.objects.values_list("pk", "allowed_presences"))
    for queue_id, stream_id, units in rows.order_by().values_list("queue", "workstream").annotate(Min("units")):
        least[queue_id] = min(units, least.get(queue_id, units))
        allowed[queue_id] |= set(streams[stream_id])
    staffed = with_members(least)
    return [
        Backlog(queue_id, units, frozenset(allowed[queue_id]), queue_id in staffed)
        for queue_id, units in sorted(least.items())
    ]


def with_members(queue_ids: Iterable[int]) -> frozenset[int]:
    """Those of these queues to which somebody belongs who takes work, there or not."""
    takers = routing_selectors.agents().filter(memberships__queue=OuterRef("pk"))
    somebody = routing_selectors.agents().exists()
    rows = Queue.objects.filter(pk__in=list(queue_ids))
    staffed = rows.filter(Q(Exists(takers)) | Q(is_default=True) if somebody else Q(pk__in=[]))
    return frozenset(staffed.values_list("pk", flat=True))


def stranded(queue_ids: Iterable[int], most: int) -> list[int]:
    """Open conversations of these queues, which have no members, whose fallback queue has some (domain.md 1.2)."""
    rows = waiting_work(queue_ids).exclude(workstream__fallback_queue=F("queue"))
    target = dict(rows.order_by().values_list("pk", "workstream__fallback_queue")[:most])
    staffed = with_members(set(target.values()))
    return sorted(pk for pk, queue_id in target.items() if queue_id in staffed)
