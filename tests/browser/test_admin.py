"""Do the administrators' pages work in a real browser, under the strict policy, in light and in dark?"""

import pytest
from playwright.sync_api import Page, expect

from conversations import selectors
from conversations.models import SettingChange
from routing.models import User
from tests.browser.conftest import People
from tests.cast import Floor, make_floor

SETTINGS = "/admin/conversations/supervisorsettings/1/change/"


@pytest.fixture
def floor(live_site: str) -> Floor:
    """The small contact centre of the cast, in the database of the running console."""
    return make_floor()


def pages(floor: Floor) -> list[str]:
    return [
        "/admin/",
        SETTINGS,
        "/admin/routing/user/",
        "/admin/routing/user/add/",
        f"/admin/routing/user/{floor.ana.user_id}/change/",
        f"/admin/routing/user/{floor.ana.user_id}/password/",
        f"/admin/routing/agent/{floor.ana.pk}/change/",
        f"/admin/routing/queue/{floor.billing.pk}/change/",
        f"/admin/routing/workstream/{floor.chat.pk}/change/",
        "/admin/routing/presence/",
        "/admin/conversations/conversation/",
        "/admin/conversations/conversation/1/change/",
        "/admin/conversations/participant/?mode__exact=monitor",
        "/admin/live-path/",
    ]


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_keeps_the_policy_and_fits_its_window(
    open_page: People, floor: Floor, scheme: str, size: tuple[int, int]
) -> None:
    floor.active()
    page = open_page(floor.otto, size=size, color_scheme=scheme)

    for path in pages(floor):
        page.goto(path)

        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    # That nothing was refused, thrown or fetched elsewhere is asserted when the pages close.


def test_a_switch_is_turned_and_the_page_says_who_did_it(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, SETTINGS)

    page.get_by_role("checkbox", name="Force Close", exact=True).uncheck()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".messagelist")).to_contain_text("effective now")
    expect(page.locator("#setting-changes tbody tr").first).to_contain_text("Force Close")
    expect(page.locator("#setting-changes tbody tr").first).to_contain_text("Otto Test")
    assert not selectors.switches().force_close
    assert SettingChange.objects.get().by == floor.otto


def test_a_member_is_moved_into_a_queue_with_the_two_lists(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, f"/admin/routing/queue/{floor.billing.pk}/change/")

    page.locator("#id_agents_from").select_option(label="Cene Test")
    page.get_by_role("button", name="Choose selected members").click()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    assert floor.cene in floor.billing.members.all()


def test_a_span_of_operating_hours_is_added(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, f"/admin/routing/queue/{floor.billing.pk}/change/")

    page.get_by_text("Add another Span").click()
    page.locator("#id_operating_hours-0-weekday").select_option(label="Monday")
    page.locator("#id_operating_hours-0-opens").fill("08:00")
    page.locator("#id_operating_hours-0-closes").fill("18:00")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".messagelist")).to_contain_text("was changed successfully")
    assert [str(span) for span in floor.billing.operating_hours.all()] == ["Monday 08:00–18:00"]


def test_the_theme_is_the_one_of_the_console(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, "/admin/", color_scheme="light")
    light = ground(page)

    page.get_by_role("button", name="Dark").click()
    dark = ground(page)
    page.goto(SETTINGS)

    assert dark != light
    assert ground(page) == dark
    assert page.evaluate("localStorage.getItem('console.theme')") == "dark"


def test_an_administrator_logs_out_of_the_whole_console(open_page: People, floor: Floor) -> None:
    page = open_page(floor.otto, "/admin/")

    page.get_by_label("Your menu").click()
    page.get_by_role("button", name="Log out").click()

    page.wait_for_url("**/login/**")


def test_a_supervisor_is_told_that_this_is_not_for_them(open_page: People, floor: Floor) -> None:
    open_page.allow_errors("403")
    page = open_page(User.objects.get(username="sara"), "/admin/")

    expect(page.get_by_role("heading", name="You may not see this")).to_be_visible()
