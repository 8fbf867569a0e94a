"""Does every protection that is taken out for a try still stand where it is looked for, and its test with it?"""

from __future__ import annotations

import pytest

from tests.access import page
from tests.access.protections import PROTECTIONS, Protection
from tests.servers import ROOT


@pytest.mark.parametrize("one", PROTECTIONS, ids=lambda one: one.name)
def test_a_protection_is_where_it_is_looked_for(one: Protection) -> None:
    source = (ROOT / one.file).read_text()

    assert one.taken_out(source) != source
    for test in one.test.split():
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text()


def test_the_page_shows_the_addresses_as_they_are() -> None:
    assert page.part("addresses") == page.addresses(), "python -m tests.access.page writes them anew"


def test_the_page_shows_what_was_tried() -> None:
    shown = [line.split(" | ")[0].removeprefix("| ") for line in page.part("protections")[2:]]

    assert shown == [one.name for one in PROTECTIONS], "python -m tests.access.protections --write tries them anew"
    assert "**none**" not in page.PAGE.read_text()
