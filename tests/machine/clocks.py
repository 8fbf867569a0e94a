"""How long did customers wait, and people work? Measured with a stopwatch from outside (domain.md M1, M21).

Nothing of the product is asked but in which phase each conversation is: wait runs from when it is first open until a
person first talks in it, handle time while a person talks or wraps up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.machine.picture import Chat, Picture


@dataclass(slots=True)
class Stopwatch:
    """What was measured of one conversation."""

    looked_at: datetime
    runs: bool = False
    handled: timedelta = timedelta(0)
    waits_since: datetime | None = None
    accepted_at: datetime | None = None


class Clocks:
    """A stopwatch for each conversation."""

    def __init__(self) -> None:
        self._watches: dict[int, Stopwatch] = {}

    def faults(self, picture: Picture, now: datetime) -> list[str]:
        """Look at every conversation, and compare what was measured with what the product says."""
        return [fault for chat in picture.chats.values() for fault in self._look(chat, picture.bots, now)]

    def _look(self, chat: Chat, bots: set[str], now: datetime) -> list[str]:
        watch = self._watches.setdefault(chat.pk, Stopwatch(now))
        has_person = chat.agent not in bots
        if watch.runs:
            watch.handled += now - watch.looked_at
        watch.looked_at = now
        watch.runs = chat.phase in ("in_conversation", "wrap_up") and has_person
        if chat.phase == "open" and watch.waits_since is None:
            watch.waits_since = now
        if chat.phase == "in_conversation" and has_person and watch.accepted_at is None:
            watch.accepted_at = now
        since = chat.row["handling_since"]
        said = {
            "handled": chat.row["handled"] if since is None else now - since,
            "wait began": chat.row["first_wait_started_at"],
            "accepted": chat.row["accepted_at"],
        }
        measured = {"handled": watch.handled, "wait began": watch.waits_since, "accepted": watch.accepted_at}
        return [
            f"conversation {chat.pk} says {what} {said[what]}, measured {measured[what]}"
            for what in said
            if said[what] != measured[what]
        ]
