"""Does every committed change reach every socket, once, also when the channel layer loses it?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.utils import timezone

from supervisor_console.kernel import realtime
from supervisor_console.kernel.realtime import Frame, Hub, Seen, action, announce, hub, outbox
from supervisor_console.kernel.realtime import layer as layer_module
from supervisor_console.kernel.realtime import listening as listening_module
from supervisor_console.models import Announcement

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class Listener:
    """Stands for a socket: keeps what it was told."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self._came = asyncio.Event()

    def __call__(self, topics: frozenset[str], frame: Frame) -> None:
        self.frames.append(frame)
        self._came.set()

    async def has(self, number: int, within: float = 2.0) -> list[Frame]:
        """Wait until there are so many frames, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while len(self.frames) < number:
                    self._came.clear()
                    await self._came.wait()
        return self.frames


@pytest_asyncio.fixture
async def listening(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    """A socket of this process that listens to the topic «here»."""
    monkeypatch.setattr(listening_module, "CATCH_UP_SECONDS", 0.2)
    monkeypatch.setattr(layer_module, "_rests_until", 0.0)
    listener = Listener()
    mine: Hub = hub()
    await mine.start()
    mine.subscribe(["here"], listener)
    yield listener
    mine.unsubscribe(listener)


def say(text: str, *, topic: str = "here") -> None:
    """An action that announces one thing."""
    with action():
        announce([topic], {"type": "event", "text": text})


async def test_a_committed_change_is_heard_once(listening: Listener) -> None:
    await sync_to_async(say)("one")

    assert [frame["text"] for frame in await listening.has(1)] == ["one"]
    await asyncio.sleep(0.5)  # the outbox is read again meanwhile
    assert len(listening.frames) == 1


async def test_what_is_rolled_back_is_not_heard(listening: Listener) -> None:
    def fail() -> None:
        with action():
            announce(["here"], {"type": "event", "text": "never"})
            raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await sync_to_async(fail)()
    await sync_to_async(say)("after")

    assert [frame["text"] for frame in await listening.has(1)] == ["after"]


async def test_another_topic_is_not_heard(listening: Listener) -> None:
    await sync_to_async(say)("elsewhere", topic="there")
    await sync_to_async(say)("here")

    assert [frame["text"] for frame in await listening.has(1)] == ["here"]


async def test_a_process_that_died_between_commit_and_push_loses_nothing(listening: Listener) -> None:
    def commit_without_push() -> None:
        Announcement.objects.create(
            at=timezone.now(), frames=[{"topics": ["here"], "frame": {"type": "event", "text": "orphan"}}]
        )

    await sync_to_async(commit_without_push)()

    assert [frame["text"] for frame in await listening.has(1)] == ["orphan"]


BURST = 300


@pytest_asyncio.fixture
async def burst(listening: Listener, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The messages of 300 committed actions that are about to be pushed, and a layer too small for them."""
    layer: Any = get_channel_layer()
    for queue in layer.channels.values():
        monkeypatch.setattr(queue, "_maxsize", 20)
    held: list[dict[str, Any]] = []
    monkeypatch.setattr(layer_module, "send", held.append)

    def talk() -> None:
        for number in range(BURST):
            say(str(number))

    await sync_to_async(talk)()
    return held


async def push_all_at_once(messages: list[dict[str, Any]]) -> None:
    """As many processes do that push in the same moment: the reader gets no turn in between."""
    layer = get_channel_layer()
    assert layer is not None
    await asyncio.gather(*(layer.group_send(realtime.FLOOR, message) for message in messages))


async def test_a_burst_that_overflows_the_channel_layer_arrives_whole(
    listening: Listener, burst: list[dict[str, Any]]
) -> None:
    await push_all_at_once(burst)

    frames = await listening.has(BURST, within=10)
    assert sorted(int(str(frame["text"])) for frame in frames) == list(range(BURST))


async def test_without_the_outbox_such_a_burst_loses_changes(
    listening: Listener, burst: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: nobody reads the outbox, and the damage shows."""
    monkeypatch.setattr(outbox, "missed", lambda floor, known: [])
    await asyncio.sleep(0.5)  # a look into the outbox that is under way may end
    listening.frames.clear()
    for number, message in enumerate(burst):
        message["id"] = 10_000_000 + number  # so that nothing counts as delivered already
    await push_all_at_once(burst)

    assert len(await listening.has(BURST, within=1)) < BURST


async def test_the_hub_that_starts_later_does_not_replay(listening: Listener) -> None:
    await sync_to_async(say)("before")
    await listening.has(1)
    late, later = Hub(), Listener()
    late.subscribe(["here"], later)
    await late.start()
    await asyncio.sleep(0.5)

    assert later.frames == []
    late.unsubscribe(later)


def test_to_announce_outside_of_an_action_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        announce(["here"], {"type": "event"})


def test_old_announcements_are_pruned() -> None:
    now = timezone.now()
    for age in (realtime.KEEP * 2, timedelta(seconds=1)):
        Announcement.objects.create(frames=[], at=now - age)

    assert realtime.prune(now) == 1
    assert Announcement.objects.count() == 1


async def test_many_who_come_at_once_start_the_hub_once(listening: Listener) -> None:
    mine: Hub = Hub()
    layer: Any = get_channel_layer()
    before = len(layer.groups[realtime.FLOOR])

    await asyncio.gather(*(mine.start() for _ in range(20)))

    assert len(layer.groups[realtime.FLOOR]) == before + 1
    mine.subscribe(["here"], listening)
    mine.unsubscribe(listening)
    await asyncio.sleep(0.1)
    assert len(layer.groups[realtime.FLOOR]) == before, "who leaves takes the subscription along"


async def test_a_socket_that_cannot_take_a_frame_keeps_it_from_nobody_else(listening: Listener) -> None:
    def broken(topics: frozenset[str], frame: Frame) -> None:
        raise ValueError("broken")

    hub().subscribe(["here"], broken)
    await sync_to_async(say)("one")
    await sync_to_async(say)("two")

    assert [frame["text"] for frame in await listening.has(2)] == ["one", "two"]
    hub().unsubscribe(broken)


async def test_each_frame_says_which_way_it_came(listening: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    await sync_to_async(say)("pushed")
    await listening.has(1)
    monkeypatch.setattr(layer_module, "send", lambda message: None)
    await sync_to_async(say)("kept back")

    assert [frame["via"] for frame in await listening.has(2)] == ["layer", "outbox"]
    assert (hub().pulse.by_layer, hub().pulse.by_outbox) == (1, 1)


class Hanging(InMemoryChannelLayer):
    """A layer that takes a message and never answers, as a Redis that stands still."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.Event().wait()


async def test_a_layer_that_does_not_answer_holds_an_action_up_once_and_then_is_left_alone(
    listening: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_module, "PUSH_SECONDS", 0.2)
    monkeypatch.setattr(layer_module, "get_channel_layer", Hanging)
    loop = asyncio.get_running_loop()
    began = loop.time()

    for number in range(5):
        await sync_to_async(say)(str(number))

    assert loop.time() - began < 2 * 0.2 + 1
    assert [frame["text"] for frame in await listening.has(5)] == ["0", "1", "2", "3", "4"]


async def test_a_subscription_that_went_silent_is_renewed(
    listening: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a connection that died without a word, or a membership that ended."""
    monkeypatch.setattr(listening_module, "PROVE_SECONDS", 0.1)
    monkeypatch.setattr(listening_module, "PROVE_WITHIN_SECONDS", 0.1)
    late, mine = Listener(), Hub()
    await mine.start()
    mine.subscribe(["here"], late)
    layer: Any = get_channel_layer()
    layer.groups.clear()
    layer.channels.clear()
    await asyncio.sleep(1)
    assert "silent" in caplog.text

    await sync_to_async(say)("heard again")

    assert [frame["via"] for frame in await late.has(1)] == ["layer"]
    mine.unsubscribe(late)


async def test_the_way_through_the_layer_and_back_is_measured_and_leaves_nothing(listening: Listener) -> None:
    layer: Any = get_channel_layer()
    before = (set(layer.groups), set(layer.channels))

    assert 0 < await realtime.round_trip(1.0) < 1

    assert (set(layer.groups), set(layer.channels)) == before


async def test_the_way_through_a_layer_that_does_not_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_module, "get_channel_layer", Hanging)

    with pytest.raises(TimeoutError):
        await realtime.round_trip(0.1)


def test_what_a_process_has_seen_is_told_by_ids_whatever_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "REMEMBERED", 10)
    seen = Seen([100, 101])

    assert not seen.add(99), "older than what a process began with"
    assert seen.add(103)
    assert seen.add(102), "became visible late"
    assert not seen.add(103)
    assert all(seen.add(pk) for pk in range(104, 200))
    assert not any(seen.add(pk) for pk in range(100, 200))
    assert len(seen.ids) <= 20
