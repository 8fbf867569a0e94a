"""Who keeps the simulation going? A loop for the server's own process, and for one beside it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random

from django.conf import settings

from conversations.demo import doors
from conversations.simulator.floor import Habits
from conversations.simulator.simulator import Simulator
from supervisor_console.kernel.loops import in_thread

logger = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 30.0
FASTEST = 200.0


def why_not_here(rate: float) -> str | None:
    """Why nobody may be simulated here, or not so fast: only the demo is ever played with."""
    if not 0 < rate <= FASTEST:
        return f"The rate is a number above 0, at most {FASTEST:.0f}."
    if not settings.DEMO:
        return "Customers and agents are simulated in demo mode only. Set DEMO=1."
    if not doors.is_whole():
        return "The demo contact centre is not in this database. Load it first: manage.py load_demo"
    if doors.has_strangers():
        return "This database holds accounts that are not the demo's. Nobody is simulated here."
    return None


async def run(
    habits: Habits,
    stop: asyncio.Event,
    *,
    steps: int | None = None,
    tell: Callable[[Simulator], None] | None = None,
) -> Simulator:
    """Take steps at the rate of ``habits`` until ``stop`` is set, or so many were taken; ``tell`` hears of each.

    A failing step is logged and tried again, less and less often while it goes on failing. The work happens in a
    thread, and what it announces comes back to this loop, which owns the sockets in the single-process mode.
    """
    loop = asyncio.get_running_loop()
    simulator = await in_thread(Simulator, habits)
    tempo = Random(habits.seed)  # noqa: S311  (not the simulator's: what people do does not depend on the time it took)
    taken, failures, due = 0, 0, loop.time()
    while not stop.is_set() and (steps is None or taken < steps):
        try:
            await in_thread(simulator.step)
        except Exception:
            failures += 1
            simulator.figures.failed += 1
            logger.exception("A step of the simulation failed")
        else:
            failures = 0
        taken += 1
        if tell is not None:
            tell(simulator)
        due += tempo.uniform(0.5, 1.5) / habits.rate
        # A step that took long is not made up for by a burst.
        due = max(due, loop.time() - 1.0)
        rest = min(2.0**failures, LONGEST_PAUSE_SECONDS) if failures else due - loop.time()
        try:
            await asyncio.wait_for(stop.wait(), timeout=max(rest, 0.001))
        except TimeoutError:
            continue
    return simulator
