"""What is the same on every page is rendered once, and knows nothing of the person for whom it was."""

from __future__ import annotations

from django.template import Context, Template
from django.utils import translation

TEMPLATE = """{% load i18n ui %}{% once is_agent %}{% translate "Close" %}|{{ is_agent }}|{{ name }}{% endonce %}"""


def test_it_is_rendered_for_each_language_and_value() -> None:
    template = Template(TEMPLATE)
    with translation.override("en"):
        assert template.render(Context({"is_agent": True})) == "Close|True|"
        assert template.render(Context({"is_agent": False})) == "Close|False|"
    with translation.override("de"):
        assert template.render(Context({"is_agent": True})) == f"{translation.gettext('Close')}|True|"
        assert translation.gettext("Close") != "Close"


def test_nothing_that_is_not_named_is_kept_for_the_next_one() -> None:
    template = Template(TEMPLATE)
    assert template.render(Context({"is_agent": True, "name": "Sara"})) == "Close|True|"
    assert template.render(Context({"is_agent": True, "name": "Tom"})) == "Close|True|"


def test_a_name_that_is_missing_is_empty() -> None:
    assert Template(TEMPLATE).render(Context({})) == "Close||"
