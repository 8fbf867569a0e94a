"""Does the page of the live path work in a real browser, and prove a way from the commit to this screen?"""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.barriers import barriers
from tests.browser.conftest import People
from tests.cast import Floor, make_floor

LIVE_PATH = "/admin/live-path/"
STEPS = ["database", "outbox", "layer", "process", "socket", "screen", "background"]


@pytest.fixture
def floor(live_site: str) -> Floor:
    return make_floor()


def works(page: Page, within: int = 15_000) -> None:
    """Every step is OK."""
    for step in STEPS:
        expect(page.locator(f"#hop-{step}")).to_have_attribute("data-state", "ok", timeout=within)
    expect(page.locator("#path-summary")).to_contain_text("Every step works.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_every_step_works_and_the_page_is_open_to_everybody(
    open_page: People, floor: Floor, scheme: str, size: tuple[int, int]
) -> None:
    page = open_page(floor.otto, LIVE_PATH, size=size, color_scheme=scheme)

    works(page)

    assert barriers(page, "#content") == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_probe_goes_all_the_way_and_the_page_keeps_what_it_asked_itself(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, LIVE_PATH)
    works(page)
    page.evaluate("window.stayed = document.getElementById('hop-socket')")

    with page.expect_response(re.compile("/admin/live-path/probe/")) as probe:
        page.get_by_role("button", name="Send a probe").click()
    with page.expect_response(re.compile("/admin/live-path/$")):
        pass  # The page asks again by itself.

    assert probe.value.status == 200
    expect(page.locator("#hop-screen [data-figure=via]")).to_have_text("through the channel layer")
    expect(page.locator("#hop-screen [data-figure=took]")).to_contain_text("ms")
    works(page)
    assert page.evaluate("window.stayed === document.getElementById('hop-socket')")


def test_a_socket_that_the_proxy_does_not_pass_on_is_said_with_what_to_check(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto)
    page.route_web_socket("**/ws/console/", lambda socket: socket.close(code=1002))

    page.goto(LIVE_PATH)

    socket, screen = page.locator("#hop-socket"), page.locator("#hop-screen")
    expect(socket).to_have_attribute("data-state", "failing")
    expect(socket).to_contain_text("Does the proxy pass the WebSocket upgrade on")
    expect(screen).to_contain_text("Without a socket nothing can arrive")
    expect(page.locator("#path-summary")).to_contain_text("Failing: Socket, Commit to this screen")
    expect(page.locator("#hop-database")).to_have_attribute("data-state", "ok")


def test_a_session_that_ended_leads_to_the_log_in(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, LIVE_PATH)
    works(page)

    page.context.clear_cookies()

    page.wait_for_url("**/login/**", timeout=15_000)


def test_an_administrator_finds_it_in_the_menu_of_the_console(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, "/notices/")

    page.get_by_label("Your menu").click()
    page.get_by_role("link", name="Live path").click()

    expect(page.get_by_role("heading", name="Live path")).to_be_visible()


def test_a_supervisor_does_not(open_page: People, floor: Floor) -> None:
    page = open_page(floor.sara, "/conversations/")

    page.get_by_label("Your menu").click()

    expect(page.get_by_role("link", name="Live path")).to_have_count(0)
