"""Who hears that somebody is typing, and who never does (domain.md 3.3, 3.4)?"""

import asyncio
import contextlib
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.test import Client

from conversations.models import Conversation, HistoryEntry, Visibility
from conversations.services import supervision, typing
from supervisor_console.kernel.errors import NotVisible
from supervisor_console.kernel.realtime import FLOOR
from supervisor_console.models import Announcement
from tests.cast import Floor, actor_of, at, customer_of, fresh


class Ear:
    """Hears what goes through the channel layer; what an action announces stays in the test's transaction."""

    def __init__(self) -> None:
        self.layer = cast(Any, get_channel_layer())
        self.channel = async_to_sync(self.layer.new_channel)()
        async_to_sync(self.layer.group_add)(FLOOR, self.channel)

    def topics(self) -> list[set[str]]:
        """Whom each frame since the last time was for."""

        async def rest() -> list[Any]:
            found = []
            with contextlib.suppress(TimeoutError):
                while True:
                    found.append(await asyncio.wait_for(self.layer.receive(self.channel), 0.05))
            return found

        return [set(entry["topics"]) for message in async_to_sync(rest)() for entry in message["frames"]]


@pytest.fixture
def ear(db: None) -> Ear:
    return Ear()


def monitored(floor: Floor) -> Conversation:
    chat = floor.active()
    supervision.monitor(actor_of(floor.sara), chat.pk, now=at(30))
    return fresh(chat)


def test_an_agent_who_types_to_the_customer_is_seen_by_the_customer_and_the_monitor(floor: Floor, ear: Ear) -> None:
    chat = monitored(floor)

    typing.agent_types(actor_of(floor.ana), chat.pk, visibility=Visibility.PUBLIC)

    assert ear.topics() == [{f"chat:{chat.pk}", f"user:{floor.sara.pk}"}]


def test_what_is_typed_internally_is_not_told_to_the_customer(floor: Floor, ear: Ear) -> None:
    chat = monitored(floor)

    typing.agent_types(actor_of(floor.ana), chat.pk, visibility=Visibility.INTERNAL)

    assert ear.topics() == [{f"user:{floor.sara.pk}"}]


def test_a_customer_who_types_is_seen_by_the_agent_and_the_monitor(floor: Floor, ear: Ear) -> None:
    chat = monitored(floor)

    typing.customer_types(customer_of(chat), chat)

    assert ear.topics() == [{f"user:{floor.ana.user_id}", f"user:{floor.sara.pk}"}]


def test_a_customer_whose_page_says_so_all_the_time_is_told_of_now_and_then(
    floor: Floor, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat, other = monitored(floor), floor.active(by=floor.boris)
    clock = iter([10.0, 10.1, 10.2, 10.2, 10.25])
    monkeypatch.setattr(typing, "monotonic", lambda: next(clock))

    for _ in range(3):
        typing.customer_types(customer_of(chat), chat)
    typing.customer_types(customer_of(other), other)
    typing.customer_types(customer_of(chat), chat)

    hers = {f"user:{floor.ana.user_id}", f"user:{floor.sara.pk}"}
    assert ear.topics() == [hers, {f"user:{floor.boris.user_id}"}, hers]


def test_a_monitor_is_never_heard_typing_and_a_joined_supervisor_is(floor: Floor, ear: Ear) -> None:
    chat = monitored(floor)

    typing.agent_types(actor_of(floor.sara), chat.pk, visibility=Visibility.PUBLIC)
    assert ear.topics() == []

    supervision.join(actor_of(floor.sara), chat.pk, now=at(40))
    typing.agent_types(actor_of(floor.sara), chat.pk, visibility=Visibility.INTERNAL)
    assert ear.topics() == [{f"user:{floor.ana.user_id}"}]


def test_typing_leaves_no_trace(floor: Floor) -> None:
    chat = monitored(floor)
    before = (chat.version, HistoryEntry.objects.count(), Announcement.objects.count())

    typing.agent_types(actor_of(floor.ana), chat.pk, visibility=Visibility.PUBLIC)
    typing.customer_types(customer_of(chat), chat)

    assert (fresh(chat).version, HistoryEntry.objects.count(), Announcement.objects.count()) == before


def test_nobody_types_in_what_they_cannot_see_or_what_is_over(floor: Floor, ear: Ear) -> None:
    closed = floor.closed()

    with pytest.raises(NotVisible):
        typing.agent_types(actor_of(floor.cene), closed.pk, visibility=Visibility.PUBLIC)
    typing.agent_types(actor_of(floor.ana), closed.pk, visibility=Visibility.PUBLIC)
    typing.customer_types(customer_of(closed), closed)

    assert ear.topics() == []


def test_the_addresses_answer_with_nothing(floor: Floor) -> None:
    chat = monitored(floor)
    for user, path in ((floor.ana.user, f"/desk/{chat.pk}/"), (floor.sara, f"/conversations/{chat.pk}/")):
        client = Client()
        client.force_login(user)
        assert client.post(f"{path}typing/", {"mode": "public"}).status_code == 204

    assert Client().post(f"/chat/{chat.public_id}/typing/").status_code == 404
