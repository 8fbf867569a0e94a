"""The row locks of agents and queues: the only place that takes them. Conversation, agents by id, queues by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType

from django.db.models import BigIntegerField

from routing.models import Agent, Queue
from supervisor_console.kernel import clock

LockedAgent = NewType("LockedAgent", Agent)
"""An agent row whose lock this transaction holds; only ``lock_agents`` makes one."""


def lock_agents(agent_ids: Iterable[int | None]) -> dict[int, LockedAgent]:
    """Lock these agents in ascending order of id; ids that do not exist are left out.

    Two statements: one that joins the presence and waits for the lock would go on with the presence
    of before the wait, and lose the agent where it changed meanwhile. On SQLite the immediate
    transaction has locked the whole database already.
    """
    wanted = {agent_id for agent_id in agent_ids if agent_id is not None and 0 < agent_id <= BigIntegerField.MAX_BIGINT}
    if not wanted:
        return {}
    locked = Agent.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    rows = Agent.objects.select_related("user", "presence").in_bulk(list(locked.values_list("pk", flat=True)))
    clock.saw(*(agent.presence_since for agent in rows.values()))
    return {agent_id: LockedAgent(rows[agent_id]) for agent_id in sorted(rows)}


LockedQueue = NewType("LockedQueue", Queue)
"""A queue row whose lock this transaction holds; only ``lock_queues`` makes one."""


def lock_queues(queue_ids: Iterable[int]) -> dict[int, LockedQueue]:
    """Lock these queues in ascending order of id; ids that do not exist are left out.

    Only who changes memberships takes them, after the agent's: whether somebody else is left in a queue holds
    until the commit then, and two last members cannot leave at once.
    """
    wanted = [queue_id for queue_id in queue_ids if 0 < queue_id <= BigIntegerField.MAX_BIGINT]
    if not wanted:
        return {}
    found = Queue.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    return {queue.pk: LockedQueue(queue) for queue in found}
