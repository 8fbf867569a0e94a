"""What lies on an agent's desk? Offers, the own conversations, the open list, presence and load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db.models import Count, F, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations import policy, selectors
from conversations.models import (
    OFFERED_REASONS,
    Conversation,
    Message,
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    SenderKind,
    State,
)
from conversations.policy import Phase
from conversations.reports.durations import RESTING, Clock, clock_text, queue_wait, running, wait
from conversations.reports.moments import moment
from conversations.reports.people import PresenceChoice, code_of, presence_choices
from routing.models import Agent, BasePresence, Channel, PresenceChange, SetAfter, SetBy, Workstream
from routing.policy import SESSION_LIMIT, Terms, why_not_reject
from routing.selectors import terms_of
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import Refusal

OPEN_SHOWN = 50
"""Most rows of the open list that are shown; the longest waiting come first."""


@dataclass(frozen=True, slots=True)
class Me:
    """Presence and load of the agent, always in sight. ``set_by`` says who set the presence and when."""

    code: str
    label: str
    since_iso: str
    since_text: str
    set_by: str
    choices: tuple[PresenceChoice, ...]
    used: int
    maximum: int


@dataclass(frozen=True, slots=True)
class OfferField:
    """One line of an offer; ``since`` is an ISO start where the value runs."""

    label: str
    value: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class OfferCard:
    """An offer as ``components/_offer.html`` prints it; an empty ``reject_url`` means no Reject.

    Where the agent is told rather than asked, ``reject_refusal`` says so; ``hint`` what happens when the time is over.
    """

    id: int
    kind: str
    title: str
    fields: tuple[OfferField, ...]
    note: str
    from_iso: str
    until_iso: str
    seconds_text: str
    accept_url: str
    accept_label: str
    reject_url: str
    reject_label: str
    reject_refusal: Refusal | None = None
    shows_countdown: bool = True
    notify: str = ""
    hint: str = ""
    version: None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One conversation in a list. ``clock`` runs; ``clock_label`` says what it counts."""

    id: int
    url: str
    subject: str
    customer: str
    queue: str
    channel: str
    channel_label: str
    status: str
    status_label: str
    sentiment: int
    sentiment_label: str
    clock: Clock
    clock_label: str
    unread: int = 0
    pick_url: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Own conversations of one sort."""

    code: str
    label: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class OpenList:
    """The open conversations of the agent's queues: the longest waiting, and how many there are in all."""

    items: tuple[Item, ...]
    count: int

    @property
    def hidden(self) -> int:
        """How many are not shown."""
        return self.count - len(self.items)


GROUP_LABELS: Mapping[str, object] = {
    "active": gettext_lazy("Active"),
    "consult": gettext_lazy("As a consultant"),
    "wrap_up": gettext_lazy("Wrap-up"),
    "waiting": gettext_lazy("Waiting"),
}


def own_agent(actor: Actor) -> Agent:
    """The agent profile of the actor, with person and presence."""
    return Agent.objects.select_related("user", "presence").get(pk=cast(int, actor.agent_id))


def me(agent: Agent, now: datetime) -> Me:
    """Presence, since when and set by whom, the presences to choose from, and units used and greatest (1.3, 1.4)."""
    load = selectors.loads([agent.pk], now)[agent.pk]
    return Me(
        code=code_of(agent.presence),
        label=agent.presence.name,
        since_iso=agent.presence_since.isoformat(),
        since_text=clock_text(now - agent.presence_since),
        set_by=_("Set by %(who)s at %(time)s") % {"who": _set_by(agent), "time": moment(agent.presence_since, now)},
        choices=presence_choices(),
        used=load.units,
        maximum=agent.max_units,
    )


def _set_by(agent: Agent) -> str:
    words = {SetBy.AGENT: _("you"), SetBy.SUPERVISOR: _("a supervisor"), SetBy.SYSTEM: _("the system")}
    who = words[SetBy(agent.presence_set_by)]
    if not agent.presence_set_after:
        return who
    return _("%(who)s after %(what)s") % {"who": who, "what": SetAfter(agent.presence_set_after).label}


# --- a presence that others set ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """Why the agent is offered nothing though they did not choose so, and since when; ``resets`` by one button."""

    code: str
    title: str
    text: str
    since: Clock
    at_text: str
    resets: bool = True


def held(agent: Agent, now: datetime) -> Held | None:
    """What holds the presence of this agent, if anything does (domain.md 4.3). One query at most.

    Missed and rejected offers, a presence that keeps work away and that a supervisor set, and more conversations than
    a desk shows: that one passes by itself.
    """
    about = {"presence": agent.presence.name}
    text = _("Your presence is %(presence)s, so nothing new is offered to you until you reset it.") % about
    if agent.needs_reset:
        titles = {SetAfter.MISSED: _("You missed an offer."), SetAfter.REJECTED: _("You rejected an offer.")}
        code, title = agent.presence_set_after, titles[SetAfter(agent.presence_set_after)]
    elif agent.presence_set_by == SetBy.SUPERVISOR and agent.presence.base not in TAKES_WORK:
        stay = PresenceChange.objects.filter(agent=agent, ended_at=None).select_related("set_by_user").first()
        who = stay.set_by_user if stay is not None else None
        name = who.display_name if who is not None else _("A supervisor")
        code, title = "by_supervisor", _("%(name)s set your presence to %(presence)s.") % {"name": name, **about}
        text = _("Nothing new is offered to you where it is not allowed. Reset it when you take work again.")
    elif agent.presence.base == BasePresence.BUSY_DND and agent.presence_set_by == SetBy.SYSTEM:
        have = selectors.loads([agent.pk], now)[agent.pk].conversations
        if have <= SESSION_LIMIT:
            return None
        code, title = "session_limit", _("You have more conversations than a desk shows.")
        text = _("Nothing new is offered to you until you have %(most)d or fewer; now it is %(have)d.") % {
            "most": SESSION_LIMIT,
            "have": have,
        }
    else:
        return None
    since, at_text = running(agent.presence_since, now), moment(agent.presence_since, now)
    return Held(code, title, text, since, at_text, resets=code != "session_limit")


TAKES_WORK = (BasePresence.AVAILABLE, BasePresence.BUSY)
"""Presences that do not last: the next conversation changes them (domain.md 1.3)."""


# --- offers -------------------------------------------------------------------------------------------------


def offers(agent: Agent, now: datetime) -> list[OfferCard]:
    """What is held out to the agent, the one that runs out first on top (domain.md 4.1, 4.2)."""
    rows = (
        Offer.objects.filter(agent=agent, status=OfferStatus.PENDING, expires_at__gt=now)
        .select_related("conversation__customer", "conversation__queue", "conversation__workstream", "requested_by")
        .select_related("conversation__agent__user", "conversation__last_agent__user")
        .order_by("expires_at", "pk")
    )
    return [_offer(row, now) for row in rows]


def _offer(offer: Offer, now: datetime) -> OfferCard:
    conversation = offer.conversation
    stream, is_request = conversation.workstream, offer.kind == OfferKind.TRANSFER
    terms = terms_of(stream)
    waited = wait(conversation, now)
    assigned = terms.assigns(is_request=is_request)
    return OfferCard(
        id=offer.pk,
        kind=_offer_kind(offer),
        title=conversation.subject,
        fields=(
            OfferField(_("Customer"), conversation.customer.name),
            OfferField(_("Queue"), conversation.queue.name),
            OfferField(_("Channel"), str(Channel(conversation.channel).label)),
            OfferField(_("Waited so far"), waited.text, waited.since),
        ),
        note=offer.note,
        from_iso=offer.offered_at.isoformat(),
        until_iso=offer.expires_at.isoformat(),
        seconds_text=clock_text(offer.expires_at - now),
        accept_url=reverse("conversations:accept", args=[offer.pk]),
        accept_label=_("Open") if assigned else stream.accept_label or _("Accept"),
        reject_url=reverse("conversations:reject", args=[offer.pk]) if terms.offers_reject else "",
        reject_label=stream.reject_label or _("Reject"),
        reject_refusal=why_not_reject(terms, is_request=is_request) if terms.offers_reject else None,
        shows_countdown=stream.shows_countdown,
        notify=stream.desktop_notification,
        hint=_hint(terms, is_request=is_request),
    )


def _hint(terms: Terms, *, is_request: bool) -> str:
    """In sight, not only behind the button that is not possible: what cannot be rejected, and what opens by itself."""
    if terms.accepts(is_request=is_request):
        return _("It cannot be rejected, and opens by itself when the time is over.")
    return _("It cannot be rejected.") if terms.assigns(is_request=is_request) else ""


def _offer_kind(offer: Offer) -> str:
    who = offer.requested_by.display_name if offer.requested_by is not None else ""
    if offer.kind == OfferKind.TRANSFER:
        holder = offer.conversation.agent or offer.conversation.last_agent
        if holder is not None:
            return _("Transfer from %(agent)s, asked for by %(who)s") % {"agent": holder.name, "who": who}
    if who:
        return _("Assigned to you by %(who)s") % {"who": who}
    if offer.conversation.workstream.auto_assigns:
        return _("Assigned to you")
    return str(OfferKind(offer.kind).label)


# --- the own conversations ---------------------------------------------------------------------------------------


def own(actor: Actor, agent: Agent, now: datetime, *, reads_sentiment: bool = True) -> list[Group]:
    """What the agent has, by sort; within one, the longest unanswered first, then the oldest. Four queries.

    Active and Wrap-up as the primary, what they consult in, Waiting whose last agent they are. What is
    only offered lies among the offers.
    """
    consults = Participant.objects.filter(user=cast(int, actor.user_id), mode=Mode.CONSULT, left_at=None)
    rows = list(
        Conversation.objects.ongoing()
        .filter(
            (Q(agent=agent) & ~Q(reason__in=OFFERED_REASONS))
            | Q(state=State.WAITING, last_agent=agent)
            | Q(pk__in=consults.values("conversation_id"))
        )
        .select_related("customer", "queue", "workstream")
        .order_by(F("unanswered_since").asc(nulls_last=True), "state_changed_at", "pk")
    )
    unread = unread_counts(cast(int, actor.user_id), [row.pk for row in rows])
    groups: dict[str, list[Item]] = {code: [] for code in GROUP_LABELS}
    for row in rows:
        code = _group(row, agent)
        one = item(
            row,
            now,
            unread=unread.get(row.pk, 0),
            answers=code != "consult",
            reads_sentiment=reads_sentiment,
        )
        groups[code].append(one)
    return [Group(code, str(GROUP_LABELS[code]), tuple(items)) for code, items in groups.items() if items]


def _group(row: Conversation, agent: Agent) -> str:
    if row.agent_id == agent.pk:
        return row.state
    return "waiting" if row.state == State.WAITING and row.last_agent_id == agent.pk else "consult"


def unread_counts(user_id: int, conversation_ids: Iterable[int]) -> dict[int, int]:
    """How many lines of others each conversation has after the reader's marker; system lines do not count."""
    ids = list(conversation_ids)
    if not ids:
        return {}
    rows = (
        Message.objects.filter(conversation__in=ids)
        .exclude(sender_kind=SenderKind.SYSTEM)
        .exclude(sender_id=user_id)
        .filter(
            Q(conversation__participants__read_at=None) | Q(created_at__gt=F("conversation__participants__read_at")),
            conversation__participants__user=user_id,
            conversation__participants__left_at=None,
            conversation__participants__mode__in=[Mode.PRIMARY, Mode.CONSULT],
        )
    )
    return dict(rows.values_list("conversation_id").annotate(Count("pk")))


def item(
    row: Conversation,
    now: datetime,
    *,
    unread: int = 0,
    answers: bool = True,
    pick_url: str = "",
    refusal: Refusal | None = None,
    reads_sentiment: bool = True,
) -> Item:
    """One row of a list; needs customer, queue and workstream. Only who ``answers`` is warned that the customer waits.

    Where sentiment is not read, nothing is said of it here (domain.md 7).
    """
    status, status_label = status_of(row)
    clock, clock_label = _clock(row, now, answers)
    return Item(
        id=row.pk,
        url=reverse("conversations:desk_conversation", args=[row.pk]),
        subject=row.subject,
        customer=row.customer.name,
        queue=row.queue.name,
        channel=row.channel,
        channel_label=str(Channel(row.channel).label),
        status=status,
        status_label=status_label,
        sentiment=row.sentiment,
        sentiment_label=row.get_sentiment_display() if reads_sentiment else "",
        clock=clock,
        clock_label=clock_label,
        unread=unread,
        pick_url=pick_url,
        refusal=refusal,
    )


def status_of(row: Conversation) -> tuple[str, str]:
    """Code and label of the status, an offered one apart (domain.md M6)."""
    if row.is_offered:
        return Phase.OFFERED.value, _("Offered")
    return row.state, row.get_state_display()


def _clock(row: Conversation, now: datetime, answers: bool) -> tuple[Clock, str]:
    if row.state == State.OPEN:
        return wait(row, now), _("Waiting for an agent")
    if row.state == State.ACTIVE and row.unanswered_since is not None and not row.is_offered:
        if not answers:
            return running(row.unanswered_since, now), _("Unanswered")
        return _unanswered(row.unanswered_since, row.workstream, now), _("Unanswered")
    if row.state == State.WRAP_UP:
        return running(row.wrapup_started_at, now), _("In wrap-up")
    if row.state == State.WAITING:
        return running(row.state_changed_at, now), _("Waiting for the customer")
    return RESTING, ""


def _unanswered(since: datetime, stream: Workstream, now: datetime) -> Clock:
    """The live wait counter, with the thresholds of the workstream where it has some (domain.md 5.4, F64)."""
    warn, urgent = stream.unanswered_warning_seconds, stream.unanswered_critical_seconds
    if warn is None or urgent is None:
        return running(since, now)
    return queue_wait(since, warn, urgent, now)


# --- the open list ---------------------------------------------------------------------------------------------


def open_list(actor: Actor, agent: Agent, now: datetime, *, reads_sentiment: bool = True) -> OpenList:
    """Open conversations of the agent's queues, the longest waiting first (domain.md T3). Two queries."""
    rows = Conversation.objects.ongoing().filter(state=State.OPEN, queue_id__in=actor.agent_queue_ids)
    shown = rows.select_related("customer", "queue", "workstream").order_by("first_wait_started_at", "pk")
    presence = BasePresence(agent.presence.base)
    items = [
        item(
            row,
            now,
            pick_url=reverse("conversations:pick", args=[row.pk]),
            refusal=policy.why_not_pick(
                actor, policy.phase(row.state, row.reason), presence, allows_pick=row.workstream.is_pickable
            ),
            reads_sentiment=reads_sentiment,
        )
        for row in shown[:OPEN_SHOWN]
    ]
    count = len(items) if len(items) < OPEN_SHOWN else rows.count()
    return OpenList(tuple(items), count)
