"""Does the README name what there is? Paths, names in them, commands, rooms, components and hooks."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMPONENTS = ROOT / "templates" / "components"
CONTRACT = (COMPONENTS / "README.md").read_text()
FOLDERS = ("", "conversations", "routing", "supervisor_console")
"""Where a path may begin: the README leaves out the app where it is plain."""

ELSEWHERE = {"domain.md"}
"""Kept beside this repository."""

PATHS = sorted(set(re.findall(r"`(\w[\w/.]*(?:\.(?:py|js|md|txt|toml|yaml|html)|/)(?:: \w+)?)`", README)) - ELSEWHERE)
PARTS = {"_alerts.html", "_head.html", "_shortcuts.html", "_toasts.html"}
"""Parts of the page itself, in the same folder; no page includes them."""


def test_the_readers_of_this_module_find_something() -> None:
    assert len(PATHS) > 40


@pytest.mark.parametrize("named", PATHS)
def test_what_is_named_is_there(named: str) -> None:
    path, _, name = named.partition(": ")
    found = [ROOT / folder / path for folder in FOLDERS if (ROOT / folder / path).exists()]
    found += list((ROOT / "conversations").glob(f"*/{path}"))

    assert found, f"{path} is not there"
    assert not name or any(re.search(rf"\b{name}\b", file.read_text()) for file in found)


def test_the_commands_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = {path.stem for path in ROOT.glob("*/management/commands/[a-z]*.py")}
    modules = set(re.findall(r"python -m ((?:tests|benchmarks)[\w.]*)", README))

    assert set(re.findall(r"`make ([a-z-]+)", README)) <= targets
    assert set(re.findall(r"manage\.py (\w+) ", README)) - {"migrate", "collectstatic", "check"} <= commands
    assert all(
        (ROOT / name.replace(".", "/")).exists() or (ROOT / f"{name.replace('.', '/')}.py").exists() for name in modules
    )


def test_the_rooms_are_those_that_the_contract_orders() -> None:
    block = re.search(r"\n    (apps admin urls > .*?\n.*?)\n\n", README)
    assert block is not None
    told = re.findall(r"\w+", block[1])
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["name"] == "The rooms of an app import downwards")
    rooms = [room for layer in layers for room in re.findall(r"\w+", layer)]
    there = {path.stem for app in ("conversations", "routing") for path in (ROOT / app).iterdir()}

    assert told == [room for room in rooms if room in there]


def test_the_list_of_components_is_whole() -> None:
    there = {path.name for path in COMPONENTS.glob("_*.html")}
    includes = set(re.findall(r"^\| `(_\w+\.html)`", CONTRACT, re.MULTILINE))
    tags = {f"_{name}.html" for name in re.findall(r"`{% (\w+)", CONTRACT)}

    assert includes <= there
    assert there <= includes | tags | PARTS


def test_the_hooks_are_heard() -> None:
    heard = "".join(path.read_text() for kind in ("js", "css") for path in (ROOT / "static" / kind).iterdir())
    pages = "".join(path.read_text() for path in (ROOT / "templates").rglob("*.html"))
    tags = (ROOT / "supervisor_console" / "templatetags" / "ui.py").read_text()
    rows = CONTRACT.split("## Hooks")[1].split("\n## ")[0]
    hooks = set(re.findall(r"`(data-[a-z-]+)", rows))

    def is_heard(hook: str) -> bool:
        camel = re.sub(r"-(\w)", lambda letter: letter[1].upper(), hook.removeprefix("data-"))
        return hook in heard or re.search(rf"\b{camel}\b", heard) is not None

    assert len(hooks) > 30
    assert not {hook for hook in hooks if not is_heard(hook)}
    assert not {hook for hook in hooks if hook not in pages + tags}
