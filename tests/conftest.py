"""What every test stands on: which tests can run here, and a database that is whole again after each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from tests.servers import find_chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in browser/ are browser tests; they run last, because Playwright keeps an event loop running."""
    for item in items:
        if item.path.is_relative_to(HERE / "browser"):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


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


@pytest.fixture(autouse=True)
def django_db_serialized_rollback() -> None:
    """Bring back what the migrations put into the database after a test that commits.

    Such a test ends by emptying every table; pytest-django looks for this fixture by its name.
    """


@pytest.fixture
def close_thread_connections() -> Iterator[None]:
    """For tests that start threads: nothing of theirs stays connected."""
    yield
    for connection in connections.all(initialized_only=True):
        connection.close()


def pytest_unconfigure() -> None:
    """A run that was broken off leaves no database behind either."""
    test_database = Path(settings.DATABASES["default"].get("TEST", {}).get("NAME") or "")
    if test_database.name.startswith("console-tests-"):
        for leftover in test_database.parent.glob(f"{test_database.name.partition('.')[0]}.*"):
            leftover.unlink(missing_ok=True)
