"""Does a profile that comes free at the end of the day keep what was accepted until then? (domain.md 1.4, 2.4)"""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from conversations import matching, selectors
from conversations.invariants.capacity import recount
from conversations.models import Conversation, SupervisorSettings
from conversations.services import assignment, closure, distribution, offers, timers
from routing.models import Agent, BasePresence, CapacityProfile, SetBy
from routing.policy import why_not_offer
from tests.cast import T0, Floor, actor_of, at, fresh, offer_of, set_presence
from tests.conversations.looking import presence
from tests.invariants import broken

MIDNIGHT = timezone.localtime(T0, timezone.get_default_timezone()).replace(
    hour=0, minute=0, second=0, microsecond=0
) + timedelta(days=1)


@pytest.fixture
def daily(floor: Floor) -> CapacityProfile:
    """Ana takes two complaints a day; live chats are such."""
    SupervisorSettings.objects.update(distribution_enabled=True)
    profile = CapacityProfile.objects.create(name="Complaints", limit=2, reset="end_of_day", is_blocking=True)
    floor.ana.agent_profiles.create(profile=profile)
    floor.boris.agent_profiles.create(profile=profile)
    floor.chat.workstream_profiles.create(profile=profile)
    return profile


def items(floor: Floor, profile: CapacityProfile, now: datetime) -> int:
    """How many Ana has used, counted twice: it must be the same from both sides."""
    found = selectors.loads([floor.ana.pk], now)[floor.ana.pk]
    assert recount([floor.ana.pk], now)[floor.ana.pk].items == found.items
    return found.items.get(profile.pk, 0)


def over(floor: Floor, chat: Conversation, second: int) -> None:
    ana = actor_of(floor.ana)
    closure.end(ana, chat.pk, now=at(second))
    closure.finish_wrap_up(ana, chat.pk, now=at(second + 1))


def test_what_is_over_counts_until_midnight(floor: Floor, daily: CapacityProfile) -> None:
    chat = floor.active()
    assert items(floor, daily, at(30)) == 1
    over(floor, chat, 40)

    assert items(floor, daily, at(60)) == 1
    assert items(floor, daily, MIDNIGHT - timedelta(seconds=1)) == 1
    assert items(floor, daily, MIDNIGHT) == 0
    assert selectors.loads([floor.ana.pk], at(60))[floor.ana.pk].conversations == 0


def test_what_is_still_held_counts_once_and_past_midnight(floor: Floor, daily: CapacityProfile) -> None:
    chat = floor.active()

    assert items(floor, daily, at(60)) == 1
    assert items(floor, daily, MIDNIGHT + timedelta(seconds=60)) == 1
    over(floor, chat, 70)
    assert items(floor, daily, MIDNIGHT + timedelta(seconds=60)) == 0


def test_what_was_only_offered_does_not_count_any_more(floor: Floor, daily: CapacityProfile) -> None:
    chat = floor.offered()
    assert items(floor, daily, at(15)) == 1
    offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(20))

    assert items(floor, daily, at(30)) == 0


def test_one_that_comes_back_to_the_same_agent_is_one(floor: Floor, daily: CapacityProfile) -> None:
    chat = floor.active()
    assignment.release(actor_of(floor.ana), chat.pk, now=at(30))
    assert items(floor, daily, at(40)) == 1
    distribution.offer(chat.pk, floor.ana.pk, now=at(50))
    assert items(floor, daily, at(60)) == 1
    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(61))

    assert items(floor, daily, at(70)) == 1


def test_in_one_look_too_one_that_comes_back_to_the_same_agent_is_one(floor: Floor, daily: CapacityProfile) -> None:
    CapacityProfile.objects.update(limit=3)
    set_presence(floor.boris, BasePresence.AWAY, set_by=SetBy.AGENT)
    over(floor, floor.active(), 30)
    back = floor.active()
    assignment.release(actor_of(floor.ana), back.pk, now=at(40))
    new = floor.start(now=at(45))
    assert items(floor, daily, at(50)) == 2

    assert distribution.distribute(everywhere=True, now=at(50)) == 2

    assert (fresh(back).agent_id, fresh(new).agent_id) == (floor.ana.pk, floor.ana.pk)
    assert items(floor, daily, at(60)) == 3


def test_a_profile_that_comes_free_at_once_does(floor: Floor, daily: CapacityProfile) -> None:
    CapacityProfile.objects.update(reset="immediate")
    over(floor, floor.active(), 40)

    assert items(floor, daily, at(60)) == 0


def test_who_used_it_up_gets_nothing_until_tomorrow_and_is_told_so(floor: Floor, daily: CapacityProfile) -> None:
    for second in (40, 60):
        over(floor, floor.active(), second)
    assert presence(floor.ana) == "Do not disturb"
    chat = floor.start()

    assert distribution.distribute(conversation_ids=[chat.pk], now=at(90)) == 1
    assert fresh(chat).agent_id == floor.boris.pk
    set_presence(floor.ana, BasePresence.AVAILABLE, set_by=SetBy.AGENT)
    ana = matching.contenders([Agent.objects.get(pk=floor.ana.pk)], at(90))[floor.ana.pk]
    refusal = why_not_offer(ana, matching.work(fresh(chat)), at(90))
    assert refusal is not None
    assert refusal.code == "profile_blocks_today"
    assert "until tomorrow" in refusal.sentence
    assert broken(at(90)) == []


def test_at_midnight_they_are_available_again_by_themselves(floor: Floor, daily: CapacityProfile) -> None:
    for second in (40, 60):
        over(floor, floor.active(), second)
    timers.run_due(now=MIDNIGHT - timedelta(seconds=1), misses=False)
    before = presence(floor.ana)

    timers.run_due(now=MIDNIGHT + timedelta(seconds=1), misses=False)

    assert (before, presence(floor.ana)) == ("Do not disturb", "Available")
    assert timers.run_due(now=MIDNIGHT + timedelta(seconds=2), misses=False) == 0, "once"


def test_at_midnight_a_presence_that_somebody_chose_stays(floor: Floor, daily: CapacityProfile) -> None:
    for second in (40, 60):
        over(floor, floor.active(), second)
    floor.ana.refresh_from_db()
    floor.ana.presence_set_by = "agent"
    floor.ana.save()

    timers.run_due(now=MIDNIGHT + timedelta(seconds=1), misses=False)

    assert presence(floor.ana) == "Do not disturb"
