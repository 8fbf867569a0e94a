"""A long run of the machine: `python -m tests.machine [sqlite] [postgresql] [--runs N] [--steps N]`, or `--mutants`.

Each run does other things than the one before, unless ``--seed`` says which. A failure is told as the list of what
people did. The last lines say how many steps were taken on each database.
"""

import argparse
import os
import subprocess
import sys

from tests.machine import mutants
from tests.run import surroundings_of
from tests.servers import ROOT, NotHere


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.machine", description="Everybody does anything at any time.")
    parser.add_argument("databases", nargs="*", metavar="sqlite|postgresql", help="default: both")
    parser.add_argument("--runs", type=int, default=150, help="how many runs on each (default: 150)")
    parser.add_argument("--steps", type=int, default=80, help="steps of a run at most (default: 80)")
    parser.add_argument("--seed", type=int, help="the same runs again")
    parser.add_argument("--no-shrink", action="store_true", help="leave a failure as it was found")
    parser.add_argument("--mutants", nargs="?", const="", help="find planted defects (those that contain this) instead")
    told = parser.parse_args()
    if told.mutants is not None:
        sys.exit(0 if mutants.run(told.mutants) else 1)
    codes = [run_on(name, told) for name in told.databases or ["sqlite", "postgresql"]]
    sys.exit(max(codes))


def run_on(database: str, told: argparse.Namespace) -> int:
    if database not in ("sqlite", "postgresql"):
        sys.exit(f"There is no database {database}.")
    print(f"--- {database}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "tests/machine/test_machine.py"]
    if told.seed is not None:
        command.append(f"--hypothesis-seed={told.seed}")
    machine = {
        "MACHINE_RUNS": str(told.runs),
        "MACHINE_STEPS": str(told.steps),
        "MACHINE_SHRINK": "0" if told.no_shrink else "1",
    }
    try:
        with surroundings_of(database) as surroundings:
            return subprocess.run(command, cwd=ROOT, env=os.environ | surroundings | machine, check=False).returncode
    except NotHere as missing:
        print(f"not run: {missing}")
        return 1


if __name__ == "__main__":
    main()
