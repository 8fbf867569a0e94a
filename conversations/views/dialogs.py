"""What do the supervisor's dialogs show? Assign, transfer, force close: a part in the page, or a page of their own.

A dialog of a verb that is refused shows the reason instead (experience.md 1: every no has a reason).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations import policy, selectors
from conversations.forms import asked_for, query_of
from conversations.models import Conversation
from conversations.policy import Facts, Switches, Verb
from conversations.reports import candidates
from conversations.reports.candidates import PAGE, AgentList, Asked
from conversations.reports.durations import running
from conversations.reports.moments import moment
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import Refusal
from supervisor_console.kernel.web import page_or_part, wants_part

PAGE_TEMPLATE = "conversations/dialogs/page.html"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried in a dialog that is shown again: what is in the way, and what had been filled in.

    ``problem`` is the sentence of what is in the way, with its ``code``; ``unconfirmed`` that cautions
    were not confirmed, ``confirmed`` those that were.
    """

    status: int = 200
    problem: str = ""
    code: str = ""
    unconfirmed: bool = False
    chosen: int | None = None
    confirmed: frozenset[str] = frozenset()
    note: str = ""


FRESH = Attempt()


class Show(Protocol):
    """Shows one dialog: as it is now, after this attempt."""

    def __call__(
        self, request: HttpRequest, actor: Actor, conversation_id: int, attempt: Attempt = FRESH
    ) -> HttpResponse: ...


def subtitle_of(conversation: Conversation) -> str:
    """Which conversation a dialog is about."""
    return _("%(subject)s · %(customer)s · %(queue)s") % {
        "subject": conversation.subject,
        "customer": conversation.customer.name,
        "queue": conversation.queue.name,
    }


@dataclass(frozen=True, slots=True)
class _Open:
    """A dialog that is being made: the conversation and what the rules say about the verb."""

    request: HttpRequest
    actor: Actor
    conversation: Conversation
    facts: Facts
    switches: Switches
    attempt: Attempt

    def render(self, part: str, context: Mapping[str, Any]) -> HttpResponse:
        """The dialog with what all of them have in common."""
        status = self.attempt.status
        common = {
            "conversation": self.conversation,
            "subtitle": subtitle_of(self.conversation),
            "attempt": self.attempt,
            "back_url": reverse("conversations:conversation", args=[self.conversation.pk]),
            "in_dialog": wants_part(self.request),
            "part": part,
            "note_max": policy.NOTE_MAX,
        }
        return page_or_part(self.request, PAGE_TEMPLATE, part, common | dict(context), status=status)


def _dialog(verb: Verb) -> Callable[[Callable[[_Open], HttpResponse]], Show]:
    """Makes the dialog of a verb; where the verb is refused, the one that says why not."""

    def begin(fill: Callable[[_Open], HttpResponse]) -> Show:
        @wraps(fill)
        def show(request: HttpRequest, actor: Actor, conversation_id: int, attempt: Attempt = FRESH) -> HttpResponse:
            conversation = selectors.get_visible(actor, conversation_id)
            facts = selectors.facts(conversation, selectors.pending_offer(conversation))
            switches = selectors.switches()
            dialog = _Open(request, actor, conversation, facts, switches, attempt)
            refusal = policy.why_not(verb, actor, facts, switches)
            return fill(dialog) if refusal is None else _refused(dialog, verb, refusal)

        return show

    return begin


TITLES: Mapping[Verb, str | Promise] = {
    Verb.MONITOR: gettext_lazy("Monitor conversation"),
    Verb.ASSIGN: gettext_lazy("Assign conversation"),
    Verb.TRANSFER: gettext_lazy("Transfer conversation"),
    Verb.FORCE_CLOSE: gettext_lazy("Force close conversation"),
}
ICONS: Mapping[Verb, str] = {
    Verb.MONITOR: "eye",
    Verb.ASSIGN: "user-plus",
    Verb.TRANSFER: "arrow-right-left",
    Verb.FORCE_CLOSE: "circle-x",
}
INSTEAD: Mapping[str, Verb] = {
    policy.TRANSFER_OPEN.code: Verb.ASSIGN,
    policy.NO_AGENT.code: Verb.ASSIGN,
    policy.ALREADY_ASSIGNED.code: Verb.TRANSFER,
}
"""The verb that a refusal suggests, so that it is one click away."""


def _refused(dialog: _Open, verb: Verb, refusal: Refusal) -> HttpResponse:
    if refusal.code == policy.STATE_CLOSED.code and verb == Verb.FORCE_CLOSE:
        refusal = closed_by(dialog.conversation) or refusal
    other = INSTEAD.get(refusal.code)
    if other is None and verb == Verb.ASSIGN and dialog.facts.phase == policy.Phase.WAITING:
        other = Verb.TRANSFER
    possible = other is not None and policy.why_not(other, dialog.actor, dialog.facts, dialog.switches) is None
    context = {
        "title": TITLES[verb],
        "icon": ICONS[verb],
        "refusal": refusal,
        "other_url": verb_url(other, dialog.conversation.pk) if other is not None and possible else "",
        "other_label": TITLES[other] if other is not None else "",
        "cancel_url": reverse("conversations:cancel_transfer", args=[dialog.conversation.pk])
        if refusal.code == policy.TRANSFER_PENDING.code
        else "",
    }
    return dialog.render("conversations/dialogs/_refused.html", context)


def closed_by(conversation: Conversation) -> Refusal | None:
    """Who closed a conversation and when, as the answer to a second force close (domain.md 3.7)."""
    change = selectors.last_change(conversation)
    if conversation.closed_at is None or change is None:
        return None
    return policy.already_closed(change.actor_name, moment(conversation.closed_at, clock.now()))


def verb_url(verb: Verb, conversation_id: int) -> str:
    """The address of a verb."""
    return reverse(f"conversations:{verb.value}", args=[conversation_id])


# --- assign and transfer -----------------------------------------------------------------------------------


@_dialog(Verb.ASSIGN)
def assign_to_agent(dialog: _Open) -> HttpResponse:
    """The Agent tab of Assign (domain.md 3.5)."""
    conversation = dialog.conversation
    asked = _asked(dialog)
    found = candidates.assignable(conversation, asked, switches=dialog.switches, now=clock.now())
    url = verb_url(Verb.ASSIGN, conversation.pk)
    context = _agents_context(conversation, asked, found, url, Verb.ASSIGN) | {
        "tabs": _tabs(conversation, "agent"),
        "queue_choices": candidates.queue_choices(conversation),
        "allowed": candidates.presence_names(conversation.workstream.allowed_presences),
        "submit_label": _("Assign"),
        "overrides": True,
    }
    return dialog.render("conversations/dialogs/_agents.html", context)


@_dialog(Verb.TRANSFER)
def transfer(dialog: _Open) -> HttpResponse:
    """The members of the current queue who could take over (domain.md 3.6)."""
    conversation = dialog.conversation
    asked = _asked(dialog)
    found = candidates.transferable(conversation, asked, facts=dialog.facts, now=clock.now())
    url = verb_url(Verb.TRANSFER, conversation.pk)
    context = _agents_context(conversation, asked, found, url, Verb.TRANSFER) | {
        "explanation": _transfer_explanation(dialog.facts),
        "submit_label": _("Request transfer"),
    }
    return dialog.render("conversations/dialogs/_agents.html", context)


def _transfer_explanation(facts: Facts) -> str:
    if facts.phase == policy.Phase.IN_CONVERSATION:
        return _(
            "The agent you choose is asked to accept. Until then %(agent)s keeps the conversation, "
            "and stays in it as a consultant afterwards."
        ) % {"agent": facts.agent_name}
    if facts.phase == policy.Phase.OFFERED:
        return _("The offer to %(agent)s is withdrawn, and the agent you choose is asked to accept.") % {
            "agent": facts.agent_name
        }
    return _("The agent you choose is asked to accept. Until then the conversation stays as it is.")


def _agents_context(conversation: Conversation, asked: Asked, found: AgentList, url: str, verb: Verb) -> dict[str, Any]:
    def link(changed: Asked) -> str:
        return f"{url}?{query_of(changed)}"

    remedies = found.emptied.remedies if found.emptied is not None else ()
    more = replace(asked, limit=asked.limit + PAGE)
    others = replace(asked, others=not asked.others)
    return {
        "title": TITLES[verb],
        "icon": ICONS[verb],
        "verb": verb.value,
        "url": url,
        "action_url": link(asked),
        "asked": asked,
        "found": found,
        "skill_choices": candidates.skill_choices(conversation),
        "presence_choices": candidates.presence_choices(),
        "remedies": [{"label": remedy.label, "url": link(remedy.asked)} for remedy in remedies],
        "more_url": link(more) if found.hidden else "",
        "others_url": link(others) if found.others and not asked.text else "",
    }


def _asked(dialog: _Open) -> Asked:
    """The filters of the address, or those sent along with an attempt; the one who was chosen stays chosen."""
    sent = dialog.request.POST if "q" in dialog.request.POST else dialog.request.GET
    asked = asked_for(sent, Asked(queue_id=dialog.conversation.queue_id))
    return asked if dialog.attempt is FRESH else replace(asked, chosen=dialog.attempt.chosen)


def _tabs(conversation: Conversation, current: str) -> list[dict[str, object]]:
    url = verb_url(Verb.ASSIGN, conversation.pk)
    return [
        {"label": _("Agent"), "url": url, "current": current == "agent"},
        {"label": _("Queue"), "url": f"{url}?tab=queue", "current": current == "queue"},
    ]


@_dialog(Verb.ASSIGN)
def assign_to_queue(dialog: _Open) -> HttpResponse:
    """The Queue tab of Assign (domain.md 3.5)."""
    conversation = dialog.conversation
    context = {
        "title": TITLES[Verb.ASSIGN],
        "icon": ICONS[Verb.ASSIGN],
        "tabs": _tabs(conversation, "queue"),
        "url": reverse("conversations:assign_to_queue", args=[conversation.pk]),
        "queues": candidates.queues(conversation, now=clock.now()),
        "type_label": conversation.kind.queue_type.label,
    }
    return dialog.render("conversations/dialogs/_queues.html", context)


# --- force close -----------------------------------------------------------------------------------------------


@_dialog(Verb.FORCE_CLOSE)
def force_close(dialog: _Open) -> HttpResponse:
    """The question before a force close: whose, how old, and that it cannot be undone (domain.md 3.7)."""
    context = {
        "title": TITLES[Verb.FORCE_CLOSE],
        "icon": ICONS[Verb.FORCE_CLOSE],
        "url": verb_url(Verb.FORCE_CLOSE, dialog.conversation.pk),
        "age": running(dialog.conversation.created_at, clock.now()),
        "caution": policy.FORCE_CLOSE_CAUTION,
        "reason_required": dialog.switches.force_close_reason_required,
    }
    return dialog.render("conversations/dialogs/_force_close.html", context)
