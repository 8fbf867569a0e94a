"""Does the report work in a real browser: by pointer, by keyboard, live, without a script, without a reload?"""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from conversations.models import Conversation
from routing.models import BasePresence, Channel, User
from tests.browser.conftest import DESKTOP, People
from tests.browser.scenes import is_live
from tests.cast import Floor, give_view_all_queues, make_floor, set_presence

REPORT = "/conversations/?window=all"
"""The cast lives in a time of its own, which is not within the last 24 hours."""


@pytest.fixture
def floor(live_site: str) -> Floor:
    return make_floor()


@pytest.fixture
def report(open_page: People, floor: Floor) -> Callable[..., Page]:
    """Opens the report for somebody, and marks the page so that a reload is noticed."""

    def open_report(who: User, size: tuple[int, int] = DESKTOP) -> Page:
        page = open_page(who, REPORT, size=size)
        is_live(page)
        page.evaluate("window.notReloaded = true")
        return page

    return open_report


OpenReport = Callable[..., Page]


def was_not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("window.notReloaded === true"))


def named(conversation: Conversation, subject: str) -> Conversation:
    Conversation.objects.filter(pk=conversation.pk).update(subject=subject)
    return conversation


def open_one(floor: Floor, channel: Channel = Channel.LIVE_CHAT) -> Conversation:
    """One that has just begun: the server's background work closes those that wait for too long."""
    return floor.start(channel, now=timezone.now())


def subjects(page: Page) -> list[str]:
    return page.locator("[data-row] [data-open]").all_inner_texts()


def test_tiles_tabs_heads_and_pages_change_the_view_without_a_reload(floor: Floor, report: OpenReport) -> None:
    named(open_one(floor), "Open one")
    named(floor.active(), "Active one")
    page = report(floor.sara)
    assert subjects(page) == ["Open one", "Active one"]

    page.click("#tile-active")
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"window=all&status=offered&status=active$"))
    expect(page.locator("#tile-active")).to_have_attribute("aria-current", "true")

    page.click("#tile-active")
    expect(page.locator("[data-row]")).to_have_count(2)
    page.click("#head-subject a")
    expect(page.locator("#head-subject")).to_have_attribute("aria-sort", "ascending")
    assert subjects(page) == ["Active one", "Open one"]

    page.click(".tabs a:has-text('Closed')")
    expect(page.locator(".empty-title")).to_have_text("Nothing closed yet")
    assert was_not_reloaded(page)

    page.go_back()
    expect(page.locator("#head-subject")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("[data-row]")).to_have_count(2)


def test_filters_are_chosen_in_the_menu_and_taken_back_by_their_chips(floor: Floor, report: OpenReport) -> None:
    open_one(floor)
    open_one(floor, Channel.VOICE)
    page = report(floor.sara)

    page.click("#filter-menu > summary")
    page.fill("[data-narrow='#filter-agent']", "cen")
    expect(page.locator("#filter-agent label:visible")).to_have_text(["Cene Test"])
    page.check("#filter-channel >> text=Voice")
    page.click("#report-filters >> text=Apply")

    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.locator("#report-filters")).to_be_hidden()
    expect(page.locator(".chip > span")).to_have_text(["Channel: Voice"])

    page.click(".chip-remove")
    expect(page.locator("[data-row]")).to_have_count(2)
    assert was_not_reloaded(page)


def test_a_choice_that_was_begun_survives_what_happens_meanwhile(floor: Floor, report: OpenReport) -> None:
    open_one(floor)
    page = report(floor.sara)
    page.click("#filter-menu > summary")
    page.check("#filter-channel >> text=SMS")

    page.evaluate("htmx.trigger('#report', 'live:refresh')")
    page.wait_for_timeout(500)

    expect(page.locator("#filter-channel >> text=SMS")).to_be_visible()
    expect(page.locator("#filter-channel label:has-text('SMS') input")).to_be_checked()


def test_search_finds_and_the_empty_answer_leads_back(floor: Floor, report: OpenReport) -> None:
    named(open_one(floor), "Refund")
    named(open_one(floor), "Invoice")
    page = report(floor.sara)

    page.fill("#report-search input[type=search]", "refund")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(1)

    page.fill("#report-search input[type=search]", "nowhere")
    page.keyboard.press("Enter")
    expect(page.locator(".empty-title")).to_have_text("Nothing matches")
    page.click("text=Clear filters")
    expect(page.locator("[data-row]")).to_have_count(2)


def test_columns_are_chosen_and_stand_in_the_address(floor: Floor, report: OpenReport) -> None:
    open_one(floor)
    page = report(floor.sara)

    page.click("#columns-menu > summary")
    page.uncheck("#report-columns >> text=Customer")
    page.check("#report-columns >> text=Workstream")
    page.click("#report-columns >> text=Apply")
    expect(page.locator("#head-workstream")).to_be_visible()
    expect(page.locator("#head-customer")).to_have_count(0)

    page.reload()
    expect(page.locator("#head-workstream")).to_be_visible()


def test_the_toolbar_says_why_not(floor: Floor, report: OpenReport) -> None:
    waiting, active = open_one(floor), floor.active()
    page = report(floor.sara)
    monitor, assign = page.locator("[data-verb=monitor]"), page.locator("[data-verb=assign]")
    expect(monitor).to_have_attribute("data-code", "nothing_selected")

    page.locator(f"#row-{waiting.pk} .check label").click()
    expect(monitor).to_have_attribute("data-code", "state_open")
    expect(page.locator("[data-why]")).to_contain_text("assign it first")
    expect(assign).not_to_have_attribute("aria-disabled", "true")

    page.locator(f"#row-{active.pk} .check label").click()
    expect(assign).to_have_attribute("data-code", "multiple_selected")

    page.locator(f"#row-{waiting.pk} .check label").click()
    expect(monitor).not_to_have_attribute("aria-disabled", "true")
    expect(assign).to_have_attribute("data-code", "already_assigned")


def test_nobody_monitors_their_own_conversation(floor: Floor, report: OpenReport) -> None:
    floor.ana.user.groups.add(floor.sara.groups.get())
    give_view_all_queues(floor.ana.user)
    own = floor.active()
    page = report(floor.ana.user)

    page.locator(f"#row-{own.pk} .check label").click()

    expect(page.locator("[data-verb=monitor]")).to_have_attribute("data-code", "own_conversation")


def test_monitor_opens_the_conversation_in_this_tab(floor: Floor, report: OpenReport) -> None:
    active = floor.active()
    page = report(floor.sara)

    page.locator(f"#row-{active.pk} .check label").click()
    page.click("[data-verb=monitor]")

    page.wait_for_url(f"**/conversations/{active.pk}/")


def test_a_dialog_opens_for_the_selected_row(floor: Floor, report: OpenReport) -> None:
    chat = open_one(floor)
    page = report(floor.sara)

    page.locator(f"#row-{chat.pk} .check label").click()
    page.click("[data-verb=assign]")

    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator("[data-verb=assign]")).to_be_focused()


def test_a_row_opens_in_the_side_panel_and_in_the_address(floor: Floor, report: OpenReport) -> None:
    chat = named(floor.active(), "Opened one")
    page = report(floor.sara)

    page.click(f"#row-{chat.pk} [data-open]")
    expect(page.locator("#panel")).to_contain_text("Opened one")
    expect(page).to_have_url(re.compile(rf"window=all&open={chat.pk}$"))

    page.click("#tile-active")
    expect(page).to_have_url(re.compile(rf"status=active&open={chat.pk}$"))
    expect(page.locator("#panel")).to_contain_text("Opened one")

    page.reload()
    expect(page.locator("#panel")).to_contain_text("Opened one")
    is_live(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"status=active$"))


def test_keys_move_select_and_open(floor: Floor, report: OpenReport) -> None:
    first, second = named(open_one(floor), "First"), named(open_one(floor), "Second")
    page = report(floor.sara)

    page.keyboard.press("ArrowDown")
    expect(page.locator(f"#row-{first.pk}")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"#row-{second.pk}")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(f"#row-{second.pk}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_contain_text("Second")
    page.keyboard.press("Escape")
    expect(page.locator(f"#row-{second.pk}")).to_be_focused()


def test_a_change_that_a_colleague_makes_is_on_the_screen_without_a_reload(floor: Floor, report: OpenReport) -> None:
    chat = floor.active()
    saras = report(floor.sara)
    stefans = report(floor.stefan)
    saras.locator(f"#row-{chat.pk}").focus()

    stefans.locator(f"#row-{chat.pk} .check label").click()
    stefans.click("[data-verb=monitor]")

    expect(saras.locator(f"#row-{chat.pk}")).to_contain_text("1 watching")
    expect(saras.locator(f"#row-{chat.pk}")).to_be_focused()
    assert was_not_reloaded(saras)


def test_a_late_answer_does_not_bring_the_old_view_back(floor: Floor, report: OpenReport) -> None:
    named(open_one(floor), "Open one")
    named(floor.active(), "Active one")
    page = report(floor.sara)
    delayed: list[bool] = []

    def slow(route: Route) -> None:
        if not delayed:
            delayed.append(True)
            page.wait_for_timeout(700)
        route.continue_()

    page.route(lambda url: url.endswith("/conversations/?window=all"), slow)
    page.evaluate("htmx.trigger('#report', 'live:refresh')")
    page.click("#tile-active")

    expect(page.locator("[data-row]")).to_have_count(1)
    page.wait_for_timeout(1500)
    assert subjects(page) == ["Active one"]


def test_it_works_without_a_script(floor: Floor, open_page: People) -> None:
    chat = named(open_one(floor), "Open one")
    named(floor.active(), "Active one")
    page = open_page(floor.sara, REPORT, java_script_enabled=False)
    expect(page.locator("[data-open]")).to_have_text(["Open one", "Active one"])

    page.click("#tile-active")
    expect(page.locator("[data-open]")).to_have_text(["Active one"])
    page.click("#filter-menu > summary")
    page.click("#report-filters >> text=Clear")
    page.fill("#report-search input[type=search]", "open")
    page.keyboard.press("Enter")
    expect(page.locator("[data-open]")).to_have_text(["Open one"])

    page.click("[data-open]")
    page.wait_for_url(f"**/conversations/{chat.pk}/")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)], ids=lambda size: str(size[0]))
def test_nothing_sticks_out_of_the_page(floor: Floor, report: OpenReport, size: tuple[int, int]) -> None:
    named(floor.active(), "A subject that is far too long for any column of any screen " * 3)
    page = report(floor.sara, size=size)

    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert wide <= 0
    expect(page.locator("#head-wait")).to_be_visible()
    page.click("#filter-menu > summary")
    box = page.locator("#report-filters").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)], ids=lambda size: str(size[0]))
def test_a_long_lane_scrolls_and_the_page_does_not(floor: Floor, report: OpenReport, size: tuple[int, int]) -> None:
    for _ in range(10):
        floor.active()
    set_presence(floor.ana, BasePresence.OFFLINE)
    page = report(floor.sara, size=size)
    expect(page.locator(".lane li")).to_have_count(8)

    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
