"""How is a person shown? Initials for the avatar, the presence as components know it, and the ones to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from routing.models import Agent, BasePresence, Presence


def initials(name: str) -> str:
    """One or two capitals for an avatar; words that begin with a bracket or another sign are passed over."""
    words = [word for word in name.split() if word[0].isalnum()]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "?"


def presence_code(agent: Agent | None) -> str:
    """The presence of an agent as components know it; empty where there is no agent."""
    return code_of(agent.presence) if agent is not None else ""


def code_of(presence: Presence) -> str:
    """The base presence, dnd for Do not disturb, inactive apart."""
    if presence.is_inactive:
        return "inactive"
    return "dnd" if presence.base == "busy_dnd" else presence.base


@dataclass(frozen=True, slots=True)
class PresenceChoice:
    """A presence that people can choose."""

    value: int
    code: str
    label: str


def presence_choices() -> tuple[PresenceChoice, ...]:
    """The presences that people can choose: by their base, those of the product before the own ones. One query."""
    order = {base: place for place, base in enumerate(BasePresence.values)}
    found = [one for one in Presence.objects.all() if one.is_selectable]
    found.sort(key=lambda one: (order[one.base], not one.is_system, one.name))
    return tuple(PresenceChoice(one.pk, code_of(one), one.name) for one in found)
