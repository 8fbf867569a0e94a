"""How does a log record become exactly one line, whatever text it carries?"""

import logging
from datetime import UTC, datetime


class OneLineFormatter(logging.Formatter):
    """Time in UTC, level, logger, message; line breaks (and so tracebacks) are written as `\\n`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  The name is logging's.
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")
