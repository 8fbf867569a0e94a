"""Why is the list of agents empty? The first condition that leaves nobody, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations import policy
from conversations.reports.candidates.asked import Asked, presence_names
from conversations.reports.candidates.rows import AgentRow, Work
from routing.models import Agent, Queue
from supervisor_console.kernel.errors import Kind, Refusal

OUTSIDE_PRESENCE = Refusal(
    "presence_override_off",
    gettext_lazy(
        "%(agent)s is %(presence)s, which this workstream does not allow. "
        "Switch on «Also show agents outside the allowed presences» to choose them."
    ),
    kind=Kind.INVALID,
)
"""Why an agent whom a presence override could reach is not offered before the switch is on (domain.md 3.5)."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What would fill an empty list: a label, and what to change in what was asked."""

    label: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Emptied:
    """Which condition emptied the list, and what can be done about it."""

    code: str
    title: str
    text: str = ""
    remedies: tuple[Remedy, ...] = ()


def why_empty(
    work: Work, asked: Asked, queue: Queue | None, population: QuerySet[Agent], cannot: list[AgentRow]
) -> Emptied:
    """The first condition that leaves nobody, in the order in which they are applied."""
    if not population.exists():
        return _nobody_at_all(asked, queue)
    if not cannot:
        return _nobody_after_filters(asked, population)
    return _nobody_eligible(work, asked, queue, cannot)


def _nobody_at_all(asked: Asked, queue: Queue | None) -> Emptied:
    if asked.text:
        title = _("No agent is called «%(text)s».") % {"text": asked.text}
        clear = Remedy(_("Clear the search"), replace(asked, text=""))
        return Emptied("search", title, _("The search looks through the names of all agents."), (clear,))
    if queue is not None:
        everybody = Remedy(_("Show agents of all queues"), replace(asked, queue_id=None))
        return Emptied(
            "queue",
            _("%(queue)s has no members.") % {"queue": queue.name},
            _("An administrator can add agents to the queue."),
            (everybody,),
        )
    return Emptied("nobody", _("Nobody has the agent role."), _("An administrator can give it to people."))


def _nobody_after_filters(asked: Asked, population: QuerySet[Agent]) -> Emptied:
    without_skill = Remedy(_("Clear the skill filter"), replace(asked, skill_id=None))
    without_base = Remedy(_("Clear the presence filter"), replace(asked, base=""))
    if asked.skill_id is not None and not population.filter(agent_skills__skill=asked.skill_id).exists():
        return Emptied("skill", _("Nobody here has this skill."), "", (without_skill,))
    if asked.skill_id is not None:
        text = _("Somebody has the skill, but in another presence.")
        return Emptied("presence", _("Nobody with this skill is in this presence now."), text, (without_base,))
    return Emptied("presence", _("Nobody here is in this presence now."), "", (without_base,))


def _nobody_eligible(work: Work, asked: Asked, queue: Queue | None, cannot: list[AgentRow]) -> Emptied:
    number = len(cannot)
    look = Remedy(_("Show them with the reasons"), replace(asked, others=True))
    remedies = () if asked.others or asked.text else (look,)
    if queue is not None and asked.queue_id is not None and not asked.text:
        remedies = (Remedy(_("Show agents of all queues"), replace(asked, queue_id=None)), *remedies)
    codes = {row.refusal.code for row in cannot if row.refusal is not None}
    if OUTSIDE_PRESENCE.code in codes:
        override = Remedy(_("Also show agents outside the allowed presences"), replace(asked, outside=True))
        return _presence_emptied(work, number, (override, *remedies), "")
    if policy.AGENT_PRESENCE.code in codes:
        return _presence_emptied(work, number, remedies, _("Ask somebody to change their presence."))
    if codes == {policy.AGENT_OFFLINE.code}:
        text = _("An administrator can allow it: Offline agents can be assigned.")
        title = ngettext("The only agent here is offline.", "All %(number)d agents here are offline.", number)
        return Emptied("offline", title % {"number": number}, text, remedies)
    if codes == {policy.AGENT_IS_PRIMARY.code} and queue is not None:
        text = _("An administrator can add agents to the queue.")
        return Emptied("queue", _("%(queue)s has no other members.") % {"queue": queue.name}, text, remedies)
    title = ngettext("The only agent here cannot be chosen.", "None of the %(number)d agents can be chosen.", number)
    return Emptied("nobody_eligible", title % {"number": number}, "", remedies)


def _presence_emptied(work: Work, number: int, remedies: tuple[Remedy, ...], text: str) -> Emptied:
    title = ngettext(
        "The only agent here is not %(presences)s.", "None of the %(number)d agents is %(presences)s.", number
    )
    words = {"number": number, "presences": presence_names(sorted(work.allowed))}
    return Emptied("allowed_presence", title % words, text, remedies)
