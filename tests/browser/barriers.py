"""What keeps people out of a page, as far as a machine can find it?"""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AT_REST = """() => Promise.all(
  document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => {})),
)"""


def barriers(page: Page, within: str | None = None) -> dict[str, list[Any]]:
    """What axe finds, each rule with the elements that break it; nothing moves meanwhile, for what fades is pale."""
    page.emulate_media(reduced_motion="reduce")
    page.evaluate(AT_REST)
    found = Axe().run(page, context=within).response["violations"]
    return {one["id"]: [node["target"] for node in one["nodes"]] for one in found}
