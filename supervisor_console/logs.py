"""How does a log record become exactly one line, whatever text it carries, and without what people wrote?"""

import logging
import re
from datetime import UTC, datetime

from supervisor_console.kernel.requests import id_of, request_id

ROW_IN_ERROR = re.compile(r"^\s*DETAIL:.*$|^\s*(?:CONTEXT|PARAMETERS?):.*$", re.MULTILINE)
"""Where PostgreSQL repeats a row or a value in the text of an error: a customer's words may stand in it."""


class OneLineFormatter(logging.Formatter):
    """Time in UTC, level, logger, message, request; line breaks (and so tracebacks) are written as `\\n`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  The name is logging's.
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  The name is logging's.
        name = request_id() or id_of(getattr(record, "request", None))
        return super().formatMessage(record) + (f" request={name}" if name else "")

    def format(self, record: logging.LogRecord) -> str:
        line = ROW_IN_ERROR.sub("DETAIL: not written here", super().format(record))
        return line.replace("\r", "\\r").replace("\n", "\\n")
