"""How is the answer to «why is this not assigned?» shown? A headline, and a line for each agent (domain.md P3, P23)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.models import Conversation
from conversations.reports.diagnosis import Diagnosis, Verdict, why_unassigned
from conversations.reports.people import initials
from routing.policy import Remedy

AT_ONCE = 6
"""Agents whose reason is shown unasked; the others unfold."""


@dataclass(frozen=True, slots=True)
class WhyLine:
    """One agent: the sentence that excludes them, and where it is changed. No ``code`` means they are asked next."""

    name: str
    initials: str
    text: str
    code: str
    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Why:
    """What the page prints; ``tone`` is the callout's: good, info, warn or crit."""

    tone: str
    icon: str
    title: str
    text: str
    first: tuple[WhyLine, ...]
    more: tuple[WhyLine, ...]
    others: str


def why(row: Conversation, now: datetime) -> Why:
    """Why an open conversation has no agent at this moment; a fixed number of queries."""
    found = why_unassigned(row, now)
    tone, icon, title, text = _headline(found)
    lines = tuple(_line(verdict, row.pk) for verdict in found.members)
    return Why(tone, icon, title, text, lines[:AT_ONCE], lines[AT_ONCE:], _others(found))


def _headline(found: Diagnosis) -> tuple[str, str, str, str]:
    able = len(found.able)
    if found.needs_supervisor:
        reason = found.refusal.sentence if found.refusal is not None else ""
        text = reason or _("Nobody in the queue can be offered it until something below is changed, or you assign it.")
        return "crit", "triangle-alert", _("Needs a supervisor"), text
    if found.refusal is not None:
        return "info", "info", _("Not offered by itself"), found.refusal.sentence
    if able:
        text = ngettext(
            "%(count)d agent can be offered it now; the first is %(agent)s.",
            "%(count)d agents can be offered it now; the first is %(agent)s.",
            able,
        ) % {"count": able, "agent": found.able[0].name}
        return "good", "circle-check", _("About to be offered"), text
    return (
        "warn",
        "clock",
        _("Waits for an agent"),
        _("Nobody can be offered it now. It is offered to the first who can."),
    )


def _line(verdict: Verdict, conversation_id: int) -> WhyLine:
    if verdict.refusal is None:
        return WhyLine(verdict.name, initials(verdict.name), _("Can be offered it now."), "", "", "")
    url, label = _way_out(verdict, conversation_id)
    return WhyLine(verdict.name, initials(verdict.name), verdict.refusal.sentence, verdict.refusal.code, url, label)


def _way_out(verdict: Verdict, conversation_id: int) -> tuple[str, str]:
    """Where a supervisor changes it: the agent's page, or their conversations; empty where they cannot."""
    match verdict.remedy:
        case Remedy.ASSIGN:
            return reverse("conversations:assign", args=[conversation_id]), _("Assign")
        case Remedy.RESET_PRESENCE:
            return f"{reverse('conversations:agents_reset')}?agent={verdict.agent_id}", _("Reset presence")
        case Remedy.SET_PRESENCE | Remedy.ADD_TO_QUEUE:
            return reverse("conversations:agent", args=[verdict.agent_id]), _("Agent")
        case Remedy.FREE_CAPACITY:
            return f"{reverse('conversations:ongoing')}?agent={verdict.agent_id}", _("Their conversations")
    return "", ""


def _others(found: Diagnosis) -> str:
    if not found.others:
        return ""
    said = ngettext(
        "%(count)d agent is not a member of this queue.",
        "%(count)d agents are not members of this queue.",
        found.others,
    ) % {"count": found.others}
    if not found.others_able:
        return said
    able = ngettext(
        "%(count)d of them could be offered it as a member, or you assign it to them.",
        "%(count)d of them could be offered it as members, or you assign it to them.",
        found.others_able,
    ) % {"count": found.others_able}
    return f"{said} {able}"
