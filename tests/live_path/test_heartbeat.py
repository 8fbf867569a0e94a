"""Does a process that does the background work say that it lives, cheaply, and is it missed when it does not?"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from supervisor_console import background, heartbeat
from supervisor_console.heartbeat import SERVE, WORK, Heart
from supervisor_console.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds."""
    for _ in range(500):
        if await holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it never came")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(heartbeat, "EVERY_SECONDS", 0.05)


def test_a_beat_is_one_statement_and_one_row() -> None:
    heart = Heart(WORK)
    heart.beat()
    heart.note(0.2, 3)
    heart.note(0.1, 1)

    with CaptureQueriesContext(connection) as queries:
        heart.beat()

    writes = [query["sql"] for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    assert len(writes) == 1
    row = Heartbeat.objects.get()
    assert (row.kind, row.seconds, row.done, row.error) == (WORK, 0.2, 4, "")


def test_what_was_done_is_counted_from_beat_to_beat() -> None:
    heart = Heart(WORK)
    heart.note(0.2, 3)
    heart.beat()
    heart.note(0.1, 1, ValueError("two\nlines"))
    heart.beat()

    row = Heartbeat.objects.get()
    assert (row.seconds, row.done, row.error) == (0.1, 1, "ValueError: two")


def test_several_processes_have_a_row_each_and_the_dead_ones_are_pruned_after_an_hour() -> None:
    now = timezone.now()
    for name, age in (("a:1", 10), ("b:2", 30 * 60), ("c:3", 61 * 60)):
        Heartbeat.objects.create(process=name, kind=SERVE, started_at=now, at=now - timedelta(seconds=age))

    heart = Heart(WORK)
    heart.beat()

    assert set(Heartbeat.objects.values_list("process", flat=True)) == {"a:1", "b:2", heart.process}


def test_a_sign_of_life_that_cannot_be_written_is_no_reason_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    heart = Heart(WORK)

    def refuse(*arguments: object) -> None:
        raise ConnectionError("no database")

    with connection.execute_wrapper(refuse):
        heart.beat()

    assert "no database" in caplog.text
    assert not Heartbeat.objects.exists()


@pytest.mark.usefixtures("quick")
async def test_the_background_work_beats_while_it_runs_and_takes_its_row_with_it() -> None:
    stop = asyncio.Event()

    task = asyncio.create_task(background.keep_time(stop, run_due=lambda: 1, heart=Heart(SERVE)))
    await eventually(Heartbeat.objects.aexists)
    stop.set()
    await task

    assert not await Heartbeat.objects.aexists()


@pytest.mark.usefixtures("quick")
async def test_a_round_that_fails_is_in_the_sign_of_life() -> None:
    stop = asyncio.Event()

    def run_due() -> int:
        raise KeyError("offer")

    task = asyncio.create_task(background.keep_time(stop, run_due=run_due, heart=Heart(SERVE)))
    await eventually(Heartbeat.objects.filter(error="KeyError: 'offer'").aexists)
    stop.set()
    await task


@pytest.mark.usefixtures("quick")
async def test_a_round_that_hangs_stops_the_signs_of_life() -> None:
    stop, hangs, may_go_on = asyncio.Event(), threading.Event(), threading.Event()

    def run_due() -> int:
        if Heartbeat.objects.exists():
            hangs.set()
            may_go_on.wait(timeout=10)
        return 0

    task = asyncio.create_task(background.keep_time(stop, run_due=run_due, heart=Heart(SERVE)))
    try:
        assert await asyncio.to_thread(hangs.wait, 10)
        before = (await Heartbeat.objects.aget()).at
        await asyncio.sleep(0.3)
        assert (await Heartbeat.objects.aget()).at == before
    finally:
        may_go_on.set()
        stop.set()
        await task


def test_the_check_of_a_machine_asks_for_its_own_processes_and_fresh_signs_of_life() -> None:
    now = timezone.now()
    Heartbeat.objects.create(process="elsewhere:1", kind=WORK, started_at=now, at=now)
    with pytest.raises(CommandError, match="No background process of this machine"):
        call_command("work", "--check")

    heart = Heart(WORK)
    heart.beat()
    call_command("work", "--check")

    Heartbeat.objects.filter(process=heart.process).update(at=now - timedelta(seconds=heartbeat.SILENT_SECONDS + 1))
    with pytest.raises(CommandError):
        call_command("work", "--check")
