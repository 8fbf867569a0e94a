"""Lengths of time are read as people write them, and written as short as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor_console.kernel.spans import seconds_in, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (150, "2 min 30 s"), (1200, "20 min"), (7200, "2 h"), (90_000, "1 d 1 h")],
)
def test_a_span_is_written_with_the_largest_units(seconds: int, text: str) -> None:
    assert span(seconds) == text


@given(st.integers(min_value=0, max_value=10**9))
def test_what_is_written_reads_as_the_same(seconds: int) -> None:
    assert seconds_in(span(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("2m30", 150), (" 2 MIN  30 sec ", 150), ("1 day 2 hours", 93_600), ("1h30min", 5400), ("0 s", 0)],
)
def test_people_may_write_it_in_their_way(text: str, seconds: int) -> None:
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "  ", "soon", "-5 min", "2 weeks", "1.5 h", "h", "5 min later", "1" * 41])
def test_anything_else_is_no_length_of_time(text: str) -> None:
    assert seconds_in(text) is None
