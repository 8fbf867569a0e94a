"""What every test stands on: which tests can run here, and a database that is whole again after each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.creation import BaseDatabaseCreation
from pytest_django import DjangoDbBlocker
from pytest_django.plugin import blocking_manager_key

from tests import cast, kept, template
from tests.servers import find_chromium

HERE = Path(__file__).parent
SERVERS = ("postgresql", "redis", "browser")
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-with-database", action="store_true", help="leave out what no database makes a difference to"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests in browser/ are browser tests; they run last, because Playwright keeps an event loop running.

    A test that commits ends by emptying every table, so it begins with what the migrations had put there.
    """
    for item in items:
        if item.path.is_relative_to(HERE / "browser"):
            item.add_marker(pytest.mark.browser)
        if commits(item):
            item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=True), append=False)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    if config.getoption("only_with_database"):
        left_out = [item for item in items if not asks_for_a_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if asks_for_a_database(item)]


def asks_for_a_database(item: pytest.Item) -> bool:
    """Whether the kind of database can make a difference to a test; pytest-django lets nobody in who does not ask."""
    if item.get_closest_marker("any_database") is not None:
        return False
    asks = not DATABASE_FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))
    is_marked = any(item.get_closest_marker(marker) is not None for marker in ("django_db", *SERVERS))
    return asks or is_marked or getattr(item, "cls", None) is not None


def commits(item: pytest.Item) -> bool:
    """Whether a test works on the database without a transaction around it that is rolled back in the end."""
    marker = item.get_closest_marker("django_db")
    is_marked = marker is not None and bool(marker.kwargs.get("transaction") or marker.args[:1] == (True,))
    return is_marked or "transactional_db" in getattr(item, "fixturenames", ())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """After a test that commits, the next one finds the database as the migrations left it, whatever its kind."""
    yield
    if nextitem is not None and commits(item):
        with item.config.stash[blocking_manager_key].unblock():
            put_back_what_migrations_left()
            connection.close()


def as_migrated() -> None:
    """Put the test database back into the state in which the migrations left it, after rows that were committed.

    For fixtures that share such rows among several tests. The command `flush` alone would give what it puts back
    other ids than before.
    """
    is_serialized = hasattr(connection, "_test_serialized_contents")
    # With the sequences started over, the next new row would take the id of one that comes back.
    call_command(
        "flush", interactive=False, verbosity=0, inhibit_post_migrate=is_serialized, reset_sequences=not is_serialized
    )
    if not is_serialized:
        cast.forget_floor()
    put_back_what_migrations_left()


def put_back_what_migrations_left() -> None:
    contents = getattr(connection, "_test_serialized_contents", None)
    if contents is not None:
        connection.creation.deserialize_db_from_string(contents)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose server or browser is missing is skipped with the reason; on CI nothing may be missing."""
    for marker, reason in missing_here().items():
        if item.get_closest_marker(marker) is not None:
            if os.environ.get("CI") == "true":
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


def missing_here() -> dict[str, str]:
    missing = {}
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        missing["postgresql"] = "needs PostgreSQL: `make test` starts one, or set TEST_DATABASE_URL"
    if not settings.REDIS_URL:
        missing["redis"] = "needs Redis: `make test` starts one, or set TEST_REDIS_URL"
    if find_chromium() is None:
        missing["browser"] = "needs a Chromium on this machine"
    return missing


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, django_db_modify_db_settings: None) -> bool:
    """On SQLite the test database is a copy of one that is migrated already."""
    if connection.vendor != "sqlite":
        return django_db_keepdb
    template.copy_migrated(Path(connection.settings_dict["TEST"]["NAME"]))
    return True


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, which can be dropped in the end even if a thread of some test is still connected to it."""
    with django_db_blocker.unblock():
        left = kept.as_statements()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseCreation, "deserialize_db_from_string", kept.put_back_at_once(left))
        yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def pytest_unconfigure() -> None:
    """A run that was broken off leaves no database behind either."""
    test_database = Path(settings.DATABASES["default"].get("TEST", {}).get("NAME") or "")
    if test_database.name.startswith("console-tests-"):
        for leftover in test_database.parent.glob(f"{test_database.name.partition('.')[0]}.*"):
            leftover.unlink(missing_ok=True)
