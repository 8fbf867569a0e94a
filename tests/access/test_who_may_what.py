"""Does every door let in whom the table says, and nobody else? Generated from the URL configuration (domain.md D13)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import override_settings
from django.urls import path

from routing.models import Agent
from supervisor_console.live_path import asking
from supervisor_console.urls import urlpatterns
from supervisor_console.views import favicon
from tests.access import stage
from tests.access.addresses import addresses, filled
from tests.access.stage import ROLES, Stage, undone, writing
from tests.access.table import MODELS, ROWS, Row, admin_rows

DOORS = {"/login/": "L", "/admin/login/": "D"}
ON_ONE_DATABASE = pytest.mark.skipif(
    connection.vendor == "postgresql", reason="who may enter is decided before a database could make a difference"
)
PART = {"HX-Request": "true"}
SAME_ANSWER = {"=": "+", "o": "L"}
LETTERS = {200: "+", 201: "+", 204: "+", 302: "+", 403: "-", 404: "?", 405: "x"}


def missing(known: Sequence[str]) -> tuple[list[str], list[str]]:
    """The addresses that have no row, and the rows that have no address."""
    found, rows = Counter(addresses()), Counter(known)
    return sorted((found - rows).elements()), sorted((rows - found).elements())


def every_row() -> list[Row]:
    return [*ROWS, *admin_rows()]


def test_every_address_has_one_row_and_every_row_an_address() -> None:
    assert missing([row.address for row in every_row()]) == ([], [])


def test_control_an_address_without_a_row_is_noticed() -> None:
    with override_settings(ROOT_URLCONF=ModuleWithABackDoor):
        assert missing([row.address for row in every_row()]) == (["back/door/"], [])


class ModuleWithABackDoor:
    """The URL configuration, and an address that nobody wrote into the table."""

    urlpatterns: ClassVar = [*urlpatterns, path("back/door/", favicon)]


class ModuleWithAnOpenDoor:
    """The URL configuration, with something at the address of the report that asks nobody who they are."""

    urlpatterns: ClassVar = [path("conversations/", favicon), *urlpatterns]


# --- every role at every address ------------------------------------------------------------------------------


def ask(floor: Stage, role: str, row: Row, method: str, url: str, sent: dict[str, str]) -> str:
    """The letter of the answer; a GET goes where it is sent on to, up to a door. A part is what htmx asks for."""
    who = floor.browser(role)
    if method == "POST":
        answer = who.post(url, sent)
    else:
        answer = who.get(url, sent if sent.keys() & {"agent"} else {}, headers=PART if method == "PART" else {})
    while answer.status_code == 302:
        target = answer.headers["Location"]
        for door, letter in DOORS.items():
            if target.startswith(door) and url != door:
                return letter
        if method == "POST":
            break
        answer = who.get(target)
    return LETTERS.get(answer.status_code, str(answer.status_code))


def wrong_answers(floor: Stage, row: Row, places: dict[str, object]) -> list[str]:
    """Where the answers of one row differ from the table, and who wrote something without being let in."""
    url = filled(row.address, places)
    sent = {name.format(**places): value.format(**places) for name, value in row.fields.items()}
    wrong = []
    for method, letters in (("GET", row.get), ("PART", row.part or row.get), ("POST", row.post)):
        if method == "PART" and ("+" not in letters or row.address.startswith("admin/")):
            continue
        for role, letter in zip(ROLES, letters, strict=True):
            if letter == ".":
                continue
            with undone(), writing() as written:
                found = ask(floor, role, row, method, url, sent)
            if found != SAME_ANSWER.get(letter, letter):
                wrong.append(f"{method} {row.address}: {role} is answered {found}, not {letter}")
            if letter not in "+o" and written:
                wrong.append(f"{method} {row.address}: {role} is not let in, but wrote: {written[0][:100]}")
    return wrong


@pytest.fixture
def floor(db: None, caplog: pytest.LogCaptureFixture) -> Stage:
    """The centre, with everybody signed in; that somebody is refused is not worth a line here."""
    caplog.set_level(logging.ERROR, "django.request")
    return Stage()


@ON_ONE_DATABASE
@pytest.mark.slow
def test_every_role_is_let_in_where_the_table_says_and_nowhere_else(floor: Stage) -> None:
    wrong = []
    for row in ROWS:
        if not row.address.startswith("admin/"):
            with undone():
                thing = row.thing(floor.floor) if row.thing is not None else None
                wrong += wrong_answers(floor, row, floor.places(thing))

    assert not wrong, "\n".join(wrong)


def test_control_a_door_that_somebody_left_open_is_noticed(floor: Stage) -> None:
    report = next(row for row in ROWS if row.address == "conversations/")
    with override_settings(ROOT_URLCONF=ModuleWithAnOpenDoor):
        wrong = wrong_answers(floor, report, floor.places(None))

    assert "GET conversations/: nobody is answered +, not L" in wrong
    assert "GET conversations/: agent is answered +, not -" in wrong


@ON_ONE_DATABASE
@pytest.mark.slow
def test_the_administration_is_the_administrators_(floor: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    # The page of the live path asks on other connections, which wait here for the transaction of the test.
    monkeypatch.setattr(asking, "WITHIN_SECONDS", 0.05)
    stage.one_of_everything(floor.floor)
    agents = ContentType.objects.get_for_model(Agent).pk
    general = {"content_type_id": agents, "id": floor.floor.ana.user_id, "app_label": "routing", "url": "nowhere/"}
    wrong = []
    for row in every_row():
        if row.address.startswith("admin/"):
            app, name, *_ = [*row.address.split("/")[1:], ""]
            model = apps.get_model(app, name) if f"{app}/{name}" in MODELS else Agent
            latest = model._base_manager.order_by("-pk").values_list("pk", flat=True)[0]
            wrong += wrong_answers(floor, row, {**general, "object_id": latest})

    assert not wrong, "\n".join(wrong)
