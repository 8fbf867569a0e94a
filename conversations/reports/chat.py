"""What does a customer see of their chat? Public lines, who is there, and honestly what is going on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations import selectors
from conversations.models import (
    AssignReason,
    Conversation,
    LegState,
    Message,
    Mode,
    SenderKind,
    State,
    StateReason,
    Visibility,
)
from conversations.policy import PERSISTS
from conversations.reports.call import customers_state
from conversations.reports.people import initials
from conversations.reports.transcript import Line, lines
from routing.models import ChannelKind
from supervisor_console.kernel.actor import Actor

LINES_SHOWN = 300
"""Most lines of a chat that are shown."""

CHATS_SHOWN = 5
"""Most ongoing chats that a returning customer is reminded of."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is going on, where the transcript alone does not say it; ``since`` runs."""

    text: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat as its customer sees it. ``ended`` is a sentence once nothing can be written any more."""

    public_id: UUID
    title: str
    initials: str
    with_whom: str
    lines: tuple[Line, ...]
    state: Situation | None
    ended: str
    can_end: bool
    can_ask_person: bool
    is_in_call: bool
    is_call: bool
    line_state: str
    name: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """An ongoing chat that a returning customer can go back to."""

    public_id: UUID
    subject: str


def get_own(actor: Actor, public_id: UUID) -> Conversation | None:
    """The customer's chat with this public id, or None where it is not theirs or does not exist."""
    return selectors.visible(actor).select_related("customer", "agent__user").filter(public_id=public_id).first()


def ongoing(actor: Actor) -> list[Earlier]:
    """The customer's chats in which they can still write, latest first."""
    rows = (
        selectors.visible(actor)
        .filter(state__in=[State.OPEN, State.ACTIVE, State.WAITING], channel__in=["live_chat", "persistent_chat"])
        .order_by("-last_activity_at", "-pk")
    )
    return [Earlier(row.public_id, row.subject) for row in rows[:CHATS_SHOWN]]


def chat(row: Conversation, now: datetime) -> Chat:
    """One chat for its customer: no internal line, no monitor, no agent-side state (domain.md 1.3, 3.3)."""
    over = row.state in (State.WRAP_UP, State.CLOSED)
    agent, others = ("", []) if over else _people(row)
    is_call = row.kind == ChannelKind.VOICE
    line = customers_state(row) if is_call and not over else None
    title = agent or (_("Call with us") if is_call else _("Chat with us"))
    return Chat(
        public_id=row.public_id,
        title=title,
        initials=initials(agent) if agent else "",
        with_whom=_("answers automatically") if row.is_with_bot else _with_whom(agent, others),
        lines=tuple(lines(row, for_customer=True, viewer_user_id=None, last=LINES_SHOWN, now=now)),
        state=None if over else _call_state(row, line, agent) if is_call else _state(row),
        ended=_ended(row) if over else "",
        is_in_call=row.is_elevated,
        is_call=is_call,
        line_state=line.value if line is not None else "",
        can_ask_person=row.is_with_bot,
        can_end=not over and row.kind not in PERSISTS,
        name=row.customer.name,
    )


def _people(row: Conversation) -> tuple[str, list[str]]:
    """The agent, and who else has joined; one who was only offered it is not there yet."""
    agent, others = "", []
    for part in selectors.seen_by_agents(row).filter(joined_at__isnull=False):
        if part.mode == Mode.PRIMARY:
            agent = part.user.display_name
        elif part.assign_reason == AssignReason.AGENT_CONVERSATION_JOIN:
            others.append(_("%(name)s (supervisor)") % {"name": part.user.display_name})
        else:
            others.append(part.user.display_name)
    return agent, others


def _with_whom(agent: str, others: list[str]) -> str:
    """What follows the agent's name in the head; without an agent, who else is there."""
    if not others:
        return _("is with you") if agent else ""
    names = {"names": get_text_list(others, _("and"))}
    if agent:
        text = ngettext("is with you, and so is %(names)s", "is with you, and so are %(names)s", len(others))
    else:
        text = ngettext("%(names)s is here", "%(names)s are here", len(others))
    return text % names


def _call_state(row: Conversation, line: LegState | None, agent: str) -> Situation | None:
    """What the customer hears, in words: it rings, somebody talks, or they are on hold."""
    if line == LegState.ON_HOLD:
        return Situation(_("You are on hold. %(agent)s will be back.") % {"agent": agent or _("Somebody")})
    if line == LegState.TALKING:
        return Situation(_("You are connected."), row.accepted_at.isoformat() if row.accepted_at else "")
    if row.accepted_at is not None:
        return Situation(
            _("Please hold the line, somebody else will continue with you."), row.state_changed_at.isoformat()
        )
    since = row.first_wait_started_at
    return Situation(_("It rings. We are looking for somebody for you."), since.isoformat() if since else "")


def _state(row: Conversation) -> Situation | None:
    if row.is_elevated:
        return Situation(_("You are in a call. You can go on writing here."))
    if row.state == State.WAITING:
        return Situation(_("You can write here at any time; we will see it and answer."))
    if row.state == State.OPEN or row.is_offered:
        if row.accepted_at is None and row.first_wait_started_at is not None:
            return Situation(_("We are looking for somebody for you."), row.first_wait_started_at.isoformat())
        return Situation(_("Somebody else will continue with you in a moment."), row.state_changed_at.isoformat())
    return None


def _ended(row: Conversation) -> str:
    """Who ended it, in the words of the line that said so."""
    by_customer = {StateReason.CUSTOMER_MOVED_TO_WRAP_UP, StateReason.CUSTOMER_LEFT_OPEN}
    if row.reason == StateReason.FORCE_CLOSED_BY_SUPERVISOR:
        return _("A supervisor ended this conversation.")
    ending = (
        Message.objects.filter(
            conversation=row,
            sender_kind=SenderKind.SYSTEM,
            visibility=Visibility.PUBLIC,
            code__in=["agent_ended", "bot_ended", "customer_ended", "customer_left", "auto_closed", "call_limit"],
        )
        .order_by("-pk")
        .first()
    )
    if ending is not None and ending.code == "customer_left":
        return _("You were away for too long, so this chat was ended.")
    if row.kind == ChannelKind.VOICE:
        return _("You hung up.") if row.reason in by_customer else _("The call is over.")
    if row.reason in by_customer or (ending is not None and ending.code.startswith("customer")):
        return _("You ended this chat.")
    if ending is not None and ending.code == "bot_ended":
        return _("This chat is over. You can start a new one at any time.")
    if ending is not None and ending.code == "agent_ended":
        return _("%(agent)s ended this chat.") % {"agent": ending.params.get("agent", _("We"))}
    return _("This chat is over, because nothing was written for a long time.")
