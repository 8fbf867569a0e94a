"""What everything that runs in an event loop shares: work for a thread, and what each loop has one of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do this in a thread, on a database connection that is given back afterwards.

    In any thread: those who ask for the one that is shared wait for each other (platform.md 4).
    """
    return await database_sync_to_async(work, thread_sensitive=False)(*args, **kwargs)


class OnePerLoop(Generic[T]):
    """Something of which each event loop has its own; called, it gives that of the running one."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = self._make()
        return self._made[loop]
