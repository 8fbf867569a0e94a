"""A morning of the simulated day: do the accounts add up though processes are killed? `python -m tests.day` is all."""

import subprocess
import sys

import pytest

from tests.servers import ROOT, surroundings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(300)]

MORNING = "--conversations 20 --workers 2 --kill-every 3 --evening 3 --brief --size 30 --rate 0.8"


def test_a_morning_adds_up_although_processes_are_killed(transactional_db: None) -> None:
    command = [sys.executable, "-m", "tests.day.day", *MORNING.split()]

    done = subprocess.run(command, cwd=ROOT, env=surroundings(), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok  conversations that never came to an end" in done.stdout
    assert "killed: none" not in done.stdout
