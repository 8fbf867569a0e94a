"""Does the sign that PostgreSQL takes in no text break anything, on ways that no form field looks at?"""

from __future__ import annotations

import pytest
from django.test import Client

from conversations.views.access import CUSTOMER_COOKIE
from supervisor_console.kernel import idempotency
from tests.access.stage import hers
from tests.access.test_who_hears_what import HERE, answer, knock
from tests.cast import Floor, make_floor

pytestmark = pytest.mark.slow  # On SQLite nothing of this can fail.

NUL = '"\\000abcdefghijklmnop"'
"""A NUL as a cookie can spell it."""


@pytest.fixture
def floor(db: None) -> Floor:
    return make_floor()


@pytest.mark.parametrize("name", ["sessionid", CUSTOMER_COOKIE, "csrftoken", "messages"])
@pytest.mark.parametrize("url", ["/conversations/", "/chat/", "/login/", "/admin/"])
def test_in_a_cookie_it_is_no_cookie(floor: Floor, name: str, url: str) -> None:
    assert Client().get(url, headers={"Cookie": f"{name}={NUL}"}).status_code in (200, 302)


@pytest.mark.parametrize(
    "asked",
    [
        "conversations/conversation/?state__exact=%00",
        "conversations/conversation/?created_at__year=%00",
        "conversations/conversation/?q=%00",
        "conversations/conversation/%00/change/",
        "routing/user/?role=%00",
        "routing/skill/?type=%00",
        "routing/skill/?type__exact=%00",
    ],
)
def test_at_the_administration_it_finds_nothing(floor: Floor, asked: str) -> None:
    otto = Client()
    otto.force_login(floor.otto)

    assert otto.get(f"/admin/{asked}").status_code in (200, 302, 400)


@pytest.mark.parametrize("url", ["/conversations/", "/agents/", "/notices/", "/conversations/1/assign/"])
def test_in_an_address_it_means_nothing(floor: Floor, url: str) -> None:
    names = ["q", "agent", "queue", "state", "sort", "before", "page", "presence", "skill", "\x00"]
    sara = Client()
    sara.force_login(floor.sara)

    assert sara.get(url, dict.fromkeys(names, "a\x00b")).status_code in (200, 404)


def test_in_the_key_of_a_form_it_is_no_key(floor: Floor) -> None:
    chat = hers(floor)
    sara = Client()
    sara.force_login(floor.sara)

    for key in ("a\x00b", "\x00"):
        answered = sara.post(f"/conversations/{chat.pk}/monitor/", {idempotency.FIELD: key})
        assert answered.status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("url", "code"), [("/ws/console/", "1"), ("/ws/chat/00000000-0000-4000-8000-000000000000/", "4")]
)
async def test_at_a_socket_it_is_nobody_s(url: str, code: str) -> None:
    for name in ("sessionid", CUSTOMER_COOKIE):
        assert await answer(knock(url, (b"origin", HERE), (b"cookie", f"{name}={NUL}".encode()))) == code
