"""What can the list of agents be asked for? Its filters, and how agents are found by them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from conversations.models import Conversation
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, Queue, Skill

PAGE = 20
"""How many agents a dialog shows at first, and how many more each time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the supervisor asked the list of agents for; the address of the dialog holds it.

    A search text looks through all agents, whatever their queue. ``outside`` is the presence
    override, ``others`` shows those who cannot be chosen too, ``chosen`` stays in the list.
    """

    text: str = ""
    queue_id: int | None = None
    skill_id: int | None = None
    base: str = ""
    outside: bool = False
    others: bool = False
    limit: int = PAGE
    chosen: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a filter."""

    value: str
    label: str


def population(asked: Asked, queue: Queue | None) -> QuerySet[Agent]:
    """Whom the filters look through: those a search text finds, otherwise the queue's members."""
    if asked.text:
        names = routing_selectors.agents().values_list("pk", "user__first_name", "user__last_name", "user__username")
        words = plain(asked.text).split()
        found = [row[0] for row in names if all(word in plain(" ".join(row[1:])) for word in words)]
        return routing_selectors.agents().filter(pk__in=found)
    if queue is not None:
        return routing_selectors.members(queue)
    return routing_selectors.agents()


def filtered(agents: QuerySet[Agent], asked: Asked) -> QuerySet[Agent]:
    if asked.skill_id is not None:
        agents = agents.filter(agent_skills__skill=asked.skill_id)
    if asked.base:
        agents = agents.filter(presence__base=asked.base)
    return agents


def plain(text: str) -> str:
    """A text without case and accents, so that «zan» finds «Žan» on every database."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def queue_choices(conversation: Conversation) -> list[Choice]:
    """The queues whose members the list can be narrowed to: those of the conversation's type."""
    rows = Queue.objects.filter(type=conversation.kind.queue_type).order_by("name", "pk")
    return [Choice(str(queue.pk), queue.name) for queue in rows]


def skill_choices(conversation: Conversation) -> list[Choice]:
    """Every skill, those that the conversation asks for first."""
    asked = Count("pk", filter=Q(pk__in=conversation.required_skills.values("skill")))
    rows = Skill.objects.annotate(asked=asked).order_by("-asked", "type", "name", "pk")
    return [Choice(str(skill.pk), skill.name) for skill in rows]


def presence_choices() -> list[Choice]:
    """The five base presences, which filters always use (domain.md 1.3)."""
    return [Choice(value, str(label)) for value, label in BasePresence.choices]


def presence_names(bases: Iterable[str]) -> str:
    """The allowed presences in words."""
    names = [str(BasePresence(base).label) for base in BasePresence.values if base in bases]
    return (_(" or ")).join(names)
