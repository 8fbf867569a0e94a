"""Does work in a thread give its connection back, and has each event loop its own of what there is one of?"""

import asyncio

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from supervisor_console.kernel.loops import OnePerLoop, in_thread

USED: list[BaseDatabaseWrapper] = []


def read(*, fails: bool = False) -> int:
    """Open a connection in whichever thread this is, and leave it open."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    USED.append(connections["default"])
    if fails:
        raise LookupError
    return 1


@pytest.fixture(autouse=True)
def nothing_was_used(transactional_db: None) -> None:
    USED.clear()


async def test_work_in_a_thread_gives_its_connection_back() -> None:
    assert await in_thread(read) == 1

    (used,) = USED
    assert used is not connections["default"]
    assert used.connection is None


async def test_work_that_fails_gives_its_connection_back_too() -> None:
    with pytest.raises(LookupError):
        await in_thread(read, fails=True)

    (used,) = USED
    assert used.connection is None


async def test_work_in_threads_does_not_wait_for_other_work() -> None:
    both = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()

    def meet() -> None:
        asyncio.run_coroutine_threadsafe(both.wait(), loop).result(5)

    await asyncio.gather(in_thread(meet), in_thread(meet))


def test_each_loop_has_its_own() -> None:
    things = OnePerLoop(lambda: object())

    async def twice() -> tuple[object, object]:
        return things(), things()

    (first, again), (other, _) = asyncio.run(twice()), asyncio.run(twice())

    assert first is again
    assert first is not other
