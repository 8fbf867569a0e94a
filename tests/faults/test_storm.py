"""Does everything hold while web processes and PostgreSQL die under load? `make faults` is all of it."""

import os
import subprocess
import sys

import pytest

from tests.servers import ROOT

pytestmark = [pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(300)]

A_SHORT_ONE = "--faults both --actions 40 --crowd 6 --away 0.5 --outage 2"


def test_a_short_storm_leaves_nothing_half_done() -> None:
    command = [sys.executable, "-m", "tests.faults.storm", *A_SHORT_ONE.split()]

    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything holds." in done.stdout
    assert "somebody met the process that died" in done.stdout
