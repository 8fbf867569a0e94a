"""One server of this folder's own, which its tests may kill, and pages that tell whether they were loaded again.

What is asked everywhere: after the link is back, the screen is right within 5 s; where nothing told the page that it
missed something, within 15 s.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from redis import Redis

from conversations.models import Conversation
from tests import servers
from tests.browser.conftest import People
from tests.browser.conftest import chromium as chromium
from tests.browser.conftest import open_page as open_page
from tests.cast import Floor, make_floor
from tests.servers import Program

SOON_MS = 5_000
UNTOLD_MS = 15_000
REPORT = "/conversations/?window=all"
CATCH_UP_MS = 3_000
"""How long it takes at most until the outbox brings what this process did."""

NO_ANSWER = "net::ERR_|WebSocket connection to|htmx:(send(Error|Abort)|timeout|afterRequest)"
"""What Chromium and htmx write to the console while there is no server."""


@pytest.fixture(scope="package")
def server(django_db_setup: None) -> Iterator[Program]:
    """A server that the tests of this folder kill and start again."""
    with servers.running(servers.console_program("faults-server")) as program:
        yield program


@dataclass
class Installation:
    """Two servers and a background process around a Redis of their own."""

    redis: Program
    here: str
    there: str
    work: Program

    def client(self) -> Redis:
        return Redis.from_url(self.redis.address)


@pytest.fixture(scope="package")
def installation(django_db_setup: None) -> Iterator[Installation]:
    with ExitStack() as stack:
        folder = stack.enter_context(servers.temporary_folder("console-faults-redis-"))
        redis = stack.enter_context(servers.running(servers.redis_program(folder)))
        here, there = (
            stack.enter_context(servers.console(f"faults-{name}", TEST_REDIS_URL=redis.address)) for name in "ab"
        )
        work = servers.work_program("faults-work", TEST_REDIS_URL=redis.address)
        yield Installation(redis, here, there, stack.enter_context(servers.running(work)))


@pytest.fixture
def live_site(transactional_db: None, server: Program) -> str:
    return server.address


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    return make_floor()


@dataclass
class Screen:
    """A page that is open, and would show if it were loaded again."""

    page: Page

    def is_live(self, within: int = SOON_MS) -> None:
        expect(self.page.locator("[data-live-badge]")).to_have_attribute("data-state", "live", timeout=within)

    def is_cut_off(self, within: int = SOON_MS) -> None:
        expect(self.page.locator("[data-live-badge]")).to_have_attribute("data-state", "broken", timeout=within)

    def says_that_it_is_delayed(self, is_so: bool = True, within: int = UNTOLD_MS) -> None:
        badge = expect(self.page.locator("[data-live-badge]"))
        words = badge.to_contain_text if is_so else badge.not_to_contain_text
        words("Live, delayed", timeout=within)

    def shows(self, words: str, within: int = SOON_MS) -> None:
        expect(self.page.locator("#main")).to_contain_text(words, timeout=within)

    def hides(self, words: str, within: int = SOON_MS) -> None:
        expect(self.page.locator("#main")).not_to_contain_text(words, timeout=within)

    def was_never_reloaded(self) -> bool:
        return bool(self.page.evaluate("window.stayed === true"))


def screen(page: Page) -> Screen:
    """The screen of a page, which is live."""
    opened = Screen(page)
    if page.locator("[data-live-badge]").count():
        opened.is_live()
    page.evaluate("window.stayed = true")
    return opened


@pytest.fixture
def report(open_page: People, floor: Floor) -> Screen:
    """Sara's report."""
    return screen(open_page(floor.sara, REPORT))


def begin(floor: Floor, subject: str) -> Conversation:
    """A conversation that began now. What this process announces comes through the outbox."""
    conversation = floor.start(now=timezone.now())
    Conversation.objects.filter(pk=conversation.pk).update(subject=subject)
    return conversation
