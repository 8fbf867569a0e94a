"""Who has a socket open and may not have it any more? One look for all of a process, every moment.

A person who signs out, is deactivated, gets another password, another role or other queues meanwhile is asked to come
back; what they may hear then, the way in decides. The look reads what is in force and waits for no announcement: it
makes no difference who changed it, and on which way.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.utils import timezone

from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.loops import OnePerLoop, in_thread

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.5
"""Seconds between two looks."""

PACE = 0.005
"""Seconds between two who are asked to come back: what changes a role changes many at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """One socket: who it was opened for, with which session and password, and how it is asked to come back."""

    actor: Actor
    session_key: str | None
    password: str
    ask_back: Callable[[], None]

    @property
    def user_id(self) -> int:
        """Every guest is a person."""
        assert self.actor.user_id is not None
        return self.actor.user_id


class Door:
    """The guests of one process (one event loop)."""

    def __init__(self) -> None:
        self._guests: set[Guest] = set()
        self._task: asyncio.Task[None] | None = None

    def enter(self, guest: Guest) -> None:
        """A socket opened."""
        self._guests.add(guest)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def leave(self, guest: Guest) -> None:
        """A socket closed."""
        self._guests.discard(guest)

    async def _watch(self) -> None:
        while self._guests:
            await asyncio.sleep(LOOK_EVERY)
            try:
                changed = await in_thread(not_as_they_came, frozenset(self._guests))
            except Exception:
                logger.exception("Who may listen could not be read; trying again")
                continue
            for guest in changed & self._guests:
                self._guests.discard(guest)
                guest.ask_back()
                await asyncio.sleep(PACE)


def not_as_they_came(guests: Collection[Guest]) -> set[Guest]:
    """Those whose session, password, roles or queues are not what they were when the socket opened."""
    people = User.objects.in_bulk({guest.user_id for guest in guests})
    actors = routing_selectors.actors_for(people.values())
    keys = {guest.session_key for guest in guests if guest.session_key is not None}
    valid = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = {None, *valid.values_list("session_key", flat=True)}
    return {
        guest
        for guest in guests
        if guest.session_key not in sessions
        or actors.get(guest.user_id) != guest.actor
        or people[guest.user_id].password != guest.password
    }


door = OnePerLoop(Door)
"""The door of the running event loop."""
