"""Work finds the right agent by itself: what is open and pushed is offered, in its turn (domain.md 1.2, T2).

A change that may let work find an agent leaves a mark in its own transaction (``steps.ask_to_distribute``), which the
background work hears at once; every few seconds it looks at everything, whether it heard something or not. A look
reads the floor without a lock and decides who is asked for what; each offer is then a transaction of its own, which
locks the conversation and the agent and asks the rules again. So any number of processes may look at the same time,
and none gives anything to somebody who cannot take it any more.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from heapq import merge

from django.db import OperationalError
from django.db.models import Q

from conversations import audit, matching, policy, selectors, steps
from conversations.events import ConversationAssignedToQueue, ConversationOffered
from conversations.locks import lock_conversation
from conversations.matching import Backlog, Place
from conversations.models import AssignReason, ClosureReason, Conversation, OfferKind
from conversations.policy import Phase, Trigger
from routing import selectors as routing_selectors
from routing.locks import lock_agents
from routing.models import Agent, BasePresence
from routing.policy import (
    Candidate,
    Contender,
    Load,
    PresenceCause,
    Work,
    choose,
    free_units,
    why_not_distribute,
    why_not_offer,
)
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import SYSTEM
from supervisor_console.kernel.errors import ActionRefused, NotVisible, require
from supervisor_console.kernel.realtime import action

logger = logging.getLogger(__name__)

MOST = 200
"""Offers that one look makes at most; then the floor is read again, so that what is urgent is not behind the rest."""

BLOCK, LARGEST_BLOCK = 100, 1600
"""How many conversations are read at once: the first ones nearly always suffice."""


# --- one offer -------------------------------------------------------------------------------------------------


@action()
def offer(conversation_id: int, agent_id: int, *, now: datetime | None = None) -> ConversationOffered:
    """Offer an open conversation to an agent, if the rules allow it still (T2).

    The agent's capacity is taken at once. Raises ``ActionRefused`` where it is not open any more, is not handed out
    by itself, or the agent cannot be offered it now; ``NotVisible`` for an unknown one. Announced to supervisors, the
    agent (an offer) and the open lists.
    """
    conversation = lock_conversation(conversation_id)
    agent = lock_agents([agent_id]).get(agent_id)
    now = now or clock.now()
    if agent is None:
        raise NotVisible
    require(policy.NOT_OPEN if steps.current_phase(conversation) != Phase.OPEN else None)
    work = matching.work(conversation)
    require(why_not_distribute(work))
    contender = matching.contenders([agent], now)[agent_id]
    require(why_not_offer(contender, work, now))

    before = steps.move(conversation, Trigger.PUSH, Phase.OFFERED, now=now, agent=agent)
    steps.close_session(conversation, ClosureReason.AGENT_REROUTED, now)
    steps.open_session(conversation, now=now, agent=agent)
    steps.seat_primary(conversation, agent, AssignReason.SYSTEM_ASSIGN, now=now)
    steps.make_offer(conversation, agent, OfferKind.INCOMING, now=now)
    told = selectors.is_told(conversation)
    steps.whisper(conversation, "offered", {"agent": agent.name, "told": told}, now)
    steps.save(conversation)
    steps.settle_asked(agent, contender.candidate, work.cost, PresenceCause.OFFERED, now)
    steps.tell_asked(conversation, agent, now)
    event = ConversationOffered(
        **audit.heading(SYSTEM, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
        returning=work.returning_to == agent.pk,
        told=told,
    )
    audit.publish(event, steps.audience(conversation, open_list=True))
    return event


@action()
def fall_back(conversation_id: int, *, now: datetime | None = None) -> ConversationAssignedToQueue:
    """Move an open conversation whose queue has no members to the fallback queue of its workstream (T5, 1.2).

    Raises ``ActionRefused`` where it is not open any more, somebody belongs to its queue by now, or nobody to the
    other one. Announced to the supervisors and open lists of both queues.
    """
    conversation = lock_conversation(conversation_id)
    now = now or clock.now()
    require(policy.NOT_OPEN if steps.current_phase(conversation) != Phase.OPEN else None)
    former, queue = conversation.queue, conversation.workstream.fallback_queue
    require(policy.QUEUE_IS_CURRENT if queue == former else None)
    staffed = matching.with_members([former.pk, queue.pk])
    require(policy.NOT_NEEDED if former.pk in staffed else None)
    require(policy.QUEUE_EMPTY if queue.pk not in staffed else None)

    before = steps.move_to_queue(conversation, queue, Trigger.OVERFLOW, ClosureReason.OVERFLOW_QUEUE_TRANSFER, now=now)
    steps.whisper(conversation, "fell_back", {"from_queue": former.name, "queue": queue.name}, now)
    steps.save(conversation)
    event = ConversationAssignedToQueue(
        **audit.heading(SYSTEM, conversation, now, before),
        from_queue_id=former.pk,
        from_queue=former.name,
        queue_id=queue.pk,
        queue=queue.name,
    )
    audit.publish(event, steps.audience(conversation, open_list=True, queue_ids=[former.pk]))
    return event


# --- a look ----------------------------------------------------------------------------------------------------


def distribute(
    *,
    everywhere: bool = False,
    agent_ids: Iterable[int] = (),
    conversation_ids: Iterable[int] = (),
    now: datetime | None = None,
    most: int = MOST,
) -> int:
    """Hand out what can be handed out in the queues that these agents and conversations touch, or everywhere.

    Returns how many offers were made; as many as ``most`` means that there may be more to do.
    """
    if not selectors.settings_row().distribution_enabled:
        return 0
    queue_ids = None if everywhere else _touched(agent_ids, conversation_ids)
    found = matching.backlogs(queue_ids)
    stranded = [backlog.queue_id for backlog in found if not backlog.has_members]
    if stranded and _fall_back(stranded, now):
        found = matching.backlogs()
    found = [backlog for backlog in found if backlog.has_members]
    return _Look(found, now).hand_out(most) if found else 0


def _touched(agent_ids: Iterable[int], conversation_ids: Iterable[int]) -> frozenset[int]:
    """The queues of these agents, and those in which these conversations are open."""
    agents = list(agent_ids)
    waits_in = Conversation.objects.filter(pk__in=list(conversation_ids)).values_list("queue_id", flat=True)
    return frozenset(waits_in) | (routing_selectors.queue_ids_of(agents) if agents else frozenset())


def _fall_back(queue_ids: list[int], now: datetime | None) -> int:
    moved = 0
    for pk in matching.stranded(queue_ids, MOST):
        try:
            fall_back(pk, now=now)
        except ActionRefused as refusal:
            logger.info("%s stays in its queue: %s", pk, refusal)
        else:
            moved += 1
    return moved


class _Look:
    """The floor as one look sees it, and how it changes under what the look itself hands out."""

    def __init__(self, backlogs: list[Backlog], now: datetime | None) -> None:
        self._now = now
        self._at = now or clock.now()
        self._least = {backlog.queue_id: backlog.least_units for backlog in backlogs}
        self._allowed = {backlog.queue_id: backlog.allowed_presences for backlog in backlogs}
        self._returning = matching.returning_work(self._least)
        self._contenders = self._read()
        self._free: dict[int, set[int]] = defaultdict(set)
        self._in_vain: set[Hashable] = set()
        for agent_id in self._contenders:
            self._place(agent_id)

    def _read(self) -> dict[int, Contender]:
        """The agents in an allowed presence who may have room, and those whom a returning customer may keep."""
        kept = [work.returning_to for _, work in self._returning]
        has_room = matching.has_room(min(self._least.values()), self._at)
        may_take = Q(has_room, presence__base__in=frozenset[str]().union(*self._allowed.values()))
        rows = routing_selectors.members_of(self._least)
        return matching.contenders(rows.filter(may_take | Q(pk__in=kept)), self._at)

    def _place(self, agent_id: int) -> None:
        """Note in which queues an agent has room for anything at all."""
        contender = self._contenders[agent_id]
        for queue_id in self._least.keys() & contender.queue_ids:
            if free_units(contender, self._allowed[queue_id]) >= self._least[queue_id]:
                self._free[queue_id].add(agent_id)
            else:
                self._free[queue_id].discard(agent_id)

    def hand_out(self, most: int) -> int:
        """Offer what waits, in its turn, to whoever can take it; returns how many offers were made."""
        done = 0
        for _, work in merge(self._returning, self._others(), key=lambda pair: pair[0]):
            if self._free[work.queue_id] or work.returning_to in self._contenders:
                done += self._hand_out(work)
            if done >= most:
                break
        return done

    def _others(self) -> Iterator[tuple[Place, Work]]:
        """All other work in its turn, block by block, of the queues in which somebody has room at that moment.

        Who is busy since an offer may take what only the busy are offered: it is read on from there with those queues.
        """
        early = {work.id for _, work in self._returning}
        place: Place | None = None
        size = BLOCK
        while queues := self._with_room():
            block = matching.next_work(queues, place, size)
            for pair in block:
                place = pair[0]
                if pair[1].id not in early:
                    yield pair
                    if not self._with_room() <= queues:
                        break
            else:
                if len(block) < size:
                    return
                size = min(2 * size, LARGEST_BLOCK)

    def _with_room(self) -> set[int]:
        """The queues in which somebody has room for something."""
        return {queue_id for queue_id, agents in self._free.items() if agents}

    def _hand_out(self, work: Work) -> bool:
        """Offer one conversation to the first who can take it, under lock the next one if that changed.

        What nobody can be offered now, nobody can be offered later in this look, and what asks for the same neither:
        agents only get fuller meanwhile.
        """
        if why_not_distribute(work) is not None:
            return False
        if work.demand in self._in_vain:
            return False
        asked = set(self._free[work.queue_id])
        if work.returning_to in self._contenders:
            asked.add(work.returning_to)
        was_right = True
        while True:
            found = choose((self._contenders[agent_id] for agent_id in asked), work, self._at)
            if found is None:
                if was_right and work.demand is not None:
                    self._in_vain.add(work.demand)
                return False
            try:
                event = offer(work.id, found.agent_id, now=self._now)
            except ActionRefused as refusal:
                logger.info("%s was not offered to %s: %s", work.id, found.agent_id, refusal)
                if not _still_waits(work):
                    return False
                was_right = False
                asked.discard(found.agent_id)
                self._refresh(found.agent_id)
                continue
            except OperationalError:
                logger.warning("%s could not be offered now", work.id, exc_info=True)
                return False
            self._took(found, work, event.at)
            return True

    def _took(self, contender: Contender, work: Work, at: datetime) -> None:
        """Count what was just offered: the load under which the agent is considered next, and their presence now."""
        candidate = contender.candidate
        base = Agent.objects.values_list("presence__base", flat=True).get(pk=contender.agent_id)
        self._contenders[contender.agent_id] = replace(
            contender,
            candidate=replace(candidate, load=self._load_with(candidate, work), base_presence=BasePresence(base)),
            past=replace(contender.past, last_assigned_at=at),
        )
        if base != candidate.base_presence:
            self._in_vain.clear()  # Another presence may be allowed where the former was not.
        self._place(contender.agent_id)

    def _load_with(self, candidate: Candidate, work: Work) -> Load:
        """What the agent holds with this work on top.

        What counts until the day is over is counted afresh: who had it today and gets it back has used nothing more.
        """
        daily = {limit.profile_id for limit in candidate.limits.profiles if limit.is_daily}
        if daily & work.cost.profiles.keys():
            return selectors.loads([candidate.agent_id], self._at)[candidate.agent_id]
        return candidate.load.plus(work.cost)

    def _refresh(self, agent_id: int) -> None:
        """Read again an agent of whom this look had a wrong idea."""
        self._in_vain.clear()
        rows = routing_selectors.members_of(self._least).filter(pk=agent_id)
        found = matching.contenders(rows, self._at)
        if agent_id in found:
            self._contenders[agent_id] = found[agent_id]
            self._place(agent_id)
        else:
            del self._contenders[agent_id]
            for agents in self._free.values():
                agents.discard(agent_id)


def _still_waits(work: Work) -> bool:
    return matching.waiting_work([work.queue_id]).filter(pk=work.id).exists()


# --- what may let work find an agent -----------------------------------------------------------------------------


def agent_became_free(sender: object, agent_id: int, **_: object) -> None:
    """Routing says that an agent may take work again: the one sanctioned up-call, inside its transaction."""
    steps.ask_to_distribute(agent_id=agent_id)
