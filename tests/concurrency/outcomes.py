"""What became of those who acted at the same time, and what they left behind."""

from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from conversations import selectors
from conversations.models import Conversation, HistoryEntry
from routing.models import Agent, BasePresence, SetBy
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import ActionRefused
from tests.cast import actor_of, at, give_view_all_queues, make_user, set_presence
from tests.concurrency.together import Body, together
from tests.invariants import broken

in_both_orders = pytest.mark.parametrize("first", [0, 1], ids=["one way", "the other way"])
LATER = at(600)


def race(first: int, one: Body, other: Body) -> tuple[Any, Any]:
    """Both at once, either of them first; what became of the one and of the other."""
    if first == 0:
        outcomes = together(one, other)
        return outcomes[0], outcomes[1]
    outcomes = together(other, one)
    return outcomes[1], outcomes[0]


def did_damage(*outcomes: Any) -> bool:
    """Whether a constraint or a deadlock had to stop somebody, or rows contradict each other now."""
    return any(isinstance(outcome, IntegrityError | OperationalError) for outcome in outcomes) or broken(LATER) != []


def code_of(outcome: Any) -> str:
    """The code of a refusal; a test fails on anything else."""
    assert isinstance(outcome, ActionRefused), outcome
    return outcome.refusal.code


def stella() -> Actor:
    """A second supervisor, who sees everything too."""
    user = make_user("stella", Role.SUPERVISOR)
    give_view_all_queues(user)
    return actor_of(user)


def codes(conversation: Conversation) -> list[str]:
    return list(HistoryEntry.objects.filter(conversation=conversation).order_by("pk").values_list("code", flat=True))


def units_of(agent: Agent) -> int:
    return selectors.loads([agent.pk], LATER)[agent.pk].units


def with_one_seat(agent: Agent) -> Agent:
    """Room for one conversation; Busy by the agent's own wish, so that an offer leaves the presence alone."""
    set_presence(agent, BasePresence.BUSY, set_by=SetBy.AGENT)
    Agent.objects.filter(pk=agent.pk).update(max_units=30)
    return Agent.objects.get(pk=agent.pk)
