"""May the presence of an agent be reset, to the one that follows from their work? Pure (domain.md 4.3)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from routing.models.presence import SetBy
from supervisor_console.kernel.errors import Refusal


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agent's presence came about, and whether they have left every screen."""

    agent: str
    presence: str
    set_by: SetBy
    needs_reset: bool
    has_left: bool


def why_not_reset(standing: Standing) -> Refusal | None:
    """Why this presence is not reset: nobody is there, it follows from the work already, or it is the agent's choice.

    What a missed or rejected offer set, and what a supervisor set, can be reset.
    """
    about = {"agent": standing.agent, "presence": standing.presence}
    if standing.has_left:
        return Refusal(
            "agent_has_left",
            _("%(agent)s has left every screen. Reset their presence when they are back."),
            about,
        )
    if standing.needs_reset or standing.set_by == SetBy.SUPERVISOR:
        return None
    if standing.set_by == SetBy.AGENT:
        return Refusal(
            "presence_own_choice",
            _("%(agent)s chose %(presence)s themselves, so there is nothing to reset. Set another presence instead."),
            about,
        )
    return Refusal(
        "presence_needs_no_reset",
        _("%(agent)s is %(presence)s, as their work has it. Nothing was changed."),
        about,
    )
