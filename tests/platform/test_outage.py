"""What does a person read when the database cannot do it, wherever in a request that shows?"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client

from supervisor_console.kernel import outage
from supervisor_console.kernel.errors import BUSY, Refusal
from tests.cast import Floor, make_floor

AWAY = "The console cannot reach its database just now."
FULL = "The console cannot write to its disk, which may be full."


class Said(Exception):
    """An error as psycopg raises it."""

    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("it did not work")
    error.sqlite_errorcode = code
    return error


def caused(error: Exception, cause: BaseException | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (caused(OperationalError(), Said("57P01")), outage.UNREACHABLE),
        (caused(OperationalError(), Said("57P03")), outage.UNREACHABLE),
        (caused(OperationalError(), Said("08006")), outage.UNREACHABLE),
        (caused(OperationalError(), Said("53300")), outage.UNREACHABLE),
        (caused(OperationalError("couldn't get a connection after 5.00 sec"), Said(None)), outage.UNREACHABLE),
        (caused(InterfaceError("the connection is closed"), Said(None)), outage.UNREACHABLE),
        (caused(OperationalError(), Said("53100")), outage.CANNOT_WRITE),
        (caused(OperationalError(), Said("55P03")), BUSY),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)), outage.CANNOT_WRITE),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_IOERR_WRITE)), outage.CANNOT_WRITE),
        (caused(OperationalError(), sqlite_error(sqlite3.SQLITE_ERROR)), None),
        (caused(OperationalError(), Said("54001")), None),
        (caused(IntegrityError(), Said("23505")), None),
        (caused(DataError(), Said("22001")), None),
        (ValueError(), None),
        (None, None),
    ],
)
def test_what_a_person_can_do_about_an_error_is_told_apart(
    error: BaseException | None, expected: Refusal | None
) -> None:
    assert outage.refusal_of(error) == expected


@pytest.fixture
def floor(db: None) -> Floor:
    return make_floor()


@contextlib.contextmanager
def breaking(error: Exception, statement: str = "") -> Iterator[None]:
    """Every statement that contains these words fails."""

    def fail(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if statement in sql:
            raise error
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield


def signed_in(floor: Floor) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(floor.sara)
    return client


@pytest.mark.parametrize("address", ["/conversations/", "/chat/", "/login/", "/desk/", "/admin/"])
def test_a_page_says_that_the_database_is_away_and_asks_it_for_nothing(floor: Floor, address: str) -> None:
    client = signed_in(floor)
    with breaking(caused(OperationalError("server closed the connection"), Said(None))):
        answer = client.get(address)

    assert answer.status_code == 503
    assert AWAY in answer.content.decode()
    assert 'data-code="database_unreachable"' in answer.content.decode()
    assert answer.headers["X-Request-ID"] in answer.content.decode()
    assert answer.headers["Retry-After"] == "5"


def test_a_click_is_answered_with_a_toast_that_says_what_to_do(floor: Floor) -> None:
    client = signed_in(floor)
    conversation = floor.active()
    with breaking(caused(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)), "INSERT"):
        answer = client.post(f"/conversations/{conversation.pk}/monitor/", headers={"HX-Request": "true"})

    assert answer.status_code == 503
    assert FULL in answer.headers["HX-Trigger"]
    assert '"cannot_write"' in answer.headers["HX-Trigger"]
    assert answer.headers["HX-Reswap"] == "none"


def test_a_part_that_is_fetched_brings_the_sentence_and_no_toast(floor: Floor) -> None:
    """A page fetches its regions again and again; a toast each time would cover it."""
    client = signed_in(floor)
    with breaking(caused(OperationalError("server closed the connection"), Said(None))):
        answer = client.get("/conversations/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/plain")
    assert answer.content.decode().startswith(AWAY)
    assert "HX-Trigger" not in answer.headers
    assert answer.headers["HX-Reswap"] == "none"


def test_reading_goes_on_while_nothing_can_be_written(floor: Floor) -> None:
    client = signed_in(floor)
    with breaking(caused(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)), "INSERT"):
        assert client.get("/conversations/").status_code == 200


def test_a_fault_of_ours_stays_one(floor: Floor) -> None:
    """The control: not everything that a database refuses is an outage."""
    client = signed_in(floor)
    with breaking(caused(IntegrityError(), Said("23505"))):
        answer = client.get("/conversations/")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()
