"""Does the live path name the step that is really broken, and stay a page while it is?"""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from supervisor_console.heartbeat import SILENT_SECONDS
from supervisor_console.models import Heartbeat
from tests.browser.conftest import People
from tests.cast import Floor
from tests.faults.conftest import NO_ANSWER, Installation
from tests.servers import Program

LIVE_PATH = "/admin/live-path/"
WITHIN_MS = 25_000
"""The page asks every 5 s and probes every 15, and the machine of the tests is not idle."""


def is_(page: Page, step: str, state: str) -> None:
    expect(page.locator(f"#hop-{step}")).to_have_attribute("data-state", state, timeout=WITHIN_MS)


def probe(page: Page) -> None:
    page.get_by_role("button", name="Send a probe").click()


class TestSeveralProcesses:
    """Two servers and a background process around a Redis."""

    pytestmark = [pytest.mark.redis, pytest.mark.browser]

    @pytest.fixture
    def page(self, open_page: People, floor: Floor, installation: Installation) -> Page:
        return replace(open_page, address=installation.here)(floor.otto, LIVE_PATH)

    def test_with_everything_in_place_every_step_works(self, page: Page) -> None:
        for step in ("database", "outbox", "layer", "process", "socket", "screen", "background"):
            is_(page, step, "ok")
        expect(page.locator("#hop-layer")).to_contain_text("Redis")
        expect(page.locator("#hop-background tbody tr")).to_contain_text("background only")

    def test_a_redis_that_was_killed_is_named_and_probes_come_through_the_outbox(
        self, page: Page, installation: Installation
    ) -> None:
        is_(page, "screen", "ok")

        installation.redis.kill()
        try:
            is_(page, "layer", "failing")
            probe(page)
            is_(page, "screen", "slow")
            expect(page.locator("#hop-screen")).to_contain_text("through the outbox")
            expect(page.locator("#hop-layer")).to_contain_text("Is Redis running")
            expect(page.locator("#path-summary")).to_contain_text("Failing: Channel layer")
            is_(page, "database", "ok")

            page.reload()  # Who comes now comes in as well.
            is_(page, "socket", "ok")
            is_(page, "screen", "slow")
        finally:
            installation.redis.start()

        is_(page, "layer", "ok")
        is_(page, "screen", "ok")

    def test_a_redis_that_stands_still_is_no_answer(self, page: Page, installation: Installation) -> None:
        is_(page, "layer", "ok")

        installation.redis.hold()
        try:
            is_(page, "layer", "failing")
            expect(page.locator("#hop-layer")).to_contain_text("No answer within 3 s.")
            is_(page, "database", "ok")
        finally:
            installation.redis.let_go()

        is_(page, "layer", "ok")

    def test_background_work_that_was_killed_falls_silent_and_its_successor_is_heard(
        self, page: Page, installation: Installation
    ) -> None:
        is_(page, "background", "ok")

        installation.work.kill()
        try:
            long_ago = timezone.now() - timedelta(seconds=SILENT_SECONDS + 5)
            Heartbeat.objects.filter(kind="work").update(at=long_ago)  # Instead of waiting so long.
            is_(page, "background", "failing")
            expect(page.locator("#hop-background")).to_contain_text("Silent")
            expect(page.locator("#hop-background")).to_contain_text("manage.py work")
            is_(page, "layer", "ok")
        finally:
            installation.work.start()

        is_(page, "background", "ok")


class TestOneProcess:
    """A server that does everything."""

    pytestmark = [pytest.mark.browser]

    def test_a_server_that_went_away_is_said_and_so_is_since_when(
        self, open_page: People, floor: Floor, server: Program
    ) -> None:
        open_page.allow_errors(NO_ANSWER)
        page = open_page(floor.otto, LIVE_PATH)
        is_(page, "socket", "ok")

        server.kill()
        try:
            expect(page.locator("#path-stale")).to_contain_text("The server does not answer", timeout=WITHIN_MS)
            is_(page, "socket", "failing")
        finally:
            server.start()

        expect(page.locator("#path-stale")).to_be_hidden(timeout=WITHIN_MS)
        is_(page, "socket", "ok")
