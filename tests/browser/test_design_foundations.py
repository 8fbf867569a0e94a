"""Do colours, symbols and the pages at the door hold what the design promises?"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from supervisor_console.templatetags import ui
from tests.browser.barriers import barriers
from tests.browser.conftest import People

ROOT = Path(__file__).resolve().parents[2]
SIZES = [(1440, 900), (1024, 768), (390, 844)]
THEMES = ["light", "dark"]
AA = 4.5


def palette() -> dict[str, dict[str, str]]:
    """Each colour of the tokens with its value in both themes."""
    source = (ROOT / "static/css/tokens.css").read_text()
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", source)
    return {name: {"light": light, "dark": dark} for name, light, dark in found}


def luminance(colour: str) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


GROUNDS = ["bg", "surface", "raised", "sunk", "hover", "accent-soft"]
MEANINGS = ["good", "warn", "crit", "violet", "blue", "accent"]
TEXT_ON_GROUND = [
    *product(["ink", "ink-2", "ink-3"], GROUNDS),
    *product(MEANINGS, ["bg", "surface", "raised", "accent-soft"]),
    *((meaning, f"{meaning}-soft") for meaning in MEANINGS),
    *product(["ink-2", "ink-3"], [f"{meaning}-soft" for meaning in MEANINGS]),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("crit-ink", "crit-fill"),
]


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_tone_is_readable_on_every_ground_that_it_meets(theme: str) -> None:
    colours = palette()

    weak = {
        f"{text} on {ground}": round(ratio, 2)
        for text, ground in TEXT_ON_GROUND
        if (ratio := contrast(colours[text][theme], colours[ground][theme])) < AA
    }

    assert not weak


def named_symbols() -> set[str]:
    """Every symbol that a template, a script or a tag names."""
    markup = "\n".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    scripts = "\n".join(path.read_text() for path in (ROOT / "static/js").glob("*.js"))
    return {
        *re.findall(r'{% icon "([\w-]+)"', markup),
        *re.findall(r'\bicon="([\w-]+)"', markup),
        *re.findall(r'\bicon\("([\w-]+)"', scripts),
        *ui.STATUS_ICONS.values(),
        *ui.CHANNEL_ICONS.values(),
        *ui.LEVEL_ICONS.values(),
        *ui.MODE_ICONS.values(),
    }


def sources() -> Iterator[Path]:
    """Everything that may name a symbol."""
    yield from (ROOT / "templates").rglob("*.html")
    yield from (ROOT / "static/js").glob("*.js")
    for package in ("conversations", "routing", "supervisor_console"):
        yield from (ROOT / package).rglob("*.py")


def test_the_sprite_holds_every_symbol_that_is_named() -> None:
    sprite = set(re.findall(r'<symbol id="i-([\w-]+)"', (ROOT / "static/img/icons.svg").read_text()))

    assert len(named_symbols()) > 20
    assert not named_symbols() - sprite
    words = set(re.findall(r'"([a-z][a-z0-9-]*)"', "".join(path.read_text() for path in sources())))
    assert not sprite - words, "and none that nothing names"


def test_a_script_imports_only_what_the_import_map_names() -> None:
    head = (ROOT / "templates/components/_head.html").read_text()
    mapped = dict(re.findall(r'"(console/\w+)": "{% static "(js/\w+\.js)" %}"', head))
    imported = {
        name for path in (ROOT / "static/js").glob("*.js") for name in re.findall(r'"(console/\w+)"', path.read_text())
    }

    assert imported
    assert imported <= mapped.keys()
    assert all((ROOT / "static" / file).is_file() for file in mapped.values())


@pytest.mark.parametrize(("size", "theme"), list(product(SIZES, THEMES)))
@pytest.mark.parametrize("path", ["/login/", "/nothing-is-here/"])
def test_the_pages_at_the_door_fit_and_can_be_used_by_everybody(
    open_page: People, path: str, size: tuple[int, int], theme: str
) -> None:
    open_page.allow_errors("404")
    page = open_page(None, path, size=size, color_scheme=theme, bypass_csp=True)

    page.evaluate("document.fonts.ready")

    assert barriers(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.fonts.check('14px Inter')")


def test_a_failed_log_in_says_so_and_keeps_the_name(open_page: People) -> None:
    page = open_page(None, "/login/")

    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "not the password")
    page.keyboard.press("Enter")

    page.wait_for_selector("[data-code=login_failed]")
    assert page.input_value("[name=username]") == "nobody"
