"""How is one verb done to many? One by one, each in its own transaction, with an outcome for each (domain.md 6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import OperationalError

from supervisor_console.kernel.errors import BUSY, ActionRefused, Refusal
from supervisor_console.kernel.locking import is_lock_timeout


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it for one of them; without a refusal it was done."""

    id: int
    refusal: Refusal | None = None

    @property
    def is_done(self) -> bool:
        """Whether it was done."""
        return self.refusal is None


def each(ids: Iterable[int], act: Callable[[int], object]) -> tuple[Outcome, ...]:
    """Call the service for each of these, in this order; one that is refused does not stop the others."""
    return tuple(_one(pk, act) for pk in dict.fromkeys(ids))


def _one(pk: int, act: Callable[[int], object]) -> Outcome:
    try:
        act(pk)
    except ActionRefused as refused:
        return Outcome(pk, refused.refusal)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        return Outcome(pk, BUSY)
    return Outcome(pk)
