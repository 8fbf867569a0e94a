"""What does each of many places say? Made once for what it says now; what it said before is forgotten.

A cache by what is said, as ``lru_cache`` is one, keeps all that was ever said until it is full: on a floor on which two
things a second happen, it filled the memory over a shift with what nobody asks for again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """What was made for the places that were asked for last, at most so many of them. For any number of threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[object, tuple[object, T]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._found)

    def of(self, where: object, words: object, make: Callable[[], T]) -> T:
        """What was made for this place and these words; made now where the place said something else, or nothing."""
        with self._lock:
            found = self._found.get(where)
            if found is not None and found[0] == words:
                self._found.move_to_end(where)
                return found[1]
        made = make()
        with self._lock:
            self._found[where] = words, made
            self._found.move_to_end(where)
            if len(self._found) > self._most:
                self._found.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()
