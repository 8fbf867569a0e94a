"""How does a log record become exactly one line, whatever text it carries?"""

import logging
import time


class OneLineFormatter(logging.Formatter):
    """Time in UTC, level, logger, message; line breaks (and so tracebacks) are written as `\\n`."""

    converter = time.gmtime

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")
