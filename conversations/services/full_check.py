"""Is everything as it must be, what is over too? Asked for by an administrator, looked at in portions (domain.md 2.5).

The background work goes from portion to portion, so that a million conversations cost each process a second now and
then. One process has a portion at a time; one that dies leaves it to the next, and a portion that two of them looked at
counts once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max, Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conversations.invariants import RULES, About, Scope, Violation
from conversations.models import CheckStage, Conversation, FullCheck, FullCheckFinding
from conversations.services.repair import repair_all
from routing import selectors as routing_selectors
from routing.models import Agent
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, NotVisible, Refusal
from supervisor_console.kernel.realtime import action

CONVERSATIONS, AGENTS = 1000, 50
"""How many are looked at in one portion: about a second."""

MOST = 500
"""So many findings are kept; where there are more, something else is wrong. They are counted all the same."""

LEASE = timedelta(minutes=2)
"""How long a portion belongs to the process that took it; after that it counts as dead."""

UNDER_WAY = Refusal("check_under_way", _("All data is being checked already. Wait for the outcome, or stop it."))
NONE_UNDER_WAY = Refusal("no_check_under_way", _("No check of all data is under way any more."))

ABOUT = {
    CheckStage.PEOPLE: About.PERSON,
    CheckStage.AGENTS: About.AGENT,
    CheckStage.CONVERSATIONS: About.CONVERSATION,
}
STAGES = tuple(ABOUT)


@action()
def ask(actor: Actor, *, repairs: bool, now: datetime | None = None) -> int:
    """Have all data checked, and repaired where it can be; returns the id of the check. Earlier findings are forgotten.

    Raises ``ActionRefused`` where one is under way. Who may do this is asked by the administrators' page, the only way
    here.
    """
    if actor.user_id is None:
        raise NotVisible
    last = Conversation.objects.aggregate(last=Max("pk"))["last"] or 0
    asked = {"asked_by_id": actor.user_id, "asked_at": now or clock.now(), "repairs": repairs, "up_to": last}
    check, is_new = FullCheck.objects.get_or_create(is_over=False, defaults=asked)
    if not is_new:
        raise ActionRefused(UNDER_WAY)
    FullCheckFinding.objects.all().delete()
    return check.pk


@action()
def stop(actor: Actor, *, now: datetime | None = None) -> None:
    """End the check that is under way; what it found so far stays. Raises ``ActionRefused`` where none is."""
    if actor.user_id is None:
        raise NotVisible
    going = FullCheck.objects.filter(is_over=False)
    if not going.update(is_over=True, was_stopped=True, ended_at=now or clock.now(), taken_until=None):
        raise ActionRefused(NONE_UNDER_WAY)


def go_on(*, now: datetime | None = None) -> bool:
    """Look at the next portion of the check that is under way; returns whether there was one for this process."""
    now = now or clock.now()
    check = _take(now)
    if check is None:
        return False
    try:
        portion = _look(check, now)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:300]
        FullCheck.objects.filter(pk=check.pk, is_over=False).update(error=said, taken_until=None)
        raise
    _keep(check, portion, now)
    return True


def _take(now: datetime) -> FullCheck | None:
    """The check that is under way, where its next portion is nobody's; it is ours then."""
    check = FullCheck.objects.filter(is_over=False).select_related("asked_by").first()
    if check is None:
        return None
    free = Q(taken_until__isnull=True) | Q(taken_until__lt=now)
    return check if _where_it_stood(check).filter(free).update(taken_until=now + LEASE) else None


@dataclass(frozen=True, slots=True)
class Portion:
    """What a look at some of the rows said; ``last`` is the greatest id among them, None where there were no more."""

    last: int | None
    looked: int
    found: tuple[Violation, ...]
    repaired: int


def _look(check: FullCheck, now: datetime) -> Portion:
    """Look at the next rows, and repair first where that was asked for.

    What is wrong is looked at twice: what moves between two statements of a rule is not wrong.
    """
    stage = CheckStage(check.stage)
    ids = _next(check)
    if stage != CheckStage.PEOPLE and not ids:
        return Portion(None, 0, (), 0)
    some, none = range(ids[0], ids[-1] + 1) if ids else range(0), range(0)
    is_talk = stage == CheckStage.CONVERSATIONS
    scope = Scope(now=now, conversation_ids=some if is_talk else none, agent_ids=none if is_talk else some)
    repaired = 0
    if check.repairs:
        actor = routing_selectors.actor_for(check.asked_by)
        repaired = sum(bool(outcome.codes) for outcome in repair_all(actor, scope))
    found = _violations(scope, ABOUT[stage])
    if found:
        again = {(one.code, one.id) for one in _violations(scope, ABOUT[stage])}
        found = [one for one in found if (one.code, one.id) in again]
    return Portion(ids[-1] if ids else None, len(ids), tuple(found), repaired)


def _next(check: FullCheck) -> list[int]:
    """The ids of the next rows, in their order."""
    if check.stage == CheckStage.CONVERSATIONS:
        return _ids(Conversation, check.done_to, CONVERSATIONS, up_to=check.up_to)
    return _ids(Agent, check.done_to, AGENTS) if check.stage == CheckStage.AGENTS else []


def _ids(model: type[Model], after: int, number: int, *, up_to: int | None = None) -> list[int]:
    rows = model._default_manager.filter(pk__gt=after)
    if up_to is not None:
        rows = rows.filter(pk__lte=up_to)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:number])


def _violations(scope: Scope, about: About) -> list[Violation]:
    return [one for rule in RULES if rule.about == about for one in rule.violations(scope)]


@action()
def _keep(check: FullCheck, portion: Portion, now: datetime) -> None:
    """Note how far it is and what was found, unless it was stopped, or another process was faster."""
    stage = CheckStage(check.stage)
    values: dict[str, object] = {"taken_until": None, "error": ""}
    if portion.last is not None:
        values["done_to"] = portion.last
        counted = "conversations" if stage == CheckStage.CONVERSATIONS else "agents"
        values[counted] = F(counted) + portion.looked
    elif stage != STAGES[-1]:
        values |= {"stage": STAGES[STAGES.index(stage) + 1], "done_to": 0}
    else:
        values |= {"is_over": True, "ended_at": now}
    counts = {"found": F("found") + len(portion.found), "repaired": F("repaired") + portion.repaired}
    if _where_it_stood(check).update(**counts, **values):
        _write(check, portion.found)


def _where_it_stood(check: FullCheck) -> QuerySet[FullCheck]:
    return FullCheck.objects.filter(pk=check.pk, is_over=False, stage=check.stage, done_to=check.done_to)


def _write(check: FullCheck, found: Iterable[Violation]) -> None:
    room = MOST - FullCheckFinding.objects.filter(check_of=check).count()
    FullCheckFinding.objects.bulk_create(
        FullCheckFinding(
            check_of=check,
            code=one.code,
            about=one.about.value,
            subject_id=one.id,
            params=dict(one.params),
            is_repairable=one.rule.is_repairable,
        )
        for one in list(found)[: max(0, room)]
    )
