"""Who was chosen, and what can be done with them? What the dialogs of the Agents view print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations.reports.people import code_of, initials
from routing import selectors as routing_selectors
from routing.models import QueueMembership
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.bulk import Outcome
from supervisor_console.kernel.errors import Kind, Refusal

AGENTS_MAX = 200
"""So many can be changed by one form: four pages of them."""

NOBODY_SELECTED = Refusal("nobody_selected", gettext_lazy("Select an agent first."), kind=Kind.INVALID)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Somebody who was chosen, with the presence they have now."""

    id: int
    name: str
    initials: str
    presence: str
    presence_label: str


@dataclass(frozen=True, slots=True)
class QueueChoice:
    """A queue to add the chosen to, or to take them out of; ``belong`` says in words how many are in it."""

    id: int
    name: str
    belong: str
    can_add: bool
    can_remove: bool


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What came of it for one of them: done, or a code and a sentence."""

    name: str
    code: str = ""
    text: str = ""


def chosen(actor: Actor, ids: Iterable[int]) -> list[Chosen]:
    """Those of these agents whom the actor supervises, by name. One query."""
    found = routing_selectors.supervised(actor).filter(pk__in=list(ids))
    people = [
        Chosen(one.pk, one.name, initials(one.name), code_of(one.presence), str(one.presence.name)) for one in found
    ]
    return sorted(people, key=lambda one: (one.name.casefold(), one.id))


def queue_choices(actor: Actor, people: Sequence[Chosen]) -> list[QueueChoice]:
    """The queues whose members the actor chooses, by name, with how many of these people belong. Two queries."""
    inside = QueueMembership.objects.filter(agent__in=[one.id for one in people])
    number = Counter(inside.values_list("queue", flat=True))
    names = routing_selectors.supervised_queues(actor).order_by("name", "pk").values_list("pk", "name")
    return [
        QueueChoice(pk, name, _belong(number[pk], len(people)), number[pk] < len(people), number[pk] > 0)
        for pk, name in names
    ]


def _belong(number: int, of: int) -> str:
    if of == 1:
        return _("belongs to it") if number else _("does not belong to it")
    return _("%(number)d of %(of)d belong to it") % {"number": number, "of": of}


def how_many(people: Sequence[Chosen]) -> str:
    """The name of one, the number of several."""
    if len(people) == 1:
        return people[0].name
    return ngettext("%(n)d agent", "%(n)d agents", len(people)) % {"n": len(people)}


def outcome_rows(outcomes: Iterable[Outcome], names: Mapping[int, str]) -> list[OutcomeRow]:
    """What came of it for each: those who were refused first, for they want reading."""
    rows = [
        OutcomeRow(
            names.get(one.id, _("Somebody who is not there any more")),
            one.refusal.code if one.refusal else "",
            one.refusal.sentence if one.refusal else "",
        )
        for one in outcomes
    ]
    return sorted(rows, key=lambda row: (not row.code, row.name.casefold()))
