"""What can administrators see of a floor that is not as it must be, and put right? (domain.md 2.5, P18)"""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from conversations import invariants
from conversations.models import Conversation, Finding, FloorCheck, HistoryEntry, Participant
from conversations.services import floor_check
from tests.cast import Floor, at, fresh
from tests.invariants import broken

LIST = "/admin/conversations/finding/"


@pytest.fixture
def otto(client: Client, floor: Floor) -> Client:
    client.force_login(floor.otto)
    return client


@pytest.fixture
def chat(floor: Floor) -> Conversation:
    """Ana talks with the customer, but nothing says that she sits in it; two looks have found it."""
    chat = floor.active()
    Participant.objects.filter(conversation=chat, mode="primary").update(left_at=at(25), left_reason="left")
    floor_check.look(now=at(30))
    floor_check.look(now=at(95))
    return chat


def repair(otto: Client, *findings: Finding) -> str:
    chosen = {"action": "repair", "_selected_action": [one.pk for one in findings]}
    return otto.post(LIST, chosen, follow=True).content.decode()


def test_it_is_in_the_menu_and_says_when_the_floor_was_looked_at(otto: Client) -> None:
    assert reverse("admin:conversations_finding_changelist") in otto.get("/admin/").content.decode()
    assert "has not looked yet" in otto.get(LIST).content.decode()

    floor_check.look()
    page = otto.get(LIST).content.decode()
    assert "Floor check" in page
    assert "looked at 0 s ago" in page or "looked at 1 s ago" in page


def test_what_is_wrong_is_listed_and_its_page_says_it_in_a_sentence(otto: Client, chat: Conversation) -> None:
    found = Finding.objects.get()
    assert found.code in otto.get(LIST).content.decode()

    page = otto.get(f"{LIST}{found.pk}/change/").content.decode()
    assert broken(at(200), fresh(chat)), "the control: it is wrong"
    assert escape(invariants.faults_of(chat.pk, at(200))[0].sentence) in page


def test_it_is_repaired_from_there_with_a_line_in_the_history(otto: Client, chat: Conversation) -> None:
    page = repair(otto, Finding.objects.get())

    assert "1 conversation was repaired." in page
    assert broken(at(200), fresh(chat)) == []
    assert HistoryEntry.objects.filter(conversation=chat, code="conversation.repaired", actor_name="Otto Test").exists()
    assert not Finding.objects.exists()


def test_what_somebody_else_repaired_meanwhile_is_said(otto: Client, chat: Conversation) -> None:
    found = Finding.objects.get()
    Participant.objects.filter(conversation=chat, mode="primary").update(left_at=None, left_reason="")

    page = repair(otto, found)
    assert f"Conversation {chat.pk}: " in page
    assert "repaired." not in page


def test_a_supervisor_has_no_business_there(client: Client, floor: Floor, chat: Conversation) -> None:
    client.force_login(floor.sara)
    found = Finding.objects.get()

    client.post(LIST, {"action": "repair", "_selected_action": [found.pk]})
    assert Finding.objects.filter(pk=found.pk).exists()
    assert broken(at(200), fresh(chat))


def test_where_nothing_is_wrong_it_says_so_and_only_while_somebody_looks(otto: Client) -> None:
    assert "Nothing has been looked at yet." in otto.get(LIST).content.decode()

    floor_check.look()
    assert "Everything is as it must be." in otto.get(LIST).content.decode()
    FloorCheck.objects.update(checked_at=timezone.now() - timedelta(minutes=10))
    page = otto.get(LIST).content.decode()
    assert "Nothing was found at the last look." in page
    assert "Everything is as it must be." not in page


def test_where_something_is_wrong_it_is_listed_instead(otto: Client, chat: Conversation) -> None:
    page = otto.get(LIST).content.decode()

    assert 'id="result_list"' in page
    assert "as it must be." not in page


@pytest.mark.parametrize(
    ("address", "name"),
    [(LIST, "Floor check"), ("/admin/routing/user/", "People"), ("/admin/routing/queue/", "Queues")],
)
def test_the_crumbs_call_a_page_as_it_calls_itself(otto: Client, floor: Floor, address: str, name: str) -> None:
    def crumbs(page: str) -> str:
        return page[page.index('class="breadcrumbs"') :].split("</div>")[0]

    page = otto.get(address).content.decode()
    assert crumbs(page).rstrip().endswith(f"&rsaquo; {name}")
    row = re.search(r'href="([^"]*/change/[^"]*)"', page)
    if row is not None:
        assert f'">{name}</a>' in crumbs(otto.get(row[1]).content.decode())
