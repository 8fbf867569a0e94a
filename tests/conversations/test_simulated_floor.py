"""Do simulated customers and agents lead a lawful life, and leave alone whom people play? On the whole demo."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import Max
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from conversations.demo import centre, doors, people, story
from conversations.demo.doors import LOG_INS
from conversations.models import Conversation, Customer, HistoryEntry, Message, Offer, Sentiment
from conversations.policy import Phase
from conversations.services import closure, intake, timers
from conversations.simulator.floor import Act, Deed, Habits, Scene
from conversations.simulator.reading import read
from conversations.simulator.simulator import Simulator, chances, choose
from routing.models import Agent, Channel, PresenceChange, User, Workstream
from tests.cast import T0
from tests.conftest import as_migrated
from tests.demo import DEMO, actor
from tests.invariants import broken

STEPS, MOST_STEPS = 400, 1200
EVERY_DEED = {deed.value for deed in Deed}

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # The first test lets the demo be loaded and lived in.


# --- a long run, looked at from all sides ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo as it was at a certain time, so that chance is the same in every run of these tests."""
    with django_db_blocker.unblock():
        with override_settings(**DEMO):
            story.tell(centre.build(T0), T0, seed=7)
            doors.open_doors()
        yield
        as_migrated()


@pytest.fixture
def demo(loaded: None, db: None) -> None:
    """A test that goes on from what the tests before it left for good; what it changes itself is undone."""


@dataclass
class Run:
    """What a simulation of some minutes left behind."""

    simulator: Simulator
    began: datetime
    ended: datetime
    last_entry: int
    last_message: int
    moods: dict[int, int]
    ongoing: list[int]
    visitors_chat: int


@pytest.fixture(scope="module")
def lived(loaded: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Run]:
    """The demo after some minutes in a hurry, with a shift lead and a visitor's chat."""
    with django_db_blocker.unblock():
        began = now = T0
        visitors_chat = intake.start(
            workstream_id=Workstream.objects.get(channel=Channel.LIVE_CHAT, bot=None).pk,
            name="A visitor",
            text="I try this out.",
            now=now,
        ).conversation_id
        run = Run(
            simulator=Simulator(Habits(rate=20.0, seed=1, has_shift_lead=True)),
            began=began,
            ended=began,
            last_entry=HistoryEntry.objects.aggregate(last=Max("pk"))["last"],
            last_message=Message.objects.aggregate(last=Max("pk"))["last"],
            moods=dict(Conversation.objects.ongoing().values_list("pk", "sentiment")),
            ongoing=[],
            visitors_chat=visitors_chat,
        )
        for number in range(MOST_STEPS):
            now += timedelta(seconds=0.05)
            run.simulator.step(now)
            if number % 50 == 49:
                timers.run_due(now=now)
                run.ongoing.append(Conversation.objects.ongoing().count())
            if number > STEPS and set(run.simulator.figures.done) == EVERY_DEED:
                break
        run.ended = now
        yield run


@pytest.fixture
def run(lived: Run, db: None) -> Run:
    """A test that looks at what the simulation left."""
    return lived


def test_after_hundreds_of_acts_every_invariant_holds(run: Run) -> None:
    assert broken(run.ended) == []


def test_everything_that_people_do_happens(run: Run) -> None:
    assert set(run.simulator.figures.done) == EVERY_DEED


def test_nothing_fails_and_hardly_anything_is_refused(run: Run) -> None:
    figures = run.simulator.figures

    assert figures.failed == 0
    assert figures.done.total() >= STEPS
    assert figures.refused.total() < 0.03 * figures.done.total()


def test_about_as_many_conversations_go_on_all_the_time_and_in_every_phase(run: Run) -> None:
    floor = read(run.ended, Random(1))

    assert all(105 <= number <= 135 for number in run.ongoing), run.ongoing
    assert set(floor.phases) == set(Phase) - {Phase.CLOSED}
    assert min(floor.phases.values()) >= 2
    assert set(floor.channels) == set(Channel) - {Channel.RECORD}


def test_the_customers_moods_change(run: Run) -> None:
    moods = dict(Conversation.objects.filter(pk__in=run.moods).values_list("pk", "sentiment"))
    ongoing = Conversation.objects.ongoing().values_list("sentiment", flat=True)

    assert sum(moods[pk] != mood for pk, mood in run.moods.items()) >= 10
    assert len(set(ongoing)) >= 6
    assert set(ongoing) <= set(Sentiment)


def test_nobody_acts_for_those_who_can_be_played(run: Run) -> None:
    played = User.objects.filter(username__in=LOG_INS)

    assert len(played) == len(LOG_INS)
    assert not HistoryEntry.objects.filter(pk__gt=run.last_entry, actor_user__in=played).exists()
    assert not Message.objects.filter(pk__gt=run.last_message, sender__in=played).exists()
    assert not Offer.objects.filter(agent__user__in=played, offered_at__gt=run.began).exists()
    assert not PresenceChange.objects.filter(agent__user__in=played, started_at__gt=run.began).exists()


def test_a_visitor_s_chat_is_left_to_people_at_first(run: Run) -> None:
    chat = Conversation.objects.get(pk=run.visitors_chat)

    assert (chat.state, chat.version) == ("open", 1)


def test_what_is_said_has_no_empty_places_and_does_not_go_on_for_ever(run: Run) -> None:
    new = Message.objects.filter(pk__gt=run.last_message).exclude(sender_kind="system")

    assert new.count() > 100
    assert not new.filter(text__contains="{").exists()
    assert max(Counter(Message.objects.values_list("conversation", flat=True)).values()) < 40


def test_customers_come_again_instead_of_becoming_more_and_more(run: Run) -> None:
    names = Counter(Customer.objects.values_list("name", flat=True))

    assert run.simulator.figures.done["start"] > 5
    assert max(names.values()) == 1


def test_no_two_processes_have_to_know_of_each_other(run: Run) -> None:
    """A second simulation, begun anew, goes on with what the first one left."""
    other = Simulator(Habits(rate=4.0, seed=2))
    for number in range(20):
        other.step(run.ended + timedelta(seconds=number))

    assert other.figures.done.total() == 20


# --- chance, and people who are faster -------------------------------------------------------------------------


def later() -> datetime:
    """A moment after everything that has happened in this module."""
    return HistoryEntry.objects.latest("pk").at + timedelta(seconds=1)


def acts(seed: int, began: datetime, steps: int = 40) -> list[Act | None]:
    simulator = Simulator(Habits(rate=4.0, seed=seed))
    return [simulator.step(began + timedelta(seconds=number)) for number in range(steps)]


def test_the_same_seed_decides_the_same_on_the_same_floor(demo: None) -> None:
    began = later()
    floor = read(began, Random(1))
    possible = chances(Scene(floor, Habits()))

    def drawn(seed: int) -> list[Act | None]:
        rng = Random(seed)
        return [choose(possible, rng) for _ in range(50)]

    assert chances(Scene(read(began, Random(1)), Habits())) == possible
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_whole_run_with_the_same_seed_is_the_same_run(demo: None) -> None:
    began = later()
    runs = []
    for _ in range(2):
        before = transaction.savepoint()
        done = acts(3, began)
        subjects = list(Conversation.objects.order_by("pk").values_list("subject", "state", "sentiment"))
        lines = list(Message.objects.order_by("pk").values_list("text", "sender_name"))
        runs.append(([act and act.deed for act in done], subjects, lines))
        transaction.savepoint_rollback(before)

    assert runs[0] == runs[1]
    assert len(set(runs[0][0])) > 3


def test_who_finds_that_a_person_was_faster_goes_on(demo: None) -> None:
    now = later()
    simulator = Simulator(Habits(rate=200.0, seed=1))
    simulator.step(now)
    for row in Conversation.objects.ongoing():
        closure.force_close(
            actor("supervisor"), row.pk, version=row.version, confirmed=frozenset({"force_close"}), now=now
        )

    for _ in range(60):
        simulator.step(now)
    refused = simulator.figures.refused.total()
    for number in range(150):
        simulator.step(now + timedelta(seconds=number))

    assert refused > 30
    assert {"state_closed", "chat_ended", "not_found"} & set(simulator.figures.refused)
    assert simulator.figures.done["start"] > 20
    assert Conversation.objects.ongoing().count() > 20
    assert broken(now + timedelta(seconds=150)) == []


def test_a_database_with_other_accounts_is_left_alone(demo: None) -> None:
    User.objects.create_user("somebody", password="of their own")

    with override_settings(DEMO=True), pytest.raises(CommandError, match="not the demo's"):
        call_command("simulate", "--steps", "1")


def test_the_command_takes_its_steps_and_tells_the_figures(loaded: None, django_db_blocker: DjangoDbBlocker) -> None:
    said = StringIO()
    with django_db_blocker.unblock(), override_settings(DEMO=True):
        call_command("simulate", "--rate", "50", "--steps", "12", stdout=said, stderr=said)

    assert "Simulating 50 acts a second, seed 1" in said.getvalue()
    assert " done (" in said.getvalue()
    assert "0 failed" in said.getvalue()


def test_the_people_who_are_simulated_are_those_of_the_story_whom_nobody_plays(demo: None) -> None:
    names = set(
        Agent.objects.filter(pk__in=[desk.agent_id for desk in read(later(), Random(1)).desks]).values_list(
            "user__username", flat=True
        )
    )

    assert names == {person.username for person in people.COLLEAGUES}
