"""A question that is composed once answers as the queryset that it composes."""

from __future__ import annotations

from collections.abc import Collection
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet

from routing.models import Agent, User
from supervisor_console.kernel.questions import Among, question
from tests.cast import make_agent

pytestmark = pytest.mark.django_db

composed: list[str] = []


@question
def named(name: str, ids: Collection[int]) -> QuerySet[User, Any]:
    composed.append("named")
    return User.objects.filter(Q(username=name) | Q(Among("pk", ids))).order_by("pk").values_list("pk", flat=True)


@question
def agents(ids: Collection[int]) -> QuerySet[Agent]:
    return Agent.objects.filter(Among("pk", ids)).select_related("user", "presence").order_by("pk")


@pytest.fixture
def people() -> list[User]:
    """Four people."""
    return [User.objects.create(username=f"person{number}") for number in range(4)]


def test_it_is_composed_once_and_answers_for_the_values_of_each_time(people: list[User]) -> None:
    first, second, third, fourth = (one.pk for one in people)
    named("", [])
    composed.clear()
    assert named("person0", [third, fourth]) == [first, third, fourth]
    assert named("person1", []) == [second]
    assert named("", {fourth}) == [fourth]
    assert named("'; --", [fourth + 1]) == []
    assert composed == []


def test_models_come_with_what_belongs_to_them(django_assert_num_queries: Any) -> None:
    for number in range(3):
        make_agent(f"agent{number}")
    wanted = list(Agent.objects.select_related("user", "presence").order_by("pk"))
    ids = [one.pk for one in wanted]
    agents(ids)
    with django_assert_num_queries(1):
        found = agents(ids)
        assert found == wanted
        for one, other in zip(found, wanted, strict=True):
            assert (one.name, one.presence, one.presence_since) == (other.name, other.presence, other.presence_since)


def test_a_value_is_never_part_of_the_statement(people: list[User]) -> None:
    statements = []

    def hear(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(hear):
        named("person0", [people[1].pk])
        named("O'Brien", [person.pk for person in people])
    assert len(set(statements)) == 1


@pytest.mark.django_db(transaction=True)
def test_another_thread_asks_over_its_own_connection() -> None:
    one = User.objects.create(username="one")
    found: list[list[Any]] = []
    named("one", [])

    def ask() -> None:
        found.append(named("one", []))
        connection.close()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [[one.pk]]
