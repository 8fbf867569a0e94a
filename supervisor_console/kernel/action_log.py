"""What is written to the log of an action? One line: what was done, by whom, to what, what came of it, and how long.

Codes and ids only. What people wrote, what they are called and what they proved themselves with is never among it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

from django.db import OperationalError

from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import BUSY, ActionRefused, ConfirmationNeeded
from supervisor_console.kernel.events import Event
from supervisor_console.kernel.locking import is_lock_timeout

logger = logging.getLogger("supervisor_console.actions")

DONE, NOTHING, REFUSED, UNCONFIRMED, FAILED = "done", "nothing", "refused", "unconfirmed", "failed"
LEVELS = {FAILED: logging.WARNING, NOTHING: logging.DEBUG}
"""Background work often looks and finds nothing to do; everything else is worth a line."""


class Line:
    """The line of one action under way."""

    def __init__(self, action: str, asked: Mapping[str, Any]) -> None:
        self.action = action
        self.actor = _who(asked.get("actor"))
        self.conversation = asked.get("conversation_id")
        self.outcome, self.code = NOTHING, ""
        self.started = time.perf_counter()

    def came(self, outcome: object) -> None:
        """What the action returned."""
        if isinstance(outcome, Event):
            self.actor = _who(outcome.actor)
            self.conversation = getattr(outcome, "conversation_id", self.conversation)
            self.code = outcome.code
        self.outcome = NOTHING if outcome is None else DONE

    def failed(self, error: BaseException) -> None:
        """What the action raised."""
        if isinstance(error, ActionRefused):
            self.outcome, self.code = REFUSED, error.refusal.code
        elif isinstance(error, ConfirmationNeeded):
            self.outcome, self.code = UNCONFIRMED, ",".join(caution.code for caution in error.cautions)
        elif isinstance(error, OperationalError) and is_lock_timeout(error):
            self.outcome, self.code = REFUSED, BUSY.code
        else:
            self.outcome, self.code = FAILED, type(error).__name__

    def write(self) -> None:
        """Write it."""
        logger.log(
            LEVELS.get(self.outcome, logging.INFO),
            "action=%s outcome=%s code=%s conversation=%s actor=%s ms=%.1f",
            self.action,
            self.outcome,
            self.code or "-",
            self.conversation or "-",
            self.actor,
            (time.perf_counter() - self.started) * 1000,
        )


def _who(actor: object) -> str:
    if not isinstance(actor, Actor):
        return "-"
    known = actor.user_id if actor.user_id is not None else actor.customer_id
    return actor.kind.value if known is None else f"{actor.kind.value}:{known}"


def lines_of(
    service: Callable[..., Any],
) -> Callable[[Sequence[Any], Mapping[str, Any]], contextlib.AbstractContextManager[Line]]:
    """Makes the lines of one service: for these arguments, a block that writes one when it ends, however it ends."""
    action = f"{service.__module__.replace('.services.', '.')}.{service.__name__}"
    names = tuple(signature(service).parameters)

    @contextlib.contextmanager
    def line_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Line]:
        line = Line(action, {**dict(zip(names, args, strict=False)), **kwargs})
        try:
            yield line
        except BaseException as error:
            line.failed(error)
            raise
        finally:
            line.write()

    return line_of
