"""A new day: whose profile was used up for the day before gets work again (domain.md 1.3, 1.4)."""

from __future__ import annotations

from datetime import datetime

from conversations import selectors, steps
from routing import selectors as routing_selectors
from routing.locks import lock_agents
from routing.models import Agent, BasePresence, ResetFrequency, SetBy
from routing.policy import PresenceCause, presence_from_capacity
from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import action


def due(now: datetime) -> list[int]:
    """Those whom capacity keeps from work since yesterday or longer, though what they hold now would not.

    One query, and three more where there is somebody like that.
    """
    rows = list(
        Agent.objects.filter(
            agent_profiles__profile__reset=ResetFrequency.END_OF_DAY,
            presence__base=BasePresence.BUSY_DND,
            presence_set_by=SetBy.SYSTEM,
            presence_since__lt=selectors.day_began(now),
            presence_set_after="",
        )
        .select_related("presence")
        .distinct()
    )
    if not rows:
        return []
    loads, limits = selectors.loads([agent.pk for agent in rows], now), routing_selectors.limits_of(rows)
    wanted = {agent.pk: presence_from_capacity(loads[agent.pk], limits[agent.pk]) for agent in rows}
    return sorted(pk for pk, base in wanted.items() if base != BasePresence.BUSY_DND)


@action()
def begin(agent_id: int, *, now: datetime | None = None) -> bool:
    """Let the presence of this agent follow what they hold now; returns whether there is such an agent.

    Announced to the desk, the reports and distribution.
    """
    agents = lock_agents([agent_id])
    steps.settle_presence(agents.values(), PresenceCause.WITHDRAWN, now or clock.now())
    return bool(agents)
