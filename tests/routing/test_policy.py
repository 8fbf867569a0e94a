"""Who has room, who fits, which presence follows? The rules of domain.md 1.2 to 1.5 and 3.5, as values."""

from datetime import UTC, datetime

import pytest

from routing.models import BasePresence, SetBy
from routing.policy import (
    SESSION_LIMIT,
    Candidate,
    Cost,
    Limits,
    Load,
    Opening,
    PresenceCause,
    PresenceNow,
    ProfileExcess,
    ProfileLimit,
    capacity_cautions,
    excess_items,
    excess_units,
    is_open,
    presence_after,
    presence_caution,
    presence_from_capacity,
    rank,
    skill_match,
    why_not_take,
)

A, B, DND, AWAY, OFF = (
    BasePresence.AVAILABLE,
    BasePresence.BUSY,
    BasePresence.BUSY_DND,
    BasePresence.AWAY,
    BasePresence.OFFLINE,
)
CHATS, CALLS = 1, 2


def candidate(
    *,
    load: Load | None = None,
    limits: Limits | None = None,
    presence: BasePresence = A,
    is_bot: bool = False,
    is_active: bool = True,
    has_api_role: bool = False,
) -> Candidate:
    return Candidate(
        agent_id=1,
        name="Ana",
        is_bot=is_bot,
        is_active=is_active,
        base_presence=presence,
        presence_name=str(presence.label),
        limits=limits or Limits(100),
        load=load or Load(),
        has_api_role=has_api_role,
    )


# --- capacity (domain.md 1.4, 3.5) -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "cost", "maximum", "over"),
    [
        (80, 30, 100, 10),  # The first example of domain.md 3.5.
        (110, 30, 100, 40),  # The second one: already negative.
        (0, 30, 100, 0),
        (70, 30, 100, 0),  # Exactly full is not over.
        (71, 30, 100, 1),
        (0, 30, 0, 30),
        (0, 0, 0, 0),
    ],
)
def test_excess_units_are_what_goes_over_the_maximum(used: int, cost: int, maximum: int, over: int) -> None:
    assert excess_units(used, cost, maximum) == over


def test_a_profile_is_exceeded_by_what_goes_over_its_limit() -> None:
    limits = Limits(100, (ProfileLimit(CHATS, "Chats", 2), ProfileLimit(CALLS, "Calls", 1)))
    agent = candidate(load=Load(units=0, items={CHATS: 2, CALLS: 0}, conversations=2), limits=limits)

    assert excess_items(agent, Cost(10, {CHATS: "Chats", CALLS: "Calls"})) == (ProfileExcess(CHATS, "Chats", 1),)


def test_a_profile_that_the_agent_lacks_has_no_room() -> None:
    assert excess_items(candidate(), Cost(10, {CALLS: "Calls"})) == (ProfileExcess(CALLS, "Calls", 1),)


def test_the_caution_about_units_says_by_how_many() -> None:
    over = capacity_cautions(candidate(load=Load(units=80, conversations=3)), Cost(30))
    one = capacity_cautions(candidate(load=Load(units=71, conversations=3)), Cost(30))

    assert [(caution.code, caution.numbers["over"]) for caution in over] == [("capacity_override", 10)]
    assert over[0].sentence == "This exceeds the capacity of Ana by 10 units."
    assert one[0].sentence == "This exceeds the capacity of Ana by 1 unit."


def test_every_way_of_going_over_has_its_own_caution() -> None:
    limits = Limits(100, (ProfileLimit(CHATS, "Chats", 1),))
    agent = candidate(load=Load(units=100, items={CHATS: 1}, conversations=SESSION_LIMIT), limits=limits)

    codes = [caution.code for caution in capacity_cautions(agent, Cost(5, {CHATS: "Chats"}))]

    assert codes == ["capacity_override", "profile_override", "session_limit"]


def test_an_agent_with_room_needs_no_caution() -> None:
    assert capacity_cautions(candidate(load=Load(units=70, conversations=SESSION_LIMIT - 1)), Cost(30)) == ()


# --- who can be chosen (domain.md 3.5, P4) ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "code"),
    [
        (candidate(is_bot=True), "agent_is_bot"),
        (candidate(is_active=False), "agent_deactivated"),
        (candidate(has_api_role=True), "agent_api_role_conflict"),
    ],
)
def test_some_agents_can_be_chosen_by_nobody(agent: Candidate, code: str) -> None:
    refusal = why_not_take(agent)

    assert refusal is not None
    assert refusal.code == code


def test_presence_and_capacity_alone_never_make_an_agent_impossible() -> None:
    assert why_not_take(candidate(presence=OFF, load=Load(units=500, conversations=20))) is None


@pytest.mark.parametrize(
    ("presence", "code"),
    [(A, None), (B, None), (DND, "presence_override"), (AWAY, "presence_override"), (OFF, "presence_offline")],
)
def test_an_agent_outside_the_allowed_presences_needs_a_caution(presence: BasePresence, code: str | None) -> None:
    caution = presence_caution(candidate(presence=presence), ["available", "busy"])

    assert (caution.code if caution else None) == code


def test_an_allowed_presence_needs_no_caution_even_if_it_is_offline() -> None:
    assert presence_caution(candidate(presence=OFF), ["offline"]) is None


# --- skills (domain.md 1.5) ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("required", "held", "share"),
    [
        ({}, {}, 1.0),
        ({1: 3}, {1: 3}, 1.0),
        ({1: 3}, {1: 5}, 1.0),
        ({1: 3}, {1: 2}, 0.0),
        ({1: 3}, {}, 0.0),
        ({1: 3, 2: 1}, {1: 4}, 0.5),
        ({1: 3, 2: 1, 3: 5, 4: 1}, {1: 3, 2: 2, 4: 1, 9: 5}, 0.75),
    ],
)
def test_skill_match_is_the_share_of_what_is_required(
    required: dict[int, int], held: dict[int, int], share: float
) -> None:
    assert skill_match(required, held) == share


def test_the_best_match_comes_first_then_the_most_room_then_the_name() -> None:
    people = [(0.5, 90, "Ana"), (1.0, 10, "boris"), (1.0, 40, "Cene"), (1.0, 10, "Ana")]

    assert sorted(people, key=lambda person: rank(*person)) == [
        (1.0, 40, "Cene"),
        (1.0, 10, "Ana"),
        (1.0, 10, "boris"),
        (0.5, 90, "Ana"),
    ]


# --- presence (domain.md 1.3) ----------------------------------------------------------------------------

NONE_BLOCKS = Limits(100, (ProfileLimit(CHATS, "Chats", 2), ProfileLimit(CALLS, "Calls", 1)))
ONE_BLOCKS = Limits(100, (ProfileLimit(CHATS, "Chats", 2), ProfileLimit(CALLS, "Calls", 1, is_blocking=True)))


def load(units: int, chats: int = 0, calls: int = 0) -> Load:
    return Load(units, {CHATS: chats, CALLS: calls}, conversations=max(1, chats + calls) if units else chats + calls)


@pytest.mark.parametrize(
    ("held", "limits", "presence"),
    [
        (Load(), Limits(100), A),
        (load(30), Limits(100), B),
        (load(99), Limits(100), B),
        (load(100), Limits(100), DND),
        (load(140), Limits(100), DND),  # Exhausted or negative.
        (load(100, chats=1), NONE_BLOCKS, B),  # Units and profiles both: both must be exhausted.
        (load(50, chats=2, calls=1), NONE_BLOCKS, B),
        (load(100, chats=2), NONE_BLOCKS, B),  # Several profiles, none blocks: all must be.
        (load(100, chats=2, calls=1), NONE_BLOCKS, DND),
        (load(10, calls=1), ONE_BLOCKS, DND),  # One blocks: that one is enough.
        (load(100, chats=2), ONE_BLOCKS, B),
        (load(30, chats=1), ONE_BLOCKS, B),
    ],
)
def test_capacity_says_the_presence(held: Load, limits: Limits, presence: BasePresence) -> None:
    assert presence_from_capacity(held, limits) == presence


@pytest.mark.parametrize("cause", list(PresenceCause))
@pytest.mark.parametrize("set_by", list(SetBy))
@pytest.mark.parametrize("base", [AWAY, OFF])
def test_offline_and_away_stay_until_changed(base: BasePresence, set_by: SetBy, cause: PresenceCause) -> None:
    for held in (Load(), load(30), load(100)):
        assert presence_after(PresenceNow(base, set_by), held, Limits(100), cause) is None


@pytest.mark.parametrize("cause", list(PresenceCause))
def test_inactive_stays_until_it_is_reset(cause: PresenceCause) -> None:
    now = PresenceNow(AWAY, SetBy.SYSTEM, is_inactive=True)

    assert presence_after(now, Load(), Limits(100), cause) is None


@pytest.mark.parametrize("cause", list(PresenceCause))
@pytest.mark.parametrize("set_by", [SetBy.AGENT, SetBy.SUPERVISOR])
def test_do_not_disturb_stays_if_a_person_set_it(set_by: SetBy, cause: PresenceCause) -> None:
    assert presence_after(PresenceNow(DND, set_by), Load(), Limits(100), cause) is None


@pytest.mark.parametrize("set_by", [SetBy.AGENT, SetBy.SUPERVISOR])
@pytest.mark.parametrize(
    ("base", "held", "cause", "after"),
    [
        (A, load(30), PresenceCause.OFFERED, None),
        (B, load(100), PresenceCause.OFFERED, None),
        (A, Load(), PresenceCause.WITHDRAWN, None),
        (B, Load(), PresenceCause.WITHDRAWN, None),
        (A, load(30), PresenceCause.ACCEPTED, B),
        (A, load(100), PresenceCause.ACCEPTED, DND),
        (B, Load(), PresenceCause.RELEASED, A),
        (B, load(30), PresenceCause.RELEASED, None),
    ],
)
def test_available_and_busy_by_hand_last_until_the_next_accept_or_close(
    set_by: SetBy, base: BasePresence, held: Load, cause: PresenceCause, after: BasePresence | None
) -> None:
    assert presence_after(PresenceNow(base, set_by), held, Limits(100), cause) == after


@pytest.mark.parametrize("cause", list(PresenceCause))
@pytest.mark.parametrize(
    ("base", "held", "after"),
    [
        (A, Load(), None),
        (A, load(30), B),
        (A, load(100), DND),
        (B, Load(), A),
        (B, load(30), None),
        (B, load(120), DND),
        (DND, Load(), A),
        (DND, load(30), B),
        (DND, load(100), None),
    ],
)
def test_what_the_product_set_follows_capacity(
    base: BasePresence, held: Load, cause: PresenceCause, after: BasePresence | None
) -> None:
    assert presence_after(PresenceNow(base, SetBy.SYSTEM), held, Limits(100), cause) == after


# --- operating hours (domain.md 1.2) ---------------------------------------------------------------------

MONDAY = Opening(1, "08:00", "18:00")
MONDAY_NIGHT = Opening(1, "20:00", "23:30")


@pytest.mark.parametrize(
    ("hours", "day", "hour", "minute", "opened"),
    [
        ([], 7, 3, 0, True),  # None at all: around the clock.
        ([MONDAY], 2, 8, 0, True),
        ([MONDAY], 2, 7, 59, False),
        ([MONDAY], 2, 17, 59, True),
        ([MONDAY], 2, 18, 0, False),
        ([MONDAY], 3, 12, 0, False),
        ([MONDAY, MONDAY_NIGHT], 2, 19, 0, False),
        ([MONDAY, MONDAY_NIGHT], 2, 20, 15, True),
    ],
)
def test_a_queue_is_open_inside_its_hours(hours: list[Opening], day: int, hour: int, minute: int, opened: bool) -> None:
    # 2 March 2026 is a Monday.
    assert is_open(hours, datetime(2026, 3, day, hour, minute, tzinfo=UTC)) is opened
