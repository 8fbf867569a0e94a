"""Does each action leave one line in the log, and does nothing that people wrote or know stand in any line?"""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.test import Client

from conversations.models import Conversation
from conversations.services import assignment, messaging, offers, supervision
from conversations.views.access import CUSTOMER_COOKIE
from routing.models import BasePresence
from supervisor_console.kernel import idempotency
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded
from supervisor_console.kernel.requests import HEADER
from supervisor_console.logs import OneLineFormatter
from tests.cast import Floor, actor_of, customer_of, make_floor, offer_of, set_presence

FORM = re.compile(r"action=[a-z_.]+ outcome=\w+ code=[\w.,-]+ conversation=\S+ actor=[\w:-]+ ms=\d+\.\d")


@pytest.fixture
def floor(db: None) -> Floor:
    return make_floor()


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What the actions of the test wrote, without how long it took."""
    caplog.set_level(logging.INFO, "supervisor_console.actions")
    found: list[str] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert FORM.fullmatch(record.getMessage()), record.getMessage()
            found.append(record.getMessage().partition(" ms=")[0])

    handler = Keeping()
    logger = logging.getLogger("supervisor_console.actions")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def test_an_action_writes_one_line_that_says_what_came_of_it(floor: Floor, lines: list[str]) -> None:
    chat = floor.start()
    sara, ana = actor_of(floor.sara), actor_of(floor.ana)
    lines.clear()

    assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, note="Ana knows Mrs Novak")
    offers.accept(ana, offer_of(chat).pk)
    messaging.receive(customer_of(chat), chat.pk, text="My card is 4000 1234")

    done = [
        ("assignment.assign", "assigned", f"person:{floor.sara.pk}"),
        ("offers.accept", "accepted", f"person:{floor.ana.user_id}"),
        ("messaging.receive", "message_sent", f"customer:{chat.customer_id}"),
    ]
    assert lines == [
        f"action=conversations.{verb} outcome=done code=conversation.{code} conversation={chat.pk} actor={actor}"
        for verb, code, actor in done
    ]


def test_a_no_is_a_line_with_its_code(floor: Floor, lines: list[str]) -> None:
    chat = floor.start()
    set_presence(floor.ana, BasePresence.AWAY)
    sara = actor_of(floor.sara)
    lines.clear()

    with pytest.raises(ActionRefused):
        supervision.monitor(sara, 999_999)
    with pytest.raises(ConfirmationNeeded):
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version)

    monitor, assign = lines
    assert "outcome=refused code=not_found conversation=999999 " in monitor
    assert f"outcome=unconfirmed code=presence_override conversation={chat.pk} " in assign


def test_what_went_wrong_is_named_by_its_kind_only(floor: Floor, lines: list[str]) -> None:
    chat = floor.start()
    lines.clear()

    with pytest.raises(TypeError):
        messaging.receive(customer_of(chat), chat.pk, text=7)  # type: ignore[arg-type]

    assert ["outcome=failed code=TypeError" in line for line in lines] == [True]


def test_the_same_request_again_is_a_line_again(floor: Floor, lines: list[str]) -> None:
    chat = floor.start()
    lines.clear()

    with idempotency.request_key(str(uuid.uuid4())):
        for _ in range(2):
            assignment.assign(actor_of(floor.sara), chat.pk, agent_id=floor.ana.pk, version=chat.version)

    assert len(lines) == 2
    assert lines[0] == lines[1]


SECRETS = {
    "password": "correct horse battery",
    "words": "my card is 4000-1234-5678",
    "name": "Zdenka Hostnik",
    "contact": "zdenka@example.org",
    "internal": "she cried on the phone",
    "note": "Ana knows her well",
    "search": "searched-for-zdenka",
}


def test_no_line_holds_a_secret_or_what_people_wrote(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    """A customer, an agent and a supervisor go through their pages; some of what they do is refused, some fails."""
    caplog.set_level(logging.INFO)
    caplog.handler.setFormatter(OneLineFormatter())
    floor.sara.set_password(SECRETS["password"])
    floor.sara.save()
    customer, sara, ana = Client(), Client(), Client()
    ana.force_login(floor.ana.user)

    begun = {
        "name": SECRETS["name"],
        "contact": SECRETS["contact"],
        "text": SECRETS["words"],
        "topic": SECRETS["words"],
    }
    assert customer.post("/chat/", begun).status_code == 302
    chat = Conversation.objects.get()
    assert sara.post("/login/", {"username": "sara", "password": SECRETS["note"]}).status_code == 200
    assert sara.post("/login/", {"username": "sara", "password": SECRETS["password"]}).status_code == 302
    assign = {"agent": floor.ana.pk, "version": chat.version, "note": SECRETS["note"]}
    assert sara.post(f"/conversations/{chat.pk}/assign/", assign).status_code == 302
    assert sara.post(f"/conversations/{chat.pk}/assign/", assign).status_code == 409
    sara.get("/conversations/", {"q": SECRETS["search"]})
    sara.get("/nowhere/", {"q": SECRETS["search"]})
    ana.post(f"/desk/offers/{offer_of(chat).pk}/accept/")
    ana.post(f"/desk/{chat.pk}/messages/", {"text": SECRETS["internal"], "mode": "internal"})
    url = f"/chat/{chat.public_id}/messages/"
    told = customer.post(url, {"text": SECRETS["words"]})
    customer.post(url, {"text": SECRETS["words"] * 1000})
    customer.post(f"/chat/{uuid.uuid4()}/messages/", {"text": SECRETS["words"]})

    assert "action=conversations.messaging.receive outcome=done" in caplog.text
    assert f"request={told.headers[HEADER]}" in caplog.text
    keys = {
        "session": sara.cookies["sessionid"].value,
        "chat": customer.cookies[CUSTOMER_COOKIE].value,
        "customer": chat.customer.key,
    }
    assert {what for what, secret in (SECRETS | keys).items() if secret in caplog.text} == set()


def test_a_row_that_the_database_repeats_in_an_error_is_not_written() -> None:
    text = 'null value in column "name"\nDETAIL:  Failing row contains (7, my card is 4000-1234, null).\nHINT: none'
    record = logging.LogRecord("console", logging.ERROR, __file__, 1, "it failed", None, None)
    try:
        raise OperationalError(text)
    except OperationalError:
        record.exc_info = sys.exc_info()

    line = OneLineFormatter().format(record)

    assert "4000" not in line
    assert "null value in column" in line


@pytest.mark.postgresql
def test_so_it_is_with_the_real_database(db: None) -> None:
    record = logging.LogRecord("console", logging.ERROR, __file__, 1, "it failed", None, None)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE told (words text, at int NOT NULL)")
            cursor.execute("INSERT INTO told VALUES ('my card is 4000-1234', NULL)")
    except Exception:
        record.exc_info = sys.exc_info()

    line = OneLineFormatter().format(record)

    assert "violates not-null" in line
    assert "4000-1234, null" not in line
