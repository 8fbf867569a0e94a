"""The source is read once for all these tests, and forgotten after them: its trees are large."""

from collections.abc import Iterator

import pytest

from tests.architecture import test_house_rules


@pytest.fixture(scope="package", autouse=True)
def source_is_forgotten() -> Iterator[None]:
    yield
    test_house_rules.modules.cache_clear()
