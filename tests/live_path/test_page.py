"""Does the page of the live path open for administrators only, and say what is really broken?"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from conversations.models import HistoryEntry
from supervisor_console.heartbeat import SERVE, WORK, Heart
from supervisor_console.kernel.realtime import Frame, hub
from supervisor_console.live_path import asking
from supervisor_console.live_path.hops import State, hops
from supervisor_console.models import Announcement, Heartbeat
from tests.cast import Floor, make_floor

pytestmark = pytest.mark.django_db(transaction=True)

PART = {"HX-Request": "true"}


@pytest.fixture
def floor() -> Floor:
    return make_floor()


@pytest.fixture
def otto(client: Client, floor: Floor) -> Client:
    client.force_login(floor.otto)
    return client


def states(client: Client) -> dict[str, str]:
    """Each step's state, as the part says it."""
    html = client.get(reverse("admin:live_path"), headers=PART).content.decode()
    return dict(re.findall(r'id="hop-(\w+)" data-state="(\w+)"', html))


def words(client: Client) -> str:
    return client.get(reverse("admin:live_path"), headers=PART).content.decode()


def test_an_administrator_finds_it_among_the_administration(otto: Client) -> None:
    assert reverse("admin:live_path") in otto.get(reverse("admin:index")).content.decode()


def test_with_one_process_that_does_everything_every_step_works(otto: Client) -> None:
    Heart(SERVE).beat()

    answer = otto.get(reverse("admin:live_path"))

    assert answer.status_code == 200
    assert states(otto) == {
        "database": "ok",
        "outbox": "ok",
        "layer": "ok",
        "process": "idle",  # Nobody has a socket at the process of this test.
        "socket": "asking",
        "screen": "asking",
        "background": "ok",
    }


@pytest.mark.parametrize("name", ["sara", "stefan", "api"])
def test_others_are_refused_page_and_probe(client: Client, floor: Floor, name: str) -> None:
    client.force_login(getattr(floor, name))

    assert client.get(reverse("admin:live_path"), follow=True).status_code == 403
    assert client.post(reverse("admin:live_path_probe"), follow=True).status_code == 403
    assert "'probe'" not in str(list(Announcement.objects.values_list("frames", flat=True)))


def test_a_visitor_is_led_to_the_log_in(client: Client, db: None) -> None:
    assert "login" in client.get(reverse("admin:live_path"), follow=True).redirect_chain[-1][0]


def test_looking_leaves_no_trace(otto: Client) -> None:
    before = (Announcement.objects.count(), HistoryEntry.objects.count())

    otto.get(reverse("admin:live_path"))

    assert (Announcement.objects.count(), HistoryEntry.objects.count()) == before
    assert not Heartbeat.objects.exists()


def test_a_probe_is_announced_to_the_one_who_sent_it_and_nobody_else(otto: Client, floor: Floor) -> None:
    answer = otto.post(reverse("admin:live_path_probe"))

    (entry,) = Announcement.objects.latest("pk").frames
    assert entry["topics"] == [f"user:{floor.otto.pk}"]
    assert entry["frame"]["type"] == "probe"
    assert entry["frame"]["probe"] == answer.json()["probe"]


def test_a_probe_is_posted(otto: Client) -> None:
    assert otto.get(reverse("admin:live_path_probe")).status_code == 405


async def test_what_this_process_has_not_delivered_is_counted() -> None:
    mine = hub()
    await mine.start()

    def deliver(topics: frozenset[str], frame: Frame) -> None:
        pass

    mine.subscribe(["here"], deliver)
    try:
        await Announcement.objects.acreate(frames=[], at=timezone.now() - timedelta(seconds=30))
        found = (await asking.ask()).outbox.value
    finally:
        mine.unsubscribe(deliver)

    assert found is not None
    assert found.behind == 1
    assert 29 < found.behind_for < 40


# --- each step, really broken ----------------------------------------------------------------------------


def test_without_background_work_the_page_says_so(otto: Client) -> None:
    assert states(otto)["background"] == "failing"
    assert "No process does it." in words(otto)


def test_a_background_process_that_died_is_silent(otto: Client) -> None:
    now = timezone.now()
    Heartbeat.objects.create(process="gone:1", kind=WORK, started_at=now, at=now - timedelta(minutes=2))

    assert states(otto)["background"] == "failing"
    assert "gone:1" in words(otto)
    assert "Silent" in words(otto)


def test_a_redis_that_is_away_does_not_take_the_page_with_it(otto: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [settings.REDIS_URL]},
        }
    }
    Heart(WORK).beat()

    found = states(otto)

    assert found["layer"] == "failing"
    assert (found["database"], found["outbox"], found["background"]) == ("ok", "ok", "ok")
    assert "Is Redis running" in words(otto)


@contextmanager
def a_writer_that_does_not_end() -> Iterator[None]:
    """Somebody else's transaction, which keeps everybody from writing."""
    locked, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute(f"LOCK TABLE {Heartbeat._meta.db_table} IN SHARE MODE")
                locked.set()
                may_end.wait(timeout=30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(timeout=10)
    try:
        yield
    finally:
        may_end.set()
        holder.join()


def test_a_database_that_reads_but_cannot_commit_is_failing_and_the_rest_still_answers(
    otto: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Heart(SERVE).beat()
    monkeypatch.setattr(asking, "WITHIN_SECONDS", 0.5)

    with a_writer_that_does_not_end():
        found = states(otto)

    assert found["database"] == "failing"
    assert (found["outbox"], found["layer"], found["background"]) == ("ok", "ok", "ok")


def test_a_database_that_lets_nobody_in_is_said_instead_of_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """By then nobody can sign in: the page that is open says it with the help of the health page."""
    if connection.vendor == "sqlite":
        monkeypatch.setitem(connection.settings_dict, "NAME", "/nowhere/at/all.sqlite3")
    else:
        monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere/at/all")
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "pool", False)

    found = {hop.key: hop for hop in hops(async_to_sync(asking.ask)())}

    assert found["database"].state == State.FAILING
    assert "OperationalError" in found["database"].error
    assert found["outbox"].state == found["background"].state == State.FAILING
    assert found["layer"].state == State.OK
