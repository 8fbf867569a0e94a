"""What is asked about work: who may see what, who holds how much, what policy needs to know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from conversations.events import (
    CallHeld,
    CallResumed,
    CustomerDisconnected,
    CustomerReconnected,
    MonitoringStarted,
    MonitoringStopped,
    ParticipantLeft,
    SupervisorJoined,
)
from conversations.models import (
    Conversation,
    ConversationQuerySet,
    HistoryEntry,
    LeftReason,
    Message,
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    SenderKind,
    Sentiment,
    State,
    SupervisorSettings,
)
from conversations.models.toggles import AgentScope
from conversations.policy import Facts, Switches, Target, phase
from conversations.sentiment import WINDOW, sentiment_of
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, User
from routing.policy import Cost, Load
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import NotVisible
from supervisor_console.kernel.questions import question


def settings_row() -> SupervisorSettings:
    """The organisation's settings as they are at this moment; the defaults where none were saved."""
    found = _saved_settings()
    return found[0] if found else SupervisorSettings(pk=1)


@question
def _saved_settings() -> QuerySet[SupervisorSettings]:
    return SupervisorSettings.objects.filter(pk=1)


def switches(row: SupervisorSettings | None = None) -> Switches:
    """The settings that rules look at, of this row or read now: a change is effective at once (P17)."""
    row = row or settings_row()
    return Switches(
        monitor=row.monitor_enabled,
        assign=row.assign_enabled,
        transfer=row.transfer_enabled,
        force_close=row.force_close_enabled,
        transfer_voice_calls=row.transfer_voice_calls,
        allow_assign_offline=row.allow_assign_offline,
        assign_current_queue_only=row.assign_agent_scope == AgentScope.CURRENT_QUEUE,
        force_close_reason_required=row.force_close_reason_required,
        sentiment=row.sentiment_enabled,
    )


# --- scope: the one function for list, page, search, dialogs and sockets ---------------------------------


def visible(actor: Actor) -> ConversationQuerySet:
    """The conversations this actor may see (domain.md D13).

    A supervisor: the queues in scope, and what they monitor or joined while it was in scope, for a
    monitor follows the conversation (domain.md 3.3). An agent: the own work, and the open list of
    the own queues. A customer: the own chats.
    """
    if actor.customer_id is not None:
        return Conversation.objects.filter(customer_id=actor.customer_id)
    if not actor.is_active or actor.user_id is None:
        return Conversation.objects.none()
    if sees_all(actor):
        return Conversation.objects.all()
    scope = Q()
    if actor.is_supervisor:
        attached = Participant.objects.filter(user_id=actor.user_id, left_at__isnull=True)
        scope |= Q(pk__in=attached.values("conversation_id"))
    if actor.is_supervisor and actor.supervised_queue_ids:
        scope |= Q(queue_id__in=actor.supervised_queue_ids)
    if actor.is_agent:
        scope |= own_work(actor)
        if actor.agent_queue_ids:
            scope |= Q(state=State.OPEN, queue_id__in=actor.agent_queue_ids)
    return Conversation.objects.filter(scope) if scope else Conversation.objects.none()


def sees_all(actor: Actor) -> bool:
    """Whether every conversation is visible to this actor, so that the database need not be asked."""
    is_somebody = actor.customer_id is None and actor.user_id is not None and actor.is_active
    return is_somebody and actor.is_supervisor and actor.supervised_queue_ids is None


def own_work(actor: Actor) -> Q:
    """What an agent has: as primary, as last agent of a waiting one, as consultant, or offered.

    What was theirs until it closed they can still read, so that a force close does not take the
    transcript out of their hands (domain.md 3.7).
    """
    assert actor.user_id is not None, "only people have work of their own"
    assert actor.agent_id is not None, "only agents have work of their own"
    to_the_end = Q(left_reason=LeftReason.CLOSED, joined_at__isnull=False)
    takes_part = Participant.objects.filter(
        Q(left_at__isnull=True) | to_the_end, user_id=actor.user_id, mode__in=[Mode.PRIMARY, Mode.CONSULT]
    ).values("conversation_id")
    offered = Offer.objects.filter(agent_id=actor.agent_id, status=OfferStatus.PENDING).values("conversation_id")
    return (
        Q(agent_id=actor.agent_id)
        | Q(state__in=[State.WAITING, State.CLOSED], last_agent_id=actor.agent_id)
        | Q(pk__in=takes_part)
        | Q(pk__in=offered)
    )


def get_visible(actor: Actor, conversation_id: int) -> Conversation:
    """One conversation that this actor may see; raises ``NotVisible`` otherwise."""
    row = (
        visible(actor)
        .select_related(
            "queue",
            "workstream",
            "customer",
            "agent__user",
            "agent__presence",
            "last_agent__user",
            "last_agent__presence",
        )
        .filter(pk=conversation_id)
        .first()
    )
    if row is None:
        raise NotVisible
    return row


def require_visible(actor: Actor, conversation: Conversation) -> None:
    """Raise ``NotVisible`` unless this actor may see the conversation; nothing is asked for who sees every one."""
    if sees_all(actor):
        return
    if not visible(actor).filter(pk=conversation.pk).exists():
        raise NotVisible


# --- load: derived from the work held, never counted aside ------------------------------------------------


def held(now: datetime) -> QuerySet[Conversation]:
    """The conversations that consume the capacity of their agents now, as long as they have them."""
    return Conversation.objects.holding().filter(Q(capacity_held_until__isnull=True) | Q(capacity_held_until__gt=now))


LOADS = """
WITH held (agent_id, conversation_id, units, in_call) AS (
    SELECT agent_id, id, units, CASE WHEN is_elevated THEN 1 ELSE 0 END FROM conversations_conversation
    WHERE closed_at IS NULL AND holds_capacity AND agent_id IN ({agents})
        AND (capacity_held_until IS NULL OR capacity_held_until > %(now)s)
    UNION ALL
    SELECT last_agent_id, id, units, 0 FROM conversations_conversation
    WHERE closed_at IS NOT NULL AND last_agent_id IN ({agents}) AND capacity_held_until > %(now)s
    UNION ALL
    SELECT asked.agent_id, asked.conversation_id, wanted.units, 0 FROM conversations_offer asked
    JOIN conversations_conversation wanted ON wanted.id = asked.conversation_id
    WHERE asked.status = 'pending' AND asked.kind = 'transfer' AND asked.agent_id IN ({agents})
), carried (agent_id, profile_id, conversation_id) AS (
    SELECT held.agent_id, item.capacityprofile_id, held.conversation_id FROM held
    JOIN conversations_conversation_profiles item ON item.conversation_id = held.conversation_id
    UNION
    SELECT attempt.agent_id, item.capacityprofile_id, attempt.conversation_id FROM conversations_session attempt
    JOIN conversations_conversation_profiles item ON item.conversation_id = attempt.conversation_id
    JOIN routing_capacityprofile profile ON profile.id = item.capacityprofile_id AND profile.reset = 'end_of_day'
    WHERE attempt.agent_id IN ({agents})
        AND attempt.agent_assigned_at >= %(asked_since)s AND attempt.agent_accepted_at >= %(began)s
)
SELECT agent_id, 0, SUM(units), COUNT(*), MAX(in_call) FROM held GROUP BY agent_id
UNION ALL
SELECT agent_id, profile_id, 0, COUNT(*), 0 FROM carried GROUP BY agent_id, profile_id
"""
"""By agent, and by agent and profile: units, number, and whether one of them is in a call.

``held`` is what ``held()`` finds, what was finished before the block time was over, and the soft holds of transfers;
``carried`` takes a conversation once for each agent and profile, whether it is held, was accepted today, or both. By
hand, because every action asks it once or twice: composing it took Django as long as all the rest of an action.
"""


def loads(agent_ids: Iterable[int], now: datetime) -> dict[int, Load]:
    """What each of these agents holds now (domain.md 2.5, 1): units, profile items, conversations.

    Σ over conversations where they are primary, Active or Wrap-up while blocked, plus those they
    finished before the block time of their wrap-up was over (2.4), plus the soft holds of pending
    transfers to them. Profiles that come free at the end of the day count what was accepted today, over or not
    (1.4). One query however many agents.
    """
    wanted = list(agent_ids)
    if not wanted:
        return {}
    units: dict[int, int] = dict.fromkeys(wanted, 0)
    count: dict[int, int] = dict.fromkeys(wanted, 0)
    items: dict[int, dict[int, int]] = {agent_id: {} for agent_id in wanted}
    in_call: set[int] = set()
    began = day_began(now)
    moments = {"now": now, "began": began, "asked_since": began - LONGEST_TO_ACCEPT}
    params: dict[str, Any] = {name: connection.ops.adapt_datetimefield_value(at) for name, at in moments.items()}
    params |= {f"agent{place}": agent_id for place, agent_id in enumerate(wanted)}
    agents = ", ".join(f"%(agent{place})s" for place in range(len(wanted)))
    with connection.cursor() as cursor:
        cursor.execute(LOADS.format(agents=agents), params)
        for agent_id, profile_id, total, number, calls in cursor.fetchall():
            if profile_id:
                items[agent_id][profile_id] = number
                continue
            units[agent_id], count[agent_id] = total, number
            if calls:
                in_call.add(agent_id)
    return {
        agent_id: Load(units[agent_id], items[agent_id], count[agent_id], agent_id in in_call) for agent_id in wanted
    }


LONGEST_TO_ACCEPT = timedelta(hours=1)
"""More than an offer may wait: who accepted today was asked no longer before the day began."""


def day_began(now: datetime) -> datetime:
    """The midnight before, in the centre's time zone."""
    local = timezone.localtime(now, timezone.get_default_timezone())
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def cost_of(conversation: Conversation) -> Cost:
    """What a conversation consumes."""
    return Cost(conversation.units, dict(conversation.profiles.values_list("pk", "name")))


# --- facts for policy ------------------------------------------------------------------------------------


def pending_offer(conversation: Conversation) -> Offer | None:
    """The one offer that waits for an answer, with its agent, if there is one.

    Mostly there is none, and nearly every action asks: whose it is, is read only where there is one.
    """
    offer = Offer.objects.filter(conversation=conversation, status=OfferStatus.PENDING).first()
    if offer is not None:
        offer.agent = Agent.objects.select_related("user").get(pk=offer.agent_id)
    return offer


def is_told(conversation: Conversation) -> bool:
    """Whether agents are told rather than asked (domain.md 4.2): lines, notices, events and pages say so."""
    return routing_selectors.terms_of(conversation.workstream).assigns(is_request=False)


def facts(conversation: Conversation, offer: Offer | None) -> Facts:
    """What the rules need to know about one conversation; ``offer`` is its pending one."""
    transfer = offer if offer is not None and offer.kind == OfferKind.TRANSFER else None
    holder = conversation.agent
    return Facts(
        id=conversation.pk,
        version=conversation.version,
        kind=conversation.kind,
        phase=phase(conversation.state, conversation.reason),
        queue_id=conversation.queue_id,
        agent_id=conversation.agent_id,
        agent_name=holder.name if holder is not None else "",
        last_agent_id=conversation.last_agent_id,
        agent_is_bot=holder is not None and holder.is_bot,
        is_elevated=conversation.is_elevated,
        transfer_pending=transfer is not None,
        transfer_to=transfer.agent.name if transfer is not None else "",
    )


def targets(conversation: Conversation, agent_rows: Iterable[Agent], now: datetime) -> dict[int, Target]:
    """The facts policy needs about agents who might get this conversation."""
    rows = list(agent_rows)
    found = routing_selectors.candidates(rows, loads([agent.pk for agent in rows], now))
    queue = conversation.queue
    inside = frozenset(
        [agent.pk for agent in rows]
        if queue.is_default
        else queue.memberships.filter(agent__in=rows).values_list("agent_id", flat=True)
    )
    return {agent_id: Target(candidate, agent_id in inside, queue.name) for agent_id, candidate in found.items()}


def current_sentiment(conversation: Conversation) -> Sentiment:
    """The sentiment of the customer's last six messages, those to a bot among them (domain.md 1.5)."""
    texts = list(
        Message.objects.filter(conversation=conversation, sender_kind=SenderKind.CUSTOMER)
        .order_by("-pk")
        .values_list("text", flat=True)[:WINDOW]
    )
    return sentiment_of(texts[::-1])


def customer_line_at(conversation: Conversation, number: int) -> datetime | None:
    """When the customer wrote their so-many-th last line; None where they have not written as many."""
    lines = Message.objects.filter(conversation=conversation, sender_kind=SenderKind.CUSTOMER).order_by("-pk")
    return lines.values_list("created_at", flat=True)[number - 1 : number].first()


def supervisors_concerned(conversation: Conversation, *, wherever: bool) -> list[int]:
    """The people to be told of a customer, by user id: supervisors in whose scope the queue is (domain.md 7, P24).

    Those who are Available or Busy, or have no presence to go by, and with ``wherever`` everybody. Whoever is in the
    conversation sees it already. A fixed number of queries.
    """
    held = User.objects.filter(is_active=True, groups__name=Role.SUPERVISOR.value)
    actors = routing_selectors.actors_for(held)
    inside = set(live_participants(conversation).values_list("user_id", flat=True))
    away = set(
        Agent.objects.filter(user__in=actors, is_bot=False)
        .exclude(presence__base__in=[BasePresence.AVAILABLE, BasePresence.BUSY])
        .values_list("user_id", flat=True)
    )
    return sorted(
        user_id
        for user_id, actor in actors.items()
        if actor.is_supervisor
        and actor.supervises_queue(conversation.queue_id)
        and user_id not in inside
        and (wherever or user_id not in away)
    )


def participation(conversation: Conversation, user_id: int | None, *modes: Mode) -> Participant | None:
    """A person's live participation in one of these modes."""
    if user_id is None:
        return None
    return Participant.objects.filter(
        conversation=conversation, user_id=user_id, left_at__isnull=True, mode__in=modes
    ).first()


def live_participants(conversation: Conversation) -> QuerySet[Participant]:
    """Everybody in the conversation now, monitors among them."""
    return (
        Participant.objects.filter(conversation=conversation, left_at__isnull=True)
        .select_related("user")
        .order_by("added_at", "pk")
    )


@dataclass(frozen=True, slots=True)
class Inside:
    """Who is in a conversation at one moment, by user id: everybody, the people who work in it, and who monitors it."""

    everybody: frozenset[int]
    people: frozenset[int]
    monitors: frozenset[int]


def inside(conversation: Conversation) -> Inside:
    """Everybody in the conversation now; agents and consultants are its people, bots are not."""
    rows = Participant.objects.filter(conversation=conversation, left_at__isnull=True)
    found = list(rows.values_list("user_id", "mode", "user__agent__is_bot"))
    return Inside(
        everybody=frozenset(user_id for user_id, _mode, _is_bot in found),
        people=frozenset(user_id for user_id, mode, is_bot in found if mode != Mode.MONITOR and not is_bot),
        monitors=frozenset(user_id for user_id, mode, _is_bot in found if mode == Mode.MONITOR),
    )


def seen_by_agents(conversation: Conversation) -> QuerySet[Participant]:
    """Those in the conversation whom agents and customers may know of: never monitors (domain.md 3.3)."""
    return live_participants(conversation).exclude(mode=Mode.MONITOR)


def own_offer(conversation: Conversation) -> Offer:
    """The latest offer to the primary that was not a transfer: how they were asked."""
    rows = Offer.objects.filter(conversation=conversation, agent=conversation.agent_id)
    return rows.exclude(kind=OfferKind.TRANSFER).latest("pk")


COMING_AND_GOING = (
    CallHeld.code,
    CallResumed.code,
    MonitoringStarted.code,
    MonitoringStopped.code,
    SupervisorJoined.code,
    ParticipantLeft.code,
    CustomerDisconnected.code,
    CustomerReconnected.code,
)
"""What people do in a conversation without moving it."""


def has_moved_since(conversation: Conversation, version: int) -> bool:
    """Whether state, agent, queue or offer changed after this version."""
    return _moves(conversation).filter(version__gt=version).exists()


def last_move(conversation: Conversation) -> HistoryEntry | None:
    """The latest change of state, agent, queue or offer; never that somebody monitors or takes part."""
    return _moves(conversation).order_by("-pk").first()


def _moves(conversation: Conversation) -> QuerySet[HistoryEntry]:
    return HistoryEntry.objects.filter(conversation=conversation).exclude(code__in=COMING_AND_GOING)


def last_change(conversation: Conversation) -> HistoryEntry | None:
    """The latest entry of the history."""
    return HistoryEntry.objects.filter(conversation=conversation).order_by("-pk").first()
