"""The agents' row locks: the only place that takes them. Always after the conversation's, by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType

from routing.models import Agent

LockedAgent = NewType("LockedAgent", Agent)
"""An agent row whose lock this transaction holds; only ``lock_agents`` makes one."""


def lock_agents(agent_ids: Iterable[int | None]) -> dict[int, LockedAgent]:
    """Lock these agents in ascending order of id; ids that do not exist are left out.

    On SQLite the immediate transaction has locked the whole database already.
    """
    wanted = sorted({agent_id for agent_id in agent_ids if agent_id is not None})
    if not wanted:
        return {}
    rows = (
        Agent.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user", "presence")
        .filter(pk__in=wanted)
        .order_by("pk")
    )
    return {agent.pk: LockedAgent(agent) for agent in rows}
