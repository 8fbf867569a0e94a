"""Is everybody where their history says they are? The rules about people (domain.md 1.3)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value, Window
from django.db.models.functions import Coalesce, Concat, Lag, NullIf, Trim
from django.utils.translation import gettext_lazy as _

from routing.models import Agent, BasePresence, Connection, PresenceChange, SetBy, User
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.invariants import GRACE, About, Row, Rule, Scope, streamed


def person(path: str) -> Coalesce:
    """What others read of a person, as ``User.display_name`` says it; ``path`` leads to the user."""
    full_name = Trim(Concat(F(f"{path}first_name"), Value(" "), F(f"{path}last_name")))
    return Coalesce(NullIf(full_name, Value("")), F(f"{path}username"))


def _agents(scope: Scope) -> QuerySet[Agent]:
    return scope.narrow_agents(Agent.objects.all(), "pk")


def _stays(scope: Scope) -> QuerySet[PresenceChange]:
    return scope.narrow_agents(PresenceChange.objects.all(), "agent_id")


def _about(rows: QuerySet[Agent]) -> Iterator[Row]:
    return streamed(rows.order_by().values(about=F("pk"), agent=person("user__"), presence_name=F("presence__name")))


def _without_stay(scope: Scope) -> Iterator[Row]:
    open_stays = PresenceChange.objects.filter(agent=OuterRef("pk"), ended_at=None)
    return _about(_agents(scope).filter(~Exists(open_stays)))


def _elsewhere(scope: Scope) -> Iterator[Row]:
    """One row for each agent whose open stay says another presence, time or setter than the agent's row."""
    differs = ~Q(presence=F("agent__presence")) | ~Q(set_by=F("agent__presence_set_by"))
    differs |= ~Q(started_at=F("agent__presence_since")) | ~Q(set_after=F("agent__presence_set_after"))
    rows = _stays(scope).filter(differs, ended_at=None)
    return streamed(
        rows.order_by().values(
            about=F("agent_id"),
            agent_name=person("agent__user__"),
            shown=F("agent__presence__name"),
            kept=F("presence__name"),
        )
    )


def _before(field: str) -> Window:
    """A field of the stay before this one."""
    return Window(Lag(field), partition_by=F("agent_id"), order_by=[F("started_at"), F("id")])


def _gaps(scope: Scope) -> Iterator[Row]:
    stays = _stays(scope).annotate(ended_before=_before("ended_at"), before=_before("id"))
    broken = stays.filter(before__isnull=False).filter(~Q(ended_before=F("started_at")) | Q(ended_before__isnull=True))
    return streamed(
        broken.order_by().values(about=F("agent_id"), agent_name=person("agent__user__"), at=F("started_at"))
    )


def _lost(scope: Scope) -> Iterator[Row]:
    """Agents who are shown as there though no page of theirs has been connected for long (services/presence.py)."""
    long_ago = scope.now - GRACE
    pages = Connection.objects.filter(agent=OuterRef("pk"))
    over = Q(closed_at__lte=long_ago) | Q(closed_at=None, seen_at__lte=long_ago)
    rows = _agents(scope).exclude(presence__base=BasePresence.OFFLINE)
    return _about(rows.filter(Exists(pages), ~Exists(pages.exclude(over))))


def _remembered(scope: Scope) -> Iterator[Row]:
    is_gone = Q(presence__base=BasePresence.OFFLINE, presence_set_by=SetBy.SYSTEM)
    return _about(_agents(scope).filter(left_presence__isnull=False).exclude(is_gone))


def _conflicting_roles(scope: Scope) -> Iterator[Row]:
    """A person with the role API access and another one (domain.md 1.3, P4)."""
    roles = User.groups.through.objects.filter(user_id=OuterRef("pk"))
    human = [role.value for role in Role if role != Role.API_ACCESS]
    rows = User.objects.filter(
        Exists(roles.filter(group__name=Role.API_ACCESS.value)), Exists(roles.filter(group__name__in=human))
    )
    return streamed(rows.order_by().values(about=F("pk"), name=person("")))


RULES = (
    Rule(
        "presence_without_history",
        About.AGENT,
        _("%(agent)s is %(presence_name)s, but the presence history has no current entry for them."),
        _without_stay,
    ),
    Rule(
        "presence_history_differs",
        About.AGENT,
        _("%(agent_name)s is %(shown)s, but the current entry of the presence history (%(kept)s) does not fit."),
        _elsewhere,
    ),
    Rule(
        "presence_history_gap",
        About.AGENT,
        _("The presence history of %(agent_name)s has a gap or an overlap at %(at)s."),
        _gaps,
        is_repairable=False,
        reads_closed=True,
    ),
    Rule(
        "presence_of_absent",
        About.AGENT,
        _("%(agent)s is shown as %(presence_name)s, but their last page was closed long ago."),
        _lost,
        is_deadline=True,
    ),
    Rule(
        "presence_remembered_in_vain",
        About.AGENT,
        _("%(agent)s is %(presence_name)s, and still counts as somebody who left."),
        _remembered,
    ),
    Rule(
        "roles_conflict",
        About.PERSON,
        _("%(name)s holds the role API access beside another role, so assignments to them fail."),
        _conflicting_roles,
        is_repairable=False,
    ),
)
