"""Does every protection that is taken out for a try still stand where it is looked for, and its test with it?"""

from __future__ import annotations

import pytest

from tests.access.protections import PROTECTIONS, Protection
from tests.servers import ROOT


@pytest.mark.parametrize("one", PROTECTIONS, ids=lambda one: one.name)
def test_a_protection_is_where_it_is_looked_for(one: Protection) -> None:
    source = (ROOT / one.file).read_text()

    assert one.taken_out(source) != source
    for test in one.test.split():
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text()
