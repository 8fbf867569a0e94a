"""Does every agent hold what the work says they hold? Counted again from another side (domain.md 2.5, 1)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_lazy as _

from conversations import selectors
from conversations.models import Conversation, Mode, Offer, OfferKind, OfferStatus, Participant, Session, State
from routing.invariants import person
from routing.models import Agent, CapacityProfile, ResetFrequency
from routing.policy import Load
from supervisor_console.kernel.invariants import About, Row, Rule, Scope, streamed

AT_ONCE = 500
"""How many agents are counted in one go."""

LOOKS = 3
"""How often a difference must be seen: work that moves between two statements is not one."""


def recount(agent_ids: Iterable[int], now: datetime) -> dict[int, Load]:
    """What these agents hold, from who takes part as the primary, not from the agent of the conversation."""
    wanted = list(agent_ids)
    found: dict[int, list[int]] = {agent_id: [0, 0] for agent_id in wanted}
    items: dict[int, dict[int, int]] = {agent_id: {} for agent_id in wanted}
    carries: dict[tuple[int, int], set[int]] = defaultdict(set)
    in_time = Q(conversation__capacity_held_until__isnull=True) | Q(conversation__capacity_held_until__gt=now)
    seats = Participant.objects.filter(mode=Mode.PRIMARY, left_at__isnull=True, user__agent__in=wanted).filter(
        Q(conversation__state=State.ACTIVE)
        | Q(Q(conversation__state=State.WRAP_UP, conversation__holds_capacity=True) & in_time)
    )
    asked = Offer.objects.filter(status=OfferStatus.PENDING, kind=OfferKind.TRANSFER, agent__in=wanted)
    done = Conversation.objects.filter(state=State.CLOSED, last_agent__in=wanted, capacity_held_until__gt=now)
    for rows, agent, path in (
        (seats, "user__agent", "conversation__"),
        (asked, "agent", "conversation__"),
        (done, "last_agent", ""),
    ):
        for agent_id, units, number in rows.order_by().values_list(agent).annotate(Sum(f"{path}units"), Count("pk")):
            found[agent_id][0] += units
            found[agent_id][1] += number
        carried = rows.filter(**{f"{path}profiles__isnull": False}).order_by()
        for agent_id, profile_id, talk in carried.values_list(agent, f"{path}profiles", f"{path}pk"):
            carries[agent_id, profile_id].add(talk)
    for agent_id, profile_id, talk in _accepted_today(wanted, now):
        carries[agent_id, profile_id].add(talk)
    for (agent_id, profile_id), talks in carries.items():
        items[agent_id][profile_id] = len(talks)
    in_call = set(seats.filter(conversation__is_elevated=True).values_list("user__agent", flat=True))
    return {
        agent_id: Load(units, dict(items[agent_id]), number, agent_id in in_call)
        for agent_id, (units, number) in found.items()
    }


def _accepted_today(agent_ids: list[int], now: datetime) -> list[tuple[int, int, int]]:
    """Who accepted today what takes a profile for the rest of the day: agent, profile and conversation (1.4)."""
    daily = CapacityProfile.objects.filter(reset=ResetFrequency.END_OF_DAY).values_list("pk", flat=True)
    rows = Session.objects.filter(
        agent__in=agent_ids, agent_accepted_at__gte=selectors.day_began(now), conversation__profiles__in=list(daily)
    )
    return list(rows.values_list("agent", "conversation__profiles", "conversation"))


def _differs(scope: Scope) -> Iterator[Row]:
    agents = scope.narrow_agents(Agent.objects.all(), "pk").order_by("pk")
    rows = streamed(agents.values_list("pk", person("user__")))
    while names := dict(islice(rows, AT_ONCE)):
        off = list(names)
        held: dict[int, Load] = {}
        counted: dict[int, Load] = {}
        for _look in range(LOOKS):
            held, counted = selectors.loads(off, scope.now), recount(off, scope.now)
            off = [agent_id for agent_id in off if held[agent_id] != counted[agent_id]]
            if not off:
                break
        for agent_id in off:
            yield {
                "about": agent_id,
                "agent": names[agent_id],
                "units": held[agent_id].units,
                "counted": counted[agent_id].units,
                "conversations": held[agent_id].conversations,
                "seats": counted[agent_id].conversations,
            }


RULES = (
    Rule(
        "capacity_differs",
        About.AGENT,
        _(
            "%(agent)s uses %(units)s units for %(conversations)s conversations, "
            "but takes part in %(seats)s of them, which cost %(counted)s."
        ),
        _differs,
        is_repairable=False,
    ),
)
