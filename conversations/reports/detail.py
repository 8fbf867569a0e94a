"""What does a supervisor see of one conversation? Facts, mode, people, what can be done, and what was said.

**Who reads along.** Opening a page is not monitoring: it leaves no record, so it shows no dialogue. The transcript
is shown while one monitors, has joined or takes part; where there is nobody to watch, because no agent has accepted
the conversation (open, offered); and once it is closed. Otherwise the page shows facts and timeline, and says
«Monitor to read along».
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from conversations import policy, selectors
from conversations.models import (
    AssignReason,
    Conversation,
    Mode,
    Offer,
    Participant,
    StateReason,
)
from conversations.policy import Facts, Phase, Switches, Verb
from conversations.reports import call, candidates, handling, moods
from conversations.reports.call import Line as CallLine
from conversations.reports.candidates import AgentRow
from conversations.reports.durations import handle, running, wait
from conversations.reports.handling import Counted
from conversations.reports.moments import moment
from conversations.reports.moods import Series
from conversations.reports.parts import Button, ComposerMode, Fact
from conversations.reports.rows import status_of
from conversations.reports.timeline import Timeline, timeline
from conversations.reports.transcript import Line, earlier, lines
from conversations.reports.why import Why, why
from routing.models import Agent, Channel
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import Refusal

LINES_SHOWN = 200
"""Most lines that the page shows unasked."""

PANEL_LINES = 12
"""Lines in the side panel."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The mode of the one who looks, as ``components/_mode_banner.html`` prints it."""

    mode: str
    title: str
    text: str
    actions: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the conversation. ``code`` is what they are; only supervisors know of one who ``is_unseen``."""

    code: str
    name: str
    role: str
    icon: str
    since: str
    is_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for an agent's answer, until when, and how to take it back (a transfer only)."""

    text: str
    until_iso: str
    cancel: Button | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One conversation for the page and for the side panel. ``lines`` is None where one does not read along."""

    id: int
    version: int
    url: str
    panel_url: str
    subject: str
    customer: str
    channel: str
    channel_label: str
    queue: str
    status: str
    status_label: str
    sentiment: int
    sentiment_label: str
    facts: tuple[Fact, ...]
    counted: tuple[Counted, ...]
    call: tuple[CallLine, ...]
    needs: tuple[str, ...]
    agent: AgentRow | None
    is_last_agent: bool
    people: tuple[Person, ...]
    pending: Pending | None
    banner: Banner
    buttons: tuple[Button, ...]
    monitor: Button
    join: Button
    leave: Button | None
    lines: tuple[Line, ...] | None
    earlier: int
    modes: tuple[ComposerMode, ...]
    writing_refusal: Refusal | None
    why_not_writing: str
    timeline: Timeline | None
    moods: Series | None
    why: Why | None


@dataclass(frozen=True, slots=True)
class _View:
    """What the parts below look at."""

    actor: Actor
    row: Conversation
    facts: Facts
    switches: Switches
    offer: Offer | None
    part: Participant | None
    now: datetime

    @property
    def mode(self) -> Mode | None:
        """How the actor takes part now."""
        return Mode(self.part.mode) if self.part is not None else None

    @property
    def reads_along(self) -> bool:
        """Whether the transcript is shown (see above)."""
        return self.part is not None or self.facts.phase in (Phase.OPEN, Phase.OFFERED, Phase.CLOSED)


def for_page(actor: Actor, conversation: Conversation, *, everything: bool, now: datetime) -> Detail:
    """The conversation's page: the transcript and the timeline; ``everything`` shows also what is long past."""
    view = _view(actor, conversation, now)
    return _detail(view, None if everything else LINES_SHOWN, timeline(conversation, everything=everything, now=now))


def for_panel(actor: Actor, conversation: Conversation, *, now: datetime) -> Detail:
    """The side panel of the report: the same with the last lines, and without the timeline."""
    return _detail(_view(actor, conversation, now), PANEL_LINES, None)


def _view(actor: Actor, row: Conversation, now: datetime) -> _View:
    offer = selectors.pending_offer(row)
    part = selectors.participation(row, actor.user_id, *Mode)
    return _View(actor, row, selectors.facts(row, offer), selectors.switches(), offer, part, now)


def _detail(view: _View, last: int | None, history: Timeline | None) -> Detail:
    row = view.row
    status, status_label = status_of(row)
    sentiment, sentiment_label = moods.shown(row.sentiment, is_on=view.switches.sentiment, alone=True)
    said, hidden = _said(view, last)
    holder, is_last = _holder(row)
    refusal = _why_not_write(view)
    monitor, join = _verb_button(view, Verb.MONITOR), _join(view)
    return Detail(
        id=row.pk,
        version=row.version,
        url=reverse("conversations:conversation", args=[row.pk]),
        panel_url=reverse("conversations:panel", args=[row.pk]),
        subject=row.subject,
        customer=row.customer.name,
        channel=row.channel,
        channel_label=str(Channel(row.channel).label),
        queue=row.queue.name,
        status=status,
        status_label=status_label,
        sentiment=sentiment,
        sentiment_label=sentiment_label,
        facts=tuple(_facts(view)),
        counted=handling.counted(row, view.now) if history is not None else (),
        call=call.lines(row, view.now, sees_monitors=True),
        needs=candidates.needs(row),
        agent=candidates.holder(row, holder, view.now) if holder is not None else None,
        is_last_agent=is_last,
        people=tuple(_people(view)),
        pending=_pending(view),
        banner=_banner(view),
        buttons=tuple(_verb_button(view, verb) for verb in Verb),
        monitor=monitor,
        join=join,
        leave=_post("leave", _("Leave"), "log-out", row.pk) if view.mode == Mode.CONSULT else None,
        lines=said,
        earlier=hidden,
        modes=_modes(view),
        writing_refusal=refusal,
        why_not_writing=_what_first(monitor, join) or (refusal.sentence if refusal is not None else ""),
        timeline=history,
        moods=moods.series(row, view.now) if history is not None and view.switches.sentiment else None,
        why=why(row, view.now) if view.facts.phase == Phase.OPEN else None,
    )


# --- what was said ----------------------------------------------------------------------------------------------


def _said(view: _View, last: int | None) -> tuple[tuple[Line, ...] | None, int]:
    if not view.reads_along:
        return None, 0
    found = lines(view.row, for_customer=False, viewer_user_id=view.actor.user_id, last=last, now=view.now)
    return tuple(found), earlier(view.row, last) if last is not None else 0


def _modes(view: _View) -> tuple[ComposerMode, ...]:
    """Internal first and chosen (domain.md 3.4); public only while the dialogue goes on."""
    internal = ComposerMode("internal", _("Internal"), True)
    if view.facts.phase in (Phase.IN_CONVERSATION, Phase.WAITING):
        return internal, ComposerMode("public", _("Public"), False)
    return (internal,)


def _why_not_write(view: _View) -> Refusal | None:
    """Why the composer is locked; a monitor joins before they write (domain.md 3.3)."""
    if view.facts.phase == Phase.CLOSED:
        return policy.STATE_CLOSED
    if view.mode == Mode.CONSULT:
        return None
    return policy.OWN_CONVERSATION if view.mode == Mode.PRIMARY else policy.NOT_IN_IT


def _what_first(monitor: Button, join: Button) -> str:
    """What stands between the reader and the composer: to join, or why one cannot even monitor."""
    if join.refusal is None:
        return _("Join the conversation to write: the agent reads you, and the customer if you choose so.")
    first = monitor.refusal if join.refusal.code == policy.NOT_MONITORING.code else None
    return (first or join.refusal).sentence


# --- mode, verbs ----------------------------------------------------------------------------------------------


def _banner(view: _View) -> Banner:
    stop = _post("stop_monitoring", _("Stop monitoring"), "eye-off", view.row.pk)
    if view.facts.phase == Phase.CLOSED:
        return Banner("ended", _("Closed"), _closed(view))
    if view.mode == Mode.MONITOR and view.facts.phase in (Phase.OPEN, Phase.OFFERED):
        text = _("Nobody has this conversation right now. It resumes when an agent accepts.")
        return Banner("paused", _("Monitoring paused"), text, (stop,))
    if view.mode == Mode.MONITOR:
        return Banner("monitoring", _("Monitoring"), _("Nobody in this conversation sees you."), (stop,))
    if view.mode == Mode.CONSULT:
        seen = _("The customer and the agent see you.")
        if view.facts.phase not in (Phase.IN_CONVERSATION, Phase.WAITING):
            seen = _("The agent sees you. The dialogue with the customer is over.")
        leave = _post("leave", _("Leave"), "log-out", view.row.pk)
        return Banner("joined", _("Joined"), seen, (leave,))
    if view.mode == Mode.PRIMARY:
        return Banner("idle", _("Your own conversation"), _("Open it at your desk to write and to end it."))
    if view.facts.phase in (Phase.OPEN, Phase.OFFERED):
        return Banner(
            "idle", _("Not monitoring"), _("No agent has this conversation yet, so there is nobody to watch.")
        )
    return Banner("idle", _("Not monitoring"), _("You see the facts and the timeline. Monitor to read along."))


def _closed(view: _View) -> str:
    row = view.row
    at = {"time": moment(row.closed_at, view.now) if row.closed_at is not None else "–"}
    if row.reason == StateReason.FORCE_CLOSED_BY_SUPERVISOR:
        change = selectors.last_change(row)
        name = change.actor_name if change is not None else "–"
        return _("%(name)s force closed it at %(time)s. The transcript can only be read.") % {"name": name, **at}
    return _("Since %(time)s. The transcript can only be read.") % at


def _verb_button(view: _View, verb: Verb) -> Button:
    label, icon, kind = {
        Verb.MONITOR: (_("Monitor"), "eye", ""),
        Verb.ASSIGN: (_("Assign"), "user-plus", ""),
        Verb.TRANSFER: (_("Transfer"), "arrow-right-left", ""),
        Verb.FORCE_CLOSE: (pgettext("action", "Force close"), "circle-x", "danger"),
    }[verb]
    refusal = policy.why_not(verb, view.actor, view.facts, view.switches)
    if refusal is None and verb == Verb.MONITOR and view.part is not None:
        refusal = policy.ALREADY_MONITORING if view.mode == Mode.MONITOR else policy.ALREADY_JOINED
    return Button(
        verb=verb.value,
        label=label,
        icon=icon,
        url=reverse(f"conversations:{verb.value}", args=[view.row.pk]),
        method="post" if verb == Verb.MONITOR else "dialog",
        kind=kind,
        refusal=refusal,
    )


def _join(view: _View) -> Button:
    is_monitoring = view.mode == Mode.MONITOR
    refusal = policy.why_not_join(view.actor, view.facts, view.switches, is_monitoring=is_monitoring)
    if view.mode == Mode.CONSULT and view.facts.phase != Phase.CLOSED:
        refusal = policy.ALREADY_JOINED
    url = reverse("conversations:join", args=[view.row.pk])
    return Button("join", _("Join conversation"), "users", url, kind="primary", refusal=refusal)


def _post(verb: str, label: str, icon: str, conversation_id: int) -> Button:
    return Button(verb, label, icon, reverse(f"conversations:{verb}", args=[conversation_id]))


def _pending(view: _View) -> Pending | None:
    offer = view.offer
    if offer is None:
        return None
    if view.facts.transfer_pending:
        by = offer.requested_by.display_name if offer.requested_by is not None else "–"
        text = _("%(name)s asked %(agent)s to take over.") % {"name": by, "agent": offer.agent.name}
        cancel = _post("cancel_transfer", _("Cancel pending transfer"), "undo-2", view.row.pk)
        refusal = policy.why_not_cancel_transfer(view.actor, view.facts)
        return Pending(text, offer.expires_at.isoformat(), replace(cancel, refusal=refusal))
    told = selectors.is_told(view.row)
    text = _("Assigned to %(agent)s, not opened yet.") if told else _("Offered to %(agent)s.")
    return Pending(text % {"agent": offer.agent.name}, offer.expires_at.isoformat(), None)


# --- facts and people ---------------------------------------------------------------------------------------------


def _facts(view: _View) -> Iterator[Fact]:
    row, now = view.row, view.now
    waited, handled = wait(row, now), handle(row, now)
    yield Fact(_("Wait time"), waited.text, waited.since, waited.warn, waited.urgent)
    yield Fact(_("Handle time"), handled.text, handled.since)
    yield from handling.facts(row, now)
    if row.unanswered_since is not None and row.is_ongoing:
        unanswered = running(row.unanswered_since, now)
        yield Fact(_("Unanswered"), unanswered.text, unanswered.since)
    else:
        yield Fact(_("Unanswered"), "–")
    if row.customer_left_at is not None:
        away = running(row.customer_left_at, now)
        yield Fact(_("Customer away"), away.text, away.since, warn=60)
    if row.is_ongoing:
        since = running(row.state_changed_at, now)
        yield Fact(_("In this status"), since.text, since.since)
    yield Fact(_("Customer"), row.customer.name)
    if row.customer.contact:
        yield Fact(_("Contact"), row.customer.contact)
    yield Fact(_("Channel"), str(Channel(row.channel).label))
    yield Fact(_("Queue"), row.queue.name)
    yield Fact(_("Workstream"), row.workstream.name)
    yield Fact(_("Status reason"), str(StateReason(row.reason).label))
    yield Fact(_("Started"), moment(row.created_at, now))
    yield Fact(_("Capacity cost"), ngettext("%(units)d unit", "%(units)d units", row.units) % {"units": row.units})
    if row.transfer_count:
        yield Fact(_("Transfers"), str(row.transfer_count))
    if row.is_elevated and row.is_ongoing:
        yield Fact(_("In a call"), _("Voice or video"))


def _holder(row: Conversation) -> tuple[Agent | None, bool]:
    """The agent the report shows, and whether it is only the last one (domain.md 2.5, 2)."""
    if row.agent is not None:
        return row.agent, False
    return (row.last_agent, True) if row.shown_last_agent_id is not None else (None, False)


def _people(view: _View) -> Iterator[Person]:
    """Everybody in it now, monitors too: this page is for supervisors (domain.md 3.3)."""
    if view.facts.phase not in (Phase.CLOSED, Phase.WRAP_UP):
        is_away = view.row.customer_left_at is not None
        role, icon = (_("Customer, away"), "wifi-off") if is_away else (_("Customer"), "user")
        yield Person("customer", view.row.customer.name, role, icon, "")
    told = selectors.is_told(view.row)
    for part in selectors.live_participants(view.row):
        name = part.user.display_name
        if part.user_id == view.actor.user_id:
            name = _("%(name)s (you)") % {"name": name}
        code, role, icon = _role(part, told=told)
        if part.mode == Mode.PRIMARY and view.facts.agent_is_bot:
            code, role, icon = "bot", _("Bot"), "bot"
        yield Person(code, name, role, icon, moment(part.added_at, view.now), part.mode == Mode.MONITOR)


def _role(part: Participant, *, told: bool) -> tuple[str, str, str]:
    if part.mode == Mode.MONITOR:
        return "monitor", _("Monitors, unseen"), "eye"
    if part.mode == Mode.PRIMARY and part.joined_at is None:
        return "offered", _("Assigned, not yet opened") if told else _("Offered, not yet accepted"), "bell-ring"
    if part.mode == Mode.PRIMARY:
        return "primary", _("Agent"), "headset"
    if part.assign_reason == AssignReason.AGENT_CONVERSATION_JOIN:
        return "joined", _("Supervisor, joined"), "shield"
    return "consult", _("Consultant"), "users"
