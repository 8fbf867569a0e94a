"""Is a server process that dies noticed by the others, for the agents whose pages it held? (domain.md 1.3)"""

import time
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from routing.models import Agent, Connection
from supervisor_console.kernel.pages import LOST_AFTER
from tests import servers
from tests.cast import make_floor
from tests.platform.test_several_processes import ConsoleSocket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.any_database]

SLACK_SECONDS = 5.0


def test_a_killed_process_takes_its_agents_offline_and_only_those(transactional_db: None) -> None:
    floor = make_floor()
    with (
        servers.running(servers.console_program("lost-agents-dies")) as dies,
        servers.running(servers.console_program("lost-agents-stays")) as stays,
    ):
        pages = [connect(dies.address, floor.ana), connect(stays.address, floor.boris)]
        wait_until(lambda: Connection.objects.filter(closed_at=None).count() == 2, SLACK_SECONDS)

        dies.kill()
        wait_until(lambda: presence_of(floor.ana) == "offline", LOST_AFTER.total_seconds() + SLACK_SECONDS)

        assert presence_of(floor.boris) == "available"
        for page in pages:
            page.close()


def connect(address: str, agent: Agent) -> ConsoleSocket:
    """A page of this agent at the server of this address."""
    client = Client()
    client.force_login(agent.user)
    return ConsoleSocket(address, client.cookies[settings.SESSION_COOKIE_NAME].value)


def presence_of(agent: Agent) -> str:
    return Agent.objects.select_related("presence").get(pk=agent.pk).presence.base


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
