"""Who was chosen, and what can be done with them? What the dialogs of the Agents view print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations.reports.people import code_of, initials
from routing import selectors as routing_selectors
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
