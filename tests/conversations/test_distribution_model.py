"""Does distribution choose as an obvious reading of the rules does? On random floors, look by look.

`FLOORS=2000 pytest tests/conversations/test_distribution_model.py` looks at more of them, `FIRST_FLOOR=100` at others.
"""

import os
from collections import Counter

import pytest

from conversations.models import Conversation, Offer, OfferKind
from conversations.reports.diagnosis import why_unassigned
from conversations.services.distribution import distribute
from routing.models import Agent
from tests.cast import at
from tests.conversations.obvious_distribution import Centre
from tests.conversations.random_floor import RandomFloor

FLOORS = int(os.environ.get("FLOORS", "10"))
FIRST = int(os.environ.get("FIRST_FLOOR", "0"))
TOMORROW = at(16 * 3600)
"""After midnight: what counted until the day was over does not any more."""
SEEN: Counter[str] = Counter()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FIRST, FIRST + FLOORS))
def test_distribution_chooses_as_the_rules_read(db: None, seed: int) -> None:
    floor = RandomFloor(seed)
    for now in (at(0), at(30), at(95), *([TOMORROW] if "daily" in floor.subjects else [])):
        centre = Centre(now)
        SEEN["daily"] += sum(
            bool(person.today) and bool(person.daily & person.limits.keys()) for person in centre.people
        )
        SEEN["kept"] += sum(piece.keeps is not None for piece in centre.work)
        if floor.is_about("narrow"):
            assert_that_a_look_at_one_agent_agrees(centre, floor)
        moved = centre.fall_back()
        while True:
            most = floor.rng.choice([1, 3, 200])
            expected, before = centre.look(most), last_offer()
            made = distribute(everywhere=True, now=now, most=most)
            assert made_after(before) == expected
            assert made == len(expected)
            SEEN["offered"] += made
            if not made:
                break
        assert queues_of(moved) == moved
        assert {person.id: person.presence for person in centre.people} == presences()
        assert_that_reasons_fit(Centre(now))
        SEEN["moved"] += len(moved)
        floor.goes_on()


def assert_that_a_look_at_one_agent_agrees(centre: Centre, floor: RandomFloor) -> None:
    """What touches one agent concerns their queues; what falls back from there may concern any."""
    person = floor.rng.choice(centre.people)
    moved = centre.fall_back(person.queues)
    expected, before = centre.look(200, None if moved else person.queues), last_offer()

    distribute(agent_ids=[person.id], now=centre.now)

    assert made_after(before) == expected
    assert queues_of(moved) == moved
    SEEN["narrow"] += len(expected)


def assert_that_reasons_fit(centre: Centre) -> None:
    """Whoever has a reason cannot be offered it by the obvious rules, and who has none can."""
    for piece in centre.work:
        diagnosis = why_unassigned(Conversation.objects.get(pk=piece.id), centre.now)
        members = {verdict.agent_id: verdict.refusal for verdict in diagnosis.members}
        for person in centre.people:
            if person.id in members:
                assert (members[person.id] is None) == centre.can_be_offered(person, piece), members[person.id]
            else:
                assert not centre.can_be_offered(person, piece)
        if centre.is_on and diagnosis.refusal is None:
            assert diagnosis.able == ()


def made_after(pk: int) -> list[tuple[int, int]]:
    rows = Offer.objects.filter(pk__gt=pk, kind=OfferKind.INCOMING).order_by("pk")
    return list(rows.values_list("conversation_id", "agent_id"))


def presences() -> dict[int, str]:
    return dict(Agent.objects.values_list("pk", "presence__base"))


def last_offer() -> int:
    return Offer.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def queues_of(conversation_ids: dict[int, int]) -> dict[int, int]:
    return dict(Conversation.objects.filter(pk__in=conversation_ids).values_list("pk", "queue_id"))


def test_the_floors_were_worth_looking_at() -> None:
    """Runs last: offers, and on many floors returning customers, queues without members and narrow looks occurred."""
    if not SEEN:
        pytest.skip("needs the floors above")
    assert SEEN["offered"] > FLOORS
    if FLOORS >= 60:
        assert SEEN["kept"] > FLOORS / 4
        assert SEEN["narrow"] > FLOORS / 4
        assert SEEN["daily"] > FLOORS
        assert SEEN["moved"] > FLOORS / 20
