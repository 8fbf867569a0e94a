"""How is a person shown? Initials for the avatar, and the presence as the components know it."""

from __future__ import annotations

from routing.models import Agent, Presence


def initials(name: str) -> str:
    """One or two capitals for an avatar."""
    words = name.split()
    return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper() if words else "?"


def presence_code(agent: Agent | None) -> str:
    """The presence of an agent as components know it; empty where there is no agent."""
    return code_of(agent.presence) if agent is not None else ""


def code_of(presence: Presence) -> str:
    """The base presence, dnd for Do not disturb, inactive apart."""
    if presence.is_inactive:
        return "inactive"
    return "dnd" if presence.base == "busy_dnd" else presence.base
