"""To whom does work go, and which one reason excludes the others? Values only."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from routing.models import AssignmentMethod, BasePresence, SkillMatching
from routing.policy import (
    Candidate,
    Contender,
    Cost,
    Declines,
    Limits,
    Load,
    Past,
    ProfileLimit,
    Remedy,
    Work,
    choose,
    free_units,
    order,
    remedy_of,
    why_not_distribute,
    why_not_offer,
)
from tests.cast import T0, at

FRENCH, SEATS, BACK_OFFICE = 1, 7, 8
BUSY = frozenset({"available", "busy"})


def somebody(agent_id: int = 1, *, used: int = 0, items: dict[int, int] | None = None, **changes: Any) -> Contender:
    """An agent of queue 1, Available, with 100 units; ``changes`` are of the candidate or the contender."""
    own = {name: changes.pop(name) for name in ("queue_ids", "skills", "past") if name in changes}
    conversations = changes.pop("conversations", 1 if used or items else 0)
    candidate = Candidate(
        agent_id=agent_id,
        name=f"Agent {agent_id}",
        is_bot=False,
        is_active=True,
        base_presence=BasePresence.AVAILABLE,
        presence_name="Available",
        limits=Limits(100),
        load=Load(used, items or {}, conversations),
    )
    return replace(Contender(replace(candidate, **changes), frozenset({1})), **own)


def piece(**changes: Any) -> Work:
    """A conversation of queue 1 that costs 30 units."""
    return replace(Work(id=1, queue_id=1, queue_name="Billing", cost=Cost(30), allowed_presences=BUSY), **changes)


NEEDS_FRENCH = piece(matching=SkillMatching.EXACT, skills={FRENCH: 3}, skill_names={FRENCH: "French"})
WITH_SEAT = piece(cost=Cost(10, {SEATS: "Seats"}))
OFFLINE: dict[str, Any] = {"base_presence": BasePresence.OFFLINE, "presence_name": "Offline"}
LUNCH: dict[str, Any] = {"base_presence": BasePresence.AWAY, "presence_name": "Lunch"}


@pytest.mark.parametrize(
    ("contender", "work", "code", "remedy"),
    [
        (somebody(is_active=False), piece(), "agent_deactivated", Remedy.NONE),
        (somebody(has_agent_role=False), piece(), "agent_without_role", Remedy.NONE),
        (somebody(is_bot=True), piece(), "agent_is_bot", Remedy.NONE),
        (somebody(queue_ids=frozenset({2})), piece(), "agent_not_in_queue", Remedy.ADD_TO_QUEUE),
        (somebody(skills={FRENCH: 2}), NEEDS_FRENCH, "skill_lacking", Remedy.EDIT_SKILLS),
        (somebody(), piece(declines={1: Declines(3, T0)}), "decline_limit", Remedy.ASSIGN),
        (somebody(), piece(declines={1: Declines(1, at(971))}), "declined_lately", Remedy.WAIT),
        (
            somebody(),
            piece(declines={1: Declines(1, at(901))}, decline_pause=timedelta(seconds=100)),
            "declined_lately",
            Remedy.WAIT,
        ),
        (somebody(**OFFLINE), piece(), "agent_offline", Remedy.NONE),
        (somebody(**LUNCH), piece(), "agent_presence", Remedy.SET_PRESENCE),
        (somebody(is_inactive=True, **LUNCH), piece(), "agent_inactive", Remedy.RESET_PRESENCE),
        (somebody(conversations=9), piece(), "session_limit", Remedy.FREE_CAPACITY),
        (somebody(used=80), piece(), "capacity_short", Remedy.FREE_CAPACITY),
        (somebody(limits=Limits(20)), piece(), "capacity_never_enough", Remedy.EDIT_CAPACITY),
        (somebody(), WITH_SEAT, "profile_lacking", Remedy.EDIT_CAPACITY),
        (
            somebody(items={SEATS: 2}, limits=Limits(100, (ProfileLimit(SEATS, "Seats", 2),))),
            WITH_SEAT,
            "profile_full",
            Remedy.FREE_CAPACITY,
        ),
        (
            somebody(items={BACK_OFFICE: 1}, limits=Limits(100, (ProfileLimit(BACK_OFFICE, "Files", 1, True),))),
            piece(),
            "profile_blocks",
            Remedy.FREE_CAPACITY,
        ),
    ],
)
def test_each_reason_has_its_code_and_what_would_change_it(
    contender: Contender, work: Work, code: str, remedy: Remedy
) -> None:
    refusal = why_not_offer(contender, work, at(1000))

    assert refusal is not None
    assert (refusal.code, remedy_of(refusal)) == (code, remedy)
    assert "%" not in refusal.sentence


def test_whoever_has_exactly_the_room_and_the_skill_is_offered_it() -> None:
    assert why_not_offer(somebody(used=70), piece(), T0) is None
    assert why_not_offer(somebody(skills={FRENCH: 3}), NEEDS_FRENCH, T0) is None
    assert why_not_offer(somebody(conversations=8), piece(), T0) is None
    assert why_not_offer(somebody(), piece(declines={1: Declines(2, T0)}), at(30)) is None
    brief = timedelta(seconds=5)
    assert why_not_offer(somebody(), piece(declines={1: Declines(2, T0)}, decline_pause=brief), at(5)) is None


def test_the_numbers_say_how_much_is_missing() -> None:
    refusal = why_not_offer(somebody(used=110), piece(), T0)

    assert refusal is not None
    assert refusal.sentence == "Agent 1 lacks 40 units: 110 of 100 are used, and it needs 30."


def test_of_several_reasons_it_is_the_hardest_to_change() -> None:
    anything: dict[str, Any] = {"used": 90, **LUNCH}

    hurdles = [
        why_not_offer(somebody(queue_ids=frozenset(), is_active=False, **anything), NEEDS_FRENCH, T0),
        why_not_offer(somebody(queue_ids=frozenset(), **anything), NEEDS_FRENCH, T0),
        why_not_offer(somebody(**anything), NEEDS_FRENCH, T0),
        why_not_offer(somebody(skills={FRENCH: 5}, **anything), NEEDS_FRENCH, T0),
        why_not_offer(somebody(used=90), piece(), T0),
    ]

    assert [refusal.code for refusal in hurdles if refusal] == [
        "agent_deactivated",
        "agent_not_in_queue",
        "skill_lacking",
        "agent_presence",
        "capacity_short",
    ]


def test_a_returning_customer_s_agent_is_asked_past_presence_and_capacity_but_not_offline() -> None:
    work = replace(NEEDS_FRENCH, returning_to=1, ignores_presence_and_capacity=True)

    assert why_not_offer(somebody(used=100, conversations=9, **LUNCH), work, T0) is None
    offline, stranger = why_not_offer(somebody(**OFFLINE), work, T0), why_not_offer(somebody(2, **LUNCH), work, T0)
    assert offline is not None
    assert offline.code == "agent_offline"
    assert stranger is not None
    assert stranger.code == "skill_lacking"


def test_of_a_live_chat_the_same_agent_is_only_asked_first() -> None:
    work = piece(returning_to=2)

    assert [found.agent_id for found in order([somebody(1), somebody(2, used=50)], work)] == [2, 1]
    refusal = why_not_offer(somebody(2, used=80), work, T0)
    assert refusal is not None
    assert refusal.code == "capacity_short"


LONG_AGO, LATELY = Past(at(0), at(100)), Past(at(500), at(50))


@pytest.mark.parametrize(
    ("method", "ranking"),
    [
        # most units free; of the equal ones 4 never had anything, then 1 (0 s), then 2 (500 s)
        (AssignmentMethod.HIGHEST_CAPACITY, [4, 1, 2, 3]),
        (AssignmentMethod.ADVANCED_ROUND_ROBIN, [4, 1, 2, 3]),
        # fewest conversations; of the equal ones who is idle for longest: 4 always was, 2 since 50 s, 1 since 100 s
        (AssignmentMethod.LEAST_ACTIVE, [4, 2, 1, 3]),
    ],
)
def test_the_method_of_the_queue_says_who_is_first(method: AssignmentMethod, ranking: list[int]) -> None:
    agents = [
        somebody(1, used=20, past=LONG_AGO),
        somebody(2, used=20, past=LATELY),
        somebody(3, used=40, conversations=2, past=Past(at(700), at(0))),
        somebody(4, used=20),
    ]

    assert [found.agent_id for found in order(agents, piece(method=method))] == ranking


def test_each_method_looks_at_what_it_is_named_for() -> None:
    roomy = somebody(1, used=10, conversations=3, past=Past(at(900), at(900)))
    rested = somebody(2, used=60, conversations=2, past=Past(at(100), at(800)))
    quiet = somebody(3, used=70, conversations=1, past=Past(at(500), at(950)))

    first = {method: order([roomy, rested, quiet], piece(method=method))[0].agent_id for method in AssignmentMethod}

    assert first == {
        AssignmentMethod.HIGHEST_CAPACITY: 1,
        AssignmentMethod.ADVANCED_ROUND_ROBIN: 2,
        AssignmentMethod.LEAST_ACTIVE: 3,
    }


def test_closest_matching_prefers_who_has_more_of_the_skills_and_can_fall_to_none() -> None:
    work = piece(matching=SkillMatching.CLOSEST, skills={FRENCH: 3, 2: 1})
    nobody, half, all_of_it = somebody(1), somebody(2, skills={2: 1}, used=50), somebody(3, skills={2: 1, FRENCH: 3})

    assert [found.agent_id for found in order([nobody, half, all_of_it], work)] == [3, 2, 1]
    assert choose([nobody], work, T0) == nobody


def test_without_matching_skills_do_not_count() -> None:
    work = piece(skills={FRENCH: 5})

    assert [found.agent_id for found in order([somebody(2, skills={FRENCH: 5}), somebody(1)], work)] == [1, 2]


def test_who_declined_is_asked_after_everybody_else_who_can() -> None:
    work = piece(declines={1: Declines(1, T0), 2: Declines(2, T0)})

    assert [found.agent_id for found in order([somebody(1), somebody(2), somebody(3, used=60)], work)] == [3, 1, 2]
    chosen = choose([somebody(1), somebody(2)], work, at(60))
    assert chosen is not None
    assert chosen.agent_id == 1


def test_nobody_is_chosen_where_nobody_can() -> None:
    assert choose([somebody(1, **LUNCH), somebody(2, used=90)], piece(), T0) is None


@pytest.mark.parametrize(
    ("work", "code"),
    [
        (piece(is_pushed=False), "workstream_is_picked"),
        (piece(distribution_enabled=False), "setting_off:distribution"),
        (piece(declines={number: Declines(1, T0) for number in range(100)}), "declined_by_too_many"),
    ],
)
def test_some_work_is_offered_to_nobody(work: Work, code: str) -> None:
    refusal = why_not_distribute(work)

    assert refusal is not None
    assert refusal.code == code
    assert "%" not in refusal.sentence


def test_ninety_nine_who_declined_are_not_everybody() -> None:
    assert why_not_distribute(piece(declines={number: Declines(1, T0) for number in range(99)})) is None


# --- what a look may pass over without asking -----------------------------------------------------------------


def by_lot(chance: Random) -> tuple[Contender, Work]:
    """Any agent, and any work that nobody declined and whose customer is new."""
    profiles = (ProfileLimit(SEATS, "Seats", 1), ProfileLimit(BACK_OFFICE, "Files", 1, is_blocking=True))
    carried = {profile: "One" for profile in (SEATS, BACK_OFFICE) if chance.random() < 0.2}
    contender = somebody(
        is_active=chance.random() < 0.9,
        has_api_role=chance.random() < 0.1,
        base_presence=chance.choice(list(BasePresence)),
        limits=Limits(60, tuple(found for found in profiles if chance.random() < 0.5)),
        load=Load(
            chance.choice([0, 30, 60, 90]), {chance.choice([SEATS, BACK_OFFICE]): 1}, chance.choice([1, 1, 1, 9])
        ),
        skills={FRENCH: chance.choice([1, 3])},
    )
    work = piece(
        cost=Cost(chance.choice([30, 60]), carried),
        allowed_presences=chance.choice([BUSY, frozenset({"available", "away"})]),
        matching=chance.choice(list(SkillMatching)),
        skills={FRENCH: chance.choice([1, 3])} if chance.random() < 0.5 else {},
    )
    return contender, work


def test_who_is_not_free_for_so_much_is_not_offered_it() -> None:
    chance, passed_over = Random(1), 0
    for contender, work in (by_lot(chance) for _ in range(500)):
        if free_units(contender, work.allowed_presences) < work.cost.units:
            assert why_not_offer(contender, work, T0) is not None
            passed_over += 1

    assert 100 < passed_over < 500


def test_who_can_be_offered_one_can_be_offered_what_has_the_same_demand() -> None:
    chance, able = Random(2), defaultdict(set)
    drawn = [by_lot(chance) for _ in range(300)]
    for _, work in drawn:
        able[work.demand].add(tuple(why_not_offer(contender, work, T0) is None for contender, _ in drawn[:60]))

    assert 10 < len(able) < 100
    assert all(len(answers) == 1 for answers in able.values())


@pytest.mark.parametrize("changes", [{"declines": {1: Declines(1, T0)}}, {"returning_to": 1}])
def test_what_somebody_declined_or_comes_back_has_a_demand_of_its_own(changes: dict[str, Any]) -> None:
    assert piece(**changes).demand is None
