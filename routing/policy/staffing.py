"""May an agent be put into these queues and taken out of those? Pure (domain.md 1.2, 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from supervisor_console.kernel.errors import Kind, Refusal

NO_QUEUE_CHOSEN = Refusal(
    "no_queue_chosen", _("Choose a queue to add or to take away. Nothing was changed."), kind=Kind.INVALID
)
QUEUE_OUT_OF_SCOPE = Refusal(
    "queue_out_of_scope",
    _("One of these queues is not among those that you supervise. Open the dialog again and choose from there."),
    kind=Kind.FORBIDDEN,
)


@dataclass(frozen=True, slots=True)
class Membership:
    """A queue as it concerns one agent: whether they belong to it, and how many others who take work do."""

    name: str
    is_default: bool
    is_in_scope: bool
    is_member: bool
    others: int


def why_not_change_queues(
    agent: str, add: frozenset[int], remove: frozenset[int], queues: Mapping[int, Membership]
) -> Refusal | None:
    """Why this agent cannot be added to ``add`` and taken out of ``remove``.

    What is so already is no hindrance as long as something changes. Nobody takes out the last member: what
    waits there, and what comes, would reach nobody.
    """
    if not add | remove:
        return NO_QUEUE_CHOSEN
    if any(pk not in queues or not queues[pk].is_in_scope for pk in add | remove):
        return QUEUE_OUT_OF_SCOPE
    if both := add & remove:
        return Refusal(
            "queue_added_and_removed",
            _("Add to %(queue)s or take away from it, not both. Nothing was changed."),
            {"queue": _names(both, queues)},
            kind=Kind.INVALID,
        )
    if default := frozenset(pk for pk in add | remove if queues[pk].is_default):
        return Refusal(
            "queue_is_default",
            _("Everybody belongs to %(queue)s. Choose other queues."),
            {"queue": _names(default, queues)},
            kind=Kind.INVALID,
        )
    leaving = frozenset(pk for pk in remove if queues[pk].is_member)
    if not leaving and all(queues[pk].is_member for pk in add):
        return Refusal(
            "queues_unchanged", _("%(agent)s is where you wanted them already. Nothing was changed."), {"agent": agent}
        )
    if emptied := frozenset(pk for pk in leaving if not queues[pk].others):
        return Refusal(
            "last_member",
            _("%(agent)s is the last member of %(queue)s: its work would reach nobody. Add somebody else first."),
            {"agent": agent, "queue": _names(emptied, queues)},
        )
    return None


def _names(ids: frozenset[int], queues: Mapping[int, Membership]) -> str:
    return ", ".join(sorted((queues[pk].name for pk in ids), key=str.casefold))
