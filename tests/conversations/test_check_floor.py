"""Does the checker find what is broken behind the services' back, and put right what it says it can? (domain.md 2.5)

What a constraint of the database refuses cannot be broken here; that is shown in test_constraints.py.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import invariants
from conversations.invariants import RULES, About, Rule, Scope, Violation
from conversations.models import (
    Conversation,
    HistoryEntry,
    Notice,
    Offer,
    OfferKind,
    Participant,
    QueueSegment,
    Session,
)
from conversations.services import assignment, supervision, timers
from conversations.services.repair import NOT_REPAIRABLE, NOTHING_TO_REPAIR, repair, repair_all
from routing.models import Agent, Channel, Connection, Presence, PresenceChange, WrapUpBlock
from supervisor_console.kernel.actor import SYSTEM, Role
from supervisor_console.kernel.errors import ActionRefused
from tests.cast import Floor, actor_of, at, fresh, make_agent, offer_of
from tests.conversations.hearing import hearing
from tests.conversations.looking import attempts, history, people, presence, units

pytestmark = pytest.mark.slow

NOW = at(60)
Break = Callable[[Floor], object]
BREAKS: dict[str, list[Break]] = {}


def breaks(*codes: str) -> Callable[[Break], Break]:
    """This breaks the rules with these codes, whatever else."""

    def keep(act: Break) -> Break:
        for code in codes:
            BREAKS.setdefault(code, []).append(act)
        return act

    return keep


def change(chat: Conversation, **values: object) -> None:
    assert Conversation.objects.filter(pk=chat.pk).update(**values) == 1


def session(chat: Conversation, **values: object) -> None:
    assert Session.objects.filter(conversation=chat, closed_at=None).update(**values) == 1


def primary(chat: Conversation, **values: object) -> None:
    assert Participant.objects.filter(conversation=chat, mode="primary", left_at=None).update(**values) == 1


def with_bot(floor: Floor) -> Conversation:
    floor.chat.bot = make_agent("robo", is_bot=True)
    floor.chat.save()
    return floor.start()


# --- states, clocks and times --------------------------------------------------------------------------------------

BREAKS |= {
    "handle_time_stands": [lambda floor: change(floor.active(), handling_since=None)],
    "handle_time_runs": [
        lambda floor: change(floor.offered(), handling_since=at(11)),
        lambda floor: change(with_bot(floor), handling_since=at(11)),
    ],
    "handle_time_impossible": [
        lambda floor: change(floor.active(), handling_since=at(-100)),
        lambda floor: change(floor.closed(), handled=timedelta(seconds=-5)),
    ],
    "accepted_without_time": [lambda floor: change(floor.active(), accepted_at=None)],
    "times_out_of_order": [
        lambda floor: change(floor.start(), last_activity_at=at(-10)),
        lambda floor: change(floor.closed(), closed_at=at(5)),
    ],
    "wait_without_start": [lambda floor: change(floor.offered(), first_wait_started_at=None)],
    "wait_with_bot": [
        lambda floor: change(with_bot(floor), first_wait_started_at=at(5)),
    ],
    "session_of_bot_differs": [
        lambda floor: Session.objects.filter(conversation=with_bot(floor)).update(is_bot_session=False),
        lambda floor: session(floor.active(), is_bot_session=True),
    ],
    "unanswered_after_end": [lambda floor: change(floor.wrap_up(), unanswered_since=at(1))],
    "away_after_end": [lambda floor: change(floor.closed(), customer_left_at=at(5))],
    "call_without_dialogue": [
        lambda floor: change(floor.offered(), is_elevated=True),
    ],
    "hold_without_wrap_up": [
        lambda floor: change(floor.active(), capacity_held_until=at(500)),
        lambda floor: change(floor.wrap_up(), holds_capacity=False, capacity_held_until=at(500)),
    ],
    "queue_of_another_type": [lambda floor: change(floor.start(), queue=floor.calls)],
    "channel_differs": [lambda floor: change(floor.start(), channel=Channel.SMS)],
    "session_out_of_order": [
        lambda floor: Session.objects.filter(conversation=floor.closed(), closure_reason="AgentEndConversation").update(
            closed_at=at(-60)
        ),
    ],
    "waiting_without_agent": [lambda floor: change(floor.waiting(), last_agent=None)],
}


# --- sessions, stays and people ------------------------------------------------------------------------------------

BREAKS |= {
    "session_missing": [
        lambda floor: session(floor.active(), closed_at=at(30), closure_reason="AutoClose"),
        lambda floor: session(floor.start(), closed_at=at(30), closure_reason="AutoClose"),
    ],
    "session_left_open": [
        lambda floor: Session.objects.create(conversation=floor.closed(), queue=floor.billing, created_at=at(1)),
        lambda floor: Session.objects.create(conversation=floor.waiting(), queue=floor.billing, created_at=at(1)),
    ],
    "session_differs": [
        lambda floor: session(floor.start(), queue=floor.returns),
        lambda floor: session(floor.active(), agent=floor.boris),
        lambda floor: session(floor.active(), agent_accepted_at=None),
        lambda floor: session(floor.offered(), agent_accepted_at=at(15)),
    ],
    "segment_missing": [lambda floor: QueueSegment.objects.filter(conversation=floor.active()).update(ended_at=at(30))],
    "segment_left_open": [
        lambda floor: QueueSegment.objects.filter(conversation=floor.closed()).update(ended_at=None),
    ],
    "segment_differs": [
        lambda floor: QueueSegment.objects.filter(conversation=floor.start()).update(queue=floor.returns)
    ],
    "primary_missing": [
        lambda floor: primary(floor.active(), left_at=at(30), left_reason="left"),
        lambda floor: primary(floor.offered(), left_at=at(30), left_reason="left"),
    ],
    "primary_differs": [lambda floor: primary(floor.active(), user=floor.boris.user)],
    "primary_left_over": [
        lambda floor: Participant.objects.filter(conversation=floor.waiting()).update(left_at=None, left_reason=""),
    ],
    "primary_arrival_differs": [
        lambda floor: primary(floor.active(), joined_at=None),
        lambda floor: primary(floor.offered(), joined_at=at(15)),
    ],
    "participant_in_closed": [
        lambda floor: Participant.objects.filter(conversation=floor.closed()).update(left_at=None, left_reason="")
    ],
}


# --- offers --------------------------------------------------------------------------------------------------------


def pending(chat: Conversation, agent: Agent, kind: OfferKind = OfferKind.SUPERVISOR_ASSIGN) -> None:
    Offer.objects.create(conversation=chat, agent=agent, kind=kind, offered_at=at(30), expires_at=at(150))


BREAKS |= {
    "offer_missing": [
        lambda floor: Offer.objects.filter(conversation=floor.offered()).update(status="failed", settled_at=at(15)),
    ],
    "offer_left_over": [
        lambda floor: pending(floor.start(), floor.ana),
        lambda floor: pending(floor.active(), floor.boris),
        lambda floor: pending(floor.waiting(), floor.boris),
        lambda floor: pending(floor.closed(), floor.boris, OfferKind.TRANSFER),
    ],
    "offer_to_another": [lambda floor: Offer.objects.filter(conversation=floor.offered()).update(agent=floor.boris)],
    "transfer_to_primary": [lambda floor: pending(floor.active(), floor.ana, OfferKind.TRANSFER)],
    "notice_out_of_date": [
        lambda floor: Notice.objects.filter(conversation=floor.active(), code="assigned").update(read_at=None),
        lambda floor: Notice.objects.filter(conversation=floor.active()).update(code="offered", read_at=None),
    ],
}


# --- history -------------------------------------------------------------------------------------------------------


def entry(chat: Conversation, version: int, from_state: str, to_state: str, reason: str) -> None:
    HistoryEntry.objects.create(
        conversation=chat,
        code="conversation.changed",
        at=at(40),
        actor_kind="system",
        actor_name="System",
        version=version,
        from_state=from_state,
        to_state=to_state,
        reason=reason,
    )


@breaks("history_ends_elsewhere")
def a_state_changed_without_a_word(floor: Floor) -> None:
    chat = floor.start()
    change(chat, state="closed", reason="AutoClosedBySystem", closed_at=at(50))
    Session.objects.filter(conversation=chat).update(closed_at=at(50), closure_reason="AutoClose")
    QueueSegment.objects.filter(conversation=chat).update(ended_at=at(50), closure_reason="AutoClose")
    change(chat, unanswered_since=None)


@breaks("history_ahead")
def a_version_went_back(floor: Floor) -> None:
    change(floor.active(), version=1)


@breaks("history_repeats")
def two_changes_made_the_same_version(floor: Floor) -> None:
    chat = floor.start()
    entry(chat, 1, "open", "open", chat.reason)


@breaks("history_gap", "history_illegal")
def an_entry_leads_from_elsewhere(floor: Floor) -> None:
    chat = floor.start()
    change(chat, version=2)
    entry(chat, 2, "closed", "open", chat.reason)
    other = floor.start()
    change(other, version=3)
    entry(other, 2, "open", "wrap_up", "AgentMovedToWrapUp")
    entry(other, 3, "wrap_up", "open", other.reason)


@breaks("history_illegal")
def what_was_closed_went_on(floor: Floor) -> None:
    chat = floor.closed()
    change(chat, version=FAR)
    entry(chat, FAR, "closed", "active", "InConversation")


FAR = 50


# --- people --------------------------------------------------------------------------------------------------------


def stay(floor: Floor, **values: object) -> None:
    assert PresenceChange.objects.filter(agent=floor.ana, ended_at=None).update(**values) == 1


BREAKS |= {
    "presence_without_history": [lambda floor: stay(floor, ended_at=at(30))],
    "presence_history_differs": [
        lambda floor: stay(floor, presence=Presence.objects.get(code="away")),
        lambda floor: stay(floor, set_by="supervisor"),
        lambda floor: stay(floor, started_at=at(5)),
    ],
    "presence_history_gap": [lambda floor: stay(floor, started_at=at(5))],
    "presence_remembered_in_vain": [
        lambda floor: Agent.objects.filter(pk=floor.ana.pk).update(left_presence=Presence.objects.get(code="busy")),
    ],
    "roles_conflict": [lambda floor: floor.api.groups.add(Group.objects.get(name=Role.AGENT.value))],
}


@breaks("capacity_differs")
def somebody_holds_without_a_seat(floor: Floor) -> None:
    primary(floor.active(), user=floor.boris.user)


# --- deadlines: the background work has been away ------------------------------------------------------------------

LATE = at(3600)


@breaks("offer_overdue")
def nobody_took_the_offer_back(floor: Floor) -> None:
    floor.offered()


@breaks("hold_overdue")
def nobody_freed_the_capacity(floor: Floor) -> None:
    floor.chat.wrapup_block, floor.chat.wrapup_block_seconds = WrapUpBlock.CUSTOM, 60
    floor.chat.save()
    floor.wrap_up()


@breaks("closing_overdue")
def nobody_closed_it(floor: Floor) -> None:
    floor.start()


@breaks("closing_overdue")
def nobody_ended_what_the_customer_left_with_a_bot(floor: Floor) -> None:
    floor.chat.bot = make_agent("robi", is_bot=True)
    floor.chat.save()
    floor.start()


@breaks("monitor_lost")
def nobody_noticed_that_the_page_was_gone(floor: Floor) -> None:
    supervision.monitor(actor_of(floor.sara), floor.active().pk, now=at(25))


@breaks("presence_of_absent")
def nobody_noticed_that_the_agent_was_gone(floor: Floor) -> None:
    Connection.objects.create(key=KEY, agent=floor.ana, process=KEY, seen_at=at(0))


KEY = "5e1b3a1e-6d4c-4a1e-9d55-0d6f2c6f0a11"


# --- found, and repaired -------------------------------------------------------------------------------------------

CASES = [
    pytest.param(code, act, id=f"{code}-{number}") for code, acts in BREAKS.items() for number, act in enumerate(acts)
]


def portions(rule: Rule, now: datetime) -> list[Violation]:
    """What breaks the rule, asked of one conversation and one agent after the other."""
    some = [(range(pk, pk + 1), range(0)) for pk in Conversation.objects.order_by("pk").values_list("pk", flat=True)]
    some += [(range(0), range(pk, pk + 1)) for pk in Agent.objects.order_by("pk").values_list("pk", flat=True)]
    scopes = [Scope(now=now, conversation_ids=talks, agent_ids=agents) for talks, agents in some]
    return [found for scope in scopes for found in rule.violations(scope)]


def found(now: datetime) -> set[str]:
    return {violation.code for violation in invariants.violations(Scope(now=now))}


def test_every_rule_has_a_case() -> None:
    assert set(BREAKS) == {rule.code for rule in RULES}


LASTING = {"presence_history_gap"}
"""A stay that began at another time than the history says leaves a gap that nobody can fill."""


@pytest.mark.parametrize(("code", "act"), CASES)
def test_what_is_broken_is_found_and_repaired_if_it_can_be(floor: Floor, code: str, act: Break) -> None:
    rule = invariants.BY_CODE[code]
    now = LATE if rule.is_deadline else NOW
    act(floor)

    violations = list(rule.violations(Scope(now=now)))

    assert violations
    assert all("%" not in found.sentence and "None" not in found.sentence for found in violations)
    if rule.about != About.PERSON:
        assert Counter(map(str, portions(rule, now))) == Counter(map(str, violations)), "portions leave nothing out"
    if rule.is_repairable:
        done = {repaired for outcome in repair_all(SYSTEM, Scope(now=now)) for repaired in outcome.codes}
        assert code in done
        timers.run_due(now=now)
        assert found(now) <= LASTING
    else:
        with pytest.raises(ActionRefused) as refused:
            repair(SYSTEM, code, violations[0].id, now=now)
        assert refused.value.refusal == NOT_REPAIRABLE


def test_a_floor_where_everything_happened_is_clean(floor: Floor) -> None:
    floor.start()
    floor.offered()
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(25))
    supervision.monitor(actor_of(floor.sara), chat.pk, now=at(26))
    floor.waiting()
    floor.wrap_up()
    floor.closed()

    assert list(invariants.violations(Scope(now=NOW))) == []


def test_a_repair_is_in_the_history_and_on_every_screen(floor: Floor) -> None:
    chat = floor.active()
    session(chat, agent=floor.boris)

    with hearing() as heard:
        codes = repair(actor_of(floor.otto), "session_differs", chat.pk, now=NOW)

    assert codes == ("session_differs",)
    last = HistoryEntry.objects.filter(conversation=chat).latest("pk")
    assert (last.code, last.actor_name, last.data) == (
        "conversation.repaired",
        actor_of(floor.otto).name,
        {"faults": "session_differs"},
    )
    assert last.version == fresh(chat).version == chat.version + 1
    assert heard.by("conversation.repaired") >= {"every supervisor", "supervisors of Billing", "ana", "the customer"}
    assert attempts(chat)[-2:] == [("boris", "AgentReRouted"), ("ana", "open")]


def test_an_offer_that_was_lost_is_made_again(floor: Floor) -> None:
    chat = floor.offered()
    Offer.objects.filter(conversation=chat).update(status="failed", settled_at=at(15))

    repair(SYSTEM, "offer_missing", chat.pk, now=NOW)

    again = offer_of(chat)
    assert (again.agent_id, again.kind, again.requested_by_id) == (floor.ana.pk, "supervisor_assign", floor.sara.pk)
    assert again.expires_at > NOW


def test_who_was_asked_in_vain_is_told_and_their_capacity_is_free(floor: Floor) -> None:
    chat = floor.closed()
    pending(chat, floor.boris, OfferKind.TRANSFER)
    assert units(floor.boris, NOW) == 30

    with hearing() as heard:
        repair(SYSTEM, "offer_left_over", chat.pk, now=NOW)

    assert units(floor.boris, NOW) == 0
    assert ("boris", "offer_withdrawn") in heard.notices


def test_the_primary_follows_the_row(floor: Floor) -> None:
    chat = floor.active()
    primary(chat, user=floor.boris.user)

    repair(SYSTEM, "primary_differs", chat.pk, now=NOW)

    assert people(chat) == {"ana": "primary"}
    assert history(chat)[-1] == "repaired"


def test_what_is_right_by_now_is_not_repaired(floor: Floor) -> None:
    chat = floor.active()
    before = fresh(chat).version

    with pytest.raises(ActionRefused) as refused:
        repair(SYSTEM, "session_differs", chat.pk, now=NOW)

    assert refused.value.refusal == NOTHING_TO_REPAIR
    assert fresh(chat).version == before


def test_an_agent_whose_page_is_gone_goes_offline(floor: Floor) -> None:
    nobody_noticed_that_the_agent_was_gone(floor)

    assert repair(SYSTEM, "presence_of_absent", floor.ana.pk, now=LATE) == ("presence_of_absent",)
    assert presence(floor.ana) == "Offline"


# --- the command ---------------------------------------------------------------------------------------------------


def run(*options: str) -> tuple[list[str], int]:
    """What the command says, line by line, and its exit code."""
    said = StringIO()
    try:
        call_command("check_floor", *options, stdout=said)
    except CommandError as error:
        return said.getvalue().splitlines(), error.returncode
    return said.getvalue().splitlines(), 0


@pytest.fixture
def broken_chat(floor: Floor) -> Conversation:
    chat = floor.closed()
    Participant.objects.filter(conversation=chat).update(left_at=None, left_reason="")
    return chat


def test_the_command_is_content_with_a_clean_floor(floor: Floor) -> None:
    floor.closed()

    lines, code = run()

    assert (lines, code) == ([f"{len(RULES)} rules checked, 0 repaired, 0 violations remain"], 0)


def test_the_command_names_what_is_broken_and_fails(broken_chat: Conversation) -> None:
    lines, code = run()

    assert code == 1
    assert lines[0].startswith(f"participant_in_closed, conversation {broken_chat.pk}: «Hello» is closed, but Ana Test")
    assert lines[-1].endswith("0 repaired, 1 violations remain")


def test_the_command_repairs_and_says_what_it_did(broken_chat: Conversation) -> None:
    lines, code = run("--repair")

    assert code == 0
    assert lines[0] == f"repaired conversation {broken_chat.pk}: participant_in_closed"
    assert lines[-1].endswith("1 repaired, 0 violations remain")
    assert people(broken_chat) == {}


def test_the_command_speaks_to_machines(broken_chat: Conversation) -> None:
    lines, code = run("--json")

    rows = [json.loads(line) for line in lines]
    assert code == 1
    assert rows[0]["code"] == "participant_in_closed"
    assert (rows[0]["about"], rows[0]["id"], rows[0]["is_repairable"]) == ("conversation", broken_chat.pk, True)
    assert rows[-1] == {"rules": len(RULES), "repaired": 0, "remaining": 1, "codes": {"participant_in_closed": 1}}


def test_what_is_over_can_be_left_out(floor: Floor) -> None:
    chat = floor.closed()
    change(chat, version=FAR)
    entry(chat, FAR, "active", "closed", chat.reason)

    assert run("--ongoing")[1] == 0
    assert run()[1] == 1


def test_a_check_costs_the_same_number_of_queries_however_much_there_is(floor: Floor) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert found(NOW) == set()
        return len(queries)

    floor.active(), floor.closed(), floor.waiting()
    few = cost()
    for _ in range(5):
        floor.active(by=floor.boris), floor.closed(), floor.offered()

    assert cost() == few
