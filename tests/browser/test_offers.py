"""Offers cannot be missed silently; a person is one over all their tabs and browsers (domain.md 1.3, 4)."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from conversations.models import Conversation
from conversations.services import closure, messaging
from routing.models import Agent, Workstream
from supervisor_console.kernel.pages import RELOAD
from tests.browser.conftest import People
from tests.browser.scenes import active, is_live, start
from tests.browser.test_desk_and_chat import line, message, start_chat, without_a_reload
from tests.cast import EVERY_CAUTION, Floor, actor_of, customer_of, fresh, make_floor

SECOND = 1000
"""Within this everybody has to see what happened through a page, in milliseconds."""

EARS = """
(() => {
  window.heard = [];
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) {
    window.heard.push(this.frequency.value);
    return start.call(this, at);
  };
})();
"""
"""Notes each tone that the page really starts."""

EYES = """
(() => {
  window.notes = [];
  document.hasFocus = () => false;
  const Real = window.Notification;
  window.Notification = class extends Real {
    constructor(title, options) {
      super(title, options);
      window.notes.push({ title, body: options.body, tag: options.tag, icon: options.icon ?? null, closed: false });
    }
    close() { window.notes.find((note) => note.tag === this.tag && !note.closed).closed = true; super.close(); }
  };
})();
"""
"""Notes each desktop notification, on a page that nobody looks at."""

OFFER_TONE, MESSAGE_TONE = 784, 587


@pytest.fixture
def floor(live_site: str) -> Floor:
    """The centre, on the database of the running console."""
    return make_floor()


def desk_of(
    people: People, agent: Agent, path: str = "/desk/", *, scripts: tuple[str, ...] = (), **options: Any
) -> Page:
    """A page of this agent that listens."""
    page = people(agent.user, **options)
    for script in scripts:
        page.add_init_script(script)
    page.goto(path)
    is_live(page)
    return page


def offer_through_a_page(people: People, floor: Floor, to: str = "Ana Test") -> Page:
    """Sara assigns the open conversation to somebody in her console; the page that she did it on."""
    page = people(floor.sara, f"/conversations/{Conversation.objects.get().pk}/assign/")
    is_live(page)
    page.locator(".pick", has_text=to).locator("input").check()
    page.get_by_role("button", name="Assign", exact=True).click()
    return page


def heard(page: Page) -> list[float]:
    """The frequencies of the tones so far."""
    found: list[float] = page.evaluate("() => window.heard")
    return found


def wait_for(page: Page, expression: str, *, within: float = 10_000) -> None:
    """Wait until something holds in the page; polled, for the policy forbids what Playwright would evaluate."""
    deadline = time.monotonic() + within / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"still not: {expression}"
        page.wait_for_timeout(50)


def presence_of(agent: Agent) -> str:
    return Agent.objects.select_related("presence").get(pk=agent.pk).presence.base


def wait_for_presence(page: Page, agent: Agent, base: str, *, within: float) -> None:
    deadline = time.monotonic() + within
    while presence_of(agent) != base:
        assert time.monotonic() < deadline, f"{agent} is {presence_of(agent)}, not {base}"
        page.wait_for_timeout(100)


def blocked(page: Page) -> Locator:
    return page.locator("[data-alerts-blocked]")


def open_menu(page: Page) -> None:
    page.get_by_label("Your menu").click()


# --- everywhere, and only once ------------------------------------------------------------------------------------


def test_an_offer_is_in_every_browser_and_accepted_in_one_it_is_gone_from_the_others(
    open_page: People, floor: Floor
) -> None:
    start(floor)
    first, second = desk_of(open_page, floor.ana), desk_of(open_page, floor.ana)
    elsewhere = desk_of(open_page, floor.ana, "/notices/")
    offer_through_a_page(open_page, floor)

    with without_a_reload(first, second, elsewhere):
        for page in (first, second, elsewhere):
            expect(page.locator(".offer")).to_have_count(1)
        first.locator(".offer").get_by_role("button", name="Accept").click()
        expect(first.locator(".desk-conversation")).to_be_visible()
        expect(second.locator(".offer")).to_have_count(0, timeout=SECOND)
        expect(elsewhere.locator(".offer")).to_have_count(0, timeout=SECOND)
        expect(second.locator(".desk-conversation")).to_have_count(0)
    assert elsewhere.url.endswith("/notices/")


def test_an_offer_can_be_accepted_away_from_the_desk_and_opens_there(open_page: People, floor: Floor) -> None:
    chat = start(floor)
    page = desk_of(open_page, floor.ana, "/notices/")
    offer_through_a_page(open_page, floor)

    page.locator(".offer").get_by_role("button", name="Accept").click()

    page.wait_for_url(f"**/desk/{chat.pk}/")
    expect(page.locator(".desk-conversation")).to_be_visible()


def test_an_open_dialog_says_what_is_offered_and_leads_there(open_page: People, floor: Floor) -> None:
    page = desk_of(open_page, floor.ana)
    page.keyboard.press("?")  # The sheet of keys is a dialog too.
    expect(page.locator("dialog[open]")).to_be_visible()
    start(floor)
    offer_through_a_page(open_page, floor)

    over = page.locator("dialog[open] .offer-over")
    expect(over).to_contain_text("My invoice is wrong")
    expect(over.locator("time")).to_have_text(re.compile(r"\d:\d\d"))
    over.get_by_role("button").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator(".offer").get_by_role("button", name="Accept")).to_be_focused()


def test_an_offer_that_is_gone_is_gone_from_the_dialog_too(open_page: People, floor: Floor) -> None:
    chat = start(floor)
    page = desk_of(open_page, floor.ana)
    offer_through_a_page(open_page, floor)
    expect(page.locator(".offer")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.locator("dialog[open] .offer-over")).to_have_count(1)

    closure.force_close(actor_of(floor.sara), chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION)
    expect(page.locator("dialog[open] .offer-over")).to_have_count(0)


def test_what_is_assigned_opens_by_itself_when_the_countdown_ends(open_page: People, floor: Floor) -> None:
    Workstream.objects.filter(channel="live_chat").update(auto_assigns=True, auto_accepts=True, accept_seconds=5)
    start(floor)
    desk = desk_of(open_page, floor.ana)
    offer_through_a_page(open_page, floor)
    card = desk.locator(".offer")

    with without_a_reload(desk):
        expect(card.get_by_role("button", name="Open", exact=True)).to_be_visible()
        expect(card).to_contain_text("opens by itself when the time is over.")
        reject = card.get_by_role("button", name="Reject")
        expect(reject).to_have_attribute("data-code", "reject_assigned")
        expect(reject).to_have_attribute("title", re.compile("cannot be rejected"))
        reject.click(force=True)
        expect(card).to_have_count(1)
        expect(card).to_have_count(0, timeout=9000)
        expect(desk.locator(".toast", has_text="opened by itself")).to_be_visible()
        desk.locator("#desk-lists").get_by_role("link", name="My invoice is wrong").click()
        expect(desk.locator(".desk-conversation [data-composer]")).to_be_visible()


def test_an_offer_gets_through_while_updates_are_paused(open_page: People, floor: Floor) -> None:
    start(floor)
    desk = desk_of(open_page, floor.ana)
    desk.get_by_role("button", name="Pause updates").click()

    offer_through_a_page(open_page, floor)

    expect(desk.locator(".offer")).to_have_count(1)
    expect(desk).to_have_title(re.compile(r"^\(\d+\)"))
    expect(desk.locator("link[rel=icon]")).to_have_attribute("href", re.compile("badge"))


# --- sound --------------------------------------------------------------------------------------------------------


def test_an_offer_rings_until_it_is_handled(open_page: People, floor: Floor) -> None:
    start(floor)
    desk = desk_of(open_page, floor.ana, scripts=(EARS,))
    desk.get_by_role("heading", name="My conversations").click()
    expect(blocked(desk)).to_be_hidden()

    offer_through_a_page(open_page, floor)
    wait_for(desk, f"() => window.heard.filter((tone) => tone === {OFFER_TONE}).length >= 2", within=9000)

    desk.locator(".offer").get_by_role("button", name="Reject").click()
    expect(desk.locator(".offer")).to_have_count(0)
    before = len(heard(desk))
    desk.wait_for_timeout(6000)
    assert len(heard(desk)) == before


def test_of_several_tabs_one_rings(open_page: People, floor: Floor) -> None:
    start(floor)
    first = desk_of(open_page, floor.ana, scripts=(EARS,))
    second = first.context.new_page()
    second.add_init_script(EARS)
    second.goto("/desk/")
    is_live(second)
    for page in (first, second):
        page.get_by_role("heading", name="My conversations").click()

    offer_through_a_page(open_page, floor)
    for page in (first, second):
        expect(page.locator(".offer")).to_have_count(1)
    first.wait_for_timeout(500)

    assert sorted(heard(page).count(OFFER_TONE) for page in (first, second)) == [0, 1]


def test_a_customer_s_line_sounds_unless_it_is_before_the_agent_s_eyes(open_page: People, floor: Floor) -> None:
    chat = active(floor, floor.ana)
    away = desk_of(open_page, floor.ana, scripts=(EARS,))
    there = desk_of(open_page, floor.ana, f"/desk/{chat.pk}/", scripts=(EARS,))
    for page in (away, there):
        page.locator("#desk-own").click()

    messaging.receive(customer_of(chat), chat.pk, text="Are you there?")

    expect(line(there, "Are you there?")).to_be_visible()
    wait_for(away, f"() => window.heard.includes({MESSAGE_TONE})")
    assert heard(there) == []


def test_sounds_are_switched_off_and_tried_out_in_the_menu(open_page: People, floor: Floor) -> None:
    start(floor)
    desk = desk_of(open_page, floor.ana, scripts=(EARS,))
    open_menu(desk)
    desk.get_by_role("button", name="Test the sound for offers").click()
    wait_for(desk, f"() => window.heard.includes({OFFER_TONE})")
    desk.get_by_role("button", name="Test the sound for messages").click()
    wait_for(desk, f"() => window.heard.includes({MESSAGE_TONE})")
    desk.get_by_label("Sound for offers", exact=True).uncheck()
    desk.get_by_label("Volume").fill("20")
    desk.reload()
    is_live(desk)
    open_menu(desk)
    expect(desk.get_by_label("Sound for offers", exact=True)).not_to_be_checked()
    expect(desk.get_by_label("Sound for messages", exact=True)).to_be_checked()
    expect(desk.get_by_label("Volume")).to_have_value("20")
    desk.keyboard.press("Escape")

    offer_through_a_page(open_page, floor)
    expect(desk.locator(".offer")).to_have_count(1)
    desk.wait_for_timeout(500)
    assert heard(desk) == []


def test_it_is_said_while_the_browser_blocks_sound_and_one_click_allows_it(open_page: People, floor: Floor) -> None:
    desk = desk_of(open_page, floor.ana)
    expect(blocked(desk)).to_be_visible()

    blocked(desk).get_by_role("button", name="Allow sound").click()

    expect(blocked(desk)).to_be_hidden()


def test_who_gets_no_offers_has_no_alerts_for_them(open_page: People, floor: Floor) -> None:
    page = open_page(floor.sara, "/conversations/")
    is_live(page)
    open_menu(page)

    expect(page.get_by_text("Theme")).to_be_visible()
    expect(page.locator("[data-alert=offer], [data-alert=message], #desk-offers")).to_have_count(0)


# --- desktop notifications -----------------------------------------------------------------------------------------


def test_a_desktop_notification_has_the_offer_s_deadline_and_ends_with_it(open_page: People, floor: Floor) -> None:
    start(floor)
    desk = desk_of(open_page, floor.ana, scripts=(EYES,), permissions=["notifications"])
    open_menu(desk)
    desk.get_by_label("Desktop notifications").check()
    desk.keyboard.press("Escape")
    other = desk_of(open_page, floor.ana)

    offer_through_a_page(open_page, floor)
    expect(desk.locator(".offer")).to_have_count(1)
    wait_for(desk, "() => window.notes.length === 1")
    (note,) = desk.evaluate("() => window.notes")
    assert note["title"] == "Assigned to you by Sara Test"
    assert re.search(r"Maja · Billing\nAnswer by \d+:\d\d", note["body"]), note
    assert note["icon"] is None

    other.locator(".offer").get_by_role("button", name="Reject").click()
    wait_for(desk, "() => window.notes.every((note) => note.closed)")


@pytest.mark.parametrize(("when", "notes"), [("never", 0), ("background", 0), ("always", 1)])
def test_the_workstream_says_when_the_desktop_is_told(open_page: People, floor: Floor, when: str, notes: int) -> None:
    """On a page that somebody looks at."""
    Workstream.objects.update(desktop_notification=when)
    start(floor)
    watched = EYES.replace("document.hasFocus = () => false;", "document.hasFocus = () => true;")
    desk = desk_of(open_page, floor.ana, scripts=(watched,), permissions=["notifications"])
    open_menu(desk)
    desk.get_by_label("Desktop notifications").check()
    desk.keyboard.press("Escape")

    offer_through_a_page(open_page, floor)
    expect(desk.locator(".offer")).to_have_count(1)
    desk.wait_for_timeout(700)  # A notification waits 300 ms for another tab.

    assert desk.evaluate("() => window.notes.length") == notes


# --- one presence over all pages --------------------------------------------------------------------------------------


def test_reloading_keeps_the_presence_and_closing_the_last_page_shows_it(open_page: People, floor: Floor) -> None:
    first, second = desk_of(open_page, floor.ana), desk_of(open_page, floor.ana)
    watcher = open_page(floor.sara, "/conversations/")
    before = floor.ana.presence_changes.count()

    first.reload()
    is_live(first)
    first.context.close()
    watcher.wait_for_timeout(RELOAD.total_seconds() * 1000 + 2500)
    assert presence_of(floor.ana) == "available"
    assert floor.ana.presence_changes.count() == before

    second.context.close()
    wait_for_presence(watcher, floor.ana, "offline", within=RELOAD.total_seconds() + 4)

    desk_of(open_page, floor.ana)
    wait_for_presence(watcher, floor.ana, "available", within=4)


# --- told at once, and on return ------------------------------------------------------------------------------------


def test_a_supervisor_reads_of_a_reject_with_reassign_and_gets_there(open_page: People, floor: Floor) -> None:
    start(floor)
    desk = desk_of(open_page, floor.ana)
    sara = open_page(floor.sara, "/conversations/")
    is_live(sara)
    offer_through_a_page(open_page, floor)
    desk.locator(".offer").get_by_role("button", name="Reject").click()

    toast = sara.locator("[data-toast]", has_text="Ana Test rejected «My invoice is wrong». It is open again.")
    expect(toast).to_be_visible()
    toast.get_by_role("link", name="Reassign").click()
    expect(sara.locator(".pick", has_text="Ana Test")).to_be_visible()


def test_a_force_close_in_the_console_locks_the_composers_at_once(open_page: People, floor: Floor) -> None:
    desk = desk_of(open_page, floor.ana)
    chat = start_chat(open_page)
    desk.locator(".desk-open").get_by_role("button", name="Pick").click()
    expect(message(chat)).to_be_visible()
    expect(message(desk)).to_be_visible()
    sara = open_page(floor.sara, f"/conversations/{Conversation.objects.get().pk}/force-close/")
    is_live(sara)

    with without_a_reload(desk, chat):
        sara.locator("[data-name=force_close]").last.click()

        expect(message(desk)).to_have_count(0, timeout=SECOND)
        expect(message(chat)).to_have_count(0, timeout=SECOND)


def test_what_happened_while_an_agent_was_away_is_in_the_list_on_return(open_page: People, floor: Floor) -> None:

    chat = active(floor, floor.ana)
    closure.force_close(actor_of(floor.sara), chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION)

    desk = desk_of(open_page, floor.ana)

    expect(desk.locator("#desk-lists .notices")).to_contain_text("Sara Test force closed «My invoice is wrong».")
    expect(desk.locator("#notices-bell .bubble")).to_be_visible()
