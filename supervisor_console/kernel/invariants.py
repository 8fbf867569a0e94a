"""What must hold over all data: a rule, what breaks it, and over how much of the data it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Model, QuerySet

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

CHUNK = 1000
"""How many rows are in memory at a time, however many there are."""

GRACE = timedelta(minutes=1)
"""How long after its time something due may still wait for the background work, which looks every second."""

SKEW = timedelta(seconds=5)
"""By how much the clocks of two processes may differ."""

Row = Mapping[str, Any]
Ids = frozenset[int] | range
M = TypeVar("M", bound=Model)


class About(StrEnum):
    """What a rule speaks of; the ids of its violations are of this."""

    CONVERSATION = "conversation"
    AGENT = "agent"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is asked: at which time, and of which rows; of all where no ids are given, a set of them or a range.

    ``with_closed`` asks the rules about what is over, too: they read every conversation there ever was.
    """

    now: datetime
    conversation_ids: Ids | None = None
    agent_ids: Ids | None = None
    with_closed: bool = True

    def narrow(self, rows: QuerySet[M], conversation: str) -> QuerySet[M]:
        """These rows, of the conversations that are asked about; ``conversation`` is the field of their id."""
        return _among(rows, conversation, self.conversation_ids)

    def narrow_agents(self, rows: QuerySet[M], agent: str) -> QuerySet[M]:
        """These rows, of the agents who are asked about."""
        return _among(rows, agent, self.agent_ids)


def _among(rows: QuerySet[M], field: str, ids: Ids | None) -> QuerySet[M]:
    if ids is None:
        return rows
    if isinstance(ids, range):
        return rows.filter(**{f"{field}__gte": ids.start, f"{field}__lt": ids.stop})
    return rows.filter(**{f"{field}__in": ids})


@dataclass(frozen=True, slots=True)
class Rule:
    """One invariant: a stable code, a sentence for what breaks it, and how that is found.

    ``find`` gives a row for each violation, with the id under ``about`` and what the sentence needs.
    ``needs`` says of what it reads: rules that speak of what is over are asked only where that is wanted.
    A deadline is a rule about time that passed without anything having been done.
    """

    code: str
    about: About
    text: _StrPromise
    find: Callable[[Scope], Iterable[Row]]
    is_repairable: bool = True
    is_deadline: bool = False
    reads_closed: bool = False

    def violations(self, scope: Scope) -> Iterator[Violation]:
        """What breaks this rule, one after the other."""
        if self.reads_closed and not scope.with_closed:
            return
        for row in self.find(scope):
            params = {key: value for key, value in row.items() if key != "about"}
            yield Violation(self, row["about"], params)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be."""

    rule: Rule
    id: int
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The stable code of the rule."""
        return self.rule.code

    @property
    def about(self) -> About:
        """Of what the id is."""
        return self.rule.about

    @property
    def sentence(self) -> str:
        """What is wrong, in the active language; it names the conversation, agent or person."""
        return str(self.rule.text) % self.params

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"


def streamed(rows: QuerySet[Any, Any]) -> Iterator[Any]:
    """The rows, read piece by piece."""
    return rows.iterator(chunk_size=CHUNK)
