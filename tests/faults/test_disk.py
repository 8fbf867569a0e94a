"""Does everybody know where they are while the disk of the SQLite file is full, and is nothing half done?

Full is made by a limit on the sizes of files, of the server's process alone.
"""

import contextlib
import resource
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from conversations import invariants
from conversations.invariants import Scope
from conversations.models import Conversation, HistoryEntry, Message, Offer, OfferStatus
from supervisor_console.models import Heartbeat
from tests import servers
from tests.cast import EVERY_CAUTION, Floor, make_floor
from tests.faults.storm.crowd import Answer, get, post
from tests.faults.storm.watchers import wait_until
from tests.servers import Program
from tests.sockets import console_socket, session_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SENTENCE = "The console cannot write to its disk, which may be full."
DUE_SECONDS = 12.0
NEXT_TO_NOTHING = 64
"""Bytes."""


@pytest.fixture(autouse=True)
def on_sqlite(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has a disk of its own")


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    return make_floor()


@pytest.fixture
def server(floor: Floor) -> Iterator[Program]:
    with servers.running(servers.console_program("faults-disk")) as program:
        yield program


@contextlib.contextmanager
def full(server: Program) -> Iterator[None]:
    """No file of the server's process grows any more, and none can be made. Nobody else has the database open."""
    assert server.process is not None
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    connection.close()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (NEXT_TO_NOTHING, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def assign(server: Program, floor: Floor, pk: int, session: str, key: str) -> Answer:
    fields: dict[str, str | list[str]] = {
        "agent": str(floor.ana.pk),
        "version": "1",
        "idempotency_key": key,
        f"confirmed-{floor.ana.pk}": sorted(EVERY_CAUTION),
    }
    return post(server.address, f"/conversations/{pk}/assign/", session, fields, htmx=True)


def everything() -> list[object]:
    rows = (Conversation, HistoryEntry, Message, Offer)
    return [list(model._default_manager.order_by("pk").values()) for model in rows]


def test_a_full_disk_refuses_with_a_sentence_and_is_written_to_again_when_there_is_space(
    floor: Floor, server: Program
) -> None:
    conversation, session = floor.start(now=timezone.now()), session_of(floor.sara)
    pk, key = conversation.pk, str(uuid.uuid4())
    before = everything()

    with console_socket(server.address, session) as console, full(server):
        refused = assign(server, floor, pk, session, key)
        begun = post(server.address, "/chat/", "", {"name": "Maja", "text": "Is anybody there?"})
        report = get(server.address, "/conversations/?window=all", session)
        page = get(server.address, f"/conversations/{pk}/", session)
        assert console.connection.protocol.state.name == "OPEN"

    assert (refused.status, begun.status) == (503, 503)
    assert SENTENCE in refused.said
    assert SENTENCE in begun.said
    assert (report.status, page.status) == (200, 200), "reading goes on"
    assert conversation.subject in report.said
    assert everything() == before, "nothing half done"

    assert assign(server, floor, pk, session, key).status == 204, "the same click, again"
    assert Offer.objects.filter(conversation=pk).count() == 1
    offer = Offer.objects.filter(conversation=pk)
    offer.update(offered_at=timezone.now() - timedelta(seconds=60), expires_at=timezone.now())
    assert wait_until(lambda: offer.get().status == OfferStatus.TIMED_OUT, DUE_SECONDS), "the background work goes on"
    assert wait_until(lambda: Heartbeat.objects.filter(error="").exists(), DUE_SECONDS)
    assert not list(invariants.violations(Scope(now=timezone.now())))
