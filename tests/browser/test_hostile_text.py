"""Does what strangers write stay text, on every page, in every push, title and notification, and in the administration?

Names, subjects and lines hold what would run if one place forgot to escape. A page on which the Content-Security-Policy
had to stop something fails too: the policy is the second wall, not the first.
"""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation
from conversations.services.typing import PAUSE
from tests.browser.conftest import People
from tests.browser.scenes import is_live
from tests.browser.test_desk_and_chat import message, start_chat, write
from tests.browser.test_offers import EYES, wait_for
from tests.browser.test_supervision import choose
from tests.cast import Floor, make_floor

RUNS = "\"'><img src=x onerror=hit=1></title></script><script>hit=1</script>{{7*7}}"
"""Breaks out of an attribute, a title, a script and a template, if anything lets it."""

NAME = f"Eva {RUNS}"
AGENT = f"Ana {RUNS}"
LINE = f"Hello {RUNS} javascript:hit=1 </textarea> &lt;b&gt;"


@pytest.fixture
def floor(live_site: str) -> Floor:
    """The centre, whose agent, queue and workstream are called what no administrator would call them."""
    floor = make_floor()
    floor.ana.user.first_name, floor.ana.user.last_name = AGENT, ""
    floor.ana.user.save()
    floor.billing.name = f"Billing {RUNS}"
    floor.billing.save()
    return floor


def is_harmless(page: Page) -> None:
    """Nothing ran, and nothing that was written became part of the page."""
    assert page.evaluate("window.hit") is None, page.url
    assert page.evaluate("document.querySelectorAll('img[src=x], [onerror]').length") == 0, page.url
    assert "49" not in page.title()


def says(place: Locator, words: str) -> None:
    """The words stand there as they were written."""
    expect(place).to_contain_text(words)


def test_what_strangers_write_stays_text_from_hand_to_hand(open_page: People, floor: Floor) -> None:
    report = open_page(floor.sara, "/conversations/")
    desk = open_page(floor.ana.user, permissions=["notifications"])
    desk.add_init_script(EYES)
    desk.goto("/desk/")
    desk.get_by_label("Your menu").click()
    desk.get_by_label("Desktop notifications").check()
    is_live(report)
    is_live(desk)

    # A row that is pushed, the side panel, and the dialog with its toast.
    chat = start_chat(open_page, LINE, NAME)
    row = report.locator("tbody tr", has_text="Hello")
    says(row, NAME)
    conversation = Conversation.objects.get()
    report.goto(f"/conversations/{conversation.pk}/")
    is_live(report)
    assert LINE[:60] in report.title()
    report.click("[data-name=assign]")
    choose(report, AGENT)
    says(report.locator("#dialog .pick").first, AGENT)
    report.fill("#dialog-note", LINE)
    report.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()
    says(report.locator("#conversation .pending"), AGENT)
    says(report.locator(".toasts"), AGENT)

    # An offer that is pushed, its desktop notification, the desk, and lines on both sides.
    says(desk.locator(".offer"), LINE[:40])
    wait_for(desk, "window.notes.length > 0")
    assert "<img src=x" in desk.evaluate("window.notes[0].body")
    desk.locator(".offer").get_by_role("button", name="Accept").click()
    says(desk.locator(".transcript"), LINE)
    message(desk).fill(LINE)
    message(desk).press("Enter")
    says(chat.locator(".transcript"), AGENT)
    expect(chat.locator(".transcript").get_by_text(LINE, exact=True)).to_have_count(2)
    write(chat, f"again {LINE}")
    says(desk.locator(".transcript"), f"again {LINE}")
    chat.wait_for_timeout(PAUSE * 1000)  # That the line before was typed has just been told.
    message(chat).press_sequentially("typing", delay=20)
    says(desk.locator("main"), f"{NAME} is typing")

    # The notices, the people, and what the supervisor reads of it all.
    desk.goto("/notices/")
    says(desk.locator("main"), RUNS[:40])
    report.goto("/agents/")
    says(report.locator("main"), AGENT)
    report.goto(f"/agents/{floor.ana.pk}/")
    says(report.locator("main"), f"Billing {RUNS}")
    for page in (report, desk, chat):
        is_harmless(page)


def test_what_strangers_write_stays_text_in_the_administration(open_page: People, floor: Floor) -> None:
    start_chat(open_page, LINE, NAME)
    conversation = Conversation.objects.get()
    page = open_page(floor.otto)
    for path, words in (
        ("/admin/conversations/conversation/", NAME),
        (f"/admin/conversations/conversation/{conversation.pk}/change/", NAME),
        (f"/admin/conversations/customer/{conversation.customer_id}/change/", NAME),
        ("/admin/conversations/historyentry/", RUNS),
        ("/admin/routing/queue/", f"Billing {RUNS}"),
        (f"/admin/routing/queue/{floor.billing.pk}/delete/", f"Billing {RUNS}"),
        ("/admin/routing/agent/", AGENT),
        ("/admin/routing/user/", AGENT),
    ):
        page.goto(path)

        says(page.locator("body"), words)
        is_harmless(page)


def test_control_a_place_that_does_not_escape_is_noticed(open_page: People, floor: Floor) -> None:
    open_page.allow_errors("Content Security Policy|Content-Security-Policy|ERR_|Failed to load resource|404")
    page = open_page(floor.sara, "/conversations/")

    page.evaluate("words => { document.querySelector('h1, main').innerHTML = words }", f"<b>{RUNS}</b>")

    with pytest.raises(AssertionError):
        is_harmless(page)
    assert re.search("<img", page.content())
