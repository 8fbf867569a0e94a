"""The Agents view in a browser: a supervisor changes people, and their desks show it without a reload."""

import re

import pytest
from playwright.sync_api import Page, expect

from conversations.services import intake
from routing.models import AgentSkill, BasePresence, Presence, Skill
from routing.services import presence
from tests.browser.barriers import barriers
from tests.browser.conftest import People
from tests.browser.scenes import is_live
from tests.cast import Floor, actor_of, make_floor, set_presence

URL = "/agents/"
HINT = "[Ss]tatus (of|Error Code) 4"
LONG = "Maximiliana Wolfeschlegelsteinhausenbergerdorff-Krzyżanowska"


@pytest.fixture
def floor(live_site: str) -> Floor:
    """The contact centre, in the present: timers look at the clock here."""
    return make_floor()


def stay(page: Page) -> None:
    """Put a mark on the page that a reload would lose."""
    page.evaluate("() => { window.stayed = true }")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("() => window.stayed === true"))


def select(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=name).check()


def test_a_presence_that_a_supervisor_sets_is_on_the_desk_and_on_other_consoles_at_once(
    open_page: People, floor: Floor
) -> None:
    saras, stefans, boriss = open_page(floor.sara, URL), open_page(floor.stefan, URL), open_page(floor.boris.user)
    boriss.goto("/desk/")
    is_live(boriss)
    is_live(stefans)
    for page in (saras, stefans, boriss):
        stay(page)

    expect(saras.get_by_role("button", name="Set presence", exact=True)).to_have_attribute(
        "data-code", "nobody_selected"
    )
    select(saras, "Ana Test", "Boris Test")
    expect(saras.locator("[data-selected-count]")).to_have_text("2 selected")
    saras.get_by_role("button", name="Set presence", exact=True).click()
    saras.get_by_role("dialog").get_by_label("Away").check()
    saras.get_by_role("dialog").get_by_role("button", name="Set presence", exact=True).click()

    expect(saras.locator(".toast")).to_contain_text("Presence of 2 agents: Away.")
    expect(saras.locator("#dialog")).not_to_be_visible()
    expect(saras.locator(f"#row-{floor.boris.pk}")).to_contain_text("Supervisor Sara Test")
    expect(boriss.locator("#desk-me")).to_contain_text("Away")
    expect(boriss.locator(".toast")).to_contain_text("Sara Test set your presence to Away.")
    expect(stefans.locator(f"#row-{floor.boris.pk}")).to_contain_text("Away")
    assert has_stayed(saras)
    assert has_stayed(stefans)
    assert has_stayed(boriss)


def test_who_is_added_to_a_queue_sees_what_waits_there_and_hears_of_what_comes(open_page: People, floor: Floor) -> None:
    saras, boriss = open_page(floor.sara, URL), open_page(floor.boris.user, "/desk/")
    is_live(boriss)
    stay(boriss)

    saras.get_by_role("link", name="Boris Test").click()
    panel = saras.locator("#panel-agent")
    panel.get_by_role("link", name="Edit queues").click()
    saras.get_by_role("dialog").get_by_role("group", name="Returns").get_by_text("Add").click()
    saras.get_by_role("dialog").get_by_role("button", name="Change queues").click()

    expect(panel).to_contain_text("Returns")
    expect(boriss.locator(".toast")).to_contain_text("Sara Test added you to Returns.")
    is_live(boriss)
    intake.start(workstream_id=floor.chat.pk, name="Maja", text="My parcel", queue_id=floor.returns.pk)
    expect(boriss.locator("#desk-lists")).to_contain_text("Maja")
    assert has_stayed(boriss)


def test_what_was_refused_is_said_for_each_one(open_page: People, floor: Floor) -> None:
    open_page.allow_errors(HINT)
    saras = open_page(floor.sara, URL)
    select(saras, "Ana Test", "Boris Test")
    saras.get_by_role("button", name="Edit queues").click()
    saras.get_by_role("dialog").get_by_role("group", name="Calls").get_by_text("Take out").click()
    saras.get_by_role("dialog").get_by_role("button", name="Change queues").click()

    outcomes = saras.locator("#dialog-outcomes")
    expect(outcomes).to_contain_text("Done for 1 of 2 agents.")
    expect(outcomes.locator('[data-code="last_member"]')).to_contain_text("Boris Test is the last member of Calls")
    outcomes.get_by_role("button", name="Close").last.click()
    expect(saras.locator(f"#row-{floor.ana.pk}")).not_to_contain_text("Calls")


def test_search_order_and_the_open_agent_stay_in_the_address(open_page: People, floor: Floor) -> None:
    saras = open_page(floor.sara, URL)

    saras.get_by_label("Search by name").fill("test")
    saras.keyboard.press("Enter")
    expect(saras).to_have_url(re.compile(r"/agents/\?q=test$"))
    saras.get_by_role("link", name="Capacity").click()
    expect(saras).to_have_url(re.compile(r"/agents/\?q=test&sort=-load$"))
    saras.get_by_role("link", name="Cene Test").click()
    expect(saras.locator("#panel-agent")).to_contain_text("Presence history")

    expect(saras).to_have_url(re.compile(rf"/agents/\?q=test&sort=-load&open={floor.cene.pk}$"))
    saras.reload()
    expect(saras.locator("#panel-name")).to_have_text("Cene Test")
    expect(saras.get_by_label("Search by name")).to_have_value("test")


def test_it_works_without_a_script(open_page: People, floor: Floor) -> None:
    saras = open_page(floor.sara, URL, java_script_enabled=False)

    select(saras, "Ana Test", "Cene Test")
    saras.get_by_role("button", name="Set presence", exact=True).click()
    saras.get_by_label("Do not disturb").check()
    saras.get_by_role("button", name="Set presence", exact=True).click()

    expect(saras).to_have_url(re.compile(r"/agents/$"))
    expect(saras.locator("main, .toasts").first).to_be_visible()
    for agent in (floor.ana, floor.cene):
        expect(saras.locator(f"#row-{agent.pk}")).to_contain_text("Do not disturb")


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    open_page: People, floor: Floor, size: tuple[int, int], theme: str
) -> None:
    floor.cene.user.first_name, floor.cene.user.last_name = LONG.split()
    floor.cene.user.save()
    for name in ("Contracts of public institutions", "Payments from abroad", "Returns of what was damaged"):
        skill = Skill.objects.create(type="Knowledge", name=name)
        AgentSkill.objects.create(agent=floor.cene, skill=skill, proficiency=5)
    set_presence(floor.ana, BasePresence.AWAY)
    floor.active(by=floor.ana)
    page = open_page(floor.sara, size=size, color_scheme=theme)

    for where in (URL, f"{URL}{floor.ana.pk}/", "presence", "queues"):
        if where.startswith("/"):
            page.goto(where)
        else:
            page.goto(f"{URL}{floor.ana.pk}/")
            page.locator(f'[data-name="{where}"]').click()
            expect(page.get_by_role("dialog")).to_be_visible()
        assert barriers(page) == {}, where
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


def test_a_presence_that_is_held_is_reset_from_the_desk_and_by_a_supervisor(open_page: People, floor: Floor) -> None:
    away = Presence.objects.get(code="away").pk
    anas = open_page(floor.ana.user, "/desk/")
    is_live(anas)
    stay(anas)

    presence.set_presence(actor_of(floor.sara), floor.ana.pk, presence_id=away)
    expect(anas.locator("#desk-held")).to_contain_text("Sara Test set your presence to Away.")
    anas.locator("#desk-held").get_by_role("button", name="Reset presence").click()
    expect(anas.locator("#desk-held")).to_have_count(0)
    expect(anas.locator("#desk-me")).to_contain_text("Available")

    presence.set_presence(actor_of(floor.sara), floor.ana.pk, presence_id=away)
    expect(anas.locator("#desk-held")).to_contain_text("Sara Test set your presence to Away.")
    saras = open_page(floor.sara, URL)
    select(saras, "Ana Test", "Boris Test")
    saras.get_by_role("button", name="Reset presence", exact=True).click()
    saras.get_by_role("dialog").get_by_role("button", name="Reset presence", exact=True).click()
    outcomes = saras.locator("#dialog-outcomes")
    expect(outcomes).to_contain_text("Done for 1 of 2 agents.")
    expect(outcomes).to_contain_text("Boris Test is Available, as their work has it.")
    expect(anas.locator("#desk-held")).to_have_count(0)
    # Not the last one: what the test's own process announced comes through the outbox, later than what a page did.
    expect(anas.locator(".toast", has_text="Sara Test reset your presence.")).to_be_visible()
    assert has_stayed(anas)
    saras_row = saras.locator(f"#row-{floor.ana.pk}")
    expect(saras_row).to_contain_text("System, reset by Sara Test")
