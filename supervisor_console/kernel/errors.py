"""How a service says no: a reason with a stable code, and an exception that carries it.

No exception here knows an HTTP status; ``kernel.web`` maps the kind to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Number = int | float | str
Numbers = Mapping[str, Number]


class Kind(StrEnum):
    """What sort of no it is."""

    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    INVALID = "invalid"
    BUSY = "busy"
    TOO_OFTEN = "too_often"


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code and a sentence that says what to do next.

    ``text`` is a lazy translation with ``%(name)s`` places; ``numbers`` fills them, so the sentence
    is made in the reader's language when it is shown.
    """

    code: str
    text: str | _StrPromise
    numbers: Numbers = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The sentence in the active language, with its numbers filled in."""
        return str(self.text % dict(self.numbers)) if self.numbers else str(self.text)

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Refusal(Reason):
    """Why an action cannot be done."""

    kind: Kind = Kind.CONFLICT

    __str__ = Reason.__str__


@dataclass(frozen=True, slots=True)
class Caution(Reason):
    """What must be confirmed before an action is done; ``numbers`` go into the history."""

    __str__ = Reason.__str__


class ConsoleError(Exception):
    """Base of everything a service raises on purpose."""


class ActionRefused(ConsoleError):
    """The action is not possible; nothing was changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


class Stale(ActionRefused):
    """The row changed after the actor saw it; ``refusal`` tells what it is now (domain.md 3.0, 6)."""


class NotVisible(ActionRefused):
    """It does not exist, or this actor may not see it; both look the same."""

    def __init__(self) -> None:
        super().__init__(NOT_VISIBLE)


class Busy(ActionRefused):
    """Somebody else holds the lock; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(BUSY)


class ConfirmationNeeded(ConsoleError):
    """The action has cautions that were not confirmed; nothing was changed."""

    def __init__(self, cautions: tuple[Caution, ...]) -> None:
        super().__init__(", ".join(caution.code for caution in cautions))
        self.cautions = cautions


NOT_VISIBLE = Refusal(
    "not_found",
    _("This does not exist, or you may not see it. Go back to the list and choose from there."),
    kind=Kind.NOT_FOUND,
)
BUSY = Refusal(
    "busy",
    _("Somebody else is changing this right now. Nothing was changed; try again."),
    kind=Kind.BUSY,
)


def require(refusal: Refusal | None) -> None:
    """Raise ``ActionRefused`` if a policy function returned a reason for no."""
    if refusal is not None:
        raise ActionRefused(refusal)


def require_confirmed(cautions: tuple[Caution, ...], confirmed: frozenset[str]) -> None:
    """Raise ``ConfirmationNeeded`` unless every caution's code is among those confirmed."""
    if not {caution.code for caution in cautions} <= confirmed:
        raise ConfirmationNeeded(cautions)
