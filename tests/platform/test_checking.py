"""Does the check of all data go on portion after portion, leave room for others, and survive a failure?"""

import asyncio
import time

import pytest

from supervisor_console import checking


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(checking, "LEAST_REST_SECONDS", 0.01)


async def run(*portions: float | Exception) -> list[tuple[float, float]]:
    """Portions that take so many seconds, or fail; when each began and ended."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    left, times = list(portions), list[tuple[float, float]]()

    def go_on() -> bool:
        began, portion = time.monotonic(), left.pop(0)
        if not left:
            loop.call_soon_threadsafe(stop.set)
        if isinstance(portion, Exception):
            raise portion
        time.sleep(portion)
        times.append((began, time.monotonic()))
        return True

    await asyncio.wait_for(checking.keep_checking_everything(stop, go_on=go_on), timeout=5)
    return times


async def test_between_two_portions_it_rests_for_as_long_as_the_first_took() -> None:
    (began, ended), (again, _) = await run(0.15, 0.0)

    assert again - ended >= 0.9 * (ended - began)


async def test_a_portion_that_fails_is_logged_and_the_next_one_follows(caplog: pytest.LogCaptureFixture) -> None:
    times = await run(ConnectionError("the database went away"), 0.0)

    assert len(times) == 1
    assert "the database went away" in caplog.text
