"""Who does what next? One step: look, choose, do, and take a refusal as it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from django.db import OperationalError

from conversations.models import Conversation
from conversations.simulator import agents, customers, shift_lead
from conversations.simulator.doing import do, hire_shift_lead
from conversations.simulator.floor import Act, Chance, Floor, Habits, Scene
from conversations.simulator.reading import read
from supervisor_console.kernel import clock
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded
from supervisor_console.kernel.locking import is_lock_timeout

LOOK_EVERY = 0.5
"""Seconds after which people look again; a fast simulation does several things between two looks."""


def chances(scene: Scene) -> list[Chance]:
    """Everything that could happen next."""
    return [*customers.chances(scene), *agents.chances(scene), *shift_lead.chances(scene)]


def choose(possible: list[Chance], rng: Random) -> Act | None:
    """What does happen next; None where nothing can."""
    weights = [chance.weight for chance in possible]
    return rng.choices(possible, weights)[0].act if sum(weights) > 0 else None


@dataclass
class Figures:
    """What happened so far."""

    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def __str__(self) -> str:
        done = ", ".join(f"{deed} {number}" for deed, number in self.done.most_common())
        refused = ", ".join(f"{code} {number}" for code, number in self.refused.most_common())
        return (
            f"{self.done.total()} done ({done or 'nothing'}); "
            f"{self.refused.total()} refused ({refused or 'nothing'}); {self.failed} failed"
        )


class Simulator:
    """Lets the people whom nobody plays act, one after the other. The same seed on the same floor, the same acts."""

    def __init__(self, habits: Habits) -> None:
        self.habits = habits
        self.rng = Random(habits.seed)  # noqa: S311  (a story, not a secret)
        self.figures = Figures()
        self._floor: Floor | None = None
        self._possible: list[Chance] = []
        self._left = 0
        if habits.has_shift_lead:
            hire_shift_lead()

    def step(self, now: datetime | None = None) -> Act | None:
        """Let one thing happen; None where nothing could, or somebody was faster.

        Without ``now`` the services look at the clock themselves, when they hold their locks: a person in another
        process may have changed the row since this one looked.
        """
        if self._left <= 0:
            self._look(now or clock.now())
        self._left -= 1
        act = choose(self._possible, self.rng)
        if act is None:
            self._left = 0
            return None
        self._possible = [chance for chance in self._possible if not _concerns(chance.act, act)]
        try:
            do(act, self.rng, now)
        except (ActionRefused, ConfirmationNeeded, Conversation.DoesNotExist) as refusal:
            self.figures.refused[str(refusal)] += 1
            return None
        except OperationalError as error:
            if not is_lock_timeout(error):
                raise
            self.figures.refused["busy"] += 1
            return None
        self.figures.done[act.deed.value] += 1
        return act

    def summary(self) -> str:
        """What goes on, as of the last look, and what happened so far."""
        floor = self._floor
        phases = ", ".join(f"{number} {phase.value}" for phase, number in sorted(floor.phases.items())) if floor else ""
        return f"{floor.ongoing if floor else 0} ongoing ({phases}); {self.figures}"

    def _look(self, now: datetime) -> None:
        self._floor = read(now, self.rng)
        self._possible = chances(Scene(self._floor, self.habits))
        self._left = max(round(self.habits.rate * LOOK_EVERY), 1)


def _concerns(other: Act, done: Act) -> bool:
    """Whether an act was thought of before this one happened to the same conversation or agent."""
    return (done.chat_id != 0 and other.chat_id == done.chat_id) or (
        done.agent_id != 0 and other.agent_id == done.agent_id
    )
