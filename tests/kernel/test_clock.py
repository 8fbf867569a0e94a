"""Does the time of a process never go back, and is it the machine's again soon?"""

from datetime import datetime, timedelta

import pytest

from supervisor_console.kernel.clock import MOST_AHEAD, PACE, Clock
from tests.cast import at


class Machine:
    """A machine whose clock is set, and a stopwatch that nobody sets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.set_by = 0.0

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds

    def wall(self) -> datetime:
        return at(self.seconds + self.set_by)

    def steady(self) -> float:
        return self.seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> Clock:
    return Clock(machine.wall, machine.steady)


def test_it_is_the_machine_s_clock(machine: Machine, clock: Clock) -> None:
    for _ in range(5):
        machine.pass_(7.5)
        assert clock.now() == machine.wall()


def test_set_back_it_goes_on_a_little_slower_until_both_agree(machine: Machine, clock: Clock) -> None:
    machine.pass_(100)
    clock.now()
    machine.set_by = -60

    told = []
    for _ in range(700):
        machine.pass_(1)
        told.append(clock.now())

    assert told == sorted(told)
    assert told[0] == at(100 + PACE)
    assert told[-1] == machine.wall(), "60 s are made up for in ten minutes"


def test_set_ahead_it_follows_at_once(machine: Machine, clock: Clock) -> None:
    machine.set_by = 300

    assert clock.now() == at(300)


def test_set_ahead_and_back_it_does_not_go_back(machine: Machine, clock: Clock) -> None:
    machine.set_by = 300
    clock.now()
    machine.set_by = 0
    machine.pass_(10)

    assert clock.now() == at(300 + 10 * PACE)


def test_what_was_seen_in_a_row_is_not_later_than_now(machine: Machine, clock: Clock) -> None:
    clock.saw(at(5), None, at(2))

    assert clock.now() >= at(5)
    machine.pass_(1)
    assert clock.now() == at(5 + PACE)


def test_what_was_long_ago_changes_nothing(machine: Machine, clock: Clock) -> None:
    machine.pass_(10)
    clock.saw(at(5), None)

    assert clock.now() == at(10)


def test_a_mistake_is_no_time(machine: Machine, clock: Clock) -> None:
    """A row of tomorrow does not let everybody live tomorrow."""
    clock.saw(at(0) + MOST_AHEAD + timedelta(seconds=1))
    assert clock.now() == at(0)

    machine.set_by = 2 * MOST_AHEAD.total_seconds()
    clock.now()
    machine.set_by = 0
    assert clock.now() == at(0)
