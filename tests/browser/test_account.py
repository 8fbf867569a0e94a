"""Can somebody set up a second factor in a real browser, and log in with it?"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from supervisor_console.kernel.actor import Role
from tests.accounts.people import PASSWORD, code_of
from tests.browser.barriers import barriers
from tests.browser.conftest import People
from tests.cast import make_user


def log_in(page: Page) -> None:
    page.fill("[name=username]", "sara")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_second_factor_is_set_up_and_asked_for(open_page: People, scheme: str) -> None:
    make_user("sara", Role.SUPERVISOR, password=PASSWORD)
    options: dict[str, Any] = {"color_scheme": scheme, "bypass_csp": scheme == "dark"}
    page = open_page(None, "/login/?next=/account/", **options)
    found: dict[str, Any] = {}

    def look(name: str) -> None:
        if scheme == "dark":  # What axe asks, the Content-Security-Policy refuses; the other run has it.
            found[name] = list(barriers(page))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name

    log_in(page)
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    look("account")
    page.get_by_role("link", name="Set up").click()
    secret = page.locator("[data-secret]").inner_text().replace(" ", "")
    assert page.locator("svg.qr").bounding_box()
    look("set up")
    page.get_by_label("Code that the app shows").fill(code_of(secret))
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    look("recovery codes")

    other = open_page(None, "/login/?next=/account/", **options)
    log_in(other)
    expect(other.get_by_role("heading", name="Second factor")).to_be_visible()
    page = other
    look("code")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.locator(".error")).to_contain_text("This code is not right")
    page.get_by_label("Code").fill(code_of(secret, 1))
    page.keyboard.press("Enter")
    expect(page.get_by_text("10 recovery codes are left")).to_be_visible()
    assert not [(name, ids) for name, ids in found.items() if ids]
