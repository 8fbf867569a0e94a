"""How long is «2 h 30 min»? Lengths of time as people write and read them; the numbers are seconds."""

from __future__ import annotations

import re
from typing import Final

UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
"""The signs of the units, which are the same in every language, and their seconds."""

_PART = re.compile(r"\s*(\d+)\s*(days?|d|hours?|h|minutes?|mins?|m|seconds?|secs?|s)?\s*", re.IGNORECASE)
LONGEST: Final = 40
"""Characters: whoever needs more means something else."""
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def span(seconds: int) -> str:
    """The shortest way to write a length of time: 150 is «2 min 30 s»."""
    parts = []
    rest = seconds
    for sign, size in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {sign}")
    return " ".join(parts) or "0 s"


def seconds_in(text: str) -> int | None:
    """The seconds of «2 min 30 s», «2m30», «90» (a number alone means seconds); None where it is no length of time."""
    total, at, text = 0, 0, text.strip()
    if len(text) > LONGEST:
        return None
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            return None
        number, unit = part.groups()
        total += int(number) * _SECONDS[unit[0].lower() if unit else "s"]
        at = part.end()
    return total if text else None
