"""Is a page found by a short walk, however many conversations go on? SQLite's own steps are counted: no clock."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from conversations import typical
from conversations.models import Conversation, Customer
from conversations.models.indexes import PartsOfWords, Waited
from conversations.reports import counts, statements
from conversations.reports.address import Address
from conversations.reports.columns import COLUMNS
from conversations.reports.filters import Filter, Status
from conversations.reports.orders import page_ids
from conversations.reports.params import Params
from conversations.reports.scope import EVERYTHING
from conversations.typical import TYPICAL
from routing.models import Queue
from tests.cast import Floor, at, fresh

pytestmark = pytest.mark.django_db

FEW, MANY = 120, 960
"""So many times each of four conversations."""

SORTED = {"subject", "created", "wait", "unanswered"}
"""Equal ones are sorted by the rest of the order here, and these copies have much in common."""

STEPS = 10
"""The count is told after every so many."""


MOMENTS = ("created_at", "state_changed_at", "last_activity_at", "first_wait_started_at", "accepted_at")


COUNTED: list[dict[str, list[str]]] = [
    {"window": [window], **values} for window in ("24h", "all") for values in ({}, {"q": ["needle"]})
]
"""Counters of which these conversations have enough, or a word that few of them mention."""


def multiply(rows: list[Conversation], times: range) -> None:
    """These again and again, each a little later than the one before, of a customer of its own."""
    names = [field.attname for field in Conversation._meta.concrete_fields if not field.generated]
    people = Customer.objects.bulk_create(Customer(name=f"Maja {number}", key=uuid.uuid4().hex) for number in times)
    copies = []
    for person, number in zip(people, times, strict=True):
        for row in rows:
            values = {name: getattr(row, name) for name in names} | {
                "id": None,
                "public_id": uuid.uuid4(),
                "customer_id": person.pk,
            }
            later = {name: values[name] + timedelta(milliseconds=7 * number) for name in MOMENTS if values[name]}
            copies.append(Conversation(**values | later))
    Conversation.objects.bulk_create(copies)


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """How many steps the database has made in here, so far."""
    told = 0

    def tell() -> int:
        nonlocal told
        told += STEPS
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(tell, STEPS)
    try:
        yield lambda: told
    finally:
        connection.connection.set_progress_handler(None, 0)


def steps_by_question() -> dict[str, int]:
    """The steps for ten rows in each order and of each status, and for counting a few of what passes a filter."""
    found = {}
    queues = {queue.pk: queue for queue in Queue.objects.all()}
    for counted_values in COUNTED:
        filter_ = Filter.parse(Params(counted_values))
        with counted() as steps:
            counts.count(EVERYTHING, filter_, queues, at(600), 20)
            found[f"count {counted_values}"] = steps()
    columns = [column.key for column in COLUMNS if column.key not in {*SORTED, "closed"}]
    asked = [{"sort": [f"{way}{key}"]} for key in columns for way in ("", "-")]
    for values in [*asked, *({"status": [status.value]} for status in Status), {"agent": ["none"]}]:
        address = Address.parse(Params({**values, "window": ["all"]}))
        with counted() as steps:
            page_ids(EVERYTHING, address, at(90_000), 10)
            found[str(values)] = steps()
    return found


def test_twenty_times_as_many_conversations_take_no_more_steps(floor: Floor) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("counts the steps of SQLite")
    Conversation.objects.filter(pk=floor.start().pk).update(subject="Needle")
    kinds = [fresh(one) for one in (floor.start(), floor.active(), floor.waiting(), floor.wrap_up())]
    multiply(kinds, range(FEW))
    few = steps_by_question()
    multiply(kinds, range(FEW, MANY))
    many = steps_by_question()

    grown = {name: (steps, many[name]) for name, steps in few.items() if many[name] > 2 * steps + 500}
    print(grown)
    assert not grown


@pytest.mark.parametrize("window", ["24h", "all"])
@pytest.mark.parametrize("made_last", ["conv_order_status", "conv_count_status"])
def test_numbers_of_statuses_go_along_the_index_that_holds_all_they_ask(window: str, made_last: str) -> None:
    """SQLite takes the one that was made last, if it takes them for alike; migrations make them in any order."""
    if connection.vendor != "sqlite":
        pytest.skip("is about SQLite's choice between two indexes that begin with the status")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [made_last])
        (made,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {made_last}")
        cursor.execute(made)
    typical.tell(using="default")
    composed = counts._composed(EVERYTHING, Filter.parse(Params({"window": [window]})), 20)
    plan = statements.fetch(statements.Part(f"EXPLAIN QUERY PLAN {composed.sql}", composed.params), at(600))

    told = " ".join(step[3] for step in plan)
    assert "conv_count_status (status_place=?" in told
    assert "conv_order_status" not in told


def test_a_wait_that_is_over_is_as_long_as_the_moments_say(floor: Floor) -> None:
    chat = floor.active(by=floor.ana)
    for began, accepted in (
        (at(0), at(0)),
        (at(1), at(9.000001)),
        (at(1.999999), at(9)),
        (at(-86_400.5), at(86_400.25)),
    ):
        Conversation.objects.filter(pk=chat.pk).update(first_wait_started_at=began, accepted_at=accepted)
        told = Conversation.objects.annotate(
            said=Waited(), meant=F("accepted_at") - F("first_wait_started_at")
        ).values_list("said", "meant")
        assert list(told) == [(accepted - began, accepted - began)]


def test_what_is_typical_is_told_of_every_index_and_of_none_that_is_not_there() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL counts by itself")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
        present = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT idx, stat FROM sqlite_stat1 WHERE tbl IN (%s, %s)", list(TYPICAL))
        told = dict(cursor.fetchall())
    indexes = {index.name: index for model in (Conversation, Customer) for index in model._meta.indexes}
    ours = {name for name, index in indexes.items() if not isinstance(index, PartsOfWords)}

    assert ours <= set(told)
    assert {name for names in TYPICAL.values() for name in names} <= present
    for name in ours:
        columns = len(indexes[name].fields_orders) or len(indexes[name].expressions)
        assert len(told[name].split()) == columns + 1, name
