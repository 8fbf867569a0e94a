"""Do all screens follow what happens, without a click and without a reload, and heal when the link was broken?"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, Route, WebSocketRoute, expect

from conversations.models import Conversation, HistoryEntry, State
from conversations.services import assignment, closure, settings, supervision
from tests.browser.barriers import barriers
from tests.browser.conftest import People
from tests.browser.scenes import active, is_live, start
from tests.cast import EVERY_CAUTION, Floor, actor_of, make_floor

REPORT = "/conversations/"
HINT = "[Ss]tatus (of|Error Code) 4"


@pytest.fixture
def floor(live_site: str) -> Floor:
    return make_floor()


def loads(page: Page) -> list[str]:
    """Counts from now on how often the page is loaded anew."""
    seen: list[str] = []
    page.on("load", lambda loaded: seen.append(loaded.url))
    return seen


def choose(page: Page, name: str) -> None:
    page.locator("#dialog .pick", has_text=name).locator("input[type=radio]").check()


def row(page: Page, chat: Conversation) -> str:
    return page.locator(f"#row-{chat.pk} .status").inner_text()


class Link:
    """The socket of a page in the hands of a test: frames can be dropped, and it can be cut."""

    def __init__(self, page: Page) -> None:
        self.drops: Callable[[str], bool] = lambda frame: False
        self.dropped = 0
        self.opened = 0
        self._here: WebSocketRoute | None = None
        page.route_web_socket(re.compile("/ws/console/"), self._take)

    def _take(self, here: WebSocketRoute) -> None:
        self._here = here
        self.opened += 1
        there = here.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            if self.drops(str(frame)):
                self.dropped += 1
            else:
                here.send(frame)

        there.on_message(pass_on)

    def cut(self) -> None:
        assert self._here is not None
        self._here.close(code=4500, reason="cut by a test")


# --- report, desk and widget side by side -------------------------------------------


def test_the_five_actions_are_seen_on_every_screen_without_a_reload(open_page: People, floor: Floor) -> None:
    maja = open_page(None, "/chat/")
    maja.fill("[name=name]", "Maja")
    maja.fill("[name=text]", "My invoice is wrong")
    maja.click("button[type=submit]")
    maja.wait_for_url("**/chat/*-*/")
    chat = Conversation.objects.get()
    report, saras = open_page(floor.sara, REPORT), open_page(floor.sara, f"/conversations/{chat.pk}/")
    anas, boriss = open_page(floor.ana.user, "/desk/"), open_page(floor.boris.user, "/desk/")
    is_live(report)
    status = report.locator(f"#row-{chat.pk} .status")
    reloads = [loads(page) for page in (maja, report, anas, boriss)]

    saras.click("[data-name=assign]")
    choose(saras, "Ana Test")
    saras.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()
    expect(status).to_have_text("Offered")
    anas.locator(".offer").first.get_by_role("button", name="Accept").click()
    expect(status).to_have_text("Active")
    expect(maja.locator(".transcript")).to_contain_text("Ana Test joined")

    saras.locator(".conversation-head [data-name=monitor]").click()
    expect(saras.locator("[data-mode-banner=monitoring]")).to_be_visible()
    expect(report.locator(f"#row-{chat.pk}")).to_contain_text("1 watching")
    saras.locator(".communication [data-name=join]").click()
    expect(report.locator(f"#row-{chat.pk}")).to_contain_text("1 joined")
    expect(maja.locator(".transcript")).to_contain_text("Sara Test joined")

    saras.click("[data-name=transfer]")
    choose(saras, "Boris Test")
    saras.get_by_role("button", name="Request transfer").click()
    expect(report.locator(f"#row-{chat.pk}")).to_contain_text("Transfer to Boris Test")
    boriss.locator(".offer").first.get_by_role("button", name="Accept").click()
    expect(saras.locator("[data-person=primary]")).to_contain_text("Boris Test")
    expect(report.locator(f"#row-{chat.pk} td", has_text="Boris Test")).not_to_have_count(0)

    saras.click("[data-name=force_close]")
    saras.locator("#dialog").get_by_role("button", name="Continue").click()
    expect(report.locator(f"#row-{chat.pk}")).to_have_count(0)
    expect(maja.locator(".composer")).to_have_count(0)
    expect(boriss.locator("#desk-board .composer textarea")).to_have_count(0)
    assert Conversation.objects.get().state == State.CLOSED
    assert reloads == [[], [], [], []]


def test_typing_is_seen_by_the_others_and_fades(open_page: People, floor: Floor) -> None:
    maja = open_page(None, "/chat/")
    maja.fill("[name=name]", "Maja")
    maja.fill("[name=text]", "Hello")
    maja.click("button[type=submit]")
    maja.wait_for_url("**/chat/*-*/")
    chat = Conversation.objects.get()
    assignment.pick(actor_of(floor.ana), chat.pk)
    supervision.monitor(actor_of(floor.sara), chat.pk)
    anas = open_page(floor.ana.user, f"/desk/{chat.pk}/")
    saras = open_page(floor.sara, f"/conversations/{chat.pk}/")
    is_live(saras)
    is_live(anas)
    expect(maja.locator(".composer textarea")).to_be_visible()

    maja.locator(".composer textarea").press_sequentially("I ")
    expect(anas.locator("[data-typing]")).to_have_text("Maja is typing …", timeout=3000)
    expect(saras.locator("[data-typing]")).to_have_text("Maja is typing …", timeout=3000)
    anas.locator(".composer textarea").press_sequentially("We ")
    expect(maja.locator("[data-typing]")).to_have_text("Ana Test is typing …", timeout=3000)

    expect(anas.locator("[data-typing]")).to_have_text("", timeout=8000)
    expect(maja.locator("[data-typing]")).to_have_text("", timeout=8000)


# --- nothing moves under the hand -------------------------------------------


def test_what_would_move_waits_while_a_row_is_selected(open_page: People, floor: Floor) -> None:
    first = start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    page.locator(f"#row-{first.pk} .check label").click()

    second = start(floor, "Second")
    expect(page.locator("[data-live-chip]").first).to_have_text("1 update")
    expect(page.locator("[data-row]")).to_have_count(1)
    assignment.pick(actor_of(floor.ana), first.pk)
    expect(page.locator(f"#row-{first.pk} .status")).to_have_text("Active")
    expect(page.locator(f"#row-{first.pk}")).to_have_attribute("aria-selected", "true")

    page.locator("[data-live-chip]").first.click()
    expect(page.locator(f"#row-{second.pk}")).to_be_visible()


def test_a_selected_row_at_the_top_keeps_its_place_while_others_come_and_change(
    open_page: People, floor: Floor
) -> None:
    first, second = start(floor, "First"), start(floor, "Second")
    page = open_page(floor.sara, f"{REPORT}?sort=created")
    is_live(page)
    order = page.locator("[data-row]").evaluate_all("rows => rows.map(row => row.id)")
    assert order == [f"row-{first.pk}", f"row-{second.pk}"]
    page.locator(f"#row-{first.pk} .check label").click()

    # At once, so that one frame changes the selected row and brings another below it.
    assignment.pick(actor_of(floor.ana), first.pk)
    start(floor, "Third")
    expect(page.locator(f"#row-{first.pk} .status")).to_have_text("Active")
    expect(page.locator("[data-live-chip]").first).to_have_text("1 update")
    assert page.locator("[data-row]").evaluate_all("rows => rows.map(row => row.id)") == order
    expect(page.locator(f"#row-{first.pk}")).to_have_attribute("aria-selected", "true")


def test_a_state_that_comes_back_is_shown_on_a_selected_row_too(open_page: People, floor: Floor) -> None:
    otto = actor_of(floor.otto)
    first = start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    page.locator(f"#row-{first.pk} .check label").click()
    button = page.locator("[data-verb=assign]")
    expect(button).not_to_have_attribute("aria-disabled", "true")

    for _ in range(2):
        settings.change(otto, values={"assign_enabled": False})
        expect(button).to_have_attribute("data-code", re.compile("setting_off"), timeout=15_000)
        settings.change(otto, values={"assign_enabled": True})
        expect(button).not_to_have_attribute("aria-disabled", "true", timeout=15_000)


def test_nothing_moves_behind_a_dialog_and_its_end_lets_everything_in(open_page: People, floor: Floor) -> None:
    first = start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    page.locator(f"#row-{first.pk} .check label").click()
    page.click("[data-verb=force_close]")
    expect(page.locator("#dialog [type=submit]").first).to_be_visible()
    page.locator(f"#row-{first.pk} .check label").evaluate("label => label.click()")

    start(floor, "Second")
    expect(page.locator("[data-live-chip]").first).to_have_text("1 update")
    expect(page.locator("[data-row]")).to_have_count(1)

    page.keyboard.press("Escape")
    expect(page.locator("[data-row]")).to_have_count(2)


def test_nothing_moves_under_a_pressed_pointer(open_page: People, floor: Floor) -> None:
    first = start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    page.locator(f"#row-{first.pk} .status").hover()
    page.mouse.down()

    start(floor, "Second")
    expect(page.locator("[data-live-chip]").first).to_have_text("1 update")
    expect(page.locator("[data-row]")).to_have_count(1)

    page.mouse.move(5, 5)  # Let go elsewhere: nothing is chosen.
    page.mouse.up()
    expect(page.locator("[data-row]")).to_have_count(2)


def test_pause_holds_everything_and_resume_lets_it_in(open_page: People, floor: Floor) -> None:
    start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)

    page.click("[data-live-pause]")
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "paused")
    start(floor, "Second")
    expect(page.locator("[data-live-chip]").first).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(1)

    page.click("[data-live-pause]")
    expect(page.locator("[data-row]")).to_have_count(2)
    is_live(page)


def test_refresh_brings_everything_also_during_a_pause(open_page: People, floor: Floor) -> None:
    start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    page.click("[data-live-pause]")
    start(floor, "Second")
    expect(page.locator("[data-live-chip]").first).to_be_visible()

    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("[data-row]")).to_have_count(2)
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "paused")
    expect(page.get_by_role("button", name="Refresh")).not_to_have_attribute("aria-busy", "true")


def test_a_row_that_leaves_during_a_pause_waits_too(open_page: People, floor: Floor) -> None:
    first = start(floor, "First")
    start(floor, "Second")
    page = open_page(floor.sara, REPORT)
    is_live(page)

    page.click("[data-live-pause]")
    closure.force_close(actor_of(floor.sara), first.pk, version=first.version, confirmed=EVERY_CAUTION)
    expect(page.locator("[data-live-chip]").first).to_be_visible()
    expect(page.locator("[data-row]")).to_have_count(2)

    page.click("[data-live-pause]")
    expect(page.locator("[data-row]")).to_have_count(1, timeout=3000)


# --- trouble -------------------------------------------


def test_a_link_that_was_cut_heals_without_a_click(open_page: People, floor: Floor) -> None:
    start(floor, "First")
    page = open_page(floor.sara)
    link = Link(page)
    page.goto(REPORT)
    is_live(page)

    link.cut()
    expect(page.locator("[data-live-badge]")).to_have_attribute("data-state", "broken")
    start(floor, "Second")

    expect(page.locator("[data-row]")).to_have_count(2, timeout=5000)
    is_live(page)
    assert link.opened == 2


def test_a_frame_that_was_dropped_is_made_good(open_page: People, floor: Floor) -> None:
    start(floor, "First")
    page = open_page(floor.sara)
    link = Link(page)
    page.goto(REPORT)
    is_live(page)
    page.wait_for_timeout(500)

    link.drops = lambda frame: '"type": "region"' in frame and link.dropped == 0
    start(floor, "Second")

    expect(page.locator("[data-row]")).to_have_count(2, timeout=15_000)
    assert link.dropped == 1
    assert link.opened == 1


# --- two at once, once twice -------------------------------------------


def test_an_answer_that_was_made_before_a_change_does_not_hide_it(open_page: People, floor: Floor) -> None:
    first = start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    page.locator(f"#row-{first.pk} .check label").click()
    status = page.locator(f"#row-{first.pk} .status")
    late: list[tuple[Route, APIResponse]] = []
    page.route(re.compile(f"{REPORT}([?].*)?$"), lambda route: late.append((route, route.fetch())))

    page.evaluate("() => document.body.dispatchEvent(new CustomEvent('live:all'))")
    while not late:
        page.wait_for_timeout(20)
    assignment.pick(actor_of(floor.ana), first.pk)
    expect(status).to_have_text("Active")
    route, answer = late.pop()
    route.fulfill(response=answer)

    page.wait_for_timeout(1000)  # Until the old answer is there, and what the server says of it.
    expect(status).to_have_text("Active", timeout=2000)


def test_what_came_while_the_pointer_was_down_is_shown_when_it_is_up(open_page: People, floor: Floor) -> None:
    """A ticked row holds the order of the rows, not what they say."""
    first = start(floor, "First")
    page = open_page(floor.sara, REPORT)
    is_live(page)
    row = page.locator(f"#row-{first.pk}")
    row.locator(".check label").click()
    page.wait_for_timeout(500)  # Until the click is over.
    corner = page.locator("#report").bounding_box()
    assert corner is not None
    page.mouse.move(corner["x"] + 1, corner["y"] + 1)
    page.mouse.down()

    assignment.pick(actor_of(floor.ana), first.pk)
    expect(page.locator("[data-live-chip]")).to_have_text("1 update")
    expect(row.locator(".status")).to_have_text("Open")
    page.mouse.up()

    expect(row.locator(".status")).to_have_text("Active", timeout=3000)
    expect(row).to_have_attribute("aria-selected", "true")


def test_figures_that_change_while_the_pointer_is_down_are_no_updates_of_rows(open_page: People, floor: Floor) -> None:
    active(floor, floor.ana)
    page = open_page(floor.sara, f"{REPORT}?status=active")
    is_live(page)
    corner = page.locator("#report").bounding_box()
    assert corner is not None
    page.mouse.move(corner["x"] + 1, corner["y"] + 1)
    page.mouse.down()

    with page.expect_event("console", lambda said: said.text == "came") as _came:
        page.evaluate(  # What came before may have said the same: it is said anew.
            "() => { const lag = document.querySelector('[data-live-lag]'); lag.textContent = '';"
            " new MutationObserver(() => lag.textContent && console.info('came'))"
            ".observe(lag, {childList: true, characterData: true, subtree: true}); }"
        )
        start(floor, "Second")
    expect(page.locator("[data-live-chip]")).to_be_hidden()

    page.mouse.up()
    expect(page.locator(".tile", has_text="Open").first).to_contain_text("1", timeout=3000)


def test_who_comes_second_reads_who_was_first_and_tries_again_from_there(open_page: People, floor: Floor) -> None:
    chat = active(floor, floor.ana)
    open_page.allow_errors(HINT)
    saras = open_page(floor.sara, f"/conversations/{chat.pk}/")
    stefans = open_page(floor.stefan, f"/conversations/{chat.pk}/")
    for page in (saras, stefans):
        is_live(page)
        page.locator(".conversation-head [data-name=force_close]").click()
        expect(page.locator("#dialog-form")).to_be_visible()
    anas = open_page(floor.ana.user, f"/desk/{chat.pk}/")
    anas.locator("[data-name=end]").click()
    if anas.locator("#ask [data-confirmed]").is_visible():
        anas.locator("#ask [data-confirmed]").click()
    expect(saras.locator(".conversation-head .status")).to_have_text("Wrap-up")

    saras.locator("#dialog").get_by_role("button", name="Continue").click()
    alert = saras.locator("#dialog [role=alert]").first
    expect(alert).to_contain_text(
        re.compile(r"Ana Test ended it (just now|\d+ s ago)\. It is in wrap-up with Ana Test")
    )
    saras.locator("#dialog").get_by_role("button", name="Continue").click()
    expect(saras.locator("[data-mode-banner=ended]")).to_be_visible()

    stefans.locator("#dialog").get_by_role("button", name="Continue").click()
    expect(stefans.locator("#dialog [role=alert]").first).to_contain_text("Already closed by Sara Test")


def test_a_double_click_has_one_effect_and_no_complaint(open_page: People, floor: Floor) -> None:
    chat = active(floor, floor.ana)
    page = open_page(floor.sara, f"/conversations/{chat.pk}/")
    is_live(page)

    page.locator(".conversation-head [data-name=monitor]").dblclick()

    expect(page.locator("[data-mode-banner=monitoring]")).to_be_visible()
    expect(page.locator(".toasts .error")).to_have_count(0)
    assert HistoryEntry.objects.filter(code="conversation.monitoring_started").count() == 1


# --- by keyboard -------------------------------------------


def test_assign_and_force_close_by_keyboard_alone(open_page: People, floor: Floor) -> None:
    chat = start(floor)
    page = open_page(floor.sara, REPORT)
    is_live(page)

    def press_verb(verb: str) -> None:
        page.locator(f"#row-{chat.pk}").focus()
        if page.locator(f"#row-{chat.pk}").get_attribute("aria-selected") != "true":
            page.keyboard.press("Space")
        for _ in range(40):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement?.dataset.verb") == verb:
                break
        page.keyboard.press("Enter")
        expect(page.locator("#dialog")).to_be_visible()

    def press_through_to(selector: str, key: str) -> None:
        for _ in range(40):
            if page.evaluate("(wanted) => document.activeElement?.matches(wanted) ?? false", selector):
                break
            page.keyboard.press("Tab")
        page.keyboard.press(key)

    press_verb("assign")
    press_through_to("#dialog .pick input[type=radio]", "Space")
    press_through_to("#dialog button[type=submit].primary", "Enter")
    expect(page.locator(f"#row-{chat.pk} .status")).to_have_text("Offered")
    expect(page.locator("#dialog")).to_be_hidden()

    press_verb("force_close")
    press_through_to("#dialog [data-name=force_close]", "Enter")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator(f"#row-{chat.pk}")).to_have_count(0)


# --- for everybody -------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier_that_a_machine_can_find(open_page: People, floor: Floor, scheme: str) -> None:
    chat, other = active(floor, floor.ana), start(floor, "Another one")
    supervision.monitor(actor_of(floor.sara), chat.pk)
    found: dict[str, object] = {}

    def look(page: Page, name: str) -> None:
        if broken := barriers(page):
            found[name] = broken

    options: dict[str, Any] = {"color_scheme": scheme, "bypass_csp": True}
    page = open_page(floor.sara, f"{REPORT}?open={chat.pk}", **options)
    expect(page.locator("#panel-conversation")).to_be_visible()
    look(page, "report and panel")
    page.goto(f"/conversations/{chat.pk}/")
    look(page, "conversation")
    for verb in ("transfer", "force_close"):
        page.locator(f".conversation-head [data-name={verb}]").click()
        expect(page.locator("#dialog .dlg")).to_be_visible()
        look(page, verb)
        page.keyboard.press("Escape")
    page.goto(f"/conversations/{other.pk}/assign/")
    look(page, "assign")
    page.goto("/notices/")
    look(page, "notices")
    look(open_page(floor.ana.user, f"/desk/{chat.pk}/", **options), "desk")
    look(open_page(None, "/chat/", **options), "chat")
    look(open_page(None, "/login/", **options), "log-in")
    look(open_page(floor.otto, "/admin/conversations/supervisorsettings/1/change/", **options), "settings")

    assert found == {}
