"""Put right what is not as it must be of people: the presence history follows the agent's row (routing/invariants)."""

from __future__ import annotations

from datetime import datetime

from routing import steps
from routing.invariants import RULES
from routing.locks import LockedAgent, lock_agents
from routing.models import PresenceChange, SetAfter, SetBy
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import SYSTEM
from supervisor_console.kernel.errors import NotVisible
from supervisor_console.kernel.invariants import About, Scope
from supervisor_console.kernel.realtime import action

MENDED = frozenset({"presence_without_history", "presence_history_differs", "presence_remembered_in_vain"})
"""The rules whose violations this service puts right."""


@action()
def repair_agent(agent_id: int, *, now: datetime | None = None) -> tuple[str, ...]:
    """Repair what can be repaired of one agent; returns the codes of what was wrong, none where all was well.

    What the agent's row says holds, for routing goes by it. Announced to the agent's desk and the reports.
    """
    agent = lock_agents([agent_id]).get(agent_id)
    if agent is None:
        raise NotVisible
    now = now or clock.now()
    mine = Scope(now=now, agent_ids=frozenset({agent_id}))
    rules = [rule for rule in RULES if rule.about == About.AGENT and rule.code in MENDED]
    codes = tuple(rule.code for rule in rules if any(rule.violations(mine)))
    if codes:
        _renew_stay(agent, now)
    return codes


def _renew_stay(agent: LockedAgent, now: datetime) -> None:
    """End the stay that is open, or one that was never begun, and begin one that fits the agent's row."""
    stays = PresenceChange.objects.filter(agent=agent)
    set_by = SetBy(agent.presence_set_by)
    current = stays.filter(ended_at=None).first()
    if current is None:
        last = stays.order_by("-ended_at", "-pk").first()
        began = last.ended_at if last is not None and last.ended_at is not None else agent.presence_since
        current = stays.create(agent=agent, presence=agent.presence, started_at=began, set_by=set_by)
    now = max(now, current.started_at)
    after = SetAfter(agent.presence_set_after) if agent.presence_set_after else None
    steps.change_presence(agent, agent.presence, set_by=set_by, actor=SYSTEM, now=now, after=after)
