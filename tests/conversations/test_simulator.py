"""What could simulated customers and agents do now, what do they say, and where is nobody simulated?"""

import asyncio
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from conversations.demo.transcripts import Line, Voice, transcripts
from conversations.policy import Phase
from conversations.simulator import agents, customers, running, script, shift_lead
from conversations.simulator.floor import Chat, Consultant, Deed, Desk, Floor, Habits, Invitation, Scene
from conversations.simulator.reading import MOST_READ, read
from conversations.simulator.simulator import Simulator
from routing.models import BasePresence, Channel, SetBy
from tests.cast import Floor as SmallFloor
from tests.cast import at
from tests.demo import DEMO

LONG_AGO = at(-10_000)


# --- what they see -----------------------------------------------------------------------------------------------


def test_of_a_floor_that_is_too_large_a_part_is_looked_at(floor: SmallFloor, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        floor.start()
    monkeypatch.setattr("conversations.simulator.reading.MOST_READ", 4)

    found = read(at(10), Random(1))

    assert MOST_READ > 120
    assert (found.ongoing, len(found.chats)) == (6, 4)


def test_looking_costs_the_same_however_much_goes_on(floor: SmallFloor) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(at(100), Random(1))
        return len(queries)

    for _ in range(3):
        floor.active()
    before = cost()
    for _ in range(6):
        floor.active()

    assert cost() == before


# --- what people could do, one by one --------------------------------------------------------------------------

CHAT = Chat(
    id=7,
    phase=Phase.IN_CONVERSATION,
    channel=Channel.LIVE_CHAT,
    queue_id=1,
    units=25,
    allows_pick=True,
    agent_id=10,
    last_agent_id=10,
    is_made_up=True,
    opening_left=0,
    lines_left=3,
    since=LONG_AGO,
    last_activity_at=at(-60),
    unanswered_since=None,
    has_nudged=False,
    transfer_pending=False,
)
OPEN_CHAT = replace(CHAT, phase=Phase.OPEN, agent_id=None, unanswered_since=at(-30), since=at(-30))
DESK = Desk(
    agent_id=10,
    base=BasePresence.BUSY,
    presence_since=LONG_AGO,
    set_by=SetBy.SYSTEM,
    queue_ids=frozenset({1}),
    room=50,
    holds=2,
)


def scene(*chats: Chat, desks: tuple[Desk, ...] = (DESK,), **rest: Any) -> Scene:
    phases = Counter(chat.phase for chat in chats)
    floor = Floor(at=at(0), phases=phases, channels={Channel.LIVE_CHAT: len(chats)}, chats=chats, desks=desks)
    habits = Habits(has_shift_lead=bool(rest.pop("has_shift_lead", False)))
    return Scene(replace(floor, **rest), habits)


def agents_deeds(there: Scene) -> set[Deed]:
    return {chance.act.deed for chance in agents.chances(there) if chance.act.chat_id or chance.act.offer_id}


def customers_deeds(there: Scene) -> set[Deed]:
    return {chance.act.deed for chance in customers.chances(there)} - {Deed.START}


def presence_deeds(*desks: Desk) -> set[Deed]:
    return {chance.act.deed for chance in agents.chances(scene(desks=desks))}


def test_an_agent_answers_after_a_moment() -> None:
    assert Deed.ANSWER in agents_deeds(scene(replace(CHAT, unanswered_since=at(-30))))
    assert Deed.ANSWER not in agents_deeds(scene(replace(CHAT, unanswered_since=at(-2))))
    assert Deed.ANSWER not in agents_deeds(scene(CHAT))


def test_in_a_hurry_a_moment_is_shorter() -> None:
    there = scene(replace(CHAT, unanswered_since=at(-2)))

    assert Deed.ANSWER in agents_deeds(replace(there, habits=Habits(rate=4.0)))


def test_an_agent_at_lunch_does_nothing_until_they_are_back() -> None:
    lunch = replace(DESK, base=BasePresence.AWAY, set_by=SetBy.AGENT)
    there = scene(replace(CHAT, unanswered_since=at(-30)), OPEN_CHAT, desks=(lunch,))

    assert agents_deeds(there) == set()
    assert presence_deeds(lunch) == {Deed.RESUME}
    assert presence_deeds(replace(lunch, presence_since=at(-60))) == set()


def test_whoever_is_full_is_still_at_work_but_whoever_does_not_want_to_be_disturbed_is_not() -> None:
    full = replace(DESK, base=BasePresence.BUSY_DND, set_by=SetBy.SYSTEM)

    assert full.is_there
    assert not replace(full, set_by=SetBy.AGENT).is_there


def test_people_go_home_and_come_again() -> None:
    home = replace(DESK, base=BasePresence.OFFLINE)

    assert presence_deeds(DESK) == {Deed.PAUSE, Deed.SIGN_OUT}
    assert presence_deeds(home) == {Deed.SIGN_IN}
    assert presence_deeds(replace(home, presence_since=at(-60))) == set()


def test_no_more_than_a_fifth_is_away_at_once() -> None:
    lunch = replace(DESK, base=BasePresence.AWAY, presence_since=at(-60))

    assert Deed.PAUSE not in presence_deeds(lunch, DESK, DESK, DESK, DESK)
    assert Deed.PAUSE in presence_deeds(lunch, DESK, DESK, DESK, DESK, DESK)


def test_whoever_belongs_to_the_queue_and_has_room_picks() -> None:
    others = (
        replace(DESK, agent_id=11, queue_ids=frozenset({2})),
        replace(DESK, agent_id=12, holds=9),
        replace(DESK, agent_id=13, base=BasePresence.OFFLINE),
        replace(DESK, agent_id=14, room=0),
    )
    picks = {
        chance.act.agent_id: chance.weight
        for chance in agents.chances(scene(OPEN_CHAT, desks=(DESK, *others)))
        if chance.act.deed == Deed.PICK
    }

    assert set(picks) == {10, 14}
    assert picks[10] > 10 * picks[14]


def test_what_is_handed_out_only_is_not_picked() -> None:
    assert agents_deeds(scene(replace(OPEN_CHAT, allows_pick=False))) == set()


def test_a_visitor_s_chat_is_picked_after_five_minutes_and_its_customer_is_never_played() -> None:
    visitor = replace(OPEN_CHAT, is_made_up=False, lines_left=0)
    waits = replace(visitor, since=at(-301), unanswered_since=at(-301))

    assert agents_deeds(scene(visitor)) == set()
    assert agents_deeds(scene(waits)) == {Deed.PICK}
    assert customers_deeds(scene(waits)) == set()


def test_a_visitor_has_time_to_think_before_their_chat_is_ended() -> None:
    visitor = replace(CHAT, is_made_up=False, lines_left=0)

    assert agents_deeds(scene(visitor)) == set()
    assert agents_deeds(scene(replace(visitor, last_activity_at=at(-200)))) == {Deed.END}


def test_when_everything_is_said_an_agent_ends_or_lets_it_wait() -> None:
    said = replace(CHAT, lines_left=0)

    # A live chat may be closed by mistake, or given back, at any time.
    assert agents_deeds(scene(CHAT)) == {Deed.RELEASE, Deed.CLOSE_SESSION}
    assert agents_deeds(scene(said)) == {Deed.END, Deed.RELEASE, Deed.CLOSE_SESSION}
    assert Deed.CLOSE_SESSION in agents_deeds(scene(replace(said, channel=Channel.SMS)))
    assert Deed.CLOSE_SESSION not in agents_deeds(scene(replace(CHAT, channel=Channel.SMS)))


def test_after_work_is_finished_after_a_while() -> None:
    done = replace(CHAT, phase=Phase.WRAP_UP)

    assert agents_deeds(scene(done)) == {Deed.FINISH, Deed.CLOSE_SESSION}
    assert agents_deeds(scene(replace(done, since=at(-5)))) == set()


def test_a_waiting_conversation_is_taken_up_by_its_agent_or_by_its_customer() -> None:
    waiting = replace(CHAT, phase=Phase.WAITING, channel=Channel.WHATSAPP, agent_id=None)

    assert agents_deeds(scene(waiting)) == {Deed.REVIVE}
    assert agents_deeds(scene(replace(waiting, transfer_pending=True))) == set()
    assert agents_deeds(scene(replace(waiting, last_agent_id=99))) == set()
    assert customers_deeds(scene(waiting)) == {Deed.RETURN}


def test_a_consultant_leaves_in_the_end() -> None:
    consultant = Consultant(chat_id=7, agent_id=10, since=at(-70))

    assert agents_deeds(scene(consultants=(consultant,))) == {Deed.LEAVE_CONSULT}
    assert agents_deeds(scene(consultants=(replace(consultant, since=at(-5)),))) == set()


def invited(seconds_ago: float, *, can_reject: bool = True) -> set[Deed]:
    invitation = Invitation(offer_id=3, chat_id=7, agent_id=10, offered_at=at(-seconds_ago), can_reject=can_reject)
    return agents_deeds(scene(invitations=(invitation,)))


def test_offers_are_accepted_or_rejected_after_some_hesitation_or_missed() -> None:
    answers = Counter(frozenset(invited(100 + number)) for number in range(200))

    assert set(answers) == {frozenset({Deed.ACCEPT}), frozenset({Deed.REJECT}), frozenset()}
    assert answers[frozenset({Deed.ACCEPT})] > answers[frozenset({Deed.REJECT})] > 10
    assert answers[frozenset()] > 10
    assert all(invited(3 - number / 100) == set() for number in range(100))


def test_what_cannot_be_rejected_is_accepted_or_missed() -> None:
    answers = {frozenset(invited(100 + number, can_reject=False)) for number in range(200)}

    assert answers == {frozenset({Deed.ACCEPT}), frozenset()}


def test_a_customer_writes_when_it_is_their_turn_and_leaves_when_all_is_said() -> None:
    assert customers_deeds(scene(CHAT)) == {Deed.WRITE}
    assert customers_deeds(scene(replace(CHAT, last_activity_at=at(-2)))) == set()
    assert customers_deeds(scene(replace(CHAT, unanswered_since=at(-30)))) == set()
    assert customers_deeds(scene(replace(CHAT, lines_left=0))) == {Deed.LEAVE}
    assert customers_deeds(scene(replace(CHAT, lines_left=0, channel=Channel.SMS))) == set()


def test_a_customer_who_is_not_answered_asks_once_and_then_gives_up() -> None:
    waits = replace(OPEN_CHAT, unanswered_since=at(-150))
    long = replace(OPEN_CHAT, unanswered_since=at(-500), has_nudged=True)

    assert customers_deeds(scene(OPEN_CHAT)) == set()
    assert customers_deeds(scene(waits)) == {Deed.NUDGE}
    assert customers_deeds(scene(long)) == {Deed.LEAVE}
    assert customers_deeds(scene(replace(long, channel=Channel.SMS))) == set()


def test_at_the_desk_of_somebody_who_is_played_no_customer_gives_up() -> None:
    played = replace(CHAT, agent_id=99, unanswered_since=at(-5000), has_nudged=True)

    assert customers_deeds(scene(played)) == set()
    assert customers_deeds(scene(replace(played, agent_id=10))) == {Deed.LEAVE}


def test_a_person_at_a_desk_soon_has_an_answer() -> None:
    def weight(chat: Chat) -> float:
        return sum(chance.weight for chance in customers.chances(scene(chat)) if chance.act.deed == Deed.WRITE)

    assert weight(replace(CHAT, agent_id=99)) > 5 * weight(CHAT)


def test_customers_come_the_sooner_the_emptier_the_floor() -> None:
    def arrivals(ongoing: int) -> float:
        there = scene(*[CHAT] * 120)
        floor = replace(there.floor, phases={Phase.OPEN: ongoing})
        there = replace(there, floor=floor)
        return sum(chance.weight for chance in customers.chances(there) if chance.act.deed == Deed.START)

    assert arrivals(60) > 5 * arrivals(110) > 5 * arrivals(120) > 5 * arrivals(160) > 0


def test_only_where_there_is_a_shift_lead_the_longest_waiting_is_handed_out() -> None:
    longer = replace(OPEN_CHAT, id=8, since=at(-900))

    assert list(shift_lead.chances(scene(OPEN_CHAT, longer))) == []
    handed = list(shift_lead.chances(scene(OPEN_CHAT, longer, has_shift_lead=True)))
    assert [(chance.act.chat_id, chance.act.agent_id) for chance in handed] == [(8, 10)]


# --- what they say -----------------------------------------------------------------------------------------------

WORDS = {"name": "Ruth", "agent": "Wei", "order": "1", "invoice": "2", "amount": "€ 3", "ref": "R4"} | dict.fromkeys(
    ("product", "city", "day"), "Somewhere"
)


def test_a_conversation_is_recognised_by_its_subject() -> None:
    for transcript in transcripts():
        for subject in transcript.subjects:
            assert script.transcript_of(subject.format(**WORDS)) is not None

    assert script.transcript_of("Something else altogether") is None


def test_a_dialogue_goes_on_where_it_stands_and_remembers_what_was_said() -> None:
    subject = "Card charged twice for order 47110"
    said = [
        Line(
            Voice.CUSTOMER,
            "My card was charged twice for order 47110. Both payments of € 61.50 left my account on Friday.",
        )
    ]

    assert script.left(subject, 0) == (2, 5)
    assert script.left(subject, 1) == (1, 4)
    assert "rent" in script.customer_says(subject, said, WORDS, Random(1))
    for _ in range(2):
        said.append(script.agent_says(subject, said, WORDS, Random(1)))
    said.append(script.agent_says(subject, said, WORDS, Random(1)))
    assert [line.voice for line in said[1:]] == [Voice.AGENT, Voice.INTERNAL, Voice.AGENT]
    assert said[1].text.startswith("Good morning Ruth")
    assert "€ 61.50" in said[3].text


def test_when_the_transcript_is_over_there_is_still_something_to_say_in_every_language() -> None:
    for transcript in transcripts():
        subject = transcript.subjects[0].format(**WORDS)
        said = [Line(line.voice, line.text.format(**WORDS)) for line in transcript.opening + transcript.dialogue]

        assert script.left(subject, len(said)) == (0, 0)
        assert script.customer_says(subject, said, WORDS, Random(1))
        assert script.agent_says(subject, said, WORDS, Random(1)).voice == Voice.AGENT
        assert script.phrase("n", script.language_of(script.transcript_of(subject)), Random(1))


def test_a_visitor_is_greeted() -> None:
    line = script.agent_says("I try this out.", [Line(Voice.CUSTOMER, "I try this out.")], WORDS, Random(1))

    assert line.text == "Hello Ruth, my name is Wei. I am looking into it right now."


# --- the commands ------------------------------------------------------------------------------------------------


def test_outside_demo_mode_nobody_is_simulated() -> None:
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("simulate", "--steps", "1")


@pytest.mark.django_db
def test_without_the_demo_nobody_is_simulated() -> None:
    with override_settings(**DEMO), pytest.raises(CommandError, match="load_demo"):
        call_command("simulate", "--steps", "1")


@pytest.mark.parametrize("rate", ["0", "-1", "1000"])
def test_an_impossible_rate_is_refused(rate: str) -> None:
    with override_settings(DEMO=True), pytest.raises(CommandError, match="above 0"):
        call_command("simulate", "--rate", rate)


async def test_a_failing_step_is_counted_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(simulator: Simulator) -> None:
        raise ConnectionError("the database went away")

    monkeypatch.setattr(Simulator, "step", fail)
    monkeypatch.setattr(running, "LONGEST_PAUSE_SECONDS", 0.01)

    simulator = await asyncio.wait_for(running.run(Habits(), asyncio.Event(), steps=3), timeout=5)

    assert simulator.figures.failed == 3
