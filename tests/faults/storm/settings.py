"""Settings of the processes in the storm: one address starts all the chats, and their machine's clock can be set.

How many seconds it is set ahead is in the file that CLOCK_FILE names, if there is one.
"""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from tests.settings import *  # noqa: F403

CHAT_STARTS_PER_ADDRESS = 100_000

_now, _time = timezone.now, time.time


def _ahead() -> float:
    try:
        return float(Path(os.environ["CLOCK_FILE"]).read_text())
    except (FileNotFoundError, KeyError, ValueError):
        return 0.0


def _set_now() -> datetime:
    return _now() + timedelta(seconds=_ahead())


timezone.now = _set_now
time.time = lambda: _time() + _ahead()
