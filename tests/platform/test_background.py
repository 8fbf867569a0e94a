"""Does the clock go on running, whatever happens to the work?"""

import asyncio
import threading
from datetime import timedelta

import pytest

from supervisor_console import background
from supervisor_console.background import Watch
from supervisor_console.kernel.pages import LOST_AFTER
from tests.cast import at


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "EVERY_SECONDS", 0.01)


async def test_due_work_runs_again_and_again_until_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    runs: list[int] = []

    def run_due() -> int:
        runs.append(1)
        if len(runs) == 3:
            loop.call_soon_threadsafe(stop.set)
        return 0

    await asyncio.wait_for(background.keep_time(stop, run_due=run_due), timeout=5)

    assert len(runs) == 3


async def test_a_failing_run_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    runs: list[int] = []

    def run_due() -> int:
        runs.append(1)
        if len(runs) == 1:
            raise ConnectionError("the database went away")
        loop.call_soon_threadsafe(stop.set)
        return 0

    await asyncio.wait_for(background.keep_time(stop, run_due=run_due), timeout=5)

    assert len(runs) == 2
    assert "the database went away" in caplog.text


async def test_a_run_that_began_is_finished_before_the_loop_ends() -> None:
    stop = asyncio.Event()
    began = threading.Event()
    may_end = threading.Event()
    ended: list[int] = []

    def run_due() -> int:
        began.set()
        may_end.wait(timeout=5)
        ended.append(1)
        return 0

    loop_task = asyncio.create_task(background.keep_time(stop, run_due=run_due))
    await asyncio.to_thread(began.wait, 5)
    stop.set()
    await asyncio.sleep(0)
    assert not loop_task.done()
    may_end.set()
    await asyncio.wait_for(loop_task, timeout=5)

    assert ended == [1]


async def test_the_work_runs_in_a_thread_and_leaves_the_loop_free_for_sockets() -> None:
    stop = asyncio.Event()
    main = threading.get_ident()
    seen: list[int] = []
    loop = asyncio.get_running_loop()

    def run_due() -> int:
        seen.append(threading.get_ident())
        loop.call_soon_threadsafe(stop.set)
        return 0

    await asyncio.wait_for(background.keep_time(stop, run_due=run_due), timeout=5)

    assert main not in seen


ROUND = 1.0


def looks(watch: Watch, begin: int, end: int, *, ahead: float = 0.0) -> list[bool]:
    """A look each second; whether people are missed at each. ``ahead`` is how far the clock was set."""
    found = []
    for second in range(begin, end):
        now = at(second + ahead)
        watch.begin(now, float(second))
        found.append(watch.misses(now))
        watch.end(second + 0.1)
    return found


def test_who_looks_on_without_a_break_misses_people_after_a_while() -> None:
    patience = int(LOST_AFTER.total_seconds())

    assert looks(Watch(), 0, 20) == [False] * patience + [True] * (20 - patience)


def test_after_a_standstill_nobody_is_missed_until_they_could_say_that_they_are_there() -> None:
    watch = Watch()
    looks(watch, 0, 20)

    after = looks(watch, 60, 80)

    assert after[0] is False
    assert after[-1] is True
    assert after == looks(Watch(), 0, 20)


@pytest.mark.parametrize("seconds", [600.0, -600.0])
def test_a_clock_that_was_set_is_a_standstill(seconds: float) -> None:
    """Each of the others has said that it lives by the old time."""
    watch = Watch()
    looks(watch, 0, 20)

    assert looks(watch, 20, 40, ahead=seconds) == looks(Watch(), 0, 20)


def test_a_look_that_failed_or_hung_is_none() -> None:
    for seconds, failed in ((0.1, True), (LOST_AFTER.total_seconds() + 1, False)):
        watch = Watch()
        looks(watch, 0, 20)
        watch.begin(at(20), 20.0)
        watch.end(20.0 + seconds, failed=failed)

        second = 20.0 + seconds + ROUND
        watch.begin(at(second), second)
        assert watch.is_back
        assert not watch.misses(at(second) + timedelta(seconds=1))


def test_a_slow_look_is_no_break() -> None:
    """The control: where looking takes long, people are missed all the same."""
    watch = Watch()
    for second in range(0, 40, 9):
        watch.begin(at(second), float(second))
        watch.end(second + 8.0)

    assert not watch.is_back
    assert watch.misses(at(40))
