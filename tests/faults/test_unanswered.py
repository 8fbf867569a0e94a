"""A process dies after it has carried something out and before it answers: what does the same click do elsewhere?"""

import uuid
from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import timezone

from conversations.models import HistoryEntry, Notice, Offer
from tests import servers
from tests.cast import EVERY_CAUTION, Floor, make_floor
from tests.faults.conftest import UNTOLD_MS
from tests.faults.storm.crowd import Answer, post
from tests.faults.storm.watchers import Watcher, wait_until
from tests.servers import Program
from tests.sockets import session_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

DONE, CONFLICT = 204, 409


@pytest.fixture(autouse=True)
def once(db: None) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the storm does it on PostgreSQL, by chance")


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    return make_floor()


@pytest.fixture
def dies(floor: Floor) -> Iterator[Program]:
    variables = {"DJANGO_SETTINGS_MODULE": "tests.faults.unanswered"}
    with servers.running(servers.console_program("faults-unanswered", **variables)) as program:
        yield program


@pytest.fixture
def stays(floor: Floor) -> Iterator[Program]:
    with servers.running(servers.console_program("faults-answers")) as program:
        yield program


def test_the_same_click_at_another_process_is_the_same_action(floor: Floor, dies: Program, stays: Program) -> None:
    conversation, session = floor.start(now=timezone.now()), session_of(floor.sara)
    desk = Watcher([stays.address], session_of(floor.ana.user), follows=False)
    desk.begin()
    assert wait_until(lambda: desk.is_open, UNTOLD_MS / 1000) is not None

    def assign(server: Program, key: str) -> Answer:
        fields: dict[str, str | list[str]] = {"agent": str(floor.ana.pk), "version": "1", "idempotency_key": key}
        fields[f"confirmed-{floor.ana.pk}"] = sorted(EVERY_CAUTION)
        return post(server.address, f"/conversations/{conversation.pk}/assign/", session, fields, htmx=True)

    key = str(uuid.uuid4())
    assert assign(dies, key).status == 0, "nobody was told"
    assert assign(stays, key).status == DONE
    assert assign(stays, str(uuid.uuid4())).status == CONFLICT, "the control: another click is another action"

    codes = HistoryEntry.objects.filter(conversation=conversation).order_by("pk").values_list("code", flat=True)
    assert list(codes) == ["conversation.created", "conversation.assigned"]
    assert Offer.objects.filter(conversation=conversation).count() == 1
    assert Notice.objects.filter(user=floor.ana.user, code="assigned").count() == 1
    seconds = UNTOLD_MS / 1000
    assert wait_until(lambda: len(desk.notices) == 1, seconds) is not None, "the agent hears of it, through the outbox"
    desk.end()
