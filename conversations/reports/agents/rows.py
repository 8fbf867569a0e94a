"""What does the row of an agent print? Ready strings: the template formats nothing and asks no query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from conversations import selectors
from conversations.models import OFFERED_REASONS, Offer, OfferKind, OfferStatus, State
from conversations.reports.durations import Clock, running
from conversations.reports.people import code_of, initials
from routing import selectors as routing_selectors
from routing.models import Agent, Channel, PresenceChange, SetAfter, SetBy
from routing.policy import Limits, Load
from supervisor_console.kernel.actor import Actor

SHOWN_MAX = 2
"""So many queues or skills stand in a cell; the rest is a number, and its names are in the title."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A capacity profile of an agent: items used, the limit, and in words by how many it is exceeded."""

    name: str
    used: int
    limit: int
    over: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """So many things of a kind that wait for an answer: in short, and in words after the number."""

    number: int
    text: str
    title: str
    icon: str
    kind: str


@dataclass(frozen=True, slots=True)
class Few:
    """Names of which a cell shows the first."""

    names: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """Those that stand in the cell."""
        return self.names[:SHOWN_MAX]

    @property
    def more(self) -> int:
        """How many do not."""
        return max(0, len(self.names) - SHOWN_MAX)

    @property
    def rest(self) -> str:
        """Those, for whoever cannot see the title."""
        return ", ".join(self.names[SHOWN_MAX:])

    @property
    def all(self) -> str:
        """All of them, for the title."""
        return ", ".join(self.names)


@dataclass(frozen=True, slots=True)
class Holding:
    """The ongoing conversations that the report shows under an agent.

    Active (offered and unanswered among them), in wrap-up, and waiting ones that were last theirs.
    """

    total: int = 0
    offered: int = 0
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent. ``version`` changes with what is shown, so that a row that changed glows once."""

    id: int
    version: str
    url: str
    panel_url: str
    name: str
    initials: str
    presence: str
    presence_label: str
    since: Clock
    set_by: str
    set_by_short: str
    can_be_reset: bool
    marks: tuple[Mark, ...]
    is_own: bool
    used: int
    maximum: int
    profiles: tuple[Profile, ...]
    conversations: int
    conversations_url: str
    queues: Few
    skills: Few


def holdings(actor: Actor) -> dict[int, Holding]:
    """What every agent holds of what this actor may see. One query, over what is ongoing."""
    rows = (
        selectors.visible(actor)
        .ongoing()
        .exclude(channel=Channel.RECORD)
        .filter(Q(agent__isnull=False) | Q(state=State.WAITING, last_agent__isnull=False))
        .values(had_by=Coalesce("agent_id", "last_agent_id"))
        .annotate(
            total=Count("pk"),
            offered=Count("pk", filter=Q(state=State.ACTIVE, reason__in=OFFERED_REASONS)),
            unanswered=Count(
                "pk", filter=Q(state=State.ACTIVE, unanswered_since__isnull=False) & ~Q(reason__in=OFFERED_REASONS)
            ),
        )
        .order_by()
    )
    return {row["had_by"]: Holding(row["total"], row["offered"], row["unanswered"]) for row in rows}


def rows(ids: list[int], held: Mapping[int, Holding], own_id: int | None, now: datetime) -> list[AgentRow]:
    """The rows of these agents, in this order. A fixed number of queries, however many."""
    found = (
        Agent.objects.select_related("user", "presence")
        .prefetch_related("agent_skills__skill", "memberships__queue")
        .in_bulk(ids)
    )
    shown = [found[pk] for pk in ids if pk in found]
    limits, loads = routing_selectors.limits_of(shown), selectors.loads(ids, now)
    setters, transfers = who_set(ids), _transfers_to(ids)
    return [
        _row(
            agent,
            limits[agent.pk],
            loads[agent.pk],
            held.get(agent.pk, Holding()),
            setters.get(agent.pk, ("", "")),
            transfers.get(agent.pk, 0),
            is_own=agent.pk == own_id,
            now=now,
        )
        for agent in shown
    ]


def who_set(ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Who set the present presence of these agents, in words, and in a few for a cell. One query."""
    stays = PresenceChange.objects.filter(agent__in=list(ids), ended_at=None).select_related("set_by_user")
    return {stay.agent_id: (words := set_by_words(stay), str(_SHORT.get(stay.set_after, words))) for stay in stays}


_SHORT: Mapping[str, object] = {
    SetAfter.MISSED: gettext_lazy("Missed offer"),
    SetAfter.REJECTED: gettext_lazy("Rejected offer"),
}


def set_by_words(stay: PresenceChange) -> str:
    """System (and after what), Agent, or the supervisor by name (domain.md 1.3)."""
    set_by = SetBy(stay.set_by)
    who = stay.set_by_user
    if set_by is SetBy.SUPERVISOR and who is not None:
        return _("Supervisor %(name)s") % {"name": who.display_name}
    if stay.set_after == SetAfter.RESET and who is not None:
        return _("System, reset by %(name)s") % {"name": who.display_name}
    if stay.set_after:
        return _("System, after %(what)s") % {"what": SetAfter(stay.set_after).label}
    return str(set_by.label)


def _transfers_to(ids: Iterable[int]) -> dict[int, int]:
    """How many transfers wait for an answer of these agents. One query."""
    pending = Offer.objects.filter(agent__in=list(ids), status=OfferStatus.PENDING, kind=OfferKind.TRANSFER)
    return dict(pending.values_list("agent").annotate(Count("pk")).order_by())


def agent_url(agent_id: int, page: str = "agent") -> str:
    """The page of an agent, or what lies in the side panel."""
    return reverse(f"conversations:{page}", args=[agent_id])


def conversations_url(agent_id: int) -> str:
    """The report, filtered by this agent; of all time, so that it shows what the number counts."""
    return f"{reverse('conversations:ongoing')}?{urlencode({'window': 'all', 'agent': agent_id})}"


def profiles(limits: Limits, load: Load) -> tuple[Profile, ...]:
    """The capacity profiles of an agent by name, used against the limit (domain.md 1.4)."""
    found = []
    for limit in sorted(limits.profiles, key=lambda one: one.name.casefold()):
        used = load.items.get(limit.profile_id, 0)
        over = max(0, used - limit.limit)
        words = ngettext("over by %(items)d item", "over by %(items)d items", over) % {"items": over} if over else ""
        found.append(Profile(limit.name, used, limit.limit, words))
    return tuple(found)


def queue_names(agent: Agent) -> Few:
    """The queues of an agent by name; not the default ones, to which everybody belongs."""
    return Few(tuple(sorted((found.queue.name for found in agent.memberships.all()), key=str.casefold)))


def skill_names(agent: Agent) -> Few:
    """The skills of an agent with the proficiency from 1 to 5, best first (domain.md 1.5)."""
    held = sorted(agent.agent_skills.all(), key=lambda one: (-one.proficiency, one.skill.name.casefold()))
    return Few(tuple(f"{one.skill.name} {one.proficiency}" for one in held))


def _row(
    agent: Agent,
    limits: Limits,
    load: Load,
    held: Holding,
    set_by: tuple[str, str],
    transfers: int,
    *,
    is_own: bool,
    now: datetime,
) -> AgentRow:
    return AgentRow(
        id=agent.pk,
        version=f"{int(agent.presence_since.timestamp())}-{agent.presence_id}-{load.units}-{held.total}-{held.offered}-{transfers}",
        url=agent_url(agent.pk),
        panel_url=agent_url(agent.pk, "agent_panel"),
        name=agent.name,
        initials=initials(agent.name),
        presence=code_of(agent.presence),
        presence_label=str(agent.presence.name),
        since=running(agent.presence_since, now),
        set_by=set_by[0],
        set_by_short=set_by[1],
        can_be_reset=agent.needs_reset or agent.presence_set_by == SetBy.SUPERVISOR,
        marks=tuple(marks(held, transfers)),
        is_own=is_own,
        used=load.units,
        maximum=limits.max_units,
        profiles=profiles(limits, load),
        conversations=held.total,
        conversations_url=conversations_url(agent.pk),
        queues=queue_names(agent),
        skills=skill_names(agent),
    )


def marks(held: Holding, transfers: int) -> Iterable[Mark]:
    """What waits for an answer of this agent: offers, transfers, customers who wrote."""
    if held.offered:
        text = ngettext("%(n)d offered", "%(n)d offered", held.offered) % {"n": held.offered}
        title = ngettext("offer awaits an answer", "offers await an answer", held.offered)
        yield Mark(held.offered, text, title, "bell-ring", "info")
    if transfers:
        text = ngettext("%(n)d transfer", "%(n)d transfers", transfers) % {"n": transfers}
        title = ngettext("transfer awaits an answer", "transfers await an answer", transfers)
        yield Mark(transfers, text, title, "arrow-right-left", "info")
    if held.unanswered:
        text = ngettext("%(n)d unanswered", "%(n)d unanswered", held.unanswered) % {"n": held.unanswered}
        title = ngettext("customer wrote and has no answer", "customers wrote and have no answer", held.unanswered)
        yield Mark(held.unanswered, text, title, "message-square-text", "warn")
