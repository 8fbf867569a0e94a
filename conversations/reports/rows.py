"""What does a row print? Ready strings and booleans: the template formats nothing and asks no query.

A row is the same for everybody who may see it. What depends on the viewer (the own conversation, the scope, the own
roles) stands once on the page, and the scripts put both together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from conversations import policy, selectors
from conversations.models import (
    Conversation,
    Mode,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    State,
)
from conversations.policy import Switches, Verb
from conversations.reports import moods, readings
from conversations.reports.durations import RESTING, Clock, handle, running, wait
from conversations.reports.filters import Status
from conversations.reports.labels import Labels, labels
from conversations.reports.links import Links
from conversations.reports.moments import Moments
from conversations.reports.people import code_of, initials
from routing.models import Queue
from supervisor_console.kernel.errors import Reason

BADGES_MAX = 2
FAILED_FOR = timedelta(minutes=15)
"""How long a row says that a transfer came to nothing."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word about a row, as the ``badge`` tag takes it."""

    text: str
    kind: str = ""
    icon: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation, ready to print."""

    id: int
    version: int
    url: str
    panel_url: str
    refusals: str
    queue_id: int
    holder_id: int | str

    subject: str
    badges: tuple[Badge, ...]
    customer: str
    channel: str
    channel_label: str
    status: str
    status_label: str
    agent: str
    agent_initials: str
    presence: str
    presence_label: str
    queue: str
    wait: Clock
    handle: Clock
    sentiment: int
    sentiment_label: str
    created: str
    created_exactly: str
    workstream: str
    state_since: Clock
    unanswered: Clock
    activity: str
    transfers: int
    priority: int
    closed: str


def rows(ids: Sequence[int], queues: Mapping[int, Queue], switches: Switches, now: datetime) -> list[Row]:
    """The rows of these conversations, in this order. Four queries, however many rows."""
    found = readings.conversations(ids, queues)
    offers, people = readings.latest_offers(list(found)), readings.onlookers(list(found))
    page = Page(now, switches)
    return [_row(found[pk], offers.get(pk), people.get(pk, []), page) for pk in ids if pk in found]


class Page:
    """What all rows that are made at one moment share: it is looked up once."""

    def __init__(self, now: datetime, switches: Switches) -> None:
        self.now = now
        self.switches = switches
        self.language = get_language()
        self.labels = labels()
        self.moments = Moments(now)
        self.links = Links()


def _row(conversation: Conversation, offer: Offer | None, people: list[Participant], page: Page) -> Row:
    now = page.now
    pending = offer if offer is not None and offer.status == OfferStatus.PENDING else None
    status, status_label = status_of(conversation, page.labels)
    agent = conversation.agent
    if agent is None and conversation.shown_last_agent_id is not None:
        agent = conversation.last_agent
    name = agent.name if agent is not None else ""
    is_ongoing = conversation.is_ongoing
    customer, workstream = readings.names(conversation)
    sentiment, sentiment_label = moods.shown(conversation.sentiment, is_on=page.switches.sentiment, words=page.labels)
    return Row(
        id=conversation.pk,
        version=conversation.version,
        url=page.links.of("conversation", conversation.pk),
        panel_url=page.links.of("panel", conversation.pk),
        refusals=refusals(selectors.facts(conversation, pending), page.switches, page.language),
        queue_id=conversation.queue_id,
        holder_id=conversation.agent_id or "",
        subject=conversation.subject,
        badges=tuple(_badges(conversation, offer, people, now))[:BADGES_MAX],
        customer=customer,
        channel=conversation.channel,
        channel_label=page.labels.channel[conversation.channel],
        status=status,
        status_label=status_label,
        agent=name,
        agent_initials=initials(name) if name else "",
        presence=code_of(agent.presence) if agent is not None and not agent.is_bot else "",
        presence_label=str(agent.presence.name) if agent is not None and not agent.is_bot else "",
        queue=conversation.queue.name,
        wait=wait(conversation, now),
        handle=handle(conversation, now),
        sentiment=sentiment,
        sentiment_label=sentiment_label,
        created=page.moments.short(conversation.created_at),
        created_exactly=page.moments.exact(conversation.created_at),
        workstream=workstream,
        state_since=running(conversation.state_changed_at, now) if is_ongoing else RESTING,
        unanswered=running(conversation.unanswered_since, now) if is_ongoing else RESTING,
        activity=page.moments.short(conversation.last_activity_at),
        transfers=conversation.transfer_count,
        priority=conversation.priority,
        closed=page.moments.short(conversation.closed_at) if conversation.closed_at is not None else "",
    )


def status_of(conversation: Conversation, words: Labels | None = None) -> tuple[str, str]:
    """Code and label of the Status column: Active that awaits acceptance is Offered (domain.md M6)."""
    status = Status.OFFERED.value if conversation.is_offered else conversation.state
    return status, (words or labels()).status[status]


# --- why not ------------------------------------------------------------------------------------------------


def reason_data(reason: Reason) -> dict[str, str]:
    """A reason as the scripts read it."""
    return {"code": reason.code, "text": reason.sentence}


def refusals(facts: policy.Facts, switches: Switches, language: str | None) -> str:
    """Why nobody could do what to this conversation, as JSON by verb; verbs that are possible are left out.

    ``language`` is the active one.
    """
    return _refusals(replace(facts, id=0, version=0, queue_id=0), switches, language)


@lru_cache(maxsize=4096)
def _refusals(facts: policy.Facts, switches: Switches, language: str | None) -> str:
    """The same for every conversation of which the rules know the same, so it is kept; the sentences are translated."""
    found = {verb.value: policy.why_not_by_row(facts, switches, verb) for verb in Verb}
    return json.dumps({verb: reason_data(no) for verb, no in found.items() if no is not None}, ensure_ascii=False)


# --- badges -------------------------------------------------------------------------------------------------


def _badges(
    conversation: Conversation, offer: Offer | None, people: list[Participant], now: datetime
) -> Iterable[Badge]:
    if conversation.is_abandoned:
        yield Badge(_("Abandoned"), "warn", "user-x", _("The customer left before an answer"))
    if conversation.unassignable_since is not None and conversation.state == State.OPEN:
        title = _("Nobody in the queue can ever be offered it as things stand. Open it to see why.")
        yield Badge(_("Needs a supervisor"), "crit", "user-x", title)
    if conversation.is_with_bot:
        yield Badge(_("Bot"), "info", "bot", _("A bot answers; nobody waits for a person yet"))
    if offer is not None and conversation.is_ongoing:
        yield from _offer_badges(conversation, offer, now)
    if conversation.is_elevated and conversation.is_ongoing:
        yield Badge(_("In a call"), "info", "phone-call", _("In a voice or video call"))
    if not people:
        return
    for mode, kind, icon, words in (
        (Mode.CONSULT, "violet", "users", _("%(n)d joined")),
        (Mode.MONITOR, "", "eye", _("%(n)d watching")),
    ):
        names = [one.user.display_name for one in people if one.mode == mode]
        if names:
            yield Badge(words % {"n": len(names)}, kind, icon, ", ".join(names))


def _offer_badges(conversation: Conversation, offer: Offer, now: datetime) -> Iterable[Badge]:
    name = {"agent": offer.agent.name}
    is_transfer = offer.kind == OfferKind.TRANSFER
    if offer.status == OfferStatus.PENDING and is_transfer:
        yield Badge(_("Transfer to %(agent)s") % name, "info", "arrow-right-left", _("The transfer awaits an answer"))
    if offer.status not in readings.FAILED or offer.settled_at is None:
        return
    was_rejected = offer.status == OfferStatus.REJECTED
    if is_transfer and now - offer.settled_at <= FAILED_FOR:
        said = _("%(agent)s rejected the transfer") if was_rejected else _("%(agent)s did not answer the transfer")
        yield Badge(_("Transfer failed"), "warn", "undo-2", said % name)
    elif conversation.state == State.OPEN and not is_transfer:
        said = _("%(agent)s rejected the offer") if was_rejected else _("%(agent)s did not answer the offer")
        yield Badge(_("Rejected") if was_rejected else _("Not answered"), "warn", "undo-2", said % name)
