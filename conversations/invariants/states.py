"""Does a conversation agree with itself: its state, times, clocks and what it holds? (domain.md 2.1 to 2.5)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from conversations import selectors
from conversations.invariants.rows import every, is_answered, is_offered, ongoing, told
from conversations.models import Conversation, Session, State
from routing.invariants import person
from routing.models import Channel, ChannelKind
from supervisor_console.kernel.invariants import GRACE, SKEW, About, Row, Rule, Scope


def _clock_stands(scope: Scope) -> Iterator[Row]:
    return told(ongoing(scope).filter(is_answered(), handling_since__isnull=True, agent__is_bot=False))


def _clock_runs(scope: Scope) -> Iterator[Row]:
    """The database refuses it without an agent; what is left is one that was only offered, and one that a bot has."""
    return told(ongoing(scope).filter(is_offered() | Q(agent__is_bot=True), handling_since__isnull=False))


def _handled_too_long(scope: Scope) -> Iterator[Row]:
    """Handle time is part of the time since the creation (domain.md M21)."""
    running = Q(handling_since__lt=F("created_at") - SKEW) | Q(handling_since__gt=scope.now + SKEW)
    resting = Q(handled__lt=timedelta(0))
    return told(every(scope).filter(running | resting))


def _never_accepted(scope: Scope) -> Iterator[Row]:
    """Whoever talks, or wraps up, accepted; a bot's answer is not an acceptance (domain.md 1.1)."""
    return told(ongoing(scope).filter(is_answered(), accepted_at__isnull=True, agent__is_bot=False))


def _wait_never_began(scope: Scope) -> Iterator[Row]:
    """Whom a person is to have, or had, waited for one; only what a bot has, or settled, did not (domain.md 5.1)."""
    rows = ongoing(scope).filter(first_wait_started_at__isnull=True)
    return told(rows.exclude(state=State.ACTIVE, agent__is_bot=True))


def _waits_for_nobody(scope: Scope) -> Iterator[Row]:
    rows = ongoing(scope).filter(state=State.ACTIVE, agent__is_bot=True, first_wait_started_at__isnull=False)
    return told(rows, agent=person("agent__user__"))


def _out_of_order(scope: Scope) -> Iterator[Row]:
    before_creation = F("created_at") - SKEW
    early = (
        Q(first_wait_started_at__lt=before_creation)
        | Q(state_changed_at__lt=before_creation)
        | Q(last_activity_at__lt=before_creation)
        | Q(wrapup_started_at__lt=before_creation)
        | Q(closed_at__lt=before_creation)
        | Q(closed_at__lt=F("accepted_at") - SKEW)
        | Q(closed_at__lt=F("wrapup_started_at") - SKEW)
    )
    return told(every(scope).filter(early))


def _still_unanswered(scope: Scope) -> Iterator[Row]:
    """Nobody waits for an answer when the dialogue is over: the counter would run for ever."""
    return told(every(scope).filter(state__in=[State.WRAP_UP, State.CLOSED], unanswered_since__isnull=False))


def _still_away(scope: Scope) -> Iterator[Row]:
    """Nobody is waited for who left, when the dialogue is over (domain.md 2.3)."""
    return told(every(scope).filter(state__in=[State.WRAP_UP, State.CLOSED], customer_left_at__isnull=False))


def _call_without_dialogue(scope: Scope) -> Iterator[Row]:
    """A call beside a chat lives as long as its dialogue, and belongs to live chats (domain.md 1.1)."""
    rows = every(scope).filter(is_elevated=True)
    return told(rows.exclude(~is_offered(), state=State.ACTIVE, channel=Channel.LIVE_CHAT))


def _hold_without_wrapup(scope: Scope) -> Iterator[Row]:
    """A block time belongs to a wrap-up, or outlives one that was finished early (domain.md 2.4)."""
    rows = ongoing(scope).filter(capacity_held_until__isnull=False)
    return told(rows.exclude(state=State.WRAP_UP, holds_capacity=True))


def _hold_overdue(scope: Scope) -> Iterator[Row]:
    rows = scope.narrow(Conversation.objects.filter(capacity_held_until__lt=scope.now - GRACE), "pk")
    return told(rows, until=F("capacity_held_until"))


def _closing_overdue(scope: Scope) -> Iterator[Row]:
    """Silent for longer than its channel kind allows in its state (domain.md 2.3), or than a bot waits.

    A block time is waited for.
    """
    late, settings = scope.now - GRACE, selectors.settings_row()
    unheard = late - timedelta(seconds=settings.bot_silence)
    silent = Q(agent__is_bot=True, state=State.ACTIVE, last_activity_at__lt=unheard)
    for (kind, state), after in settings.closing().items():
        channels = [channel.value for channel in Channel if channel.kind == kind]
        silent |= Q(channel__in=channels, state=state, last_activity_at__lt=late - after)
    waiting = ongoing(scope).filter(state=State.WAITING)
    for days in waiting.order_by().values_list("workstream__waiting_close_days", flat=True).distinct():
        due = late - timedelta(days=days)
        silent |= Q(state=State.WAITING, workstream__waiting_close_days=days, last_activity_at__lt=due)
    free = Q(capacity_held_until__isnull=True) | Q(capacity_held_until__lt=late)
    rows = ongoing(scope).filter(silent, free).exclude(is_offered(), channel=Channel.VOICE)
    return told(rows, since=F("last_activity_at"))


def _wrong_queue(scope: Scope) -> Iterator[Row]:
    """A conversation waits in a queue of its own type (domain.md 1.2)."""
    wrong = Q()
    for kind in ChannelKind:
        channels = [channel.value for channel in Channel if channel.kind == kind]
        wrong |= Q(channel__in=channels) & ~Q(queue__type=kind.queue_type)
    return told(every(scope).filter(wrong), queue=F("queue__name"), channel=F("channel"))


def _wrong_channel(scope: Scope) -> Iterator[Row]:
    rows = every(scope).exclude(channel=F("workstream__channel"))
    return told(rows, workstream=F("workstream__name"), channel=F("channel"))


def _session_times(scope: Scope) -> Iterator[Row]:
    """A session ends after it began."""
    early = Q(closed_at__lt=Greatest(F("created_at"), F("conversation__created_at")) - SKEW)
    rows = Session.objects.filter(early | Q(agent_assigned_at__lt=F("created_at") - SKEW))
    return told(scope.narrow(rows, "conversation_id"))


def _whose_session(scope: Scope) -> Iterator[Row]:
    """Figures of people leave the sessions of bots out, so each must be known for what it is (domain.md 1.1)."""
    rows = scope.narrow(Session.objects.filter(agent__isnull=False), "conversation_id")
    return told(rows.exclude(is_bot_session=F("agent__is_bot")), agent=person("agent__user__"))


def _nobody_had_it(scope: Scope) -> Iterator[Row]:
    """Waiting keeps its last agent (domain.md 2.5, 2), but for one that was never anybody's (T26)."""
    rows = ongoing(scope).filter(state=State.WAITING, last_agent__isnull=True)
    answered = Session.objects.filter(conversation=OuterRef("pk"), agent_accepted_at__isnull=False)
    return told(rows.filter(Exists(answered)))


RULES = (
    Rule(
        "handle_time_stands",
        About.CONVERSATION,
        _("«%(subject)s» is being handled, but its handle time does not run."),
        _clock_stands,
    ),
    Rule(
        "handle_time_runs",
        About.CONVERSATION,
        _("«%(subject)s» is only offered, but its handle time runs."),
        _clock_runs,
    ),
    Rule(
        "handle_time_impossible",
        About.CONVERSATION,
        _("The handle time of «%(subject)s» is longer than the conversation, or negative."),
        _handled_too_long,
        is_repairable=False,
    ),
    Rule(
        "accepted_without_time",
        About.CONVERSATION,
        _("«%(subject)s» has been accepted, but not at any time: its wait time goes on."),
        _never_accepted,
    ),
    Rule(
        "wait_without_start",
        About.CONVERSATION,
        _("A person is to answer «%(subject)s», but its wait never began."),
        _wait_never_began,
    ),
    Rule(
        "wait_with_bot",
        About.CONVERSATION,
        _("%(agent)s, a bot, has «%(subject)s», but the wait for a person goes on."),
        _waits_for_nobody,
        is_repairable=False,
    ),
    Rule(
        "times_out_of_order",
        About.CONVERSATION,
        _("The times of «%(subject)s» are not in order: something is over before it began."),
        _out_of_order,
        is_repairable=False,
    ),
    Rule(
        "unanswered_after_end",
        About.CONVERSATION,
        _("«%(subject)s» is over, but its customer still counts as waiting for an answer."),
        _still_unanswered,
    ),
    Rule(
        "away_after_end",
        About.CONVERSATION,
        _("«%(subject)s» is over, but its customer is still waited for."),
        _still_away,
    ),
    Rule(
        "call_without_dialogue",
        About.CONVERSATION,
        _("«%(subject)s» counts as being in a call, but nobody talks in it now."),
        _call_without_dialogue,
    ),
    Rule(
        "hold_without_wrap_up",
        About.CONVERSATION,
        _("«%(subject)s» blocks capacity for a time, but is not in a wrap-up that holds any."),
        _hold_without_wrapup,
    ),
    Rule(
        "hold_overdue",
        About.CONVERSATION,
        _("«%(subject)s» should have freed its agent's capacity at %(until)s. Is the background work running?"),
        _hold_overdue,
        is_deadline=True,
    ),
    Rule(
        "closing_overdue",
        About.CONVERSATION,
        _("«%(subject)s» has been silent since %(since)s and should be closed. Is the background work running?"),
        _closing_overdue,
        is_deadline=True,
    ),
    Rule(
        "queue_of_another_type",
        About.CONVERSATION,
        _("«%(subject)s» (%(channel)s) is in %(queue)s, a queue of another type."),
        _wrong_queue,
        is_repairable=False,
    ),
    Rule(
        "channel_differs",
        About.CONVERSATION,
        _("«%(subject)s» (%(channel)s) belongs to %(workstream)s, a workstream of another channel."),
        _wrong_channel,
        is_repairable=False,
    ),
    Rule(
        "session_out_of_order",
        About.CONVERSATION,
        _("A session of «%(subject)s» was over, or assigned, before it began."),
        _session_times,
        is_repairable=False,
        reads_closed=True,
    ),
    Rule(
        "session_of_bot_differs",
        About.CONVERSATION,
        _("A session of «%(subject)s» with %(agent)s is taken for a bot's, or for a person's, and is not."),
        _whose_session,
        reads_closed=True,
    ),
    Rule(
        "waiting_without_agent",
        About.CONVERSATION,
        _("«%(subject)s» is waiting, and nobody remembers who had it."),
        _nobody_had_it,
    ),
)
