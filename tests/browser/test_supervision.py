"""The five actions, clicked through by a supervisor, with the agent's desk and the customer's page beside her."""

import pytest
from playwright.sync_api import Page, expect

from conversations.models import Conversation, State
from conversations.services import supervision
from routing.models import BasePresence
from tests.browser.conftest import People
from tests.browser.scenes import active, start
from tests.cast import Floor, actor_of, make_floor, set_presence

HINT = "[Ss]tatus (of|Error Code) 4"
"""What Chromium and htmx write to the console when a server says no; the tests that want a no allow it."""


@pytest.fixture
def floor(live_site: str) -> Floor:
    """The contact centre, in the present: timers look at the clock here."""
    return make_floor()


def stay(page: Page) -> None:
    """Put a mark on the page that a reload would lose."""
    page.evaluate("() => { window.stayed = true }")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("() => window.stayed === true"))


def choose(page: Page, name: str) -> None:
    """Choose an agent or a queue in an open dialog."""
    page.locator("#dialog .pick", has_text=name).locator("input[type=radio]").check()


def test_a_chat_from_hand_to_hand(open_page: People, floor: Floor) -> None:
    """Assign, accept, monitor, join, write, leave, transfer, accept, force close, with everybody's page open."""
    maja, anas, boriss = open_page(None, "/chat/"), open_page(floor.ana.user), open_page(floor.boris.user)
    maja.fill("[name=name]", "Maja")
    maja.fill("[name=text]", "My invoice is wrong")
    maja.click("button[type=submit]")
    maja.wait_for_url("**/chat/*-*/")
    conversation = Conversation.objects.get()
    address = f"/conversations/{conversation.pk}/"
    saras = open_page(floor.sara, address)
    anas.goto("/desk/")
    boriss.goto("/desk/")
    for page in (maja, saras, anas, boriss):
        stay(page)

    # Assign: Ana gets an offer, and accepts it.
    saras.click("[data-name=assign]")
    choose(saras, "Ana Test")
    saras.fill("#dialog-note", "She called before")
    saras.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()
    expect(saras.locator("#dialog")).to_be_hidden()
    expect(saras.locator("#conversation .pending")).to_contain_text("Offered to Ana Test.")
    offer = anas.locator(".offer")
    expect(offer).to_contain_text("She called before")
    offer.get_by_role("button", name="Accept").click()
    expect(saras.locator(".conversation-head .status")).to_have_text("Active")

    # Monitor: the transcript appears, and nobody sees it.
    expect(saras.locator("[data-transcript=hidden]")).to_be_visible()
    assert has_stayed(saras)
    saras.locator(".conversation-head [data-name=monitor]").click()
    expect(saras.locator("[data-mode-banner=monitoring]")).to_be_visible()
    expect(saras.locator(".toasts")).to_contain_text("Monitoring started.")
    expect(saras.locator("[data-transcript=shown]")).to_contain_text("My invoice is wrong")
    stay(saras)
    anas.goto(f"/desk/{conversation.pk}/")
    stay(anas)
    expect(anas.locator("main")).to_contain_text("My invoice is wrong")
    expect(anas.locator("body")).not_to_contain_text("Sara Test is")
    expect(anas.locator(".desk-people")).not_to_contain_text("Sara")
    expect(maja.locator("body")).not_to_contain_text("Sara")

    # Join: everybody sees her; she writes internally, then in public on purpose.
    saras.locator(".communication [data-name=join]").click()
    expect(saras.locator("[data-mode-banner=joined]")).to_be_visible()
    expect(maja.locator(".transcript")).to_contain_text("Sara Test joined the conversation.")
    expect(anas.locator(".transcript")).to_contain_text("Supervisor Sara Test joined.")
    saras.fill(".composer textarea", "Offer her a refund")
    saras.keyboard.press("Enter")
    expect(anas.locator(".line.internal")).to_contain_text("Offer her a refund")
    saras.locator(".composer [value=public]").check()
    saras.locator("#ask [data-confirmed]").click()
    saras.fill(".composer textarea", "We will sort it out")
    saras.keyboard.press("Enter")
    expect(maja.locator(".transcript")).to_contain_text("We will sort it out")
    expect(maja.locator(".transcript")).not_to_contain_text("refund")
    saras.locator("[data-mode-banner] [data-name=leave]").click()
    expect(saras.locator("[data-mode-banner=idle]")).to_be_visible()
    expect(maja.locator(".transcript")).to_contain_text("Sara Test left the conversation.")

    # Transfer: nothing moves until Boris accepts; then Ana is a consultant.
    saras.click("[data-name=transfer]")
    choose(saras, "Boris Test")
    saras.get_by_role("button", name="Request transfer").click()
    expect(saras.locator("#conversation .pending")).to_contain_text("asked Boris Test to take over")
    expect(saras.locator("[data-person=primary]")).to_contain_text("Ana Test")
    boriss.locator(".offer").get_by_role("button", name="Accept").click()
    expect(saras.locator("[data-person=primary]")).to_contain_text("Boris Test")
    expect(saras.locator("[data-person=consult]")).to_contain_text("Ana Test")

    # Force close: asked once, over for everybody.
    saras.click("[data-name=force_close]")
    expect(saras.locator("#dialog")).to_contain_text("cannot be undone")
    expect(saras.locator("#dialog")).to_contain_text("Maja")
    saras.fill("#dialog-note", "Settled on the phone")
    saras.get_by_role("button", name="Continue").click()
    expect(saras.locator("[data-mode-banner=ended]")).to_contain_text("Sara Test force closed it")
    expect(saras.locator(".timeline")).to_contain_text("Settled on the phone")
    expect(maja.locator(".transcript")).to_contain_text("A supervisor ended this conversation.")
    expect(maja.locator(".composer")).to_have_count(0)
    assert Conversation.objects.get().state == State.CLOSED

    assert all(has_stayed(page) for page in (maja, saras, anas))


def test_an_override_is_shown_before_and_confirmed(open_page: People, floor: Floor) -> None:
    floor.boris.max_units = 20
    floor.boris.save()
    set_presence(floor.boris, BasePresence.AWAY)
    conversation = start(floor)
    page = open_page(floor.sara, f"/conversations/{conversation.pk}/")
    open_page.allow_errors(HINT)

    page.click("[data-name=assign]")
    expect(page.locator("#candidates")).not_to_contain_text("Boris Test")
    page.get_by_text("Also show agents outside the allowed presences").click()
    expect(page.locator("#candidates")).to_contain_text("over by 10 units")
    assert page.locator(".caution").first.is_hidden()
    choose(page, "Boris Test")
    expect(page.locator(".caution:visible")).to_have_count(2)
    page.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()
    expect(page.locator("#dialog .dlg [role=alert]")).to_contain_text("Nothing was changed yet.")
    for caution in page.locator(".caution:visible").all():
        caution.click()
    page.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()

    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator(".timeline")).to_contain_text("Capacity exceeded by 10 units.")


def test_a_search_goes_through_all_agents_while_one_types(open_page: People, floor: Floor) -> None:
    conversation = start(floor)
    page = open_page(floor.sara, f"/conversations/{conversation.pk}/")

    page.click("[data-name=assign]")
    expect(page.locator("#candidates .pick")).to_have_count(2)
    choose(page, "Ana Test")
    page.locator("#dialog [type=search]").press_sequentially("cene")

    expect(page.locator("#candidates")).to_contain_text("Cene Test")
    expect(page.locator("#candidates")).not_to_contain_text("Boris Test")
    expect(page.locator("#dialog [type=search]")).to_be_focused()


def test_an_open_conversation_moves_to_another_queue(open_page: People, floor: Floor) -> None:
    conversation = start(floor)
    page = open_page(floor.sara, f"/conversations/{conversation.pk}/")

    page.click("[data-name=assign]")
    page.locator("#dialog .tabs").get_by_text("Queue").click()
    choose(page, "Returns")
    page.get_by_role("button", name="Assign to queue").click()

    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator(".timeline")).to_contain_text("Moved from Billing to Returns")


def test_two_supervisors_at_once(open_page: People, floor: Floor) -> None:
    """Whoever comes second is told what it is now, and the dialog says what can still be done."""
    conversation = start(floor)
    saras = open_page(floor.sara, f"/conversations/{conversation.pk}/")
    stefans = open_page(floor.stefan, f"/conversations/{conversation.pk}/")
    open_page.allow_errors(HINT)
    for page in (saras, stefans):
        page.click("[data-name=assign]")
        choose(page, "Ana Test" if page is saras else "Boris Test")

    saras.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()
    expect(saras.locator("#dialog")).to_be_hidden()
    stefans.locator("#dialog").get_by_role("button", name="Assign", exact=True).click()

    expect(stefans.locator(".toasts")).to_contain_text("Ana Test")
    expect(stefans.locator("#dialog .dlg [role=alert]")).to_contain_text("transfer it instead")
    assert Conversation.objects.get().agent == floor.ana


def test_a_monitor_follows_without_a_reload(open_page: People, floor: Floor) -> None:
    conversation = active(floor, floor.ana)
    supervision.monitor(actor_of(floor.sara), conversation.pk)
    page, anas = (
        open_page(floor.sara, f"/conversations/{conversation.pk}/"),
        open_page(floor.ana.user, f"/desk/{conversation.pk}/"),
    )
    stay(page)

    anas.fill(".composer textarea", "How can I help?")
    anas.keyboard.press("Enter")
    expect(page.locator(".transcript")).to_contain_text("How can I help?")
    anas.get_by_role("button", name="Release").click()
    if anas.locator("#ask [data-confirmed]").is_visible():
        anas.locator("#ask [data-confirmed]").click()

    expect(page.locator("[data-mode-banner=paused]")).to_be_visible()
    page.locator("[data-mode-banner] [data-name=stop_monitoring]").click()
    expect(page.locator("[data-mode-banner=idle]")).to_be_visible()
    assert has_stayed(page)


def test_the_dialogs_work_without_script(open_page: People, floor: Floor) -> None:
    conversation = start(floor)
    page = open_page(floor.sara, f"/conversations/{conversation.pk}/", java_script_enabled=False)

    page.click("[data-name=assign]")
    page.fill("[type=search]", "ana")
    page.get_by_role("button", name="Search").click()
    page.locator(".pick", has_text="Ana Test").locator("input").check()
    page.get_by_role("button", name="Assign", exact=True).click()

    expect(page.locator(".toasts")).to_contain_text("Offered to Ana Test.")
    expect(page.locator(".conversation-head .status")).to_have_text("Offered")


def test_the_panel_of_the_report_shows_mode_and_actions(open_page: People, floor: Floor) -> None:
    active(floor, floor.ana)
    page = open_page(floor.sara, "/conversations/")

    page.locator("[data-row] [data-open]").first.click()

    panel = page.locator("#panel-conversation")
    expect(panel.locator("[data-mode-banner=idle]")).to_be_visible()
    expect(panel).to_contain_text("Monitor to read along")
    panel.locator(".panel-foot [data-name=transfer]").click()
    expect(page.locator("#dialog")).to_contain_text("Transfer conversation")
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
