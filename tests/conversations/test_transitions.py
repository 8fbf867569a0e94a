"""The state machine is the table of domain.md 2.2, no more and no less, for every channel kind."""

from datetime import timedelta
from itertools import product

import pytest

from conversations import policy
from conversations.models import State, StateReason
from conversations.policy import IllegalTransition, Phase, Trigger
from routing.models import ChannelKind, WrapUpBlock
from tests.cast import T0, at

KINDS = {
    "LC": ChannelKind.LIVE_CHAT,
    "PC": ChannelKind.PERSISTENT_CHAT,
    "AM": ChannelKind.ASYNC_MESSAGING,
    "V": ChannelKind.VOICE,
    "R": ChannelKind.RECORD,
}

# Typed off domain.md 2.2 by hand: number, what triggers it, from, to, for which kinds. Active is «offered» until the
# agent accepts. T1 has no source but where a bot serves first, which may end it too (EndedByBot).
# The rows marked + are the exception of 3.2: a Waiting one without an agent (T26).
TABLE = """
T1   bot_escalates               in_conversation  open             LC PC AM
T1+  bot_ends                    in_conversation  closed           LC PC AM
T1+  customer_leaves_bot         in_conversation  closed           LC
T2   push                        open             offered          LC PC AM V R
T3   pick                        open             offered          LC PC AM V R
T4   supervisor_assign           open             offered          LC PC AM V
T4+  supervisor_assign           waiting          offered          PC AM
T5   supervisor_assign_to_queue  open             open             LC PC AM V
T5+  supervisor_assign_to_queue  waiting          open             PC AM
T5   overflow                    open             open             LC PC AM V R
T6   accept                      offered          in_conversation  LC PC AM V R
T7   reject                      offered          open             LC PC AM V
T8   timeout                     offered          open             LC PC AM V
T9   customer_leaves             offered          closed           LC V
T10  customer_leaves             open             closed           LC V
T11  auto_close                  open             closed           LC PC AM V
T12  agent_end                   in_conversation  wrap_up          LC PC AM V
T13  customer_leaves             in_conversation  wrap_up          LC V
T14  call_limit                  in_conversation  wrap_up          V
T15  agent_closes_session        in_conversation  waiting          PC AM
T16  agent_closes_session        in_conversation  open             LC V
T17  agent_disconnected          offered          open             LC PC AM V
T17  agent_disconnected          in_conversation  open             LC PC AM V
T17  agent_disconnected          in_conversation  waiting          PC AM
T18  agent_release               in_conversation  open             LC PC AM V R
T19  transfer_accepted           offered          in_conversation  LC PC AM V
T19  transfer_accepted           in_conversation  in_conversation  LC PC AM V
T20  transfer_accepted           waiting          in_conversation  PC AM
T20  revive                      waiting          in_conversation  PC AM
T21  customer_returns            waiting          open             PC AM
T22  auto_close                  waiting          closed           PC AM
T23  finish_wrap_up              wrap_up          closed           LC PC AM V
T23  auto_close                  wrap_up          closed           LC PC AM V
T24  force_close                 open             closed           LC PC AM V
T24  force_close                 offered          closed           LC PC AM V
T24  force_close                 in_conversation  closed           LC PC AM V
T24  force_close                 waiting          closed           PC AM
T24  force_close                 wrap_up          closed           LC PC AM V
T25  record_resolved             open             closed           R
T25  record_resolved             offered          closed           R
T25  record_resolved             in_conversation  closed           R
T26  broadcast                   open             waiting          PC
T27  auto_close                  offered          closed           AM
T27  auto_close                  in_conversation  closed           AM
"""

Move = tuple[Trigger, Phase, Phase, ChannelKind]


def legal_moves() -> dict[Move, str]:
    moves = {}
    for row in TABLE.strip().splitlines():
        number, trigger, source, target, *kinds = row.split()
        for kind in kinds:
            moves[Trigger(trigger), Phase(source), Phase(target), KINDS[kind]] = number.rstrip("+")
    return moves


LEGAL = legal_moves()
EVERY_MOVE = list(product(Trigger, Phase, Phase, ChannelKind))


def named(move: Move) -> str:
    return " ".join(part.value for part in move)


@pytest.mark.parametrize(("move", "number"), LEGAL.items(), ids=[named(move) for move in LEGAL])
def test_every_move_of_the_table_is_possible_for_every_kind_it_names(move: Move, number: str) -> None:
    assert policy.transition(*move).number == number


def test_every_other_move_is_illegal() -> None:
    illegal = [move for move in EVERY_MOVE if move not in LEGAL]
    let_through = []
    for move in illegal:
        try:
            policy.transition(*move)
        except IllegalTransition:
            continue
        let_through.append(named(move))

    assert let_through == []
    assert len(illegal) == len(Trigger) * 6 * 6 * 5 - len(LEGAL)


def test_every_trigger_moves_something() -> None:
    assert {trigger for trigger, *_ in LEGAL} == set(Trigger)


def test_nothing_leaves_closed() -> None:
    assert not [named(row) for row in LEGAL if row[1] == Phase.CLOSED]
    assert not [row for row in policy.TRANSITIONS if row.source == Phase.CLOSED]


def test_live_chats_and_calls_never_wait() -> None:
    waiting = [row for row in policy.TRANSITIONS if Phase.WAITING in (row.source, row.target)]

    assert waiting
    assert not [row for row in waiting if row.kinds & {KINDS["LC"], KINDS["V"], KINDS["R"]}]


def test_open_does_not_go_to_wrap_up_and_wrap_up_not_back_to_active() -> None:
    moves = {(row.source, row.target) for row in policy.TRANSITIONS}

    assert (Phase.OPEN, Phase.WRAP_UP) not in moves
    assert not {target for source, target in moves if source == Phase.WRAP_UP} - {Phase.CLOSED}


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        (State.OPEN, StateReason.AWAITING_AGENT_ASSIGNMENT, Phase.OPEN),
        (State.ACTIVE, StateReason.AWAITING_AGENT_ACCEPTANCE, Phase.OFFERED),
        (State.ACTIVE, StateReason.ASSIGNED_BY_SUPERVISOR, Phase.OFFERED),
        (State.ACTIVE, StateReason.IN_CONVERSATION, Phase.IN_CONVERSATION),
        (State.WAITING, StateReason.AWAITING_CUSTOMER_RESPONSE, Phase.WAITING),
        (State.WRAP_UP, StateReason.AGENT_MOVED_TO_WRAP_UP, Phase.WRAP_UP),
        (State.CLOSED, StateReason.FORCE_CLOSED_BY_SUPERVISOR, Phase.CLOSED),
    ],
)
def test_a_stored_state_and_reason_is_one_phase(state: State, reason: StateReason, expected: Phase) -> None:
    assert policy.phase(state, reason) == expected
    assert expected.state == state


@pytest.mark.parametrize("kind", ChannelKind)
def test_the_reason_after_a_move_belongs_to_the_state_it_leads_to(kind: ChannelKind) -> None:
    for trigger, source, target, of_kind in LEGAL:
        if of_kind == kind:
            reason = policy.reason_after(target, trigger)
            assert policy.phase(target.state, reason) == target, (trigger, source, target)


@pytest.mark.parametrize(
    ("target", "block", "held", "until"),
    [
        (Phase.OPEN, WrapUpBlock.ALWAYS, False, None),
        (Phase.OFFERED, WrapUpBlock.NONE, True, None),
        (Phase.IN_CONVERSATION, WrapUpBlock.NONE, True, None),
        (Phase.WAITING, WrapUpBlock.ALWAYS, False, None),
        (Phase.WRAP_UP, WrapUpBlock.ALWAYS, True, None),
        (Phase.WRAP_UP, WrapUpBlock.NONE, False, None),
        (Phase.WRAP_UP, WrapUpBlock.CUSTOM, True, at(90)),
        (Phase.CLOSED, WrapUpBlock.ALWAYS, False, None),
        (Phase.CLOSED, WrapUpBlock.CUSTOM, False, None),
    ],
)
def test_capacity_is_held_as_the_table_of_states_says(
    target: Phase, block: WrapUpBlock, held: bool, until: object
) -> None:
    assert policy.capacity_hold(target, block, 90, T0) == (held, until)


def test_a_custom_block_without_a_time_is_the_shortest_one() -> None:
    assert policy.capacity_hold(Phase.WRAP_UP, WrapUpBlock.CUSTOM, None, T0) == (True, T0 + timedelta(seconds=30))
