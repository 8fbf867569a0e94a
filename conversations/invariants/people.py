"""Is a conversation in one attempt, one queue, and with one person, as its row says? (domain.md 2.5, 2 to 4)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from conversations import selectors
from conversations.invariants.rows import (
    OF_CONVERSATION,
    has_agent,
    is_answered,
    is_offered,
    live_participants,
    live_primaries,
    ongoing,
    open_segments,
    open_sessions,
    told,
    without,
)
from conversations.models import Mode, State, StateReason
from routing.invariants import person
from supervisor_console.kernel.invariants import GRACE, About, Row, Rule, Scope

WAS_CUT_OFF = Q(state=State.WRAP_UP, reason=StateReason.AUTO_CLOSED_BY_SYSTEM)
"""A call that reached its limit: its session ended then, the after-work has none (T14)."""

WITHOUT_SESSION = [State.WAITING.value, State.CLOSED.value]


# --- sessions ------------------------------------------------------------------------------------------------


def _no_session(scope: Scope) -> Iterator[Row]:
    rows = ongoing(scope).exclude(state=State.WAITING).exclude(WAS_CUT_OFF)
    return told(without(rows, open_sessions(scope)))


def _session_left_open(scope: Scope) -> Iterator[Row]:
    return told(open_sessions(scope).filter(conversation__state__in=WITHOUT_SESSION))


def _sessions(scope: Scope) -> Iterator[Row]:
    """Open sessions that say another queue, another agent, or another answer than the conversation."""
    agent = Q(agent=F("conversation__agent")) | Q(agent__isnull=True, conversation__agent__isnull=True)
    answer = Q(agent_accepted_at__isnull=False) & is_answered(OF_CONVERSATION)
    answer |= Q(agent_accepted_at__isnull=True) & ~is_answered(OF_CONVERSATION)
    rows = open_sessions(scope).exclude(conversation__state__in=WITHOUT_SESSION)
    return told(rows.exclude(Q(queue=F("conversation__queue")) & agent & answer))


# --- queue segments --------------------------------------------------------------------------------------------


def _no_segment(scope: Scope) -> Iterator[Row]:
    return told(without(ongoing(scope), open_segments(scope)), queue=F("queue__name"))


def _segment_left_open(scope: Scope) -> Iterator[Row]:
    return told(open_segments(scope).filter(conversation__closed_at__isnull=False), queue=F("queue__name"))


def _segment_elsewhere(scope: Scope) -> Iterator[Row]:
    rows = open_segments(scope).filter(conversation__closed_at__isnull=True)
    rows = rows.exclude(queue=F("conversation__queue"))
    return told(rows, queue=F("conversation__queue__name"), kept=F("queue__name"))


# --- participants ------------------------------------------------------------------------------------------------


def _no_primary(scope: Scope) -> Iterator[Row]:
    return told(without(ongoing(scope).filter(has_agent()), live_primaries(scope)), agent=person("agent__user__"))


def _another_primary(scope: Scope) -> Iterator[Row]:
    rows = live_primaries(scope).filter(has_agent(OF_CONVERSATION)).exclude(user=F("conversation__agent__user"))
    return told(rows, agent=person("conversation__agent__user__"), name=person("user__"))


def _primary_left_over(scope: Scope) -> Iterator[Row]:
    rows = live_primaries(scope).filter(conversation__state__in=[State.OPEN, State.WAITING])
    return told(rows, name=person("user__"))


def _arrival(scope: Scope) -> Iterator[Row]:
    here = Q(joined_at__isnull=False)
    fits = (here & is_answered(OF_CONVERSATION)) | (~here & is_offered(OF_CONVERSATION))
    rows = live_primaries(scope).filter(has_agent(OF_CONVERSATION), user=F("conversation__agent__user"))
    return told(rows.exclude(fits), name=person("user__"))


def _in_closed(scope: Scope) -> Iterator[Row]:
    rows = live_participants(scope).filter(conversation__closed_at__isnull=False)
    return told(rows, name=person("user__"))


def _lost_monitor(scope: Scope) -> Iterator[Row]:
    """Gone for longer than the settings let a monitor's page be, and nobody noticed (domain.md 3.3)."""
    gone = timedelta(seconds=selectors.settings_row().monitor_disconnect) + GRACE
    rows = live_participants(scope).filter(mode=Mode.MONITOR, seen_at__lt=scope.now - gone)
    return told(rows, name=person("user__"))


RULES = (
    Rule(
        "session_missing",
        About.CONVERSATION,
        _("«%(subject)s» is ongoing, but has no open session."),
        _no_session,
    ),
    Rule(
        "session_left_open",
        About.CONVERSATION,
        _("«%(subject)s» is waiting or closed, but a session of it is still open."),
        _session_left_open,
    ),
    Rule(
        "session_differs",
        About.CONVERSATION,
        _("The open session of «%(subject)s» has another queue, agent or answer than the conversation."),
        _sessions,
    ),
    Rule(
        "segment_missing",
        About.CONVERSATION,
        _("«%(subject)s» is in %(queue)s, but its stay there was never begun."),
        _no_segment,
    ),
    Rule(
        "segment_left_open",
        About.CONVERSATION,
        _("«%(subject)s» is closed, but its stay in %(queue)s goes on."),
        _segment_left_open,
    ),
    Rule(
        "segment_differs",
        About.CONVERSATION,
        _("«%(subject)s» is in %(queue)s, but its stay is counted in %(kept)s."),
        _segment_elsewhere,
    ),
    Rule(
        "primary_missing",
        About.CONVERSATION,
        _("%(agent)s has «%(subject)s», but does not take part in it."),
        _no_primary,
    ),
    Rule(
        "primary_differs",
        About.CONVERSATION,
        _("%(agent)s has «%(subject)s», but %(name)s takes part as the primary."),
        _another_primary,
    ),
    Rule(
        "primary_left_over",
        About.CONVERSATION,
        _("Nobody has «%(subject)s» now, but %(name)s still takes part as the primary."),
        _primary_left_over,
    ),
    Rule(
        "primary_arrival_differs",
        About.CONVERSATION,
        _("%(name)s has «%(subject)s», and the record of when they joined does not fit the answer they gave."),
        _arrival,
    ),
    Rule(
        "participant_in_closed",
        About.CONVERSATION,
        _("«%(subject)s» is closed, but %(name)s still takes part in it."),
        _in_closed,
    ),
    Rule(
        "monitor_lost",
        About.CONVERSATION,
        _("%(name)s counts as monitoring «%(subject)s», but their page has been gone for long."),
        _lost_monitor,
        is_deadline=True,
    ),
)
