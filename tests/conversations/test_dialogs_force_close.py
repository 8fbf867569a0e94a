"""The question before a force close (domain.md 3.7)."""

import pytest
from django.test import Client

from conversations.models import Conversation, HistoryEntry, State, SupervisorSettings
from conversations.services import closure
from routing.models import Channel
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(floor: Floor, client: Client) -> Client:
    client.force_login(floor.sara)
    return client


def address(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/force-close/"


def form(conversation: Conversation, **more: str) -> dict[str, str]:
    return {"version": str(conversation.version), "confirmed": "force_close"} | more


def test_the_question_names_the_customer_and_the_age_and_says_that_it_is_final(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    page = browser.get(address(conversation), headers=HTMX).content.decode()

    assert "Maja" in page
    assert f'data-since="{conversation.created_at.isoformat()}"' in page
    assert "cannot be undone" in page
    assert ">Continue</button>" in page
    assert fresh(conversation).state == State.ACTIVE


@pytest.mark.parametrize("state", ["start", "offered", "active", "waiting", "wrap_up"])
def test_continue_closes_it_with_the_reason(floor: Floor, browser: Client, state: str) -> None:
    conversation = getattr(floor, state)()

    answer = browser.post(address(conversation), form(conversation, note="Spam"), headers=HTMX)

    assert answer.status_code == 204
    assert fresh(conversation).state == State.CLOSED
    assert HistoryEntry.objects.filter(conversation=conversation).latest("pk").data["note"] == "Spam"


def test_without_the_confirmation_nothing_happens(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    answer = browser.post(address(conversation), {"version": conversation.version}, headers=HTMX)

    assert answer.status_code == 409
    assert fresh(conversation).state == State.ACTIVE


def test_a_reason_is_asked_for_where_the_setting_says_so(floor: Floor, browser: Client) -> None:
    SupervisorSettings.objects.update(force_close_reason_required=True)
    conversation = floor.active()

    page = browser.get(address(conversation), headers=HTMX).content.decode()
    answer = browser.post(address(conversation), form(conversation, note="  "), headers=HTMX)

    assert "(optional)" not in page
    assert answer.status_code == 422
    assert 'data-code="reason_required"' in answer.content.decode()
    assert fresh(conversation).state == State.ACTIVE


def test_the_second_one_is_told_who_closed_it_and_when(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    stefan = actor_of(floor.stefan)
    closure.force_close(stefan, conversation.pk, version=conversation.version, confirmed=EVERY_CAUTION, now=at(60))

    answer = browser.post(address(conversation), form(conversation), headers=HTMX)
    page = browser.get(address(conversation), headers=HTMX).content.decode()

    assert answer.status_code == 409
    assert '"code": "already_closed"' in answer.headers["HX-Trigger"]
    assert "Already closed by Stefan Test at" in answer.headers["HX-Trigger"]
    assert "Already closed by Stefan Test at" in page
    assert HistoryEntry.objects.filter(conversation=conversation, code="conversation.force_closed").count() == 1


def test_a_call_can_be_force_closed(floor: Floor, browser: Client) -> None:
    conversation = floor.active(Channel.VOICE)

    assert browser.post(address(conversation), form(conversation), headers=HTMX).status_code == 204


def test_without_script_it_is_a_page_and_leads_back(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    page = browser.get(address(conversation)).content.decode()
    answer = browser.post(address(conversation), form(conversation), follow=True)

    assert "<!doctype html>" in page
    assert answer.redirect_chain == [(f"/conversations/{conversation.pk}/", 302)]
    assert "Closed for everybody in it." in answer.content.decode()
