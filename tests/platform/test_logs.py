"""Is a log record one line, whatever it says?"""

import logging
import sys

from supervisor_console.logs import OneLineFormatter


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("console", logging.WARNING, __file__, 1, message, None, None)


def test_a_line_break_in_a_message_forges_no_second_record() -> None:
    line = OneLineFormatter().format(record("no such name: bob\r\n2026-01-01 INFO django: all is well"))

    assert len(line.splitlines()) == 1
    assert "bob\\r\\n2026" in line


def test_a_traceback_stays_on_the_line_of_its_record() -> None:
    failed = record("it failed")
    try:
        raise ValueError("why")
    except ValueError:
        failed.exc_info = sys.exc_info()

    line = OneLineFormatter().format(failed)

    assert len(line.splitlines()) == 1
    assert "ValueError: why" in line


def test_the_time_of_a_record_is_written_in_utc() -> None:
    timed = record("hello")
    timed.created = 0.25

    assert OneLineFormatter().format(timed).startswith("1970-01-01T00:00:00.250+00:00 WARNING console: hello")
