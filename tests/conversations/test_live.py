"""Is what a console is told the way from what it shows to what is true, read once for all consoles of a view?"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.utils import timezone

from conversations.consumers import board as board_module
from conversations.consumers import looking
from conversations.consumers.board import Board
from conversations.reports import live
from conversations.reports.live import View, view_of
from conversations.reports.scope import EVERYTHING
from conversations.services import closure
from supervisor_console.kernel.realtime import hub
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, make_floor

ALL = View(0, "window=all", "en")
NOW = at(60)


def test_a_second_reading_without_a_change_says_so(floor: Floor) -> None:
    floor.start()
    first = live.read(EVERYTHING, ALL, now=NOW, before=None)

    second = live.read(EVERYTHING, ALL, now=at(75), before=first.snapshot)

    assert first.is_change
    assert not second.is_change, "the passing of time alone is not a change"


def test_a_change_brings_the_changed_row_and_stubs_for_the_others(floor: Floor) -> None:
    calm, changed = floor.active(), floor.active()
    before = live.read(EVERYTHING, ALL, now=NOW, before=None)
    closure.end(actor_of(floor.ana), changed.pk, now=NOW)

    after = live.read(EVERYTHING, ALL, now=NOW, before=before.snapshot)
    html = live.render(ALL, after, whole=False)

    assert after.changed == {changed.pk}
    assert f'<tr id="row-{calm.pk}" data-same></tr>' in html
    assert f'data-id="{changed.pk}"' in html
    assert f'data-digest="{after.snapshot.digest}"' in html


def test_the_whole_region_has_every_row(floor: Floor) -> None:
    conversation = floor.active()
    update = live.read(EVERYTHING, ALL, now=NOW, before=None)
    again = live.read(EVERYTHING, ALL, now=NOW, before=update.snapshot)

    html = live.render(ALL, again, whole=True)

    assert "data-same" not in html
    assert f'data-id="{conversation.pk}"' in html


def test_who_sees_all_queues_shares_a_view_and_who_does_not_has_their_own(floor: Floor) -> None:
    assert view_of(actor_of(floor.sara), "q=x", "en").scope == 0
    assert view_of(actor_of(floor.stefan), "q=x", "en").scope == floor.stefan.pk


def test_a_presence_that_changes_is_a_change(floor: Floor) -> None:
    from routing.models import BasePresence
    from tests.cast import set_presence

    floor.active()
    before = live.read(EVERYTHING, ALL, now=NOW, before=None)
    set_presence(floor.ana, BasePresence.AWAY, now=NOW)

    assert live.read(EVERYTHING, ALL, now=NOW, before=before.snapshot).is_change


# --- the board: many consoles, one reading ------------------------------------------------------------------


class Console:
    """Stands for a socket: keeps what it was sent, and what it shows."""

    def __init__(self, digest: str = "") -> None:
        self.frames: list[dict[str, Any]] = []
        self.digest = digest

    def __call__(self, text: str) -> None:
        frame = json.loads(text)
        self.frames.append(frame)
        if frame["type"] == "region" and frame["was"] in ("", self.digest):
            self.digest = frame["digest"]

    def regions(self) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == "region"]


@pytest_asyncio.fixture
async def running(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Board, Floor]]:
    monkeypatch.setattr(board_module, "SHORTEST_PAUSE", 0.02)
    monkeypatch.setattr(board_module, "SELF_CHECK", 0.3)
    floor = await sync_to_async(make_floor)()
    await hub().start()
    keeper = Board()
    yield keeper, floor
    keeper.stop()


async def until(condition: Callable[[], object], within: float = 5.0) -> None:
    """Wait for what happens in threads."""
    deadline = asyncio.get_running_loop().time() + within
    for _ in range(int(within / 0.02)):
        if condition() or asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.02)
    assert condition()


async def test_consoles_of_one_view_are_sent_the_same_text_from_one_reading(
    running: tuple[Board, Floor], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, floor = running
    consoles = [Console() for _ in range(20)]
    for console in consoles:
        keeper.open(ALL, floor.sara.pk, console, "")
    await until(lambda: all(console.regions() for console in consoles))
    readings: list[View] = []
    honest = live.read

    def counted(*args: Any, **kwargs: Any) -> Any:
        readings.append(args[1])
        return honest(*args, **kwargs)

    monkeypatch.setattr(looking, "read", counted)
    monkeypatch.setattr(board_module, "SELF_CHECK", 60)

    await sync_to_async(floor.start)()
    await until(lambda: all(len(console.regions()) == 2 for console in consoles))

    assert len({json.dumps(console.regions()[-1]) for console in consoles}) == 1
    assert len(readings) <= 3, "one change is a reading or two, not one for each console"


async def test_a_console_that_shows_something_else_is_sent_everything(running: tuple[Board, Floor]) -> None:
    keeper, floor = running
    await sync_to_async(floor.start)()
    right, wrong = Console(), Console()
    keeper.open(ALL, floor.sara.pk, right, "")
    await until(lambda: right.regions())

    keeper.open(ALL, floor.sara.pk, wrong, "something that nobody shows")
    await until(lambda: wrong.regions())

    assert wrong.regions()[0]["was"] == ""
    assert wrong.digest == right.digest
    assert len(right.regions()) == 1, "who shows the truth is left alone"


async def test_a_console_that_shows_the_truth_is_sent_no_region(running: tuple[Board, Floor]) -> None:
    keeper, floor = running
    await sync_to_async(floor.start)()
    first = Console()
    keeper.open(ALL, floor.sara.pk, first, "")
    await until(lambda: first.regions())

    second = Console(first.digest)
    keeper.open(ALL, floor.sara.pk, second, first.digest)
    await until(lambda: second.frames)

    assert second.regions() == []


async def test_a_change_that_nobody_announced_is_found_by_the_self_check(running: tuple[Board, Floor]) -> None:
    keeper, floor = running
    conversation = await sync_to_async(floor.start)()
    console = Console()
    keeper.open(ALL, floor.sara.pk, console, "")
    await until(lambda: console.regions())

    await sync_to_async(type(conversation).objects.filter(pk=conversation.pk).update)(subject="Changed behind our back")
    await until(lambda: len(console.regions()) == 2)

    assert "Changed behind our back" in console.regions()[-1]["html"]


async def test_a_view_that_nobody_has_open_is_not_read(running: tuple[Board, Floor]) -> None:
    keeper, floor = running
    console = Console()
    keeper.open(ALL, floor.sara.pk, console, "")
    await until(lambda: console.frames)

    keeper.close(ALL, console)
    told = len(console.frames)
    await sync_to_async(floor.start)()
    await asyncio.sleep(0.8)

    assert keeper._views == {}
    assert len(console.frames) == told


async def test_every_change_of_a_burst_is_on_the_screen_in_the_end(running: tuple[Board, Floor]) -> None:
    keeper, floor = running
    console = Console()
    keeper.open(ALL, floor.sara.pk, console, "")
    await until(lambda: console.regions())

    def burst() -> list[int]:
        made = [floor.start().pk for _ in range(15)]
        for pk in made[:5]:
            closure.force_close(actor_of(floor.sara), pk, version=1, confirmed=EVERY_CAUTION, now=NOW)
        return made

    made = await sync_to_async(burst)()
    truth = await sync_to_async(live.read)(EVERYTHING, ALL, now=timezone.now(), before=None)
    await until(lambda: console.digest == truth.snapshot.digest)

    assert set(truth.snapshot.rows) == set(made[5:])
