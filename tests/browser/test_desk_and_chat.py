"""Customers and agents side by side: everybody sees what the others do, and no page is loaded again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation
from conversations.services import assignment, closure
from tests.browser.conftest import People
from tests.browser.scenes import is_live
from tests.cast import EVERY_CAUTION, Floor, actor_of, make_floor


@pytest.fixture
def floor(live_site: str) -> Floor:
    """The centre, on the database of the running console."""
    return make_floor()


@contextmanager
def without_a_reload(*pages: Page) -> Iterator[None]:
    """Fails if one of these pages is loaded again meanwhile."""
    for page in pages:
        page.evaluate("() => { window.sameDocument = true; }")
    yield
    for page in pages:
        assert page.evaluate("() => window.sameDocument === true"), f"{page.url} was loaded again"


def press_when_possible(page: Page, verb: str) -> None:
    """Press a verb that cannot be done yet. A locator keeps to the button it found, which may become another."""
    button = page.get_by_role("button", name=verb)
    expect(button).to_be_enabled()
    button.click()


def start_chat(people: People, text: str = "My invoice is wrong", name: str = "Maja") -> Page:
    """A customer who has just started a chat."""
    page = people(None, "/chat/")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("How can we help?").fill(text)
    page.get_by_role("button", name="Start the chat").click()
    page.wait_for_url(re.compile(r"/chat/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("We are looking for somebody for you.")).to_be_visible()
    return page


def message(page: Page) -> Locator:
    """Where one writes."""
    return page.get_by_role("textbox", name="Message")


def write(page: Page, text: str) -> None:
    """Write a line and send it with Enter."""
    field = message(page)
    field.fill(text)
    field.press("Enter")
    expect(field).to_have_value("")


def line(page: Page, text: str) -> Locator:
    """A line of the transcript."""
    return page.get_by_role("log").locator(".line-text", has_text=text)


def confirm(page: Page) -> None:
    """Go on, in the question that a verb asks."""
    page.locator("#ask").get_by_role("button", name="Continue").click()


def test_a_chat_from_the_first_line_to_the_last(open_page: People, floor: Floor) -> None:
    desk = open_page(floor.ana.user, "/desk/")
    is_live(desk)
    chat = start_chat(open_page)

    with without_a_reload(desk, chat):
        desk.locator(".desk-open", has_text="My invoice is wrong").get_by_role("button", name="Pick").click()
        expect(desk.get_by_role("heading", name="My invoice is wrong")).to_be_visible()
        expect(chat.get_by_role("heading", name="Ana Test")).to_be_visible()
        expect(line(chat, "Ana Test joined the conversation.")).to_be_visible()

        write(desk, "Good morning, Maja")
        expect(line(chat, "Good morning, Maja")).to_be_visible()
        write(chat, "Good morning, Ana")
        expect(line(desk, "Good morning, Ana")).to_be_visible()

        desk.get_by_text("Internal", exact=True).click()
        write(desk, "She is right about the invoice")
        expect(line(desk, "She is right about the invoice")).to_be_visible()

        desk.get_by_role("button", name="End", exact=True).click()
        confirm(desk)
        expect(chat.get_by_role("status").filter(has_text="Ana Test ended this chat.")).to_be_visible()
        expect(message(chat)).to_have_count(0)
        assert line(chat, "She is right about the invoice").count() == 0

        press_when_possible(desk, "Finish wrap-up")
        expect(desk.get_by_text("No conversation is open")).to_be_visible()
    assert desk.url.endswith("/desk/")


def test_an_offer_arrives_with_a_countdown_and_is_accepted(open_page: People, floor: Floor) -> None:
    chat, desk = start_chat(open_page), open_page(floor.ana.user, "/desk/")
    is_live(desk)

    with without_a_reload(desk, chat):
        waiting = Conversation.objects.get()
        assignment.assign(actor_of(floor.sara), waiting.pk, agent_id=floor.ana.pk, version=waiting.version, note="Soon")

        offer = desk.locator(".offer")
        expect(offer).to_contain_text("Assigned to you by Sara Test")
        expect(offer).to_contain_text("Soon")
        expect(offer.locator("time[data-until]")).to_have_text(re.compile(r"[12]:\d\d"))
        expect(desk).to_have_title(re.compile(r"^\(\d+\)"))
        offer.get_by_role("button", name="Accept").click()
        expect(offer).to_have_count(0)
        expect(desk.get_by_role("heading", name="My invoice is wrong")).to_be_visible()
        expect(chat.get_by_role("heading", name="Ana Test")).to_be_visible()


def test_a_force_close_locks_everybody_s_composer_and_says_who(open_page: People, floor: Floor) -> None:
    chat, desk = start_chat(open_page), open_page(floor.ana.user, "/desk/")
    is_live(desk)
    desk.locator(".desk-open").get_by_role("button", name="Pick").click()
    expect(chat.get_by_role("heading", name="Ana Test")).to_be_visible()

    with without_a_reload(desk, chat):
        active = Conversation.objects.get()
        closure.force_close(actor_of(floor.sara), active.pk, version=active.version, confirmed=EVERY_CAUTION)

        expect(desk.get_by_text("Sara Test force closed this conversation.")).to_be_visible()
        expect(message(desk)).to_have_count(0)
        expect(desk.get_by_text("Sara Test force closed «My invoice is wrong».").first).to_be_visible()
        expect(chat.get_by_role("status").filter(has_text="A supervisor ended this conversation.")).to_be_visible()
        expect(message(chat)).to_have_count(0)


def test_unread_lines_are_counted_until_the_conversation_is_looked_at(open_page: People, floor: Floor) -> None:
    desk = open_page(floor.ana.user, "/desk/")
    is_live(desk)
    first, second = start_chat(open_page, "The first"), start_chat(open_page, "The second", "Luka")
    for text in ("The first", "The second"):
        desk.locator(".desk-open", has_text=text).get_by_role("button", name="Pick").click()
        expect(desk.get_by_role("heading", name=text)).to_be_visible()

    with without_a_reload(desk, first, second):
        other = desk.locator("#desk-lists .desk-item", has_text="The first")
        expect(other.locator(".bubble")).to_have_count(0)
        write(first, "Hello?")
        expect(other.locator(".bubble")).to_have_text("1 unread")
        expect(other.locator(".clock time")).to_be_visible()
        other.click()
        expect(line(desk, "Hello?")).to_be_visible()
        expect(other.locator(".bubble")).to_have_count(0)
        assert re.search(r"/desk/\d+/$", desk.url)


def test_a_draft_survives_what_happens_meanwhile(open_page: People, floor: Floor) -> None:
    desk = open_page(floor.ana.user, "/desk/")
    is_live(desk)
    chat = start_chat(open_page)
    desk.locator(".desk-open").get_by_role("button", name="Pick").click()
    expect(chat.get_by_role("heading", name="Ana Test")).to_be_visible()

    with without_a_reload(desk, chat):
        message(desk).fill("A long answer that is not finis")
        write(chat, "One more thing")
        expect(line(desk, "One more thing")).to_be_visible()
        expect(message(desk)).to_have_value("A long answer that is not finis")
        expect(message(desk)).to_be_focused()


def test_the_customer_ends_and_the_agent_sees_it(open_page: People, floor: Floor) -> None:
    desk = open_page(floor.ana.user, "/desk/")
    is_live(desk)
    chat = start_chat(open_page)
    desk.locator(".desk-open").get_by_role("button", name="Pick").click()
    expect(chat.get_by_role("heading", name="Ana Test")).to_be_visible()

    with without_a_reload(desk, chat):
        chat.get_by_role("button", name="End chat").click()
        confirm(chat)
        expect(chat.get_by_text("You ended this chat.")).to_be_visible()
        expect(desk.get_by_text("The dialogue is over.")).to_be_visible()
        expect(desk.get_by_role("button", name="Finish wrap-up")).to_be_enabled()


def test_a_refused_verb_is_said_in_a_toast_and_the_list_is_put_right(open_page: People, floor: Floor) -> None:
    open_page.allow_errors("[Ss]tatus (of|Error Code) 4")
    start_chat(open_page)
    anas, boriss = open_page(floor.ana.user, "/desk/"), open_page(floor.boris.user, "/desk/")
    is_live(anas)
    is_live(boriss)

    with without_a_reload(anas, boriss):
        boriss.get_by_role("button", name="Pause updates").click()
        anas.locator(".desk-open").get_by_role("button", name="Pick").click()
        expect(anas.get_by_role("heading", name="My invoice is wrong")).to_be_visible()

        boriss.locator(".desk-open").get_by_role("button", name="Pick").click()

        expect(boriss.locator("[data-toast][data-code=state_not_open]")).to_be_visible()
        boriss.get_by_role("button", name="Resume updates").click()
        expect(boriss.get_by_text("Nobody is waiting")).to_be_visible()


def test_presence_is_set_from_the_header(open_page: People, floor: Floor) -> None:
    desk = open_page(floor.ana.user, "/desk/")
    is_live(desk)

    with without_a_reload(desk):
        desk.get_by_label("Presence: Available").click()
        desk.get_by_role("button", name="Do not disturb").click()
        expect(desk.get_by_label("Presence: Do not disturb")).to_be_visible()


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_it_works_without_javascript(open_page: People, floor: Floor, who: str) -> None:
    chat = open_page(None, "/chat/", java_script_enabled=False)
    chat.get_by_label("Your name").fill("Maja")
    chat.get_by_label("How can we help?").fill("Plain and simple")
    chat.get_by_role("button", name="Start the chat").click()
    if who == "customer":
        message(chat).fill("A second line")
        chat.get_by_role("button", name="Send").click()
        expect(line(chat, "A second line")).to_be_visible()
        expect(chat.get_by_role("link", name="Refresh")).to_be_visible()
        chat.get_by_role("button", name="End chat").click()
        expect(chat.get_by_text("You ended this chat.")).to_be_visible()
    else:
        desk = open_page(floor.ana.user, "/desk/", java_script_enabled=False)
        desk.get_by_role("button", name="Pick").click()
        message(desk).fill("Good morning")
        desk.get_by_role("button", name="Send").click()
        expect(line(desk, "Good morning")).to_be_visible()
        desk.get_by_role("button", name="End", exact=True).click()
        press_when_possible(desk, "Finish wrap-up")
        expect(desk.get_by_text("No conversation is open")).to_be_visible()
