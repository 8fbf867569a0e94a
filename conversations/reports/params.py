"""What does an address say? Reads query parameters, and remembers what meant nothing instead of pretending."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

SEARCH_MAX = 100

Pairs = list[tuple[str, str]]
T = TypeVar("T")
E = TypeVar("E", bound=Enum)


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something in the address that means nothing."""

    name: str
    value: str


class Params:
    """The parameters of an address; each is taken once, what nobody took or understood is ``ignored``."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._left = {name: list(found) for name, found in values.items()}
        self.ignored: list[Ignored] = []

    def ignore(self, name: str, value: str) -> None:
        """Remember that this meant nothing."""
        self.ignored.append(Ignored(name, value))

    def many(self, name: str, understand: Callable[[str], T | None]) -> list[T]:
        """Every value that can be understood, in order; an empty one counts as absent."""
        found = []
        for value in filter(None, self._left.pop(name, [])):
            meaning = understand(value)
            if meaning is None:
                self.ignore(name, value)
            else:
                found.append(meaning)
        return found

    def one(self, name: str, understand: Callable[[str], T | None], default: T) -> T:
        """The last value, if it can be understood."""
        *superseded, last = [value for value in self._left.pop(name, []) if value] or [""]
        for value in superseded:
            if value != last:
                self.ignore(name, value)
        meaning = understand(last) if last else None
        if meaning is None and last:
            self.ignore(name, last)
        return default if meaning is None else meaning

    def text(self, name: str) -> str:
        """A search; what is beyond its greatest length is ignored."""
        plain = one_line(self.one(name, str, ""))
        if len(plain) > SEARCH_MAX:
            self.ignore(name, plain[SEARCH_MAX:])
        return clean_search(plain)

    def finish(self) -> tuple[Ignored, ...]:
        """Ignore every parameter that nobody asked for, and return all that was ignored."""
        for name, values in self._left.items():
            for value in values:
                self.ignore(name, value)
        self._left = {}
        return tuple(self.ignored)


def one_line(text: str) -> str:
    """Without control characters and half surrogates, and with single spaces."""
    return " ".join("".join(" " if unicodedata.category(sign) in {"Cc", "Cs"} else sign for sign in text).split())


def clean_search(text: str) -> str:
    """A search as it is kept."""
    return one_line(text)[:SEARCH_MAX].rstrip()


def member(kind: type[E]) -> Callable[[str], E | None]:
    """Understands the values of an enumeration."""
    return {str(one.value): one for one in kind}.get


def number(text: str) -> int | None:
    """Understands a positive whole number that may be an id: plain digits, no more than a database takes."""
    return int(text) if text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= 18 else None
