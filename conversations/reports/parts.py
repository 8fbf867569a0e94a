"""What are pages put together from? The values that components print, at desk and console alike."""

from __future__ import annotations

from dataclasses import dataclass

from supervisor_console.kernel.errors import Refusal


@dataclass(frozen=True, slots=True)
class Button:
    """A verb as ``components/_button.html`` prints it; with a ``refusal`` it says why not."""

    verb: str
    label: str
    icon: str
    url: str
    kind: str = ""
    refusal: Refusal | None = None
    confirm: str = ""
    method: str = "post"


@dataclass(frozen=True, slots=True)
class ComposerMode:
    """Whom a line is for."""

    value: str
    label: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact as ``components/_facts.html`` prints it."""

    label: str
    value: str
    since: str = ""
    warn: int | str = ""
    urgent: int | str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Empty:
    """Why the list is empty, as ``components/_empty.html`` takes it."""

    icon: str
    title: str
    text: str = ""
    url: str = ""
    label: str = ""
    good: bool = False
