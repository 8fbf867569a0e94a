"""Does the clock go on running, whatever happens to the work?"""

import asyncio
import threading

import pytest

from supervisor_console import background


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
