"""The conversation's page and panel: who sees it, who reads along, what can be done (domain.md 3.2 to 3.4)."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, HistoryEntry, Message, Mode, Participant, SupervisorSettings, Visibility
from conversations.services import assignment, closure, messaging, offers, supervision
from routing.models import Channel
from supervisor_console.kernel.actor import Actor
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


@pytest.fixture
def browser(floor: Floor, client: Client) -> Client:
    client.force_login(floor.sara)
    return client


def page_of(browser: Client, conversation: Conversation, tail: str = "") -> str:
    answer = browser.get(f"/conversations/{conversation.pk}/{tail}")
    assert answer.status_code == 200
    return answer.content.decode()


def panel_of(browser: Client, conversation: Conversation) -> str:
    return browser.get(f"/conversations/{conversation.pk}/panel/", headers=HTMX).content.decode()


def mode_of(html: str) -> str:
    found = re.search(r'data-mode-banner="(\w+)"', html)
    assert found is not None
    return found.group(1)


def lines_of(html: str) -> list[str]:
    """What was said, as the transcript shows it."""
    return re.findall(r'<p class="line-text">([^<]*)</p>', html)


def people_of(html: str) -> list[str]:
    return re.findall(r'data-person="(\w+)"', html)


def code_of_button(html: str, verb: str) -> str | None:
    """The code of the refusal on a button, None if it can be used."""
    found = re.search(rf'<(?:button|a) class="btn[^>]*data-name="{verb}"[^>]*>', html)
    assert found is not None, f"no button {verb}"
    code = re.search(r'data-code="([^"]+)"', found.group(0))
    return code.group(1) if code is not None else None


# --- who finds it ------------------------------------------------------------------------------------------


def test_only_supervisors_in_scope_find_it(floor: Floor, client: Client) -> None:
    inside, outside = floor.start(), floor.start()
    assignment.assign_to_queue(
        actor_of(floor.sara), outside.pk, queue_id=floor.returns.pk, version=outside.version, now=at(5)
    )

    client.force_login(floor.stefan)
    assert client.get(f"/conversations/{inside.pk}/").status_code == 200
    assert client.get(f"/conversations/{outside.pk}/").status_code == 404
    assert client.get(f"/conversations/{outside.pk}/panel/", headers=HTMX).status_code == 404
    client.force_login(floor.ana.user)
    assert client.get(f"/conversations/{inside.pk}/").status_code == 403
    client.logout()
    assert client.get(f"/conversations/{inside.pk}/").status_code == 302


@pytest.mark.parametrize("number", ["999999", "9" * 30, "0"])
def test_what_does_not_exist_is_not_found(browser: Client, number: str) -> None:
    assert browser.get(f"/conversations/{number}/").status_code == 404
    assert browser.get(f"/conversations/{number}/", headers=HTMX).status_code == 404
    assert browser.post(f"/conversations/{number}/monitor/").status_code == 404
    assert browser.get(f"/conversations/{number}/assign/").status_code == 404


def test_a_page_that_left_the_scope_says_so_where_it_stood(floor: Floor, client: Client) -> None:
    conversation = floor.start()
    client.force_login(floor.stefan)
    assignment.assign_to_queue(
        actor_of(floor.sara), conversation.pk, queue_id=floor.returns.pk, version=conversation.version, now=at(5)
    )

    answer = client.get(f"/conversations/{conversation.pk}/", headers=HTMX)

    assert answer.status_code == 404
    assert 'id="conversation"' in answer.content.decode()
    assert conversation.subject not in answer.content.decode()


# --- reading along ----------------------------------------------------------------------------------------


def test_opening_a_page_is_not_monitoring(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    before = fresh(conversation)

    for html in (page_of(browser, conversation), panel_of(browser, conversation)):
        assert "Monitor to read along" in html
        assert lines_of(html) == []
    assert fresh(conversation).version == before.version
    assert fresh(conversation).last_activity_at == before.last_activity_at
    assert not Participant.objects.filter(conversation=conversation, mode=Mode.MONITOR).exists()
    assert not HistoryEntry.objects.filter(conversation=conversation, code__contains="monitor").exists()


@pytest.mark.parametrize("state", ["start", "offered", "closed"])
def test_where_nobody_can_be_watched_the_transcript_is_shown(floor: Floor, browser: Client, state: str) -> None:
    conversation = getattr(floor, state)()

    assert "Hello" in lines_of(page_of(browser, conversation))
    assert "Hello" in lines_of(panel_of(browser, conversation))


@pytest.mark.parametrize("state", ["active", "waiting", "wrap_up"])
def test_a_monitor_reads_along_and_is_seen_by_supervisors_only(
    floor: Floor, browser: Client, sara: Actor, state: str
) -> None:
    conversation = getattr(floor, state)()
    supervision.monitor(sara, conversation.pk, now=at(60))

    page = page_of(browser, conversation)

    assert mode_of(page) == "monitoring"
    assert "Nobody in this conversation sees you." in page
    assert "Hello" in lines_of(page)
    assert "monitor" in people_of(page)


def test_the_panel_shows_the_last_lines(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(60))
    for number in range(20):
        messaging.receive(customer_of(conversation), conversation.pk, text=f"Line {number:02}", now=at(70 + number))

    panel = lines_of(panel_of(browser, conversation))

    assert "Line 19" in panel
    assert "Line 05" not in panel


def test_public_internal_and_system_lines_look_different(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    agent = actor_of(floor.ana)
    messaging.send(agent, conversation.pk, text="For you", now=at(30))
    messaging.send(agent, conversation.pk, text="Between us", visibility=Visibility.INTERNAL, now=at(31))
    closure.end(agent, conversation.pk, now=at(40))
    closure.finish_wrap_up(agent, conversation.pk, now=at(50))

    page = page_of(browser, conversation)

    assert re.search(r'class="line by-agent"[^>]*>(?:(?!</div>).)*For you', page, re.DOTALL)
    assert re.search(r'class="line by-agent internal"[^>]*>(?:(?!</div>).)*Between us', page, re.DOTALL)
    assert re.search(r'class="line system"[^>]*>(?:(?!</div>).)*Ana Test joined', page, re.DOTALL)


def test_what_a_customer_writes_is_text_and_nothing_else(floor: Floor, browser: Client) -> None:
    conversation = floor.start(text="<script>alert(1)</script> \u202e😀 ' or 1=1")

    page = page_of(browser, conversation)

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


# --- mode -------------------------------------------------------------------------------------------------


def test_monitoring_is_paused_while_nobody_has_the_conversation(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    assignment.release(actor_of(floor.ana), conversation.pk, now=at(40))

    assert mode_of(page_of(browser, conversation)) == "paused"

    assignment.pick(actor_of(floor.boris), conversation.pk, now=at(50))

    assert mode_of(page_of(browser, conversation)) == "monitoring"


def test_whoever_joined_writes_internal_first_and_public_on_purpose(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    before = page_of(browser, conversation)
    supervision.join(sara, conversation.pk, now=at(40))
    page = page_of(browser, conversation)

    assert "<textarea" not in before
    assert code_of_button(before, "join") is None
    assert mode_of(page) == "joined"
    assert "The customer and the agent see you." in page
    assert re.search(r'value="internal" data-mode checked', page)
    assert re.search(r'value="public" data-mode>', page)
    assert "data-confirm-public" in page


def test_in_wrap_up_only_internal_lines_can_be_written(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.wrap_up()
    supervision.monitor(sara, conversation.pk, now=at(60))
    supervision.join(sara, conversation.pk, now=at(61))

    page = page_of(browser, conversation)

    assert '<input type="hidden" name="mode" value="internal">' in page
    assert 'value="public"' not in page


def test_a_closed_conversation_is_read_only(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    closure.force_close(
        sara, conversation.pk, version=fresh(conversation).version, confirmed=EVERY_CAUTION, note="Spam", now=at(40)
    )

    page = page_of(browser, conversation)

    assert mode_of(page) == "ended"
    assert "Sara Test force closed it at" in page
    assert "<textarea" not in page
    assert "«Spam»" in page
    for verb in ("monitor", "assign", "transfer", "force_close"):
        assert code_of_button(page, verb) == "state_closed"


# --- what can be done, and why not ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        ("start", {"monitor": "state_open", "assign": None, "transfer": "state_open", "force_close": None}),
        (
            "offered",
            {"monitor": "awaiting_acceptance", "assign": "already_assigned", "transfer": None, "force_close": None},
        ),
        ("active", {"monitor": None, "assign": "already_assigned", "transfer": None, "force_close": None}),
        ("waiting", {"monitor": None, "assign": "state_not_open", "transfer": None, "force_close": None}),
        ("wrap_up", {"monitor": None, "assign": "state_not_open", "transfer": "state_wrap_up", "force_close": None}),
    ],
)
def test_each_verb_can_be_used_or_says_why_not(
    floor: Floor, browser: Client, state: str, codes: dict[str, str | None]
) -> None:
    conversation = getattr(floor, state)()

    for html in (page_of(browser, conversation), panel_of(browser, conversation)):
        assert {verb: code_of_button(html, verb) for verb in codes} == codes


def test_a_pending_transfer_shows_and_can_be_cancelled(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    assignment.transfer(
        sara,
        conversation.pk,
        agent_id=floor.boris.pk,
        version=conversation.version,
        confirmed=EVERY_CAUTION,
        now=at(30),
    )
    page = page_of(browser, conversation)

    assert "Sara Test asked Boris Test to take over." in page
    assert code_of_button(page, "transfer") == "transfer_pending"
    assert code_of_button(page, "cancel_transfer") is None

    answer = browser.post(f"/conversations/{conversation.pk}/cancel-transfer/", headers=HTMX)

    assert answer.status_code == 204
    assert "asked Boris Test to take over" not in page_of(browser, conversation)
    assert browser.post(f"/conversations/{conversation.pk}/cancel-transfer/", headers=HTMX).status_code == 409


# --- facts, people, timeline ------------------------------------------------------------------------------


def test_the_agent_stands_with_presence_and_load(floor: Floor, browser: Client) -> None:
    page = page_of(browser, floor.active())

    assert "Active agent" in page
    assert "30/100" in page
    assert "set by: System" in page


def test_a_waiting_conversation_names_its_last_agent(floor: Floor, browser: Client) -> None:
    page = page_of(browser, floor.waiting())

    assert "Last agent" in page
    assert "Ana Test" in page


def test_after_a_transfer_the_first_agent_is_a_consultant(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    assignment.transfer(
        sara,
        conversation.pk,
        agent_id=floor.boris.pk,
        version=conversation.version,
        confirmed=EVERY_CAUTION,
        now=at(30),
    )
    offers.accept(actor_of(floor.boris), offer_of(conversation).pk, now=at(40))

    assert sorted(people_of(page_of(browser, conversation))) == ["consult", "customer", "primary"]


def test_the_timeline_says_who_when_and_why(floor: Floor, browser: Client, sara: Actor) -> None:
    floor.boris.max_units = 20
    floor.boris.save()
    conversation = floor.start()
    assignment.assign(
        sara,
        conversation.pk,
        agent_id=floor.boris.pk,
        version=conversation.version,
        confirmed=EVERY_CAUTION,
        note="VIP",
        now=at(30),
    )

    page = page_of(browser, conversation)

    assert "Assigned to Boris Test" in page
    assert "by Sara Test" in page
    assert "Capacity exceeded by 10 units." in page
    assert "«VIP»" in page


def test_the_page_costs_the_same_however_long_the_conversation(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page_of(browser, conversation)
        return len(queries)

    def say(count: int) -> None:
        for _ in range(count):
            messaging.send(actor_of(floor.ana), conversation.pk, text="A line", now=at(50))

    say(10)
    cost()
    with_ten = cost()
    say(10)

    assert cost() == with_ten


# --- verbs ------------------------------------------------------------------------------------------------


def test_monitoring_leads_to_the_page_in_this_tab(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    answer = browser.post(f"/conversations/{conversation.pk}/monitor/", headers=HTMX)
    page = page_of(browser, conversation)

    assert answer.headers["HX-Redirect"] == f"/conversations/{conversation.pk}/"
    assert "Monitoring started." in page
    assert "Monitoring started. Nobody" not in page_of(browser, conversation)


def test_monitoring_twice_leads_there_and_says_so(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    browser.post(f"/conversations/{conversation.pk}/monitor/")

    answer = browser.post(f"/conversations/{conversation.pk}/monitor/", follow=True)

    assert "You are monitoring this conversation already." in answer.content.decode()
    assert Participant.objects.filter(conversation=conversation, mode=Mode.MONITOR).count() == 1


def test_the_whole_visit_from_monitor_to_leave(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    verbs = ["monitor", "join", "leave", "monitor", "stop-monitoring"]

    answers = [browser.post(f"/conversations/{conversation.pk}/{verb}/", headers=HTMX).status_code for verb in verbs]

    assert answers == [200, 204, 204, 200, 204]
    assert mode_of(page_of(browser, conversation)) == "idle"


@pytest.mark.parametrize(
    ("verb", "code"),
    [("join", "not_monitoring"), ("leave", "not_joined"), ("stop-monitoring", "not_monitoring")],
)
def test_a_verb_out_of_turn_is_refused_with_a_code(floor: Floor, browser: Client, verb: str, code: str) -> None:
    answer = browser.post(f"/conversations/{floor.active().pk}/{verb}/", headers=HTMX)

    assert answer.status_code == 409
    assert f'"code": "{code}"' in answer.headers["HX-Trigger"]


def test_verbs_are_not_done_by_looking(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    for verb in ("monitor", "stop-monitoring", "join", "leave", "cancel-transfer", "messages"):
        assert browser.get(f"/conversations/{conversation.pk}/{verb}/").status_code == 405


def test_a_verb_without_its_token_is_refused(floor: Floor) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(floor.sara)
    conversation = floor.active()

    assert strict.post(f"/conversations/{conversation.pk}/monitor/").status_code == 403
    assert not Participant.objects.filter(mode=Mode.MONITOR).exists()


# --- writing ----------------------------------------------------------------------------------------------


def test_a_line_without_a_mode_is_internal(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    supervision.join(sara, conversation.pk, now=at(31))

    browser.post(f"/conversations/{conversation.pk}/messages/", {"text": "Psst"}, headers=HTMX)
    browser.post(f"/conversations/{conversation.pk}/messages/", {"text": "Hi", "mode": "public"}, headers=HTMX)

    sent = Message.objects.filter(conversation=conversation, sender=floor.sara).order_by("pk")
    assert [(line.text, line.visibility) for line in sent] == [("Psst", "internal"), ("Hi", "public")]


def test_the_same_line_sent_twice_is_one_line(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    supervision.join(sara, conversation.pk, now=at(31))

    for _ in range(2):
        browser.post(
            f"/conversations/{conversation.pk}/messages/",
            {"text": "Once", "client_key": "7b0f6a52-5d0e-4f8a-9a3f-1f6f2f4a9c11"},
            headers=HTMX,
        )

    assert Message.objects.filter(conversation=conversation, text="Once").count() == 1


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"text": ""}, 422, "text_empty"),
        ({"text": " \x00\n "}, 422, "text_empty"),
        ({"text": "x" * 6001}, 422, "text_too_long"),
        ({"text": "Hi", "mode": "everybody"}, 422, "mode_unknown"),
    ],
)
def test_a_line_that_cannot_be_sent_says_why(
    floor: Floor, browser: Client, sara: Actor, sent: dict[str, str], status: int, code: str
) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))
    supervision.join(sara, conversation.pk, now=at(31))

    answer = browser.post(f"/conversations/{conversation.pk}/messages/", sent, headers=HTMX)

    assert answer.status_code == status
    assert f'"code": "{code}"' in answer.headers["HX-Trigger"]
    assert not Message.objects.filter(conversation=conversation, sender=floor.sara).exists()


def test_a_monitor_cannot_write(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    supervision.monitor(sara, conversation.pk, now=at(30))

    answer = browser.post(f"/conversations/{conversation.pk}/messages/", {"text": "Hi"}, headers=HTMX)

    assert answer.status_code == 403
    assert '"code": "not_participant"' in answer.headers["HX-Trigger"]


def test_a_switch_that_is_off_says_so_on_the_button(floor: Floor, browser: Client) -> None:
    SupervisorSettings.objects.update(monitor_enabled=False, force_close_enabled=False)
    page = page_of(browser, floor.active(Channel.VOICE))

    assert code_of_button(page, "monitor") == "setting_off:monitor"
    assert code_of_button(page, "force_close") == "setting_off:force_close"
    assert code_of_button(page, "transfer") == "voice_channel"
