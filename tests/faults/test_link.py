"""Is every screen right again after its link was lost, however it was lost?"""

import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Page, Route, WebSocket, WebSocketRoute, expect

from conversations.models import Conversation
from conversations.services import messaging
from routing.models import Connection
from supervisor_console.server import ANSWER_WITHIN, ASK_EVERY, LONGEST_MESSAGE
from tests.browser.conftest import People
from tests.browser.conftest import the_cast_lives_now as the_cast_lives_now
from tests.cast import Floor, actor_of, customer_of
from tests.faults.conftest import CATCH_UP_MS, NO_ANSWER, REPORT, SOON_MS, UNTOLD_MS, Screen, begin, screen
from tests.faults.link import link_to
from tests.servers import Program
from tests.sockets import console_socket, session_of

pytestmark = pytest.mark.browser

NOTICED_SECONDS = ASK_EVERY + 2 + ANSWER_WITHIN
"""Daphne looks every two seconds who has to be asked."""


def left_of(milliseconds: int, since: float) -> int:
    """What is left of a time that runs for all screens together; a look at one takes a moment even so."""
    return max(round(milliseconds - (time.monotonic() - since) * 1000), 500)


def start_chat(page: Page, text: str) -> None:
    """A customer begins a chat on their page."""
    page.goto("/chat/")
    page.fill("[name=name]", "Maja")
    page.fill("[name=text]", text)
    page.click("button[type=submit]")
    page.wait_for_url("**/chat/*-*/")


def test_a_server_killed_and_started_again_finds_every_screen_right(
    open_page: People, floor: Floor, report: Screen, server: Program
) -> None:
    """Report, desk and chat: what happened while there was no server is on each of them."""
    open_page.allow_errors(NO_ANSWER)
    customer = open_page(None)
    start_chat(customer, "Is anybody there?")
    chat, desk = screen(customer), screen(open_page(floor.ana.user, "/desk/"))
    report.shows("Is anybody there?")
    conversation = Conversation.objects.get()

    server.kill()
    report.is_cut_off()
    expect(report.page.locator("[data-live-badge]")).not_to_contain_text("Live")
    begin(floor, "Came while nobody served")
    messaging.receive(customer_of(conversation), conversation.pk, text="I wrote it into the void")
    server.start()
    back_since = time.monotonic()

    report.shows("Came while nobody served")
    desk.shows("Came while nobody served", within=left_of(SOON_MS, back_since))
    expect(customer.locator(".transcript")).to_contain_text(
        "I wrote it into the void", timeout=left_of(SOON_MS, back_since)
    )
    for each in (report, desk, chat):
        assert each.was_never_reloaded()
    report.is_live()
    assert Conversation.objects.count() == 2


def test_a_page_that_slept_through_a_restart_is_right_when_it_wakes(
    open_page: People, floor: Floor, report: Screen, server: Program
) -> None:
    open_page.allow_errors(NO_ANSWER)
    life = report.page.context.new_cdp_session(report.page)
    life.send("Page.setWebLifecycleState", {"state": "frozen"})

    server.kill()
    begin(floor, "Came while the page slept")
    server.start()
    life.send("Page.setWebLifecycleState", {"state": "active"})

    report.shows("Came while the page slept")
    report.is_live()
    assert report.was_never_reloaded()


def test_a_link_that_died_without_a_word_is_noticed(open_page: People, floor: Floor, server: Program) -> None:
    """Nothing tells the page: the connection stays open and brings nothing more."""
    open_page.allow_errors(NO_ANSWER)
    place = urlsplit(server.address)
    assert place.hostname is not None
    assert place.port is not None
    with link_to(place.hostname, place.port) as link:
        report = screen(replace(open_page, address=link.address)(floor.sara, REPORT))
        desk = screen(replace(open_page, address=link.address)(floor.ana.user, "/desk/"))

        link.go_dead()
        dead_since = time.monotonic()
        begin(floor, "Came over a dead line")

        for each in (report, desk):
            each.shows("Came over a dead line", within=left_of(UNTOLD_MS, dead_since))
        assert report.was_never_reloaded()
        assert desk.was_never_reloaded()


def test_a_server_that_stands_still_is_noticed_and_found_again(
    open_page: People, floor: Floor, report: Screen, server: Program
) -> None:
    """Its connections stay open, new ones are taken by the system, and nobody answers."""
    open_page.allow_errors(NO_ANSWER)
    server.hold()
    try:
        report.is_cut_off(within=UNTOLD_MS)
        begin(floor, "Came while the server stood still")
    finally:
        server.let_go()

    report.shows("Came while the server stood still")
    report.is_live()
    assert report.was_never_reloaded()


def test_the_server_misses_an_agent_whose_line_died(floor: Floor, server: Program) -> None:
    """No page says good-bye, and the connection stays open."""
    place = urlsplit(server.address)
    assert place.hostname is not None
    assert place.port is not None
    pages = Connection.objects.filter(agent=floor.ana, closed_at=None)
    with (
        link_to(place.hostname, place.port) as link,
        console_socket(link.address, session_of(floor.ana.user), close_timeout=0.1),
        console_socket(server.address, session_of(floor.boris.user)),
    ):
        wait_until(pages.exists, SOON_MS)
        link.go_dead()
        wait_until(lambda: not pages.exists(), NOTICED_SECONDS * 1000 + SOON_MS)
        assert Connection.objects.filter(agent=floor.boris, closed_at=None).exists()


def wait_until(holds: Callable[[], bool], milliseconds: float) -> None:
    deadline = time.monotonic() + milliseconds / 1000
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_a_socket_that_is_asked_to_come_back_does_so_at_once(open_page: People, floor: Floor) -> None:
    page = open_page(floor.sara)
    opened: list[WebSocketRoute] = []

    def connect(route: WebSocketRoute) -> None:
        opened.append(route)
        route.connect_to_server()

    page.route_web_socket("**/ws/console/", connect)
    page.goto(REPORT)
    report = screen(page)

    page.wait_for_timeout(1200)
    opened[0].close(code=4409)
    page.wait_for_timeout(600)

    assert len(opened) == 2
    report.is_live(within=500)
    begin(floor, "Came after it came back")
    report.shows("Came after it came back")


ASK_FOR_EVERYTHING = """
(said) => new Promise((resolve) => {
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/ws/console/");
  const watch = { type: "watch", query: "window=all", topics: [], language: "en", digest: "" };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.type === "hello") socket.send(JSON.stringify({ ...watch, padding: "x".repeat(said) }));
    if (frame.type === "region") resolve({ length: data.length });
  };
  socket.onclose = ({ code }) => resolve({ code });
})
"""


def test_a_long_view_is_said_whole_though_a_client_may_not_say_as_much(open_page: People, floor: Floor) -> None:
    for number in range(50):
        begin(floor, f"{number} {'A subject as long as they come ' * 4}")
    page = open_page(floor.sara, REPORT)

    said = page.evaluate(ASK_FOR_EVERYTHING, 0)
    assert said.get("length", 0) > LONGEST_MESSAGE, said
    assert page.evaluate(ASK_FOR_EVERYTHING, LONGEST_MESSAGE) == {"code": 1006}, "the line is cut, without a word"


def test_whoever_is_signed_out_is_led_to_the_door_and_not_into_endless_attempts(
    open_page: People, report: Screen, server: Program
) -> None:
    open_page.allow_errors(NO_ANSWER)
    opened: list[str] = []
    report.page.on("websocket", lambda socket: opened.append(socket.url))
    Session.objects.all().delete()

    server.kill()
    server.start()

    report.page.wait_for_url("**/login/?next=/conversations/%3Fwindow%3Dall", timeout=SOON_MS)
    attempts = len(opened)
    report.page.wait_for_timeout(2500)
    assert len(opened) == attempts


def test_a_region_whose_fetch_failed_is_fetched_again(open_page: People, floor: Floor) -> None:
    """The server told of the change, and the answer with the change was lost."""
    open_page.allow_errors(NO_ANSWER)
    page = open_page(floor.ana.user, "/desk/")
    desk = screen(page)
    page.wait_for_load_state("networkidle")
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        if lost or route.request.headers.get("hx-trigger") != "desk-lists":
            route.continue_()
        else:
            lost.append(route.request.url)
            route.abort()

    page.route("**/desk/**", lose_the_first)
    begin(floor, "Came while an answer was lost")

    desk.shows("Came while an answer was lost", within=CATCH_UP_MS + SOON_MS)
    assert lost


def test_nobody_who_was_let_in_again_has_two_sockets(open_page: People, report: Screen, server: Program) -> None:
    """Coming back into sight asks for the socket at once; an attempt under way is not doubled."""
    open_page.allow_errors(NO_ANSWER)
    server.kill()
    report.is_cut_off()
    opened: list[str] = []
    closed: list[str] = []

    def note(socket: WebSocket) -> None:
        opened.append(socket.url)
        socket.on("close", lambda _: closed.append("closed"))

    report.page.on("websocket", note)
    server.start()
    report.page.evaluate("() => { for (let i = 0; i < 5; i++) document.dispatchEvent(new Event('visibilitychange')) }")

    report.is_live()
    report.page.wait_for_timeout(500)
    assert len(opened) - len(closed) == 1


def test_the_words_of_an_agent_are_kept_while_the_server_is_away(
    open_page: People, floor: Floor, server: Program
) -> None:
    """A draft is nobody's to lose."""
    open_page.allow_errors(NO_ANSWER)
    conversation = floor.active()
    page = open_page(floor.ana.user, f"/desk/{conversation.pk}/")
    desk = screen(page)
    page.fill(".composer textarea", "Half a sentence")

    server.kill()
    desk.is_cut_off()
    messaging.send(actor_of(floor.ana), conversation.pk, text="Said elsewhere", now=timezone.now())
    server.start()

    expect(page.locator(".transcript")).to_contain_text("Said elsewhere", timeout=SOON_MS)
    expect(page.locator(".composer textarea")).to_have_value("Half a sentence")
    assert desk.was_never_reloaded()
