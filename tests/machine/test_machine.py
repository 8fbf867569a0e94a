"""Do the rules of the floor hold whatever people do, in any order? (domain.md 2 to 4)

Here it is a short run, the same each time. `python -m tests.machine` runs many more, on both databases.
"""

import logging
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Generation
from hypothesis.stateful import run_state_machine_as_test

from conversations.policy import Phase
from tests.cast import Floor
from tests.machine.acting import Tally
from tests.machine.floor_machine import FloorMachine, furnish

RUNS = int(os.environ.get("MACHINE_RUNS", "0"))
"""How many runs there are, other ones each time; 0 is the short one."""

STEPS = int(os.environ.get("MACHINE_STEPS", "80"))
"""How many steps a run has at most."""

SHRINK = os.environ.get("MACHINE_SHRINK", "1") == "1"
"""Whether a run that fails is made as short as possible, which takes minutes."""

COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck), report_multiple_bugs=False, database=None)
SHORT = settings(
    COMMON, max_examples=6, stateful_step_count=36, derandomize=True, phases=[Generation.generate], print_blob=False
)
LONG = settings(
    COMMON,
    max_examples=max(RUNS, 1),
    stateful_step_count=STEPS,
    print_blob=True,
    phases=[Generation.generate, *([Generation.shrink] if SHRINK else [])],
)


@pytest.mark.slow
@pytest.mark.timeout(7200 if RUNS else 300)
def test_whatever_everybody_does_the_rules_hold(floor: Floor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="supervisor_console.actions")
    furnish(floor)
    FloorMachine.tally = tally = Tally()

    run_state_machine_as_test(FloorMachine, settings=LONG if RUNS else SHORT)

    print(tally)
    assert "timer failed" not in caplog.text
    # Runs on which nothing happened would show nothing.
    assert len(tally.phases) >= (len(Phase) if RUNS else len(Phase) - 1)
    assert len(tally.done) > 12
    assert len(tally.refused) > 8
