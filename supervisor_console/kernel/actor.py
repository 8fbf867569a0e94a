"""Who is acting: the one value that every service takes first."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """The roles a person may hold; each is a Django group of the same name (domain.md 1.3)."""

    SUPERVISOR = "Supervisor"
    AGENT = "Agent"
    ADMINISTRATOR = "Administrator"
    API_ACCESS = "API access"


class ActorKind(StrEnum):
    """What sort of actor did something; stored with every history entry."""

    PERSON = "person"
    CUSTOMER = "customer"
    BOT = "bot"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """A snapshot of who acts and what they may see, taken once per request.

    ``supervised_queue_ids`` is None for a supervisor who sees every queue, otherwise the ids of the
    queues in scope (domain.md 3.9, D13). ``agent_queue_ids`` are the queues whose open list an agent
    sees. ``name`` is what others read.
    """

    kind: ActorKind
    name: str
    user_id: int | None = None
    agent_id: int | None = None
    customer_id: int | None = None
    is_active: bool = True
    roles: frozenset[Role] = frozenset()
    supervised_queue_ids: frozenset[int] | None = field(default_factory=frozenset)
    agent_queue_ids: frozenset[int] = frozenset()

    @property
    def is_supervisor(self) -> bool:
        """True for an active person who holds the supervisor role."""
        return self.is_active and Role.SUPERVISOR in self.roles

    @property
    def is_agent(self) -> bool:
        """True for an active person who holds the agent role and has an agent profile."""
        return self.is_active and Role.AGENT in self.roles and self.agent_id is not None

    def supervises_queue(self, queue_id: int) -> bool:
        """Whether conversations of this queue are in the supervisor's scope (domain.md D13)."""
        return self.is_supervisor and (self.supervised_queue_ids is None or queue_id in self.supervised_queue_ids)


SYSTEM = Actor(kind=ActorKind.SYSTEM, name="System")
"""The product itself: timers, distribution, repairs."""


def customer_actor(customer_id: int, name: str) -> Actor:
    """The actor for a customer in their chat."""
    return Actor(kind=ActorKind.CUSTOMER, name=name, customer_id=customer_id)
