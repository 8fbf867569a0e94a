"""Which processes do the background work, and how are they? Each writes one row every few seconds.

A process that ends in order takes its row with it; one that was killed leaves it behind, and it grows old.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from datetime import timedelta

from supervisor_console.kernel import clock
from supervisor_console.models import Heartbeat

logger = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
"""How often a process writes its row: one statement."""

SILENT_SECONDS = 30
"""A process that has not written for so long is taken for dead."""

KEEP = timedelta(hours=1)
"""How long the row of a process that was killed is kept."""

PRUNE_SECONDS = 60.0
ERROR_MAX = 300

SERVE, WORK = "serve", "work"
"""What a process is: a server that does the background work too, or one that does nothing else."""


def this_process() -> str:
    """The name of this process: machine and process id (in a container the machine is the container)."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}"


def lives_here() -> bool:
    """Whether a process of this machine that does the background work gave a sign of life lately, and no error."""
    machine, _, _pid = this_process().rpartition(":")
    lately = clock.now() - timedelta(seconds=SILENT_SECONDS)
    return Heartbeat.objects.filter(process__startswith=f"{machine}:", at__gte=lately, error="").exists()


class Heart:
    """The signs of life of this process."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.process = this_process()
        self.started_at = clock.now()
        self._seconds = 0.0
        self._done = 0
        self._error = ""
        self._next = 0.0
        self._prune_next = 0.0

    def note(self, seconds: float, done: int, error: Exception | None = None) -> None:
        """Remember how a round went, until it is written."""
        self._seconds = max(self._seconds, seconds)
        self._done += done
        self._error = said(error) if error is not None else ""

    @property
    def is_due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() >= self._next

    def beat(self) -> None:
        """Write the row: the longest round and all that was done since the one before. What fails is logged."""
        self._next = time.monotonic() + EVERY_SECONDS
        try:
            now = clock.now()
            row = Heartbeat(
                process=self.process,
                kind=self.kind,
                started_at=self.started_at,
                at=now,
                seconds=self._seconds,
                done=self._done,
                error=self._error,
            )
            Heartbeat.objects.bulk_create(
                [row],
                update_conflicts=True,
                unique_fields=["process"],
                update_fields=["kind", "started_at", "at", "seconds", "done", "error"],
            )
            self._seconds, self._done = 0.0, 0
            if time.monotonic() >= self._prune_next:
                self._prune_next = time.monotonic() + PRUNE_SECONDS
                Heartbeat.objects.filter(at__lt=now - KEEP).delete()
        except Exception as error:
            logger.warning("The sign of life could not be written; trying again: %r", error)

    def stop(self) -> None:
        """Take the row away: this process ended in order."""
        try:
            Heartbeat.objects.filter(process=self.process).delete()
        except Exception as error:
            logger.warning("The sign of life could not be taken away, it will grow old: %r", error)


def said(error: BaseException) -> str:
    """An error in one line for administrators: its kind and its first line."""
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0]}"[:ERROR_MAX] if words else type(error).__name__
