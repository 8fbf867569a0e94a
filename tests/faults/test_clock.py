"""Do actions, waits and timers stay right while somebody sets the clock of the machine, ahead and back by minutes?"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from conversations.models import Offer, OfferStatus
from conversations.services import assignment
from routing.models import Agent, PresenceChange
from supervisor_console.kernel import clock
from tests import servers
from tests.cast import EVERY_CAUTION, Floor, actor_of, make_floor, offer_of
from tests.faults.storm.accounts import settle
from tests.faults.storm.crowd import Crowd, People, post
from tests.faults.storm.watchers import Watcher, wait_until
from tests.servers import Program
from tests.sockets import session_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FOUND = 302
MINUTES = 300.0
ACTIONS = 14
"""Of people, after each time that the clock was set."""

PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def once(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the storm does it on PostgreSQL, with several processes")


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    floor = make_floor()
    Agent.objects.update(max_units=1_000_000)
    return floor


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    return tmp_path / "ahead"


@pytest.fixture
def server(floor: Floor, clock_file: Path) -> Iterator[Program]:
    variables = {"DJANGO_SETTINGS_MODULE": "tests.faults.storm.settings", "CLOCK_FILE": str(clock_file)}
    with servers.running(servers.console_program("faults-clock", **variables)) as program:
        yield program


@pytest.fixture
def agents(floor: Floor, server: Program) -> Iterator[list[Watcher]]:
    """The desks of Ana and Boris."""
    found = [Watcher([server.address], session_of(agent.user), follows=False) for agent in (floor.ana, floor.boris)]
    for one in found:
        one.begin()
    assert wait_until(lambda: all(one.is_open for one in found), PATIENCE_SECONDS) is not None
    yield found
    for one in found:
        one.end()


def has_acted(crowd: Crowd, actions: int) -> bool:
    return crowd.book.done >= actions or bool(crowd.book.faults)


def test_setting_the_clock_fails_no_action_and_loses_nobody(
    floor: Floor, server: Program, agents: list[Watcher], clock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "_own", None)
    people = People(
        [session_of(floor.sara)], [(agent.pk, session_of(agent.user)) for agent in (floor.ana, floor.boris)]
    )
    since = PresenceChange.objects.order_by("-pk").values_list("pk", flat=True)[0]
    crowd = Crowd([server.address], people)
    crowd.begin(2)
    for ahead in (0.0, MINUTES, -MINUTES, 0.0):
        clock_file.write_text(str(ahead))
        assert wait_until(partial(has_acted, crowd, crowd.book.done + ACTIONS), PATIENCE_SECONDS)
    crowd.end()

    assert crowd.book.faults == []
    clock.start()  # The server is minutes ahead of this process, and so are the times that it wrote.
    assert settle(crowd.book.stories, since) == []
    assert [one.cuts for one in agents] == [0, 0]


def test_an_offer_that_the_clock_overtook_can_be_answered_for_a_moment(
    floor: Floor, server: Program, agents: list[Watcher], clock_file: Path
) -> None:
    conversation, sara = floor.start(now=clock.now()), actor_of(floor.sara)
    assignment.assign(sara, conversation.pk, agent_id=floor.ana.pk, version=1, confirmed=EVERY_CAUTION)
    offer = offer_of(conversation)
    clock_file.write_text(str(MINUTES))

    assert wait_until(lambda: Offer.objects.get(pk=offer.pk).expires_at > offer.expires_at, PATIENCE_SECONDS)

    session, path = session_of(floor.ana.user), f"/desk/offers/{offer.pk}/accept/"
    assert post(server.address, path, session, {}).status == FOUND
    assert set(Offer.objects.values_list("status", flat=True)) == {OfferStatus.ACCEPTED}
