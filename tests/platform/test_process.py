"""How does a process that stays begin?"""

import gc
import os
import platform
import subprocess
import sys
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


BURST = """
import sys
from supervisor_console.memory import give_back

def used():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 // 1_000_000

if sys.argv[1] == "settled":
    give_back()
before, kept = used(), []
frames = []
for number in range(500):
    frames.append(b"." * 100_000)
    kept.append(b"." * 3_000)
high = used()
del frames
print(high - before, used() - before)
"""
"""A report for each of 500 consoles, and meanwhile some rows that are kept."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only there memory is given back by what we ask")
def test_what_a_burst_took_is_given_back_although_something_was_kept_meanwhile() -> None:
    def after(how: str) -> tuple[int, int]:
        """Megabytes more than before, at the height of the burst and when it is over."""
        told = subprocess.run(
            [sys.executable, "-c", BURST, how], capture_output=True, check=True, text=True, env=dict(os.environ)
        )
        high, low = told.stdout.split()
        return int(high), int(low)

    high, low = after("settled")
    assert high > 45
    assert low < 10

    assert min(after("as it is")) > 45, "the control: without that, all of it stays"
