"""What is read of conversations for their rows? Four questions, however many rows there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from operator import attrgetter

from django.db.models import F, Max, QuerySet

from conversations.models import AssignReason, Conversation, Offer, OfferStatus, Participant
from routing.models import Agent, Queue
from supervisor_console.kernel.questions import Among, question

FAILED = (OfferStatus.REJECTED, OfferStatus.TIMED_OUT)
"""How an offer ends that nobody took."""

names = attrgetter("of_customer", "of_workstream")
"""What a row says of the customer and of the workstream: no more of them is read."""

NAMED = ("first_name", "last_name", "username")
"""What a person is named by."""


def conversations(ids: Collection[int], queues: Mapping[int, Queue]) -> dict[int, Conversation]:
    """These conversations by their id, with queue and agent.

    Queues and agents stand in many rows: each is read once and shared, not joined to every row.
    """
    found = {one.pk: one for one in _named(list(ids))}
    wanted = {pk for one in found.values() for pk in (one.agent_id, one.shown_last_agent_id) if pk is not None}
    agents = {agent.pk: agent for agent in _agents(wanted)} if wanted else {}
    for one in found.values():
        # That the ids agree need not be looked at, nor written again.
        Conversation.queue.field.set_cached_value(one, queues[one.queue_id])
        if one.agent_id is not None:
            Conversation.agent.field.set_cached_value(one, agents[one.agent_id])
        if one.shown_last_agent_id is not None:
            Conversation.last_agent.field.set_cached_value(one, agents[one.shown_last_agent_id])
    return found


@question
def _named(ids: Collection[int]) -> QuerySet[Conversation]:
    named = Conversation.objects.annotate(of_customer=F("customer__name"), of_workstream=F("workstream__name"))
    return named.filter(Among("pk", ids))


@question
def _agents(ids: Collection[int]) -> QuerySet[Agent]:
    found = Agent.objects.filter(Among("pk", ids)).select_related("user", "presence")
    return found.only("is_bot", *_of("user", NAMED), *_of("presence", ("name", "base", "code")))


def latest_offers(ids: Collection[int]) -> dict[int, Offer]:
    """The latest offer of each conversation where a row tells of it: the pending one, or one that failed."""
    return {offer.conversation_id: offer for offer in _offers(ids)}


@question
def _offers(ids: Collection[int]) -> QuerySet[Offer]:
    latest = Offer.objects.filter(Among("conversation", ids)).values("conversation").annotate(latest=Max("pk"))
    told = Offer.objects.filter(pk__in=latest.values("latest"), status__in=[OfferStatus.PENDING, *FAILED])
    read = ("conversation", "kind", "status", "settled_at", *_of("agent__user", NAMED))
    return told.select_related("agent__user").only(*read)


def onlookers(ids: Collection[int]) -> dict[int, list[Participant]]:
    """Who monitors, and which supervisors have joined (experience.md 3, 23)."""
    found: dict[int, list[Participant]] = {}
    for one in _watching(ids):
        found.setdefault(one.conversation_id, []).append(one)
    return found


@question
def _watching(ids: Collection[int]) -> QuerySet[Participant]:
    there = Participant.objects.filter(Among("conversation", ids), left_at__isnull=True)
    reasons = [AssignReason.AGENT_MONITOR, AssignReason.AGENT_CONVERSATION_JOIN]
    found = there.filter(assign_reason__in=reasons).order_by("added_at", "pk").select_related("user")
    return found.only("conversation", "mode", *_of("user", NAMED))


def _of(relation: str, fields: tuple[str, ...]) -> list[str]:
    return [f"{relation}__{field}" for field in fields]
