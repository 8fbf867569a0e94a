"""What did the supervisor's dialogs send? Parsed, never judged: whether it may be done is the services' answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TypedDict

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from conversations.policy import NOTE_MAX
from conversations.reports.candidates import PAGE, Asked
from conversations.reports.params import clean_search, number
from routing.models import BasePresence

ID_MAX = 2**63 - 1
VERSION_MAX = 2**31 - 1
LIMIT_MAX = 10_000


class Sent(TypedDict):
    """What every service of a dialog takes."""

    version: int
    confirmed: frozenset[str]
    note: str


class ActionForm(forms.Form):
    """What every dialog sends: the version it showed, a note, and the cautions that were confirmed."""

    data: QueryDict

    version = forms.IntegerField(min_value=1, max_value=VERSION_MAX)
    note = forms.CharField(required=False, max_length=NOTE_MAX)

    target_name = ""
    """The field that says whom or what was chosen."""

    def confirmed(self) -> frozenset[str]:
        """The codes of the cautions confirmed for what was chosen.

        A caution is confirmed for one choice only: the name of its box carries the id, so that a box
        ticked for one agent says nothing about the next.
        """
        chosen = f"-{self.cleaned_data.get(self.target_name)}" if self.target_name else ""
        return frozenset(self.data.getlist(f"confirmed{chosen}"))

    def sent(self) -> Sent:
        """What was sent, for the service; of a valid form only."""
        known = self.cleaned_data
        return Sent(version=known["version"], confirmed=self.confirmed(), note=known["note"])


class AgentForm(ActionForm):
    """Assign and transfer: to an agent."""

    target_name = "agent"
    agent = forms.IntegerField(
        min_value=1,
        max_value=ID_MAX,
        error_messages={"required": _("Choose an agent first."), "invalid": _("Choose an agent from the list.")},
    )


class QueueForm(ActionForm):
    """Assign to a queue."""

    target_name = "queue"
    queue = forms.IntegerField(
        min_value=1,
        max_value=ID_MAX,
        error_messages={"required": _("Choose a queue first."), "invalid": _("Choose a queue from the list.")},
    )


# --- the filters of the agents' list, in the address ---------------------------------------------------


def asked_for(query: QueryDict, preset: Asked) -> Asked:
    """What the address asks the list for; what it does not name, or cannot be understood, is as preset."""
    base = query.get("presence", "")
    return replace(
        preset,
        text=clean_search(query.get("q", "")),
        queue_id=number(query.get("queue", "")) if "queue" in query else preset.queue_id,
        skill_id=number(query.get("skill", "")),
        base=base if base in BasePresence.values else "",
        outside=query.get("outside") == "1",
        others=query.get("others") == "1",
        limit=max(PAGE, min(number(query.get("limit", "")) or PAGE, LIMIT_MAX)),
        chosen=number(query.get("agent", "")),
    )


def query_of(asked: Asked, **changes: str) -> str:
    """The query string that asks the same."""
    query = QueryDict(mutable=True)
    query["queue"] = str(asked.queue_id) if asked.queue_id is not None else ""
    for name, value in (
        ("q", asked.text),
        ("skill", str(asked.skill_id or "")),
        ("presence", asked.base),
        ("outside", "1" if asked.outside else ""),
        ("others", "1" if asked.others else ""),
        ("limit", str(asked.limit) if asked.limit != PAGE else ""),
        ("agent", str(asked.chosen or "")),
    ):
        if value:
            query[name] = value
    for name, value in changes.items():
        query[name] = value
    return query.urlencode()
