"""A real server, a real Chromium, and as many people side by side as a test wants.

    def test_a_customer_sees_the_answer(open_page, agent, live_site):
        desk = open_page(agent)
        chat = open_page(None)
        desk.goto("/desk/")
        ...

The server is a process of its own (`manage.py serve`, with its background work) on the database of the test. A test
prepares rows in its own process and then acts as people do, through pages: what a page does reaches the other pages at
once, what the test's own process announces reaches them a few seconds later, through the outbox.

A test fails when a page writes an error to its console (that includes everything the Content-Security-Policy refuses),
throws, or asks anything of another host. `open_page.allow_errors("409")` names an error that the test wants.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from routing.models import User
from tests import cast, servers

PATIENCE_MS = 10_000
DESKTOP = (1440, 900)

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def server_address(django_db_setup: None) -> Iterator[str]:
    """The address of the console, served by a process of its own on the test database."""
    with servers.console("browser-server") as address:
        yield address


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    # Playwright's loop runs in this thread, which Django takes for asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    contents = getattr(connection, "_test_serialized_contents", None)
    with sync_playwright() as playwright:
        # Beside a running loop Django opens another connection, which must know what the migrations left as well:
        # otherwise content types get new ids after each test, and the server goes on with the ones that it remembers.
        setattr(connection, "_test_serialized_contents", contents)  # noqa: B010
        browser = playwright.chromium.launch(executable_path=servers.find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(autouse=True)
def the_cast_lives_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server looks at the clock: what began months ago would be timed out under the test's hands."""
    monkeypatch.setattr(cast, "T0", timezone.now() - timedelta(minutes=1))


@pytest.fixture
def live_site(transactional_db: None, server_address: str) -> str:
    """The address of a running console, on a database that the test can write to."""
    return server_address


@dataclass
class People:
    """Opens pages for people, each in a browser profile of their own, and remembers what went wrong in them."""

    browser: Browser
    address: str
    faults: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def __call__(
        self,
        user: User | None = None,
        path: str | None = None,
        *,
        size: tuple[int, int] = DESKTOP,
        **context_options: Any,
    ) -> Page:
        """A new page of a person who is signed in already, or of a visitor; relative addresses lead to the console."""
        context = self.browser.new_context(
            base_url=self.address, viewport={"width": size[0], "height": size[1]}, **context_options
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        if user is not None:
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": session_of(user), "url": self.address}]
            )
        context.on("console", self._heed_console)
        context.on("weberror", lambda error: self._blame(f"thrown: {error.error}"))
        context.on("request", self._heed_request)
        page = context.new_page()
        if path is not None:
            page.goto(path)
        return page

    def allow_errors(self, pattern: str) -> None:
        """Console errors that match are part of the test (a refusal that htmx gets as 409, say)."""
        self.allowed.append(re.compile(pattern))

    def _heed_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._blame(f"console: {message.text} ({message.location.get('url', '')})")

    def _heed_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != urlsplit(self.address).netloc:
            self._blame(f"asked another host: {request.url}")

    def _blame(self, fault: str) -> None:
        self.faults.append(fault)

    def remaining_faults(self) -> list[str]:
        return [fault for fault in self.faults if not any(pattern.search(fault) for pattern in self.allowed)]


@pytest.fixture
def open_page(request: pytest.FixtureRequest, live_site: str, chromium: Browser) -> Iterator[People]:
    """`open_page(user)` gives a page of that person, `open_page(None)` one of a visitor who is not signed in."""
    people = People(chromium, live_site)
    failed_before = request.session.testsfailed
    yield people
    if request.session.testsfailed > failed_before:
        _take_pictures(request.node.name, people)
    for context in people.contexts:
        context.close()
    if faults := people.remaining_faults():
        pytest.fail("The pages had faults:\n" + "\n".join(faults), pytrace=False)


@pytest.fixture
def page(open_page: People) -> Page:
    """One page of a visitor who is not signed in."""
    return open_page(None)


def session_of(user: User) -> str:
    """A session of this person, as the log-in page would make it."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _take_pictures(name: str, people: People) -> None:
    servers.RESULTS.mkdir(parents=True, exist_ok=True)
    pages = [page for context in people.contexts for page in context.pages]
    for number, page in enumerate(pages, start=1):
        page.screenshot(path=servers.RESULTS / f"{re.sub(r'[^A-Za-z0-9_-]+', '-', name)}-{number}.png", full_page=True)
