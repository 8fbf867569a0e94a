"""The Transfer dialog: members of the current queue who are there, and nobody else (domain.md 3.6)."""

import re

import pytest
from django.test import Client

from conversations.models import Conversation, HistoryEntry, Offer, OfferStatus
from conversations.services import assignment, messaging
from routing.models import BasePresence, Channel
from supervisor_console.kernel.actor import Actor
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, set_presence

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


@pytest.fixture
def browser(floor: Floor, client: Client) -> Client:
    client.force_login(floor.sara)
    return client


def address(conversation: Conversation) -> str:
    return f"/conversations/{conversation.pk}/transfer/"


def shown(browser: Client, conversation: Conversation, **query: str) -> str:
    answer = browser.get(address(conversation), query, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def choosable(html: str) -> list[str]:
    return re.findall(r'name="agent" value="(\d+)"(?! disabled)', html)


def codes(html: str) -> dict[str, str]:
    """Why which agent cannot be chosen."""
    return {agent: code for code, agent in re.findall(r'data-refused data-code="(\w+)" data-agent="(\d+)"', html)}


def test_the_other_members_of_the_queue_are_offered(floor: Floor, browser: Client) -> None:
    page = shown(browser, floor.active())

    assert choosable(page) == [str(floor.boris.pk)]
    assert "Until then Ana Test keeps the conversation" in page
    assert "Also show agents outside" not in page


def test_the_others_can_be_looked_at_with_the_reason(floor: Floor, browser: Client) -> None:
    set_presence(floor.boris, BasePresence.AWAY)
    page = shown(browser, floor.active(), q="test")

    assert codes(page) == {
        str(floor.ana.pk): "agent_is_primary",
        str(floor.boris.pk): "agent_presence",
        str(floor.cene.pk): "agent_not_in_queue",
    }
    assert choosable(page) == []


def test_an_empty_list_says_why_and_what_to_do(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    set_presence(floor.boris, BasePresence.AWAY)
    away = shown(browser, conversation)
    floor.boris.memberships.filter(queue=floor.billing).delete()
    alone = shown(browser, conversation)

    assert 'data-emptied="allowed_presence"' in away
    assert "Ask somebody to change their presence." in away
    assert "Show them with the reasons" in away
    assert 'data-emptied="queue"' in alone
    assert "Billing has no other members." in alone


def test_capacity_may_be_exceeded_after_a_confirmation(floor: Floor, browser: Client) -> None:
    floor.boris.max_units = 20
    floor.boris.save()
    conversation = floor.active()
    sent = {"agent": floor.boris.pk, "version": conversation.version}

    before = shown(browser, conversation)
    refused = browser.post(address(conversation), sent, headers=HTMX)
    done = browser.post(
        address(conversation), sent | {f"confirmed-{floor.boris.pk}": "capacity_override"}, headers=HTMX
    )

    assert "over by 10 units" in before
    assert refused.status_code == 409
    assert f'name="confirmed-{floor.boris.pk}" value="capacity_override"' in refused.content.decode()
    assert done.status_code == 204
    assert HistoryEntry.objects.filter(conversation=conversation).latest("pk").data["over_units"] == 10


def test_a_request_is_made_and_nothing_moves_yet(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    answer = browser.post(
        address(conversation), {"agent": floor.boris.pk, "version": conversation.version}, headers=HTMX
    )

    assert answer.status_code == 204
    assert "Boris Test was asked to take over." in answer.headers["HX-Trigger"]
    assert fresh(conversation).agent == floor.ana
    assert Offer.objects.get(conversation=conversation, status=OfferStatus.PENDING).agent == floor.boris


def test_while_one_is_pending_the_dialog_offers_to_cancel_it(floor: Floor, browser: Client, sara: Actor) -> None:
    conversation = floor.active()
    assignment.transfer(
        sara,
        conversation.pk,
        agent_id=floor.boris.pk,
        version=conversation.version,
        confirmed=EVERY_CAUTION,
        now=at(30),
    )

    page = shown(browser, conversation)

    assert 'data-code="transfer_pending"' in page
    assert "Cancel pending transfer" in page
    assert f'action="/conversations/{conversation.pk}/cancel-transfer/"' in page


def test_a_customer_who_goes_on_writing_does_not_make_the_dialog_stale(floor: Floor, browser: Client) -> None:
    conversation = floor.active()
    messaging.receive(customer_of(conversation), conversation.pk, text="Hello?", now=at(40))

    answer = browser.post(
        address(conversation), {"agent": floor.boris.pk, "version": conversation.version}, headers=HTMX
    )

    assert answer.status_code == 204


def test_an_agent_of_another_queue_is_refused_by_a_form_that_was_tampered_with(floor: Floor, browser: Client) -> None:
    conversation = floor.active()

    answer = browser.post(
        address(conversation),
        {"agent": floor.cene.pk, "version": conversation.version, f"confirmed-{floor.cene.pk}": "agent_not_in_queue"},
        headers=HTMX,
    )

    assert answer.status_code == 422
    assert 'data-code="agent_not_in_queue"' in answer.content.decode()
    assert not Offer.objects.filter(conversation=conversation, status=OfferStatus.PENDING).exists()


@pytest.mark.parametrize(
    ("state", "code"), [("start", "state_open"), ("wrap_up", "state_wrap_up"), ("closed", "state_closed")]
)
def test_the_dialog_of_a_refused_transfer_is_its_reason(floor: Floor, browser: Client, state: str, code: str) -> None:
    page = shown(browser, getattr(floor, state)())

    assert f'data-code="{code}"' in page
    assert 'name="agent"' not in page


def test_a_call_says_which_setting_would_allow_it(floor: Floor, browser: Client) -> None:
    assert "Voice calls can be transferred" in shown(browser, floor.active(Channel.VOICE))
