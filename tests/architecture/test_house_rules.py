"""Do the rules of the house hold that a machine can read off the source? (Import directions: import-linter.)"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("supervisor_console", "routing", "conversations")
OUR_APPS = ("routing", "conversations")


@cache
def modules() -> list[tuple[str, ast.Module]]:
    """Every module of the product with its path; migrations tell of the past and are left out."""
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text()))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def places(wanted: Callable[[ast.AST], bool]) -> list[str]:
    """The paths of the modules in which something of the kind occurs, once for each time."""
    return [path for path, module in modules() for node in ast.walk(module) if wanted(node)]


def is_name(node: ast.AST, name: str) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == name) or (isinstance(node, ast.Name) and node.id == name)


def templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield path.relative_to(ROOT).as_posix(), path.read_text()


def lines_in_templates(pattern: str) -> list[str]:
    """Where a pattern occurs in the templates, comments of the template language left out."""
    comments = re.compile(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}", re.DOTALL)
    return [
        f"{path}: {found.group(0)[:80]}"
        for path, text in templates()
        for found in re.finditer(pattern, comments.sub("", text), re.IGNORECASE)
    ]


def test_the_readers_of_this_module_find_the_source() -> None:
    assert len(modules()) > 40
    assert len(list(templates())) > 10


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("on_commit", {"supervisor_console/kernel/realtime/announcing.py"}),
        # health.py asks whether Redis answers.
        ("group_send", {"supervisor_console/kernel/realtime/layer.py", "supervisor_console/health.py"}),
    ],
)
def test_pushing_happens_in_one_place(name: str, allowed: set[str]) -> None:
    found = set(places(lambda node: is_name(node, name)))

    assert found
    assert found <= allowed


def test_rows_are_locked_in_locks_only() -> None:
    found = set(places(lambda node: is_name(node, "select_for_update")))

    assert found
    assert all(path.endswith(("/locks.py",)) for path in found), found


def test_a_transaction_begins_in_an_action_only() -> None:
    found = set(places(lambda node: is_name(node, "atomic")))

    assert found == {"supervisor_console/kernel/realtime/announcing.py"}


def test_the_time_is_asked_of_one_clock() -> None:
    """One that was read elsewhere may be earlier than what is in the database, and the database refuses that."""
    asked = re.compile(r"timezone\.now\b|datetime\.now\(")
    found = {path for path, _module in modules() if asked.search((ROOT / path).read_text())}

    assert found == {"supervisor_console/kernel/clock.py", "routing/models/agent.py"}


def test_only_services_are_actions() -> None:
    def is_action(node: ast.AST) -> bool:
        return isinstance(node, ast.FunctionDef) and any(
            isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "action"
            for mark in node.decorator_list
        )

    found = set(places(is_action))

    assert found
    assert all("/services/" in path for path in found), found


def test_models_are_not_ordered_behind_the_reader_s_back() -> None:
    models = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]

    assert models
    assert [model.__name__ for model in models if model._meta.ordering] == []


def test_every_module_says_which_question_it_answers() -> None:
    silent = [path for path, module in modules() if module.body and ast.get_docstring(module) is None]

    assert silent == []


@pytest.mark.parametrize(
    "pattern",
    [
        r"\sstyle\s*=",
        r"<style\b",
        r"\son[a-z]+\s*=\s*[\"']",
        r"\shx-on\b",
        r"[\"']\s*js:",
        r"javascript:",
        r"<script\b(?![^>]*\b(?:src|nonce)=)[^>]*>",
    ],
)
def test_templates_hold_nothing_that_the_content_security_policy_refuses(pattern: str) -> None:
    assert lines_in_templates(pattern) == []


def test_templates_load_nothing_from_elsewhere() -> None:
    assert lines_in_templates(r"\b(?:src|href|action|hx-get|hx-post)\s*=\s*[\"'](?:https?:)?//[^\"']*") == []


def test_no_template_prints_what_was_not_escaped() -> None:
    assert lines_in_templates(r"\|\s*(?:safe|safeseq)\b|{%-?\s*autoescape") == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        # What was rendered with escaping, a line break, and texts of the product, escaped by hand.
        (
            "mark_safe",
            {
                "conversations/admin/floor.py",
                "conversations/templatetags/report.py",
                "supervisor_console/templatetags/ui.py",
            },
        ),
        ("csrf_exempt", set()),
        ("raw", set()),
        ("extra", set()),
    ],
)
def test_what_goes_past_a_protection_is_called_in_few_places(name: str, allowed: set[str]) -> None:
    calls = places(lambda node: isinstance(node, ast.Call) and is_name(node.func, name))
    decorators = places(
        lambda node: isinstance(node, ast.FunctionDef) and any(is_name(one, name) for one in node.decorator_list)
    )

    assert {*calls, *decorators} == allowed


def test_a_script_makes_elements_of_text_in_one_place_only() -> None:
    """Of a frame that the server rendered (live.js); everything else is set as text."""
    pattern = re.compile(r"\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc")
    scripts = sorted((ROOT / "static" / "js").glob("*.js"))

    assert len(scripts) > 10
    assert [path.name for path in scripts for _found in pattern.finditer(path.read_text())] == ["live.js"]


def test_every_form_that_posts_carries_its_token() -> None:
    forms = re.compile(r"<form\b[^>]*method=[\"']?post.*?</form>", re.IGNORECASE | re.DOTALL)
    bare = [
        f"{path}: {form.group(0)[:80]}"
        for path, text in templates()
        for form in forms.finditer(text)
        if "csrf_token" not in form.group(0)
    ]

    assert bare == []
