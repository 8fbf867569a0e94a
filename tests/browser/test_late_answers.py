"""Does a page show what is true now, whatever order the answers to its requests come in?"""

from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Page, Request, Route, expect

from conversations.models import Conversation, State
from conversations.services import assignment
from routing.models import Presence
from routing.services import presence
from tests.browser.conftest import People
from tests.browser.scenes import is_live, start
from tests.cast import Floor, actor_of, make_floor


@pytest.fixture
def floor(live_site: str) -> Floor:
    return make_floor()


def picked(floor: Floor) -> Conversation:
    """A chat that Ana talks in."""
    chat = start(floor)
    assignment.pick(actor_of(floor.ana), chat.pk)
    return Conversation.objects.get(pk=chat.pk)


class Slow:
    """The server answers as ever, but the answer to one request of a page stays on its way until it is let go."""

    def __init__(self, page: Page, is_meant: Callable[[Request], bool]) -> None:
        self.page = page
        self.is_meant = is_meant
        self.holds_next = False
        self.held: tuple[Route, APIResponse] | None = None
        page.route("**/*", self._take)

    def _take(self, route: Route) -> None:
        if self.holds_next and self.is_meant(route.request):
            self.holds_next = False
            self.held = route, route.fetch()
        else:
            route.fallback()

    def wait(self) -> None:
        """Until the answer is on its way."""
        for _attempt in range(200):
            if self.held:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("Nothing was asked for.")

    def let_go(self) -> None:
        """Let the answer arrive, and the page take it."""
        assert self.held is not None
        route, answer = self.held
        with self.page.expect_event("requestfinished", lambda request: request == route.request):
            route.fulfill(response=answer)
        self.page.wait_for_timeout(100)


def asks_for(region: str) -> Callable[[Request], bool]:
    """Whether a request fetches this region."""
    return lambda request: request.method == "GET" and request.headers.get("hx-target") == region


def test_an_answer_that_was_under_way_when_updates_were_paused_is_shown_when_they_go_on(
    open_page: People, floor: Floor
) -> None:
    boriss = open_page(floor.boris.user)
    lists = Slow(boriss, asks_for("desk-lists"))
    boriss.goto("/desk/")
    is_live(boriss)
    boriss.wait_for_timeout(700)
    lists.holds_next = True
    start(floor)
    lists.wait()

    boriss.get_by_role("button", name="Pause updates").click()
    lists.let_go()

    expect(boriss.locator(".desk-open")).to_have_count(0)
    boriss.get_by_role("button", name="Resume updates").click()
    expect(boriss.locator(".desk-open")).to_have_count(1)


def test_who_pauses_again_before_the_answer_came_is_told_what_waits(open_page: People, floor: Floor) -> None:
    away = Presence.objects.get(code="away").pk
    saras = open_page(floor.sara)
    listed = Slow(saras, asks_for("agents"))
    saras.goto("/agents/")
    is_live(saras)
    chip, anas = saras.locator("[data-live-chip]"), saras.locator(f"#row-{floor.ana.pk}")
    saras.get_by_role("button", name="Pause updates").click()
    presence.set_presence(actor_of(floor.stefan), floor.ana.pk, presence_id=away)
    expect(chip).to_be_visible()
    listed.holds_next = True
    saras.get_by_role("button", name="Resume updates").click()
    listed.wait()
    saras.get_by_role("button", name="Pause updates").click()
    expect(chip).to_be_hidden()

    listed.let_go()

    expect(chip).to_be_visible()
    expect(anas).not_to_contain_text("Away")
    saras.get_by_role("button", name="Resume updates").click()
    expect(anas).to_contain_text("Away")


def test_what_was_asked_for_before_a_verb_does_not_undo_what_its_answer_shows(open_page: People, floor: Floor) -> None:
    chat = picked(floor)
    anas = open_page(floor.ana.user)
    region = Slow(anas, asks_for(f"desk-conversation-{chat.pk}"))
    anas.goto(f"/desk/{chat.pk}/")
    is_live(anas)
    anas.wait_for_timeout(700)
    region.holds_next = True
    anas.locator("[data-live-refresh]").click()
    region.wait()
    anas.wait_for_timeout(400)  # What follows is not put off.

    anas.get_by_role("button", name="End", exact=True).click()
    anas.locator("#ask").get_by_role("button", name="Continue").click()
    expect(anas.get_by_role("button", name="Finish wrap-up")).to_be_enabled()
    anas.wait_for_timeout(400)
    region.let_go()

    expect(anas.get_by_role("button", name="Finish wrap-up")).to_be_enabled()
    anas.get_by_role("button", name="Finish wrap-up").click()
    expect(anas.get_by_text("No conversation is open")).to_be_visible()


def test_a_verb_whose_answer_was_lost_is_seen_all_the_same(open_page: People, floor: Floor) -> None:
    open_page.allow_errors("ERR_FAILED|htmx:afterRequest|htmx:sendError")
    chat = picked(floor)
    anas = open_page(floor.ana.user, f"/desk/{chat.pk}/")
    is_live(anas)
    anas.wait_for_timeout(700)

    def lose(route: Route) -> None:
        route.fetch()
        anas.wait_for_timeout(1000)  # What the server announced has come, and was not shown over the form.
        route.abort()

    anas.route(f"**/desk/{chat.pk}/end/", lose)
    anas.get_by_role("button", name="End", exact=True).click()
    anas.locator("#ask").get_by_role("button", name="Continue").click()

    expect(anas.locator("[data-toast][data-code=network]")).to_be_visible()
    assert Conversation.objects.get().state == State.WRAP_UP
    expect(anas.get_by_role("button", name="Finish wrap-up")).to_be_enabled()
