"""Put right what is not as it must be (domain.md 2.5, F79): one conversation or agent at a time, under its locks.

A conversation's own row says what it is: state, queue and agent. Everything else is made to follow it: sessions,
stays, participants, offers, clocks. What a row cannot say, such as what happened between two entries of the history,
cannot be made up, and is left for people to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import OperationalError
from django.db.models import Max, Min
from django.utils.translation import gettext_lazy as _

from conversations import audit, invariants, notifications, selectors, steps, wording
from conversations.events import ConversationRepaired
from conversations.invariants import RULES, About, Scope, Violation
from conversations.locks import LockedConversation, lock_conversation
from conversations.models import (
    AssignReason,
    ClosureReason,
    Conversation,
    Finding,
    HistoryEntry,
    LeftReason,
    Mode,
    Notice,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    QueueSegment,
    Session,
    State,
    StateReason,
)
from conversations.policy import NOT_SUPERVISOR, Phase
from conversations.services import bots, closure, offers, supervision
from routing.locks import LockedAgent, lock_agents
from routing.models import Agent
from routing.policy import PresenceCause
from routing.services import presence
from routing.services.repair import repair_agent
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import SYSTEM, Actor, ActorKind, Role
from supervisor_console.kernel.errors import ActionRefused, Refusal, require
from supervisor_console.kernel.realtime import action

NOTHING_TO_REPAIR = Refusal("nothing_to_repair", _("This is as it must be by now. Check again to see what is left."))
NOT_REPAIRABLE = Refusal(
    "not_repairable", _("This cannot be repaired by itself. Look at the conversation and decide what is right.")
)

PAGE = 500
"""How many violations of one rule are held at once."""

ENDINGS: Mapping[str, ClosureReason] = {
    StateReason.FORCE_CLOSED_BY_SUPERVISOR.value: ClosureReason.FORCE_CLOSE,
    StateReason.ENDED_BY_AGENT.value: ClosureReason.AGENT_END,
    StateReason.CUSTOMER_LEFT_OPEN.value: ClosureReason.CUSTOMER_END,
    StateReason.AWAITING_CUSTOMER_RESPONSE.value: ClosureReason.AGENT_MOVED_TO_WAITING,
}
"""How a session ended that was left open, by why its conversation is where it is; otherwise it closed by itself."""


@dataclass(frozen=True, slots=True)
class Patient:
    """One conversation under repair, with every agent whose capacity may change."""

    row: LockedConversation
    agents: Mapping[int, LockedAgent]
    now: datetime

    @property
    def phase(self) -> Phase:
        return steps.current_phase(self.row)

    @property
    def agent(self) -> LockedAgent:
        """Who has it, by its row."""
        assert self.row.agent_id is not None, "this is repaired only where somebody has it"
        return self.agents[self.row.agent_id]


@action()
def repair_conversation(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationRepaired:
    """Make everything about one conversation follow its row; the history says what was wrong.

    By the product, an administrator, or a supervisor who sees it. Raises ``ActionRefused`` where nothing is wrong that
    could be repaired, ``NotVisible`` for whoever does not see it. Announced to supervisors, everybody in it, the open
    lists and the customer.
    """
    row = lock_conversation(conversation_id)
    if actor.kind is ActorKind.PERSON and Role.ADMINISTRATOR not in actor.roles:
        selectors.require_visible(actor, row)
        require(None if actor.is_supervisor else NOT_SUPERVISOR)
    seats = Agent.objects.filter(
        user__participations__conversation=row,
        user__participations__left_at=None,
        user__participations__mode=Mode.PRIMARY,
    )
    asked = Offer.objects.filter(conversation=row, status=OfferStatus.PENDING)
    agents = lock_agents([row.agent_id, *seats.values_list("pk", flat=True), *asked.values_list("agent", flat=True)])
    now = now or clock.now()
    codes = [found.code for found in invariants.faults_of(row.pk, now) if found.code in MENDERS]
    if not codes:
        raise ActionRefused(NOTHING_TO_REPAIR)
    was = HistoryEntry.objects.filter(conversation=row).order_by("-pk").values_list("to_state", flat=True).first()
    hearers = steps.audience(row, *[agent.user_id for agent in agents.values()], customer=True, open_list=True)
    patient = Patient(row, agents, now)
    done: set[Callable[[Patient], None]] = set()
    for code, mend in MENDERS.items():
        if code in codes and mend not in done:
            mend(patient)
            done.add(mend)
    if row.closed_at is None:
        steps.touch(row, now)
    else:
        steps.save(row)
    steps.settle_presence(agents.values(), PresenceCause.WITHDRAWN, now)
    event = ConversationRepaired(
        **audit.heading(actor, row, now, was or ""),
        faults=", ".join(dict.fromkeys(codes)),
    )
    audit.publish(event, hearers)
    Finding.objects.filter(conversation=row, is_repairable=True).delete()  # What is left is found again.
    return event


# --- what is done about what -------------------------------------------------------------------------------------


def _renew_offer(patient: Patient) -> None:
    """Take back what is not on offer, and ask the agent who is to be asked."""
    row, now = patient.row, patient.now
    offer = selectors.pending_offer(row)
    is_transfer = offer is not None and offer.kind == OfferKind.TRANSFER
    fits = (
        offer is not None
        and offer.agent_id != row.agent_id
        and is_transfer
        and patient.phase in (Phase.OFFERED, Phase.IN_CONVERSATION, Phase.WAITING)
    ) or (offer is not None and offer.agent_id == row.agent_id and not is_transfer and patient.phase == Phase.OFFERED)
    if offer is not None and not fits:
        steps.withdraw_transfer(row, offer, "moved_on", now)
    if patient.phase != Phase.OFFERED or fits:
        return
    former = Offer.objects.filter(conversation=row, agent=patient.agent).exclude(kind=OfferKind.TRANSFER).last()
    steps.make_offer(
        row,
        patient.agent,
        OfferKind(former.kind) if former is not None else OfferKind.INCOMING,
        now=now,
        requested_by_id=former.requested_by_id if former is not None else None,
    )


def _reseat(patient: Patient) -> None:
    """Let exactly the agent of the row take part as the primary, from now on."""
    row, now = patient.row, patient.now
    steps.end_participations(row, LeftReason.MOVED_ON, now, modes=[Mode.PRIMARY])
    if row.agent_id is not None:
        joined = patient.phase != Phase.OFFERED
        steps.seat_primary(row, patient.agent, AssignReason.SYSTEM_ASSIGN, now=now, joined=joined)


def _renew_session(patient: Patient) -> None:
    """End the attempt that does not fit, and begin the one that is under way."""
    row, now = patient.row, patient.now
    if row.state in (State.WAITING, State.CLOSED):
        steps.close_session(row, ENDINGS.get(row.reason, ClosureReason.AUTO_CLOSE), now)
        return
    steps.close_session(row, ClosureReason.AGENT_REROUTED, now)
    agent = patient.agent if row.agent_id is not None else None
    steps.open_session(row, now=now, agent=agent)
    if agent is not None and patient.phase != Phase.OFFERED:
        steps.accept_session(row, now)
    _know_bots(patient)


def _know_bots(patient: Patient) -> None:
    """Each session is a bot's if its agent is one."""
    sessions = Session.objects.filter(conversation=patient.row, agent__isnull=False)
    for is_bot in (True, False):
        sessions.filter(agent__is_bot=is_bot, is_bot_session=not is_bot).update(is_bot_session=is_bot)


def _renew_segment(patient: Patient) -> None:
    """End the stay that does not fit, and begin the one in the conversation's queue."""
    row, now = patient.row, patient.now
    stay = QueueSegment.objects.filter(conversation=row, ended_at=None).select_related("queue").first()
    if row.closed_at is not None:
        steps.end_segment(row, ENDINGS.get(row.reason, ClosureReason.AUTO_CLOSE), now)
        return
    steps.end_segment(row, ClosureReason.AGENT_REROUTED, now, target=row.queue)
    steps.open_segment(row, now, source=stay.queue if stay is not None else None)


def _let_everybody_out(patient: Patient) -> None:
    steps.end_participations(patient.row, LeftReason.CLOSED, patient.now)


def _start_clock(patient: Patient) -> None:
    patient.row.handling_since = patient.now - patient.row.handled


def _stop_clock(patient: Patient) -> None:
    """What was handled ended when it was offered anew at the latest."""
    row = patient.row
    if row.handling_since is not None:
        row.handled = max(row.handled, row.state_changed_at - row.handling_since)
        row.handling_since = None


def _note_acceptance(patient: Patient) -> None:
    """The first session that was accepted says when; or else the state, which cannot be older."""
    row = patient.row
    sessions = Session.objects.filter(conversation=row, agent__is_bot=False)
    first = sessions.aggregate(at=Min("agent_accepted_at"))["at"] or row.state_changed_at
    row.accepted_at = max(first, row.first_wait_started_at or row.created_at)


def _begin_wait(patient: Patient) -> None:
    """The wait began when a bot handed it over, or else with the conversation."""
    row = patient.row
    bots = Session.objects.filter(conversation=row, is_bot_session=True)
    row.first_wait_started_at = bots.aggregate(at=Max("closed_at"))["at"] or row.created_at


def _remember_agent(patient: Patient) -> None:
    accepted = Session.objects.filter(conversation=patient.row, agent_accepted_at__isnull=False).order_by("-pk")
    patient.row.last_agent = accepted[0].agent


def _nobody_waits(patient: Patient) -> None:
    patient.row.unanswered_since = None


def _forget_customer(patient: Patient) -> None:
    patient.row.customer_left_at = None


def _hang_up(patient: Patient) -> None:
    patient.row.is_elevated = False


def _drop_hold(patient: Patient) -> None:
    patient.row.capacity_held_until = None


def _read_old_notices(patient: Patient) -> None:
    for notice in Notice.objects.filter(conversation=patient.row, code__in=wording.ASKS, read_at=None):
        asked = Offer.objects.filter(
            conversation=patient.row, agent__user=notice.user_id, status=OfferStatus.PENDING
        ).exists()
        if not asked:
            notifications.done(notice.user_id, wording.ASKS, patient.row.pk, now=patient.now)


def _catch_up(patient: Patient) -> None:
    """The version of the row goes past every one that the history names."""
    last = HistoryEntry.objects.filter(conversation=patient.row).aggregate(last=Max("version"))["last"] or 0
    patient.row.version = max(patient.row.version, last)


def _say_so(patient: Patient) -> None:
    """The entry about the repair leads the history to where the conversation is."""


MENDERS: Mapping[str, Callable[[Patient], None]] = {
    "handle_time_stands": _start_clock,
    "handle_time_runs": _stop_clock,
    "wait_without_start": _begin_wait,
    "accepted_without_time": _note_acceptance,
    "unanswered_after_end": _nobody_waits,
    "away_after_end": _forget_customer,
    "call_without_dialogue": _hang_up,
    "hold_without_wrap_up": _drop_hold,
    "waiting_without_agent": _remember_agent,
    "primary_missing": _reseat,
    "primary_differs": _reseat,
    "primary_left_over": _reseat,
    "primary_arrival_differs": _reseat,
    "participant_in_closed": _let_everybody_out,
    "session_missing": _renew_session,
    "session_left_open": _renew_session,
    "session_differs": _renew_session,
    "session_of_bot_differs": _know_bots,
    "segment_missing": _renew_segment,
    "segment_left_open": _renew_segment,
    "segment_differs": _renew_segment,
    "offer_missing": _renew_offer,
    "offer_left_over": _renew_offer,
    "offer_to_another": _renew_offer,
    "transfer_to_primary": _renew_offer,
    "notice_out_of_date": _read_old_notices,
    "history_ends_elsewhere": _say_so,
    "history_ahead": _catch_up,
}
"""What is done about each fault, in this order."""


# --- what is overdue: done as the background work would have -------------------------------------------------------


def _expire_offer(conversation_id: int, now: datetime) -> bool:
    pending = Offer.objects.filter(conversation=conversation_id, status=OfferStatus.PENDING)
    return any(offers.expire(pk, now=now) is not None for pk in pending.values_list("pk", flat=True))


def _free_capacity(conversation_id: int, now: datetime) -> bool:
    return closure.release_wrap_up_capacity(conversation_id, now=now)


def _close(conversation_id: int, now: datetime) -> bool:
    row = Conversation.objects.filter(pk=conversation_id).select_related("workstream").first()
    if row is None:
        return False
    if row.is_with_bot:
        return bots.give_up(conversation_id, now=now) is not None
    after = selectors.settings_row().closing().get((row.kind, State(row.state)))
    if row.state == State.WAITING:
        after = timedelta(days=row.workstream.waiting_close_days)
    return after is not None and closure.auto_close(conversation_id, due=now - after, now=now) is not None


def _drop_monitors(conversation_id: int, now: datetime) -> bool:
    watching = Participant.objects.filter(conversation=conversation_id, mode=Mode.MONITOR, left_at=None)
    ended = [supervision.drop_lost_monitor(pk, SYSTEM, now=now) for pk in list(watching.values_list("pk", flat=True))]
    return any(event is not None for event in ended)


def _let_go_home(agent_id: int, now: datetime) -> bool:
    return presence.leave(agent_id, now=now)


OVERDUE: Mapping[str, Callable[[int, datetime], bool]] = {
    "offer_overdue": _expire_offer,
    "hold_overdue": _free_capacity,
    "closing_overdue": _close,
    "monitor_lost": _drop_monitors,
    "presence_of_absent": _let_go_home,
}


# --- one, or all ---------------------------------------------------------------------------------------------------


def repair(actor: Actor, code: str, subject_id: int, *, now: datetime | None = None) -> tuple[str, ...]:
    """Repair what a violation names, with everything else that is wrong there; returns the codes of what was.

    Raises ``ActionRefused`` where it cannot be repaired, or nothing is wrong any more.
    """
    now = now or clock.now()
    rule = invariants.BY_CODE.get(code)
    if rule is None or not rule.is_repairable:
        raise ActionRefused(NOT_REPAIRABLE)
    if rule.is_deadline:
        codes: tuple[str, ...] = (code,) if OVERDUE[code](subject_id, now) else ()
    elif rule.about == About.AGENT:
        codes = repair_agent(subject_id, now=now)
    else:
        return tuple(repair_conversation(actor, subject_id, now=now).faults.split(", "))
    if not codes:
        raise ActionRefused(NOTHING_TO_REPAIR)
    return codes


@dataclass(frozen=True, slots=True)
class Repaired:
    """A violation, and what came of repairing it: the codes of what was put right, or why nothing was."""

    violation: Violation
    codes: tuple[str, ...] = ()
    why_not: str = ""


def repair_all(actor: Actor, scope: Scope) -> Iterator[Repaired]:
    """Repair everything that can be, one thing after the other; each is an action of its own."""
    for rule in RULES:
        tried: set[int] = set()
        while rule.is_repairable:
            page = islice(rule.violations(scope), PAGE + len(tried))
            found = {violation.id: violation for violation in page if violation.id not in tried}
            for violation in found.values():
                yield _tried(actor, violation, scope.now)
            tried |= set(found)
            if not found:
                break


def _tried(actor: Actor, violation: Violation, now: datetime) -> Repaired:
    try:
        return Repaired(violation, repair(actor, violation.code, violation.id, now=now))
    except ActionRefused as refusal:
        return Repaired(violation, why_not=refusal.refusal.sentence)
    except OperationalError as error:
        return Repaired(violation, why_not=str(error).strip())
