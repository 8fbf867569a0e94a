"""The matrix of domain.md 3.2 with its qualifiers: who may do what to a conversation, and the reason for every no."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from conversations import policy
from conversations.policy import Facts, Phase, Switches, Verb
from routing.models import ChannelKind
from supervisor_console.kernel.actor import SYSTEM, Actor, ActorKind, Role, customer_actor
from supervisor_console.kernel.errors import Kind, Refusal

# Typed off domain.md 3.2 by hand, for an unencumbered conversation of any kind that the report shows.
MATRIX = """
             open         offered              in_conversation   waiting         wrap_up         closed
monitor      state_open   awaiting_acceptance  ok                ok              ok              state_closed
assign       ok           already_assigned     already_assigned  state_not_open  state_not_open  state_closed
transfer     state_open   ok                   ok                ok              state_wrap_up   state_closed
force_close  ok           ok                   ok                ok              ok              state_closed
"""
JOIN = {
    "open": "join_paused",
    "offered": "join_paused",
    "in_conversation": "ok",
    "waiting": "ok",
    "wrap_up": "ok",
    "closed": "state_closed",
}

ALL_ON = Switches(monitor=True, assign=True, transfer=True, force_close=True)
SUPERVISOR = Actor(
    kind=ActorKind.PERSON, name="Sara", user_id=1, roles=frozenset({Role.SUPERVISOR}), supervised_queue_ids=None
)
TALKS = [kind for kind in ChannelKind if kind != ChannelKind.RECORD]
QUEUE, OTHER_QUEUE = 5, 6
ANA = 11


def cells() -> dict[tuple[Verb, Phase], str]:
    head, *rows = MATRIX.strip().splitlines()
    phases = head.split()
    return {
        (Verb(row.split()[0]), Phase(phase)): code
        for row in rows
        for phase, code in zip(phases, row.split()[1:], strict=True)
    }


CELLS = cells()
EVERY_CELL = list(product(Verb, Phase))


def about(phase: Phase, kind: ChannelKind = ChannelKind.PERSISTENT_CHAT) -> Facts:
    """A conversation in a phase, with its agent where there is one."""
    has_agent = phase in (Phase.OFFERED, Phase.IN_CONVERSATION, Phase.WRAP_UP)
    return Facts(
        id=1,
        version=3,
        kind=kind,
        phase=phase,
        queue_id=QUEUE,
        agent_id=ANA if has_agent else None,
        agent_name="Ana" if has_agent else "",
        last_agent_id=None if phase in (Phase.OPEN, Phase.OFFERED) else ANA,
    )


def code(refusal: Refusal | None) -> str:
    """The code of a reason; also holds every sentence to what a person can read."""
    if refusal is None:
        return "ok"
    assert len(refusal.sentence) > 20
    assert "%(" not in refusal.sentence
    assert refusal.sentence.endswith(".")
    return refusal.code


def test_the_matrix_has_every_cell() -> None:
    assert set(CELLS) == set(product(Verb, Phase))


@pytest.mark.parametrize("kind", TALKS)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell[0].value} {cell[1].value}")
def test_each_cell_of_the_matrix(cell: tuple[Verb, Phase], kind: ChannelKind) -> None:
    verb, phase = cell
    is_voice_transfer = verb == Verb.TRANSFER and kind == ChannelKind.VOICE
    expected = "voice_channel" if is_voice_transfer and CELLS[cell] == "ok" else CELLS[cell]

    assert code(policy.why_not(verb, SUPERVISOR, about(phase, kind), ALL_ON)) == expected


@pytest.mark.parametrize(("verb", "phase"), EVERY_CELL)
def test_records_are_not_handled_here(verb: Verb, phase: Phase) -> None:
    found = policy.why_not(verb, SUPERVISOR, about(phase, ChannelKind.RECORD), ALL_ON)

    assert code(found) == "record_channel"


@pytest.mark.parametrize(("phase", "expected"), JOIN.items())
def test_join_follows_a_running_monitor(phase: str, expected: str) -> None:
    facts = about(Phase(phase))

    assert code(policy.why_not_join(SUPERVISOR, facts, ALL_ON, is_monitoring=True)) == expected
    without = policy.why_not_join(SUPERVISOR, facts, ALL_ON, is_monitoring=False)
    assert code(without) == ("state_closed" if phase == "closed" else "not_monitoring")


@pytest.mark.parametrize("phase", Phase)
def test_who_joined_in_wrap_up_writes_internally(phase: Phase) -> None:
    found = policy.why_not_public(phase)

    talks = phase in (Phase.IN_CONVERSATION, Phase.WAITING)
    assert code(found) == ("ok" if talks else "internal_only")


# --- who asks -------------------------------------------------------------------------------------------------


STRANGERS = {
    "an agent": replace(SUPERVISOR, roles=frozenset({Role.AGENT}), agent_id=12),
    "an administrator": replace(SUPERVISOR, roles=frozenset({Role.ADMINISTRATOR})),
    "the API": replace(SUPERVISOR, roles=frozenset({Role.API_ACCESS})),
    "somebody without a role": replace(SUPERVISOR, roles=frozenset()),
    "a supervisor who was deactivated": replace(SUPERVISOR, is_active=False),
    "the customer": customer_actor(3, "Maja"),
    "the product": SYSTEM,
}


@pytest.mark.parametrize(("verb", "phase"), EVERY_CELL)
@pytest.mark.parametrize("who", STRANGERS)
def test_only_supervisors_supervise(who: str, verb: Verb, phase: Phase) -> None:
    found = policy.why_not(verb, STRANGERS[who], about(phase), ALL_ON)

    assert code(found) == "not_supervisor"
    assert found is not None
    assert found.kind == Kind.FORBIDDEN


@pytest.mark.parametrize(("verb", "phase"), EVERY_CELL)
def test_the_api_role_beside_it_blocks_a_supervisor(verb: Verb, phase: Phase) -> None:
    both = replace(SUPERVISOR, roles=frozenset({Role.SUPERVISOR, Role.API_ACCESS}))

    assert code(policy.why_not(verb, both, about(phase), ALL_ON)) == "api_role_conflict"
    assert code(policy.why_not_join(both, about(phase), ALL_ON, is_monitoring=True)) == "api_role_conflict"


@pytest.mark.parametrize(("verb", "phase"), EVERY_CELL)
def test_a_supervisor_acts_in_the_own_queues_only(verb: Verb, phase: Phase) -> None:
    here, elsewhere, nowhere = (
        replace(SUPERVISOR, supervised_queue_ids=frozenset(ids)) for ids in ({QUEUE}, {OTHER_QUEUE}, set[int]())
    )

    assert code(policy.why_not(verb, here, about(phase), ALL_ON)) == CELLS[verb, phase]
    assert code(policy.why_not(verb, elsewhere, about(phase), ALL_ON)) == "out_of_scope"
    assert code(policy.why_not(verb, nowhere, about(phase), ALL_ON)) == "out_of_scope"


@pytest.mark.parametrize("phase", [Phase.OFFERED, Phase.IN_CONVERSATION, Phase.WRAP_UP])
def test_nobody_monitors_the_own_conversation(phase: Phase) -> None:
    ana = replace(SUPERVISOR, roles=frozenset({Role.SUPERVISOR, Role.AGENT}), agent_id=ANA)

    assert code(policy.why_not(Verb.MONITOR, ana, about(phase), ALL_ON)) == "own_conversation"
    assert code(policy.why_not(Verb.FORCE_CLOSE, ana, about(phase), ALL_ON)) == "ok"


def test_a_supervisor_without_an_agent_profile_owns_no_open_conversation() -> None:
    assert code(policy.why_not(Verb.MONITOR, SUPERVISOR, about(Phase.WAITING), ALL_ON)) == "ok"
    assert code(policy.why_not(Verb.MONITOR, SUPERVISOR, about(Phase.OPEN), ALL_ON)) == "state_open"


# --- switches -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "phase"), EVERY_CELL)
def test_a_switch_that_is_off_names_itself(verb: Verb, phase: Phase) -> None:
    off = replace(ALL_ON, **{verb.value: False})
    found = policy.why_not(verb, SUPERVISOR, about(phase), off)

    assert code(found) == f"setting_off:{verb.value}"
    assert str(policy.SWITCH_LABELS[verb]) in str(found)
    for other in Verb:
        if other != verb:
            assert code(policy.why_not(other, SUPERVISOR, about(phase), off)) == CELLS[other, phase]


def test_the_monitor_switch_governs_join_too() -> None:
    off = replace(ALL_ON, monitor=False)

    found = policy.why_not_join(SUPERVISOR, about(Phase.IN_CONVERSATION), off, is_monitoring=True)

    assert code(found) == "setting_off:monitor"


def test_an_installation_starts_with_monitor_only() -> None:
    allowed = {
        verb.value
        for verb, phase in product(Verb, Phase)
        if policy.why_not(verb, SUPERVISOR, about(phase), Switches()) is None
    }

    assert allowed == {"monitor"}


# --- qualifiers of transfer and assign ------------------------------------------------------------------------


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"transfer_pending": True, "transfer_to": "Boris"}, "transfer_pending"),
        ({"agent_is_bot": True}, "bot_primary"),
        ({"is_elevated": True}, "elevated_voice_video"),
    ],
)
def test_what_stands_in_the_way_of_a_transfer(phase: Phase, change: dict[str, Any], expected: str) -> None:
    facts = replace(about(phase), **change)
    usual = CELLS[Verb.TRANSFER, phase]

    assert code(policy.why_not(Verb.TRANSFER, SUPERVISOR, facts, ALL_ON)) == (expected if usual == "ok" else usual)


def test_a_pending_transfer_says_to_whom() -> None:
    facts = replace(about(Phase.WAITING), transfer_pending=True, transfer_to="Boris")

    assert "Boris" in str(policy.why_not(Verb.TRANSFER, SUPERVISOR, facts, ALL_ON))


@pytest.mark.parametrize("phase", [Phase.OFFERED, Phase.IN_CONVERSATION])
def test_calls_are_transferred_where_a_setting_allows_it(phase: Phase) -> None:
    call = about(phase, ChannelKind.VOICE)

    assert code(policy.why_not(Verb.TRANSFER, SUPERVISOR, call, ALL_ON)) == "voice_channel"
    allowed = replace(ALL_ON, transfer_voice_calls=True)
    assert code(policy.why_not(Verb.TRANSFER, SUPERVISOR, call, allowed)) == "ok"


def test_a_waiting_conversation_that_nobody_keeps_is_assigned_not_transferred() -> None:
    kept_by_nobody = replace(about(Phase.WAITING), last_agent_id=None)

    assert code(policy.why_not(Verb.ASSIGN, SUPERVISOR, kept_by_nobody, ALL_ON)) == "ok"
    assert code(policy.why_not(Verb.TRANSFER, SUPERVISOR, kept_by_nobody, ALL_ON)) == "no_agent"


def test_an_offered_one_says_to_whom_it_is_offered() -> None:
    assert "Ana" in str(policy.why_not(Verb.ASSIGN, SUPERVISOR, about(Phase.OFFERED), ALL_ON))


@pytest.mark.parametrize(("verb", "phase", "kind"), list(product(Verb, Phase, ChannelKind)))
def test_the_report_gives_the_reason_that_the_service_gives(verb: Verb, phase: Phase, kind: ChannelKind) -> None:
    facts = about(phase, kind)

    for switches in (ALL_ON, Switches()):
        by_row = policy.why_not_by_row(facts, switches, verb)
        assert code(by_row) == code(policy.why_not(verb, SUPERVISOR, facts, switches))


# --- every reason there is ------------------------------------------------------------------------------------


REFUSALS = {name: value for name, value in vars(policy).items() if isinstance(value, Refusal)}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_reason_says_something_and_what_to_do(name: str) -> None:
    refusal = REFUSALS[name]
    sentence = str(refusal.text)

    assert refusal.code == refusal.code.lower()
    assert sentence.endswith(".")
    assert sentence[0].isupper() or sentence.startswith("%(")


def test_the_codes_of_the_domain_are_there() -> None:
    known = {refusal.code for refusal in REFUSALS.values()} | {"setting_off:<name>", "stale_version", "mixed_selection"}

    assert known >= {
        *("not_supervisor", "api_role_conflict", "record_channel", "out_of_scope", "state_closed", "state_open"),
        *("state_not_open", "already_assigned", "awaiting_acceptance", "no_agent", "own_conversation", "bot_primary"),
        *("elevated_voice_video", "voice_channel", "transfer_pending", "nothing_selected", "multiple_selected"),
    }


# --- texts and keys -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  hello\n", "hello"),
        ("a\x00b", "ab"),
        ("a\ud800b", "ab"),
        ("\x07\x1b[31mred", "[31mred"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("žluťoučký 🦊 ‮desrever", "žluťoučký 🦊 ‮desrever"),
        ("\x00 \n\x7f", ""),
    ],
)
def test_a_text_keeps_what_people_write_and_loses_what_breaks(written: str, kept: str) -> None:
    assert policy.clean_text(written) == kept


def test_texts_and_notes_have_their_longest_length() -> None:
    assert policy.why_not_text("x" * 6000) is None
    assert code(policy.why_not_text("x" * 6001)) == "text_too_long"
    assert code(policy.why_not_text("")) == "text_empty"
    assert policy.why_not_note("") is None
    assert policy.why_not_note("x" * 500) is None
    assert code(policy.why_not_note("x" * 501)) == "note_too_long"


def test_a_key_is_cut_to_what_can_be_kept() -> None:
    assert policy.clean_key("k\x00ey") == "key"
    assert len(policy.clean_key("x" * 1000)) == 64
