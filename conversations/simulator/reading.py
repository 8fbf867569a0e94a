"""What does the floor look like now? A fixed number of queries, and never more than ``MOST_READ`` conversations."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from random import Random

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Count, Q

from conversations import selectors
from conversations.demo.doors import LOG_INS
from conversations.demo.plans import is_made_up
from conversations.models import Conversation, Message, Mode, Offer, OfferKind, OfferStatus, Participant, SenderKind
from conversations.policy import Phase, phase
from conversations.simulator import script
from conversations.simulator.floor import Chat, Consultant, Desk, Floor, Invitation
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, Channel, Queue, QueueMembership, SetBy
from routing.policy import why_not_reject

MOST_READ = 400
"""On a floor with more conversations chance says which ones are looked at this time."""


def read(now: datetime, rng: Random) -> Floor:
    """The floor at ``now``."""
    phases: Counter[Phase] = Counter()
    channels: Counter[Channel] = Counter()
    ids = []
    for pk, state, reason, channel in (
        Conversation.objects.ongoing().order_by("pk").values_list("pk", "state", "reason", "channel")
    ):
        ids.append(pk)
        phases[phase(state, reason)] += 1
        channels[Channel(channel)] += 1
    if len(ids) > MOST_READ:
        ids = rng.sample(ids, MOST_READ)
    chats = _chats(ids)
    desks = _desks(now)
    invitations, consultants = _invitations(desks), _consultants(desks)
    return Floor(now, phases, channels, chats, desks, invitations, consultants)


def _chats(ids: list[int]) -> tuple[Chat, ...]:
    rows = Conversation.objects.filter(pk__in=ids).select_related("workstream", "customer").order_by("pk")
    spoken = Message.objects.filter(conversation__in=ids, sender_kind=SenderKind.CUSTOMER).order_by()
    said = dict(spoken.values_list("conversation").annotate(Count("id")))
    offered = Offer.objects.filter(status=OfferStatus.PENDING, kind=OfferKind.TRANSFER)
    pending = set(offered.values_list("conversation_id", flat=True))
    return tuple(_chat(row, said.get(row.pk, 0), row.pk in pending) for row in rows)


def _chat(row: Conversation, said: int, transfer_pending: bool) -> Chat:
    made_up = is_made_up(row.customer.contact)
    opening, lines = script.left(row.subject, said) if made_up else (0, 0)
    waits = row.unanswered_since
    return Chat(
        id=row.pk,
        phase=phase(row.state, row.reason),
        channel=Channel(row.channel),
        queue_id=row.queue_id,
        units=row.units,
        allows_pick=row.workstream.is_pickable,
        agent_id=row.agent_id,
        last_agent_id=row.last_agent_id,
        is_made_up=made_up,
        opening_left=opening,
        lines_left=lines,
        since=row.state_changed_at,
        last_activity_at=row.last_activity_at,
        unanswered_since=waits,
        has_nudged=waits is not None and row.last_customer_message_at != waits,
        transfer_pending=transfer_pending,
    )


def _desks(now: datetime) -> tuple[Desk, ...]:
    """The agents whom nobody plays: nobody can sign in as them."""
    played = ~Q(user__password__startswith=UNUSABLE_PASSWORD_PREFIX) | Q(user__username__in=LOG_INS)
    rows = list(routing_selectors.agents().exclude(played).order_by("pk"))
    ids = [agent.pk for agent in rows]
    loads = selectors.loads(ids, now)
    held = Conversation.objects.ongoing().filter(agent__in=ids).order_by()
    holds = dict(held.values_list("agent").annotate(Count("id")))
    for_all = set(Queue.objects.filter(is_default=True).values_list("pk", flat=True))
    queues = {pk: set(for_all) for pk in ids}
    for agent_id, queue_id in QueueMembership.objects.filter(agent__in=ids).values_list("agent_id", "queue_id"):
        queues[agent_id].add(queue_id)
    return tuple(
        Desk(
            agent_id=agent.pk,
            base=BasePresence(agent.presence.base),
            presence_since=agent.presence_since,
            set_by=SetBy(agent.presence_set_by),
            queue_ids=frozenset(queues[agent.pk]),
            room=agent.max_units - loads[agent.pk].units,
            holds=holds.get(agent.pk, 0),
        )
        for agent in rows
    )


def _invitations(desks: tuple[Desk, ...]) -> tuple[Invitation, ...]:
    rows = Offer.objects.filter(status=OfferStatus.PENDING, agent__in=[desk.agent_id for desk in desks])
    return tuple(
        Invitation(
            offer_id=offer.pk,
            chat_id=offer.conversation_id,
            agent_id=offer.agent_id,
            offered_at=offer.offered_at,
            can_reject=_can_reject(offer),
        )
        for offer in rows.select_related("conversation__workstream").order_by("pk")
    )


def _can_reject(offer: Offer) -> bool:
    terms = routing_selectors.terms_of(offer.conversation.workstream)
    return why_not_reject(terms, is_request=offer.kind == OfferKind.TRANSFER) is None


def _consultants(desks: tuple[Desk, ...]) -> tuple[Consultant, ...]:
    agents = Agent.objects.filter(pk__in=[desk.agent_id for desk in desks])
    agent_of = dict(agents.values_list("user_id", "pk"))
    rows = Participant.objects.filter(left_at=None, mode=Mode.CONSULT, user__in=agent_of).order_by("pk")
    return tuple(Consultant(row.conversation_id, agent_of[row.user_id], row.added_at) for row in rows)
