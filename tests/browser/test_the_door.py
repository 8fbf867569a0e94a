"""Does the door of the console work in a real browser, and do these tests see what goes wrong in one?"""

import pytest
from playwright.sync_api import expect

from routing.models import User
from tests.browser.conftest import People


def test_a_person_signs_in_through_the_page(open_page: People) -> None:
    User.objects.create_user(username="sara", password="a long enough one", is_staff=True)
    page = open_page(None, "/login/?next=/admin/login/")

    page.fill("[name=username]", "sara")
    page.fill("[name=password]", "a long enough one")
    page.keyboard.press("Enter")

    page.wait_for_url("**/admin/**")


def test_several_people_are_signed_in_side_by_side(open_page: People) -> None:
    sara = User.objects.create_user(username="sara", is_staff=True, is_superuser=True)
    anna = User.objects.create_user(username="anna", is_staff=True, is_superuser=True)

    saras, annas = open_page(sara, "/admin/"), open_page(anna, "/admin/")

    expect(saras.locator("#user-tools")).to_contain_text("sara")
    expect(annas.locator("#user-tools")).to_contain_text("anna")


@pytest.mark.parametrize(
    ("injection", "fault"),
    [
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))",
            "inline",
        ),
        ("document.body.setAttribute('style', 'color: red')", "inline style"),
        ("fetch('https://elsewhere.example.org/').catch(() => 0)", "elsewhere.example.org"),
        ("setTimeout(() => { throw new Error('thrown on purpose') })", "thrown on purpose"),
    ],
)
def test_what_goes_wrong_in_a_page_is_noticed(open_page: People, injection: str, fault: str) -> None:
    page = open_page(None, "/login/")

    page.evaluate(f"() => {{ {injection} }}")
    page.wait_for_timeout(200)

    assert any(fault in seen for seen in open_page.remaining_faults()), open_page.faults
    open_page.allow_errors(".*")
