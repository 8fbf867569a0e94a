"""Does the live path say of each step whether it works, what it means, and what to check?"""

from dataclasses import replace

import pytest

from supervisor_console.live_path.hops import State, ago, background, database, ear, hops, layer, milliseconds, outbox
from supervisor_console.live_path.hops import summary as sentence
from supervisor_console.live_path.readings import Asked, Beat, Ear, Outbox, Reach, Readings

REACH = Reach(connect=0.002, read=0.0004)
LATE: Asked[float] = Asked(is_late=True)
REFUSED: Asked[float] = Asked(error="OperationalError: refused")
UNREACHED: Asked[Reach] = Asked(error="OperationalError: refused")
BEAT = Beat("web-1:7", "work", age=2.0, up=600.0, longest=0.03, done=4, error="")
EAR = Ear("web-1:9", is_listening=True, sockets=40, by_layer=120, by_outbox=1, layer=0.4, outbox=1.2)
WELL = Readings(
    database=Asked(REACH),
    writing=Asked(0.004),
    outbox=Asked(Outbox(rows=1250, newest=0.4, oldest=580.0)),
    has_redis=True,
    layer=Asked(0.001),
    ear=EAR,
    background=Asked((BEAT,)),
)


def test_every_step_works_when_everything_answers_in_time() -> None:
    found = hops(WELL)

    assert [hop.state for hop in found] == [State.OK] * 5
    assert [hop.key for hop in found] == ["database", "outbox", "layer", "process", "background"]
    assert not any(hop.check or hop.error for hop in found)
    assert sentence(found) == "Every step that the server can ask works."


@pytest.mark.parametrize(
    ("reach", "writing", "state"),
    [
        (Asked(REACH), Asked(0.004), State.OK),
        (Asked(replace(REACH, read=0.2)), Asked(0.004), State.SLOW),
        (Asked(replace(REACH, connect=0.5)), Asked(0.004), State.SLOW),
        (Asked(REACH), Asked(0.4), State.SLOW),
        (Asked(REACH), LATE, State.FAILING),
        (UNREACHED, REFUSED, State.FAILING),
    ],
)
def test_the_database_is_as_its_slowest_part(reach: Asked[Reach], writing: Asked[float], state: State) -> None:
    hop = database(reach, writing)

    assert hop.state == state
    assert bool(hop.check) == (state != State.OK)


def test_a_database_that_reads_but_does_not_write_says_how_long_was_waited() -> None:
    hop = database(Asked(REACH), Asked(is_late=True))

    assert hop.error == "No answer within 3 s."
    assert [figure.value for figure in hop.figures] == ["2.0 ms", "0.4 ms"]


def test_rows_that_nobody_prunes_point_at_the_background_work() -> None:
    hop = outbox(Asked(Outbox(rows=90_000, newest=1.0, oldest=3 * 3600.0)))

    assert hop.state == State.SLOW
    assert "background work" in hop.check[0]
    assert hop.figures[0].value == "90,000"


@pytest.mark.parametrize(("age", "state"), [(2.0, State.OK), (40.0, State.SLOW)])
def test_a_process_that_is_behind_the_outbox_says_how_far(age: float, state: State) -> None:
    hop = outbox(Asked(Outbox(rows=50, newest=1.0, oldest=60.0, behind=7, behind_for=age)))

    assert hop.state == state
    assert hop.figures[-1].value == "7"
    assert ("40 s behind" in "".join(hop.check)) == (state == State.SLOW)


def test_an_empty_outbox_is_no_fault() -> None:
    assert outbox(Asked(Outbox(rows=0, newest=None, oldest=None))).state == State.OK


def test_a_redis_that_is_away_names_its_error_and_what_goes_on_without_it() -> None:
    hop = layer(Asked(error="ConnectionError: refused"), has_redis=True, background=Asked((BEAT,)))

    assert hop.state == State.FAILING
    assert hop.error == "ConnectionError: refused"
    assert "up to 3 s later" in hop.means
    assert any("REDIS_URL" in line for line in hop.check)


@pytest.mark.parametrize("beats", [(BEAT,), (replace(BEAT, kind="serve"), replace(BEAT, process="b", kind="serve"))])
def test_several_processes_without_redis_are_told_to_set_it(beats: tuple[Beat, ...]) -> None:
    hop = layer(Asked(0.001), has_redis=False, background=Asked(beats))

    assert hop.state == State.SLOW
    assert "REDIS_URL" in hop.check[0]


def test_one_process_needs_no_redis() -> None:
    assert layer(Asked(0.001), has_redis=False, background=Asked((replace(BEAT, kind="serve"),))).state == State.OK


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (EAR, State.OK),
        (replace(EAR, layer=None), State.OK),
        (replace(EAR, layer=60.0), State.SLOW),
        (replace(EAR, outbox=60.0), State.FAILING),
        (replace(EAR, is_listening=False), State.IDLE),
    ],
)
def test_a_process_says_what_its_sockets_hear(found: Ear, state: State) -> None:
    assert ear(found).state == state


def test_no_background_work_at_all_is_a_failure_with_both_ways_to_start_it() -> None:
    hop = background(Asked(()))

    assert hop.state == State.FAILING
    assert any("manage.py work" in line for line in hop.check)
    assert any("BACKGROUND_IN_WEB" in line for line in hop.check)


@pytest.mark.parametrize(
    ("beat", "state", "word"),
    [
        (BEAT, State.OK, "OK"),
        (replace(BEAT, age=20.0), State.SLOW, "Slow"),
        (replace(BEAT, longest=9.0), State.SLOW, "Slow"),
        (replace(BEAT, age=40.0), State.FAILING, "Silent"),
        (replace(BEAT, error="KeyError: 'x'"), State.FAILING, "Failing"),
    ],
)
def test_a_background_process_is_as_its_latest_sign_of_life(beat: Beat, state: State, word: str) -> None:
    hop = background(Asked((beat,)))

    assert hop.state == state
    assert hop.processes[0].word == word


def test_one_background_process_that_works_is_enough() -> None:
    hop = background(Asked((BEAT, replace(BEAT, process="web-2:8", age=1200.0))))

    assert hop.state == State.OK
    assert [process.word for process in hop.processes] == ["OK", "Silent"]


def test_the_sentence_names_what_fails_before_what_is_slow() -> None:
    broken = replace(WELL, layer=Asked(error="away"), writing=Asked(0.9))

    assert sentence(hops(broken)) == "Failing: Channel layer (Redis)."
    assert sentence(hops(replace(WELL, writing=Asked(0.9)))) == "Slow: Database."


def test_times_are_short() -> None:
    assert [milliseconds(seconds) for seconds in (0.00001, 0.0042, 0.0426, 3.2)] == [
        "< 0.1 ms",
        "4.2 ms",
        "43 ms",
        "3200 ms",
    ]
    assert [ago(seconds) for seconds in (0.3, 4.0, 600.0, 9000.0)] == ["now", "4 s ago", "10 min ago", "2 h ago"]
