"""Which agents does a dialog list? Filtered, judged by policy, ranked, and cut to what is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet

from conversations import policy, selectors
from conversations.models import Conversation
from conversations.policy import Facts, Switches, Target
from conversations.reports.candidates.asked import Asked, filtered, population
from conversations.reports.candidates.emptied import OUTSIDE_PRESENCE, Emptied, why_empty
from conversations.reports.candidates.rows import AgentRow, Work, agent_row, needs, order, work_of
from routing import selectors as routing_selectors
from routing.models import Agent, Queue
from routing.policy import presence_caution
from supervisor_console.kernel.errors import Caution, Refusal


@dataclass(frozen=True, slots=True)
class AgentList:
    """The list of a dialog: those who can be chosen in order, then those who can be looked at."""

    rows: tuple[AgentRow, ...]
    choosable: int
    others: int
    hidden: int
    units: int
    needs: tuple[str, ...]
    emptied: Emptied | None


Judge = Callable[[Target], tuple[Refusal | None, tuple[Caution, ...]]]


def assignable(conversation: Conversation, asked: Asked, *, switches: Switches, now: datetime) -> AgentList:
    """The agents an open conversation could be assigned to (domain.md 3.5)."""
    work = work_of(conversation, now)

    def judge(target: Target) -> tuple[Refusal | None, tuple[Caution, ...]]:
        refusal = policy.why_not_assign_to(target, switches)
        outside = presence_caution(target.candidate, work.allowed) is not None
        if refusal is None and outside and not asked.outside and target.candidate.agent_id != asked.chosen:
            names = {"agent": target.candidate.name, "presence": target.candidate.presence_name}
            refusal = replace(OUTSIDE_PRESENCE, numbers=names)
        return refusal, policy.cautions_assign(target, work.cost, work.allowed)

    queue = _queue(asked.queue_id)
    return _listed(work, asked, queue, judge)


def transferable(conversation: Conversation, asked: Asked, *, facts: Facts, now: datetime) -> AgentList:
    """The members of the current queue who could take over; nobody outside the presences (domain.md 3.6)."""
    work = work_of(conversation, now)

    def judge(target: Target) -> tuple[Refusal | None, tuple[Caution, ...]]:
        refusal = policy.why_not_transfer_to(target, facts, work.allowed)
        return refusal, policy.cautions_transfer(target, work.cost)

    return _listed(work, asked, conversation.queue, judge)


def holder(conversation: Conversation, agent: Agent, now: datetime) -> AgentRow:
    """The agent who has the conversation, as the dialogs show agents: presence, skills and load as they are now."""
    target = selectors.targets(conversation, [agent], now)[agent.pk]
    return agent_row(agent, target, work_of(conversation, now), None, ())


def _listed(work: Work, asked: Asked, queue: Queue | None, judge: Judge) -> AgentList:
    found = population(asked, queue)
    rows = sorted(_rows(filtered(found, asked), work, judge), key=order)
    can = [row for row in rows if row.refusal is None]
    cannot = [row for row in rows if row.refusal is not None]
    listed = can + (cannot if asked.others or asked.text else [])
    return AgentList(
        rows=(*_out_of_sight(listed[: asked.limit], asked, work, judge), *listed[: asked.limit]),
        choosable=len(can),
        others=len(cannot),
        hidden=max(0, len(listed) - asked.limit),
        units=work.cost.units,
        needs=needs(work.conversation),
        emptied=None if can else why_empty(work, asked, queue, found, cannot),
    )


def _rows(found: QuerySet[Agent], work: Work, judge: Judge) -> list[AgentRow]:
    agents = list(
        found.select_related("user", "presence").prefetch_related("agent_skills__skill", "memberships__queue")
    )
    targets = selectors.targets(work.conversation, agents, work.now)
    return [agent_row(agent, targets[agent.pk], work, *judge(targets[agent.pk])) for agent in agents]


def _out_of_sight(shown: list[AgentRow], asked: Asked, work: Work, judge: Judge) -> list[AgentRow]:
    """The one who was chosen, where filters or the end of the list would hide them."""
    if asked.chosen is None or asked.chosen in {row.agent_id for row in shown}:
        return []
    return _rows(routing_selectors.agents().filter(pk=asked.chosen), work, judge)


def _queue(queue_id: int | None) -> Queue | None:
    return Queue.objects.filter(pk=queue_id).first() if queue_id is not None else None
