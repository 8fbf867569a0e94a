"""Can a page of another site make a signed-in person, or a customer, do something?"""

from __future__ import annotations

import uuid
from typing import ClassVar

import pytest
from django.test import Client, override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from conversations.views.notices import mark_all_read
from supervisor_console.urls import urlpatterns
from tests.access.addresses import addresses, filled
from tests.access.stage import Stage, hers, one_of_everything, undone, writing

PLACES = {
    "conversation_id": 1,
    "agent_id": 1,
    "offer_id": 1,
    "notice_id": 1,
    "medium": "video",
    "public_id": uuid.UUID(int=1),
    "content_type_id": 1,
    "object_id": 1,
    "id": 1,
    "app_label": "routing",
    "url": "nowhere/",
}


@pytest.fixture
def stage(db: None, caplog: pytest.LogCaptureFixture) -> Stage:
    """Everybody, in browsers whose forms must carry their token."""
    caplog.set_level("ERROR", "django")
    found = Stage(client=Client(enforce_csrf_checks=True))
    one_of_everything(found.floor)
    return found


def whose(address: str) -> str:
    """Who could do something there."""
    doors = {"admin/": "administrator", "chat/": "customer", "call/": "customer", "desk/": "agent"}
    return next((role for door, role in doors.items() if address.startswith(door)), "supervisor")


def open_without_a_token(stage: Stage) -> list[str]:
    """Where a form of another site would be taken, or would have written."""
    wrong = []
    for address in addresses():
        role = whose(address)
        with undone(), writing() as written:
            status = stage.browser(role).post(filled(address, PLACES), {"text": "Hello"}).status_code
        if status != 403 or written:
            wrong.append(f"POST {address}: {role} is answered {status}; wrote {written[:1]}")
    return wrong


def test_nothing_is_written_without_the_token_of_a_form(stage: Stage) -> None:
    wrong = open_without_a_token(stage)

    assert not wrong, "\n".join(wrong)


class WithAnExemption:
    """The addresses, one of which takes whatever comes."""

    urlpatterns: ClassVar = [path("back/door/", csrf_exempt(mark_all_read)), *urlpatterns]


def test_control_an_address_that_is_exempt_is_noticed(stage: Stage) -> None:
    with override_settings(ROOT_URLCONF=WithAnExemption):
        wrong = open_without_a_token(stage)

    assert [line.partition(":")[0] for line in wrong] == ["POST back/door/"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("address", ["conversations/", "desk/", "chat/", "admin/"])
def test_so_it_is_with_every_method_that_writes(stage: Stage, method: str, address: str) -> None:
    assert stage.browser(whose(address)).generic(method, f"/{address}").status_code == 403


def test_a_token_of_another_browser_opens_nothing(stage: Stage) -> None:
    chat = hers(stage.floor)
    url = filled("conversations/<int:conversation_id>/monitor/", stage.places(chat))
    theirs = Client(enforce_csrf_checks=True)
    theirs.get("/login/")
    sara = stage.browser("supervisor")
    assert sara.get("/conversations/").status_code == 200

    foreign = theirs.cookies["csrftoken"].value
    assert sara.post(url, headers={"X-CSRFToken": foreign}).status_code == 403
    assert sara.post(url, headers={"X-CSRFToken": sara.cookies["csrftoken"].value}).status_code == 302


def test_a_form_of_another_site_opens_nothing_even_with_the_token(stage: Stage) -> None:
    sara = stage.browser("supervisor")
    sara.get("/conversations/")
    token = {"X-CSRFToken": sara.cookies["csrftoken"].value}

    assert sara.post("/notices/read/", headers=token | {"Origin": "https://evil.example.org"}).status_code == 403
    assert sara.post("/notices/read/", headers=token | {"Origin": "null"}).status_code == 403
    assert sara.post("/notices/read/", headers=token | {"Origin": "http://testserver"}).status_code == 302
