"""Does the history lead to where a conversation is, and only by moves that exist? (domain.md 2.2; 2.5, 5)"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, Concat, Lag
from django.utils.translation import gettext_lazy as _

from conversations.events import ConversationRepaired
from conversations.invariants.rows import every, told
from conversations.models import OFFERED_REASONS, HistoryEntry, State, StateReason
from conversations.policy import TRANSITIONS, Phase
from routing.models import Channel, ChannelKind
from supervisor_console.kernel.invariants import About, Row, Rule, Scope

PICKED = (Phase.OPEN, Phase.IN_CONVERSATION)
"""Picking is accepting: T3 and T6 in one entry."""


def _before(field: str) -> Window:
    """A field of the entry before this one."""
    return Window(Lag(field), partition_by=F("conversation_id"), order_by=[F("id")])


def _last(field: str) -> Subquery:
    entries = HistoryEntry.objects.filter(conversation=OuterRef("pk")).order_by("-pk")
    return Subquery(entries.values(field)[:1])


def _ends_elsewhere(scope: Scope) -> Iterator[Row]:
    rows = every(scope).annotate(led_to=_last("to_state"), led_by=_last("reason"))
    there = Q(led_to=F("state"), led_by=F("reason"))
    return told(rows.filter(~there | Q(led_to__isnull=True)))


def _is_ahead(scope: Scope) -> Iterator[Row]:
    """A console that saw that version could never act again (domain.md 3.0, 6)."""
    return told(every(scope).annotate(last_version=_last("version")).filter(last_version__gt=F("version")))


def _entries(scope: Scope) -> QuerySet[HistoryEntry]:
    return scope.narrow(HistoryEntry.objects.all(), "conversation_id")


def _same_version(scope: Scope) -> Iterator[Row]:
    """Two entries about one version: two changes of which one did not see the other."""
    rows = _entries(scope).values("conversation_id", "conversation__subject", "version")
    for row in rows.annotate(entries=Count("pk")).filter(entries__gt=1).order_by().iterator():
        yield {"about": row["conversation_id"], "subject": row["conversation__subject"], "version": row["version"]}


def _gaps(scope: Scope) -> Iterator[Row]:
    rows = _entries(scope).annotate(stood=Coalesce(_before("to_state"), Value("")))
    return told(rows.exclude(from_state=F("stood")), version=F("version"))


def _phase(state: str, reason: str) -> Case:
    return Case(
        When(Q(**{state: State.ACTIVE, f"{reason}__in": OFFERED_REASONS}), then=Value(Phase.OFFERED.value)),
        When(Q(**{state: State.ACTIVE}), then=Value(Phase.IN_CONVERSATION.value)),
        default=F(state),
        output_field=CharField(),
    )


def _moves_of(kind: ChannelKind) -> set[str]:
    """Every pair of phases that one entry may lead through: the table, and entries that move nothing."""
    moves = {(row.source, row.target) for row in TRANSITIONS if kind in row.kinds}
    moves |= {(phase, phase) for phase in Phase} | {PICKED}
    return {f"{source.value}>{target.value}" for source, target in moves}


def _illegal(scope: Scope) -> Iterator[Row]:
    rows = _entries(scope).annotate(stood=_before("to_state"), stood_for=_before("reason"))
    rows = rows.annotate(move=Concat(_phase("stood", "stood_for"), Value(">"), _phase("to_state", "reason")))
    begun = Q(to_state=State.OPEN) | Q(to_state=State.ACTIVE, reason=StateReason.IN_CONVERSATION)  # a bot began
    legal = Q(begun, stood__isnull=True) | Q(code=ConversationRepaired.code)
    for kind in ChannelKind:
        channels = [channel.value for channel in Channel if channel.kind == kind]
        legal |= Q(stood__isnull=False, conversation__channel__in=channels, move__in=sorted(_moves_of(kind)))
    return told(rows.exclude(legal), version=F("version"), move=F("move"))


RULES = (
    Rule(
        "history_ends_elsewhere",
        About.CONVERSATION,
        _("The history of «%(subject)s» does not end in the state that the conversation is in."),
        _ends_elsewhere,
    ),
    Rule(
        "history_ahead",
        About.CONVERSATION,
        _("The history of «%(subject)s» knows a later version than the conversation has."),
        _is_ahead,
    ),
    Rule(
        "history_repeats",
        About.CONVERSATION,
        _("The history of «%(subject)s» has several entries for version %(version)s."),
        _same_version,
        is_repairable=False,
        reads_closed=True,
    ),
    Rule(
        "history_gap",
        About.CONVERSATION,
        _("The history of «%(subject)s» has a gap before version %(version)s: what led there is not recorded."),
        _gaps,
        is_repairable=False,
        reads_closed=True,
    ),
    Rule(
        "history_illegal",
        About.CONVERSATION,
        _("«%(subject)s» moved in a way that does not exist (%(move)s), in version %(version)s."),
        _illegal,
        is_repairable=False,
        reads_closed=True,
    ),
)
