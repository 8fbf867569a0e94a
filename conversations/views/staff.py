"""What does a supervisor change about people? One address per verb, for one or many: each has an outcome of their own.

A POST calls the service once for each agent, in a transaction of its own; a refusal of one does not stop the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from conversations.reports.agents.chosen import (
    AGENTS_MAX,
    NOBODY_SELECTED,
    Chosen,
    chosen,
    how_many,
    outcome_rows,
    queue_choices,
)
from conversations.reports.agents.rows import agent_url
from conversations.reports.params import number
from conversations.reports.people import presence_choices
from conversations.services import attendance
from conversations.views.access import supervisors
from routing.policy.staffing import NO_QUEUE_CHOSEN
from routing.services import presence, staffing
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.bulk import Outcome, each
from supervisor_console.kernel.errors import Kind, NotVisible, Refusal, require
from supervisor_console.kernel.web import STATUS, page_or_part, toast, trigger, wants_part

PAGE = "conversations/agents/dialog.html"

TOO_MANY = Refusal(
    "too_many_agents",
    gettext_lazy("At most %(most)d agents can be changed at once. Select fewer."),
    {"most": AGENTS_MAX},
    kind=Kind.INVALID,
)
NO_PRESENCE = Refusal(
    "no_presence_chosen", gettext_lazy("Choose a presence first. Nothing was changed."), kind=Kind.INVALID
)

dialog_methods = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class _Dialog:
    """A verb for some people, as a dialog in the page or as a page of its own."""

    request: HttpRequest
    verb: str
    title: str
    icon: str
    people: Sequence[Chosen]
    asked: Sequence[int]

    def show(self, part: str, context: Mapping[str, Any], problem: Refusal | None = None) -> HttpResponse:
        """The question; after a refusal of the whole, with the reason."""
        status = STATUS[problem.kind] if problem is not None else 200
        return self._render(f"conversations/agents/{part}.html", {**context, "problem": problem}, status)

    def answer(self, outcomes: Sequence[Outcome], text: str) -> HttpResponse:
        """All done: a toast and the way back. Otherwise what came of it for each of them."""
        if all(one.is_done for one in outcomes):
            if wants_part(self.request):
                return trigger(toast(HttpResponse(status=204), text, code=self.verb), "dialog:close")
            messages.success(self.request, text, extra_tags=self.verb)
            return redirect(self.back_url)
        names = {one.id: one.name for one in self.people}
        done = sum(one.is_done for one in outcomes)
        refused = next(one.refusal for one in outcomes if one.refusal is not None)
        context = {
            "outcomes": outcome_rows(outcomes, names),
            "summary": ngettext(
                "Done for %(done)d of %(n)d agent.", "Done for %(done)d of %(n)d agents.", len(outcomes)
            )
            % {"done": done, "n": len(outcomes)},
        }
        response = self._render("conversations/agents/_outcomes.html", context, 200 if done else STATUS[refused.kind])
        return trigger(response, "live:all")

    @property
    def back_url(self) -> str:
        return agent_url(self.asked[0]) if len(self.asked) == 1 else reverse("conversations:agents")

    def _render(self, part: str, context: Mapping[str, Any], status: int) -> HttpResponse:
        common = {
            "part": part,
            "title": self.title,
            "icon": self.icon,
            "subtitle": how_many(self.people),
            "people": self.people,
            "url": self.request.path,
            "back_url": self.back_url,
            "in_dialog": wants_part(self.request),
        }
        return page_or_part(self.request, PAGE, part, {**common, **context}, status=status)


def _open(request: HttpRequest, actor: Actor, verb: str, title: str, icon: str) -> _Dialog:
    """Who was chosen; raises ``ActionRefused`` for nobody and for too many, ``NotVisible`` where nobody is in scope."""
    sent: QueryDict = request.POST if request.method == "POST" else request.GET
    ids = list(dict.fromkeys(pk for value in sent.getlist("agent") if (pk := number(value)) is not None))
    require(NOBODY_SELECTED if not ids else TOO_MANY if len(ids) > AGENTS_MAX else None)
    people = chosen(actor, ids)
    if not people:
        raise NotVisible
    return _Dialog(request, verb, title, icon, people, ids)


def _say(people: Sequence[Chosen], one: str, many: Callable[[int], str]) -> str:
    return one if len(people) == 1 else many(len(people))


@dialog_methods
@supervisors
def set_presence(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Set the presence of these agents; the work that they have stays (domain.md 1.3)."""
    dialog = _open(request, actor, "presence_set", _("Set presence"), "user-check")
    choices = presence_choices()
    if request.method != "POST":
        return dialog.show("_presence", {"choices": choices})
    chosen_id = number(request.POST.get("presence", ""))
    label = next((choice.label for choice in choices if choice.value == chosen_id), "")
    if chosen_id is None:
        return dialog.show("_presence", {"choices": choices}, NO_PRESENCE)
    outcomes = each(dialog.asked, lambda pk: presence.set_presence(actor, pk, presence_id=chosen_id))
    names = {"agents": how_many(dialog.people), "presence": label}
    return dialog.answer(outcomes, _("Presence of %(agents)s: %(presence)s.") % names)


@dialog_methods
@supervisors
def reset_presence(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Let the presence of these agents follow from their work again, after a missed or rejected offer (4.3)."""
    dialog = _open(request, actor, "presence_reset", _("Reset presence"), "undo-2")
    if request.method != "POST":
        return dialog.show("_reset", {})
    outcomes = each(dialog.asked, lambda pk: attendance.reset_presence(actor, pk))
    return dialog.answer(outcomes, _("Presence of %(agents)s reset.") % {"agents": how_many(dialog.people)})


@dialog_methods
@supervisors
def change_queues(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Add these agents to queues and take them out of others; the work that they have stays (F55)."""
    dialog = _open(request, actor, "queues_changed", _("Edit queues"), "layers")
    add, remove = _asked_queues(request.POST, "add"), _asked_queues(request.POST, "remove")
    if request.method != "POST" or not add | remove:
        context = {"queues": queue_choices(actor, dialog.people)}
        return dialog.show("_queues", context, NO_QUEUE_CHOSEN if request.method == "POST" else None)
    outcomes = each(dialog.asked, lambda pk: staffing.change_queues(actor, pk, add=add, remove=remove))
    return dialog.answer(outcomes, _("Queues of %(agents)s changed.") % {"agents": how_many(dialog.people)})


def _asked_queues(sent: QueryDict, wanted: str) -> frozenset[int]:
    """The queues of the fields ``queue-<id>`` for which this was asked."""
    ids = (number(name.removeprefix("queue-")) for name, values in sent.lists() if wanted in values)
    return frozenset(pk for pk in ids if pk is not None)
