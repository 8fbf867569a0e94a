"""What does an agent see of one conversation? What was said, who is in it, what they can do, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations import legs, policy, selectors
from conversations.models import (
    AssignReason,
    Conversation,
    Mode,
    Offer,
    Participant,
    State,
    StateReason,
    SupervisorSettings,
    Visibility,
)
from conversations.policy import PERSISTS, Facts, Phase
from conversations.reports import call, handling
from conversations.reports.call import Line as CallLine
from conversations.reports.desk import status_of, unread_counts
from conversations.reports.durations import handle, wait
from conversations.reports.handling import Counted
from conversations.reports.moments import moment
from conversations.reports.parts import Button, ComposerMode, Fact
from conversations.reports.transcript import Line, earlier, lines
from routing.models import Agent, BasePresence, Channel, ChannelKind
from routing.selectors import terms_of
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import Refusal

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LINES_SHOWN = 200
"""Most lines of a transcript that are shown unasked."""

INTERNAL_FIRST = gettext_lazy("Write to the customer? They read every public line.")


@dataclass(frozen=True, slots=True)
class Banner:
    """What one must know before anything else; ``tone`` is a class of ``.mode``."""

    tone: str
    icon: str
    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Composer:
    """Where the agent writes; a ``refusal`` locks it and says why."""

    url: str
    modes: tuple[ComposerMode, ...]
    placeholder: str
    refusal: Refusal | None = None
    confirm_public: str | _StrPromise = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the conversation whom agents may know of."""

    name: str
    role: str
    icon: str


@dataclass(frozen=True, slots=True)
class DeskConversation:
    """One conversation at the desk."""

    id: int
    subject: str
    customer: str
    status: str
    status_label: str
    channel: str
    channel_label: str
    sentiment: int
    sentiment_label: str
    lines: tuple[Line, ...]
    earlier: int
    unread: int
    banners: tuple[Banner, ...]
    buttons: tuple[Button, ...]
    composer: Composer
    facts: tuple[Fact, ...]
    counted: tuple[Counted, ...]
    call: tuple[CallLine, ...]
    people: tuple[Person, ...]
    is_live: bool


@dataclass(frozen=True, slots=True)
class _View:
    """What the parts below look at."""

    actor: Actor
    agent: Agent
    row: Conversation
    facts: Facts
    offer: Offer | None
    part: Participant | None
    settings: SupervisorSettings
    now: datetime

    @property
    def is_primary(self) -> bool:
        """Whether the conversation is the agent's and accepted."""
        return self.row.agent_id == self.agent.pk and self.facts.phase in (Phase.IN_CONVERSATION, Phase.WRAP_UP)

    @property
    def is_consultant(self) -> bool:
        """Whether the agent consults in it."""
        return self.part is not None and self.part.mode == Mode.CONSULT

    @property
    def is_offered_to_me(self) -> bool:
        """Whether the agent has an offer of it to answer."""
        return self.offer is not None and self.offer.agent_id == self.agent.pk


def conversation(actor: Actor, agent: Agent, row: Conversation, now: datetime, *, all_lines: bool) -> DeskConversation:
    """One conversation that the actor may see (``selectors.get_visible``), as it looks from their desk.

    Monitors leave no trace in it: participants come from ``seen_by_agents`` (domain.md 3.3).
    """
    offer = selectors.pending_offer(row)
    part = selectors.participation(row, actor.user_id, Mode.PRIMARY, Mode.CONSULT)
    settings = selectors.settings_row()
    view = _View(actor, agent, row, selectors.facts(row, offer), offer, part, settings, now)
    status, status_label = status_of(row)
    said = lines(
        row, for_customer=False, viewer_user_id=actor.user_id, last=None if all_lines else LINES_SHOWN, now=now
    )
    unread = unread_counts(actor.user_id, [row.pk]).get(row.pk, 0) if actor.user_id is not None else 0
    return DeskConversation(
        id=row.pk,
        subject=row.subject,
        customer=row.customer.name,
        status=status,
        status_label=status_label,
        channel=row.channel,
        channel_label=str(Channel(row.channel).label),
        sentiment=row.sentiment,
        sentiment_label=row.get_sentiment_display() if settings.sentiment_enabled else "",
        lines=tuple(said),
        earlier=0 if all_lines else earlier(row, LINES_SHOWN),
        unread=unread,
        banners=tuple(_banners(view)),
        buttons=tuple(_buttons(view)),
        composer=_composer(view),
        facts=tuple(_facts(view)),
        counted=handling.counted(row, now),
        call=call.lines(row, now, sees_monitors=False),
        people=tuple(_people(view)),
        is_live=row.is_ongoing,
    )


# --- what they can do -----------------------------------------------------------------------------------------


def _url(name: str, row: Conversation) -> str:
    return reverse(f"conversations:{name}", args=[row.pk])


def _buttons(view: _View) -> list[Button]:
    row, facts = view.row, view.facts
    if view.is_consultant:
        return [Button("leave-consult", _("Leave"), "log-out", _url("leave_consult", row))]
    if facts.phase == Phase.OPEN:
        refusal = policy.why_not_pick(
            view.actor,
            facts.phase,
            BasePresence(view.agent.presence.base),
            allows_pick=row.workstream.is_pickable,
        )
        return [Button("pick", _("Pick"), "hand", _url("pick", row), "primary", refusal)]
    if facts.phase == Phase.WAITING:
        refusal = policy.why_not_revive(view.actor, facts)
        return [Button("revive", _("Take up again"), "undo-2", _url("revive", row), "primary", refusal)]
    return _primary_buttons(view) if view.is_primary else []


def _primary_buttons(view: _View) -> list[Button]:
    row, facts = view.row, view.facts

    def why_not(*phases: Phase) -> Refusal | None:
        return policy.why_not_own(view.actor, row.agent_id, facts.phase, *phases)

    talking = facts.phase == Phase.IN_CONVERSATION
    queue = {"queue": row.queue.name}
    end = Button(
        "end",
        _("Hang up") if facts.kind == ChannelKind.VOICE else _("End"),
        "circle-check",
        _url("end", row),
        "primary" if talking else "",
        why_not(Phase.IN_CONVERSATION),
        _("Hang up? The call ends for everybody on the line, and wrap-up begins.")
        if facts.kind == ChannelKind.VOICE
        else _("End the dialogue with the customer? Wrap-up begins, and they cannot write here any more."),
    )
    stays = facts.kind in PERSISTS
    close = Button(
        "close-session",
        _("Close session"),
        "x",
        _url("close_session", row),
        "",
        why_not(Phase.IN_CONVERSATION),
        _("Close the session? The conversation waits for the customer. It stays yours and costs no capacity.")
        if stays
        else _("Close the session without ending it? The conversation goes back to %(queue)s.") % queue,
    )
    release = Button(
        "release",
        _("Release"),
        "corner-up-left",
        _url("release", row),
        "",
        why_not(Phase.IN_CONVERSATION),
        _("Release the conversation to %(queue)s? Somebody else will continue it.") % queue,
    )
    finish = Button(
        "finish-wrap-up",
        _("Finish wrap-up"),
        "clipboard-check",
        _url("finish_wrap_up", row),
        "" if talking else "primary",
        why_not(Phase.WRAP_UP),
    )
    return [end, *_call_buttons(view), close, release, finish] if talking else [finish, end, release]


def _call_buttons(view: _View) -> list[Button]:
    """To hold a call; to take a live chat into one, and to end that one (domain.md 1.1, F73)."""
    if view.facts.kind == ChannelKind.VOICE:
        if legs.is_on_hold(view.row):
            return [Button("resume", _("Resume"), "play", _url("resume", view.row), "primary")]
        return [Button("hold", _("Hold"), "pause", _url("hold", view.row))]
    if view.facts.kind != ChannelKind.LIVE_CHAT:
        return []
    if view.facts.is_elevated:
        return [Button("end-elevation", _("End the call"), "phone-call", _url("end_elevation", view.row), "primary")]
    refusal = policy.why_not_elevate(view.actor, view.facts)
    return [
        Button(
            f"elevate-{medium.value}",
            label,
            icon,
            reverse("conversations:elevate", args=[view.row.pk, medium.value]),
            "",
            refusal,
        )
        for medium, label, icon in (
            (policy.Medium.VOICE, _("Voice"), "phone"),
            (policy.Medium.VIDEO, _("Video"), "monitor"),
        )
    ]


def _composer(view: _View) -> Composer:
    url = _url("desk_send", view.row)
    phase = view.facts.phase
    refusal = _why_not_write(view)
    internal_only = phase == Phase.WRAP_UP
    internal_first = internal_only or view.is_consultant
    internal = ComposerMode(Visibility.INTERNAL.value, _("Internal"), internal_first)
    public = ComposerMode(Visibility.PUBLIC.value, _("To the customer"), not internal_first)
    if internal_only:
        return Composer(url, (internal,), _("Write a note that only your team reads"), refusal)
    return Composer(
        url,
        (internal, public) if view.is_consultant else (public, internal),
        _("Write to %(customer)s") % {"customer": view.row.customer.name}
        if not internal_first
        else _("Write to your team"),
        refusal,
        INTERNAL_FIRST if view.is_consultant else "",
    )


def _why_not_write(view: _View) -> Refusal | None:
    if view.facts.phase == Phase.CLOSED:
        return policy.STATE_CLOSED
    if view.is_consultant or view.is_primary:
        return None
    if view.is_offered_to_me:
        return policy.ACCEPT_FIRST
    if view.facts.phase == Phase.OPEN:
        return policy.PICK_FIRST
    if view.facts.phase == Phase.WAITING:
        return policy.TAKE_UP_FIRST
    return policy.NOT_YOURS


# --- what they must know ------------------------------------------------------------------------------------------


def _banners(view: _View) -> list[Banner]:
    found = []
    if view.facts.phase == Phase.CLOSED:
        return [_closed(view)]
    if view.facts.transfer_pending and view.offer is not None and not view.is_offered_to_me:
        by = view.offer.requested_by.display_name if view.offer.requested_by is not None else ""
        names = {"name": by, "agent": view.offer.agent.name}
        keeps = view.is_primary or view.row.last_agent_id == view.agent.pk
        found.append(
            Banner(
                "joined",
                "arrow-right-left",
                _("%(name)s is transferring this conversation to %(agent)s.") % names,
                _("You keep it until they accept.") if keeps else "",
            )
        )
    if view.row.customer_left_at is not None:
        found.append(_customer_away(view.row.customer_left_at, view.settings, view.now))
    unhappy_since = view.row.agent_warned_at if view.settings.sentiment_enabled else None
    if unhappy_since is not None and view.facts.phase != Phase.WRAP_UP:
        found.append(_unhappy(view.row, unhappy_since, view.now))
    if view.facts.is_elevated and view.is_primary:
        text = _("You receive nothing else, and the chat cannot be transferred, until the call ends.")
        found.append(Banner("", "phone-call", _("In a call."), text))
    if view.is_consultant and view.part is not None:
        found.append(_consulting(view, view.part))
    if view.is_offered_to_me:
        if terms_of(view.row.workstream).assigns(is_request=view.facts.transfer_pending):
            found.append(Banner("", "bell-ring", _("This is assigned to you."), _("Open it above.")))
        else:
            found.append(Banner("", "bell-ring", _("This is offered to you."), _("Answer it above.")))
    elif view.facts.phase == Phase.OPEN:
        found.append(Banner("paused", "circle-dashed", _("Nobody has this conversation."), _("Pick it to take it.")))
    elif view.facts.phase == Phase.WAITING:
        text = _("It opens by itself when they write. Take it up again to write first.")
        found.append(Banner("paused", "hourglass", _("Waiting for the customer."), text))
    elif view.facts.phase == Phase.WRAP_UP:
        found.append(
            Banner("paused", "clipboard-check", _("The dialogue is over."), _("Only your team reads what is written."))
        )
    return found


def _customer_away(since: datetime, settings: SupervisorSettings, now: datetime) -> Banner:
    ends_at = since + timedelta(seconds=settings.customer_disconnect)
    text = _("They closed the chat or lost the connection at %(since)s. It ends at %(end)s unless they come back.")
    return Banner(
        "paused",
        "wifi-off",
        _("The customer is away."),
        text % {"since": moment(since, now), "end": moment(ends_at, now)},
    )


def _unhappy(row: Conversation, since: datetime, now: datetime) -> Banner:
    """The same words as the notice, for as long as it lasts: who takes it up later was not told (domain.md F47)."""
    said = {"customer": row.customer.name, "since": moment(since, now), "sentiment": row.get_sentiment_display()}
    return Banner(
        "warned",
        "frown",
        _("%(customer)s sounds unhappy.") % said,
        _("Since %(since)s. Now: %(sentiment)s, by their last six lines.") % said,
    )


def _consulting(view: _View, part: Participant) -> Banner:
    if part.assign_reason == AssignReason.SUPERVISOR_TRANSFER:
        title = _("%(agent)s took over. You are a consultant.") % {"agent": view.facts.agent_name or "–"}
    else:
        title = _("You are a consultant in this conversation.")
    return Banner("", "users", title, _("You hold no capacity for it, and can leave at any time."))


def _closed(view: _View) -> Banner:
    row = view.row
    at = {"time": moment(row.closed_at, view.now) if row.closed_at is not None else ""}
    if row.reason == StateReason.FORCE_CLOSED_BY_SUPERVISOR:
        change = selectors.last_change(row)
        name = {"name": change.actor_name if change is not None else _("A supervisor")}
        return Banner(
            "joined",
            "octagon-x",
            _("%(name)s force closed this conversation.") % name,
            _("Closed for everybody at %(time)s. You can still read it.") % at,
        )
    return Banner("ended", "circle-check", _("Closed at %(time)s.") % at, _("You can still read it."))


def _facts(view: _View) -> list[Fact]:
    row, now = view.row, view.now
    waited, handled = wait(row, now), handle(row, now)
    found = [Fact(_("Customer"), row.customer.name)]
    if row.customer.contact:
        found.append(Fact(_("Contact"), row.customer.contact))
    found += [
        Fact(_("Queue"), row.queue.name),
        Fact(_("Channel"), str(Channel(row.channel).label)),
        Fact(_("Wait time"), waited.text, waited.since, waited.warn, waited.urgent),
        Fact(_("Handle time"), handled.text, handled.since),
        *handling.facts(row, now),
        Fact(_("Started"), moment(row.created_at, now)),
        Fact(_("Capacity"), _("%(units)d units") % {"units": row.units}),
    ]
    return found


def _people(view: _View) -> list[Person]:
    """Who is in it, without a trace of monitors; those who were offered it but did not accept are not in it."""
    found = []
    if view.row.state not in (State.CLOSED, State.WRAP_UP):
        found.append(Person(view.row.customer.name, _("Customer"), "user"))
    for part in selectors.seen_by_agents(view.row).filter(joined_at__isnull=False):
        name = part.user.display_name
        if part.user_id == view.actor.user_id:
            name = _("%(name)s (you)") % {"name": name}
        if part.mode == Mode.PRIMARY:
            found.append(Person(name, _("Agent"), "headset"))
        elif part.assign_reason == AssignReason.AGENT_CONVERSATION_JOIN:
            found.append(Person(name, _("Supervisor, joined"), "shield"))
        else:
            found.append(Person(name, _("Consultant"), "users"))
    return found
