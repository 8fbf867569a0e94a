"""A morning of the simulated day: do the accounts add up though processes are killed? `python -m tests.day` is all."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.day.day import BEGIN
from tests.day.driver import Driver
from tests.servers import ROOT, surroundings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(300)]

MORNING = "--conversations 20 --workers 2 --kill-every 3 --evening 3 --brief --size 30 --rate 0.8"


def test_a_morning_adds_up_although_processes_are_killed(transactional_db: None) -> None:
    command = [sys.executable, "-m", "tests.day.day", *MORNING.split()]

    done = subprocess.run(command, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok  conversations that never came to an end" in done.stdout
    assert "killed: none" not in done.stdout


def test_where_all_are_dead_nobody_is_killed(tmp_path: Path) -> None:
    driver = Driver(BEGIN, tmp_path, [], Random(1), kill_every=1)

    for _number in range(20):
        driver.turn(30.0)

    assert (driver.turns, driver.kills) == (20, {})
