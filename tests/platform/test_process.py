"""How does a process that stays begin?"""

import gc
from collections.abc import Iterator

import pytest

from supervisor_console import process


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_stays_is_not_looked_through_again_and_again(collector: None) -> None:
    before = len(gc.get_objects())

    process.settle()

    assert gc.get_freeze_count() > before // 2
    assert len(gc.get_objects()) < before // 10
