"""The same floor as for conversations (people are tested with the work they have), and an administrator's browser."""

from collections.abc import Iterator

import pytest
from django.test import Client

from routing.signals import agent_became_free
from tests.cast import Floor
from tests.conversations.conftest import floor

__all__ = ["floor", "otto", "told"]


@pytest.fixture
def otto(client: Client, floor: Floor) -> Client:
    """Otto the administrator's browser."""
    client.force_login(floor.otto)
    return client


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The agents of whom distribution was told, in order."""
    found: list[int] = []

    def listen(sender: object, agent_id: int, **_: object) -> None:
        found.append(agent_id)

    agent_became_free.connect(listen)
    yield found
    agent_became_free.disconnect(listen)
