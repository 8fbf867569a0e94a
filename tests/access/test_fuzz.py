"""Does anything that somebody sends break a page or a socket, or write what it should not? (Hypothesis)

The addresses of the URL configuration are asked by somebody who is let in, with fields that the pages themselves name
and values that mean harm. The ordinary run is short, the same each time, and passes over most pages of the
administration; `FUZZ=100` sends a hundred things to each address and each socket, other ones each time.
"""

from __future__ import annotations

import logging
import os
import re
from functools import partial
from typing import ClassVar
from urllib.parse import urlencode

import pytest
from asgiref.sync import sync_to_async
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conversations.consumers.relay import NOT_ALLOWED
from conversations.models import Customer
from routing.models import Agent
from tests.access import hostile
from tests.access.addresses import filled
from tests.access.stage import ROLES, Stage, hers, one_of_everything, undone, writing
from tests.access.table import ROWS, Row, admin_rows
from tests.access.test_who_hears_what import HERE, cookie, knock

FUZZ = int(os.environ.get("FUZZ") or 0)
EXAMPLES = FUZZ or 3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200 if FUZZ else 120)]

COMMON = settings(
    deadline=None,
    database=None,
    derandomize=not FUZZ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, *([Phase.shrink] if FUZZ else [])],
)

FORM = "application/x-www-form-urlencoded"
KIND_OF_PLACE = re.compile(r"<(?:(\w+):)?(\w+)>")


@pytest.fixture
def floor(db: None, caplog: pytest.LogCaptureFixture) -> Stage:
    """Everybody, signed in, and something of everything."""
    caplog.set_level(logging.CRITICAL)
    stage = Stage()
    one_of_everything(stage.floor)
    return stage


def who_is_let_in(row: Row) -> str:
    """The role that gets furthest at an address."""
    letters = row.post if "+" in row.post else row.get
    return ROLES[letters.index("+")] if "+" in letters else "administrator"


def names_at(floor: Stage, role: str, url: str) -> list[str]:
    """What the page at this address calls its fields and asks in its links."""
    with undone():
        answer = floor.browser(role).get(url)
        found = answer.content.decode(errors="ignore") if answer.status_code == 200 else ""
    return sorted(hostile.names_in(found) - {"csrfmiddlewaretoken"})


def attack(floor: Stage, row: Row, url: str, role: str, names: list[str], examples: int = EXAMPLES) -> None:
    """Send garbage to one address: by its query, by its form, and in its place."""
    address = row.address

    def is_all_right(method: str, target: str, body: str = "", *, part: bool) -> None:
        headers = {"HX-Request": "true"} if part else {}
        with undone(), writing() as written:
            answer = floor.browser(role).generic(method, target, body, content_type=FORM, headers=headers)
            assert answer.status_code < 500 or answer.status_code == 503, (method, target, body, answer.status_code)
        if method == "GET" or 400 <= answer.status_code < 500:
            assert not changing(written), (method, target, body, written)

    kinds = {name: hostile.places[kind] for kind, name in KIND_OF_PLACE.findall(address)}
    targets = st.just(url) if not kinds else st.just(url) | st.fixed_dictionaries(kinds).map(partial(filled, address))
    parameters = hostile.fields([*names, *row.fields]).map(partial(urlencode, doseq=True))

    @settings(COMMON, max_examples=examples)
    @given(targets, parameters | st.sampled_from(hostile.RAW), st.booleans(), st.booleans())
    def send(target: str, garbage: str, is_form: bool, part: bool) -> None:
        if is_form:
            is_all_right("POST", target, garbage, part=part)
        else:
            is_all_right("GET", f"{target}?{garbage}", part=part)

    send()


def changing(written: list[str]) -> list[str]:
    """What was written besides sessions, and rows that are counted before anything is judged."""
    counting = r'"(django_session|supervisor_console_attempt|supervisor_console_cached)"'
    return [sql for sql in written if not re.search(counting, sql)]


def test_nothing_that_is_sent_to_the_console_breaks_it(floor: Stage) -> None:
    for row in ROWS:
        if not row.address.startswith("admin/"):
            with undone():
                role = who_is_let_in(row)
                url = filled(row.address, floor.places(row.thing(floor.floor) if row.thing is not None else None))
                attack(floor, row, url, role, names_at(floor, role, url))


def test_nothing_that_is_sent_to_the_administration_breaks_it(floor: Stage) -> None:
    agents = ContentType.objects.get_for_model(Agent).pk
    general = {"content_type_id": agents, "id": floor.floor.ana.user_id, "app_label": "routing", "url": "nowhere/"}
    rows = [
        row for row in (*ROWS, *admin_rows()) if row.address.startswith("admin/") and "live-path" not in row.address
    ]
    for row in rows if FUZZ else rows[::8]:
        url = filled(row.address, {**general, "object_id": 1})
        attack(floor, row, url, "administrator", names_at(floor, "administrator", url))


# --- would it be noticed? -------------------------------------------------------------------------------------------


def reads_a_number(request: HttpRequest) -> HttpResponse:
    return HttpResponse(int(request.GET.get("page") or 1))


def remembers_who_looked(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(name=request.GET.get("page", "")[:20])
    return HttpResponse()


class WithAFault:
    """A page that believes what it is asked."""

    urlpatterns: ClassVar = [path("page/", reads_a_number)]


class WithAWrite:
    """A page that writes when it is looked at."""

    urlpatterns: ClassVar = [path("page/", remembers_who_looked)]


@pytest.mark.parametrize(("urls", "error"), [(WithAFault, ValueError), (WithAWrite, AssertionError)])
def test_control_a_page_that_breaks_or_writes_is_noticed(floor: Stage, urls: type, error: type[Exception]) -> None:
    with override_settings(ROOT_URLCONF=urls), pytest.raises(error):
        attack(floor, Row("page/", "+" * 9, "x" * 9), "/page/", "supervisor", ["page"], examples=60)


# --- sockets --------------------------------------------------------------------------------------------------------


def staged() -> tuple[Stage, dict[str, object]]:
    stage = Stage()
    return stage, stage.places(hers(stage.floor))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["supervisor", "agent", "customer"])
async def test_nothing_that_is_said_to_a_socket_breaks_it(role: str) -> None:
    stage, places = await sync_to_async(staged)()
    address = "ws/chat/<uuid:public_id>/" if role == "customer" else "ws/console/"
    said: list[str] = []

    @settings(COMMON, max_examples=FUZZ or 60)
    @given(frame=hostile.frames)
    def collect(frame: str) -> None:
        said.append(frame)

    collect()
    for start in range(0, len(said), 100):
        headers = (b"origin", HERE), (b"cookie", cookie(stage, role).encode())
        socket = knock(filled(address, places), *headers)
        assert (await socket.connect())[0]
        assert '"hello"' in await socket.receive_from(5)
        for frame in said[start : start + 100]:
            await socket.send_to(text_data=frame or " ")
        await socket.send_to(bytes_data=b"\xff\x00\xfe")
        await socket.send_to(text_data='{"type": "ping"}')
        while True:
            answer = await socket.receive_output(5)
            if answer["type"] == "websocket.close":
                assert answer["code"] == NOT_ALLOWED  # Who is no supervisor and asks for the report is shown the door.
                break
            if '"pong"' in answer["text"]:
                break
        await socket.disconnect()
