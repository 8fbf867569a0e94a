"""Who comes in, who is there, and who may not stay? Asked together for all sockets of a process.

After a restart a thousand consoles come back in the same moment: who they are is read for all who wait at once. A
person who signs out, is deactivated, gets another password, another role or other queues meanwhile is asked to come
back; what they may hear then, the way in decides. The look reads what is in force and waits for no announcement: it
makes no difference who changed it, and on which way.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import chain

from django.contrib.sessions.models import Session

from conversations.services import supervision
from routing import selectors as routing_selectors
from routing.models import User
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.loops import OnePerLoop, in_thread

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.5
"""Seconds between two looks."""

NOTE_EVERY = 10
"""Seconds between two notes that these people's consoles are there (a monitor is lost after 30, domain.md 3.3)."""

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
    """The guests of one process (one event loop), and who waits to become one."""

    def __init__(self) -> None:
        self._guests: set[Guest] = set()
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[int, list[asyncio.Future[Actor | None]]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._noted_at = -math.inf

    async def actor_of(self, user_id: int) -> Actor | None:
        """Who a person is now, read with all others who wait; None for nobody, or nobody any more."""
        answer: asyncio.Future[Actor | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(user_id, []).append(answer)
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        return await answer

    def enter(self, guest: Guest) -> None:
        """A socket opened."""
        self._guests.add(guest)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def leave(self, guest: Guest) -> None:
        """A socket closed."""
        self._guests.discard(guest)

    async def _read(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                found = await in_thread(actors_of, frozenset(waiting))
            except Exception as error:
                for answer in chain.from_iterable(waiting.values()):
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for user_id, answers in waiting.items():
                for answer in answers:
                    if not answer.done():  # Who went away meanwhile waits for nothing.
                        answer.set_result(found.get(user_id))

    async def _watch(self) -> None:
        while self._guests:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._note()
                changed = await in_thread(not_as_they_came, frozenset(self._guests))
            except Exception:
                logger.exception("Who may listen could not be read; trying again")
                continue
            for guest in changed & self._guests:
                self._guests.discard(guest)
                guest.ask_back()
                await asyncio.sleep(PACE)

    async def _note(self) -> None:
        if time.monotonic() - self._noted_at >= NOTE_EVERY:
            people = frozenset(guest.user_id for guest in self._guests)
            await in_thread(supervision.seen, people, now=clock.now())
            self._noted_at = time.monotonic()


def actors_of(user_ids: Collection[int]) -> dict[int, Actor]:
    """Who these people are now; who is not active, or has to set up a second factor first, is nobody."""
    lacking = routing_selectors.lacking_second_factor(user_ids)
    people = User.objects.filter(pk__in=user_ids, is_active=True).exclude(pk__in=lacking)
    return routing_selectors.actors_for(people)


def not_as_they_came(guests: Collection[Guest]) -> set[Guest]:
    """Those whose session, password, roles or queues are not what they were, or who lack a second factor now."""
    people = User.objects.in_bulk({guest.user_id for guest in guests})
    lacking = routing_selectors.lacking_second_factor(people)
    actors = routing_selectors.actors_for(people.values())
    keys = {guest.session_key for guest in guests if guest.session_key is not None}
    valid = Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now())
    sessions = {None, *valid.values_list("session_key", flat=True)}
    return {
        guest
        for guest in guests
        if guest.session_key not in sessions
        or guest.user_id in lacking
        or actors.get(guest.user_id) != guest.actor
        or people[guest.user_id].password != guest.password
    }


door = OnePerLoop(Door)
"""The door of the running event loop."""
