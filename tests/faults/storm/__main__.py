"""`python -m tests.faults.storm [--faults kill,database,redis] [--actions 1000] …`: ends with 0 if everything holds."""

import argparse
import logging
import os
import subprocess
import sys

import django

from tests import servers
from tests.servers import ROOT


def parser() -> argparse.ArgumentParser:
    """What can be said about it."""
    found = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    found.add_argument("--faults", default="nothing,kill,database,redis,clock", help="one after the other")
    found.add_argument("--actions", type=int, default=1000, help="of people, for each fault (default: 1000)")
    found.add_argument("--crowd", type=int, default=8, help="how many act at the same time (default: 8)")
    found.add_argument(
        "--kills", type=int, default=10, help="of a web process, or of the background work (default: 10)"
    )
    found.add_argument("--away", type=float, default=1.0, help="seconds for which who was killed is away (default: 1)")
    found.add_argument("--outage", type=float, default=60.0, help="seconds without database, or Redis (default: 60)")
    return found


def main() -> None:
    """Start a database server, and let the storm loose on it."""
    told = parser().parse_args()
    with servers.temporary_folder("console-storm-pg-") as folder:
        # What was said to be committed is, also after it drops everything.
        program = servers.postgresql_program(folder, synchronous_commit="on")
        with servers.running(program):
            _prepare(program.address)
            from tests.faults.storm.storm import STRIKES, Storm, installed

            with installed(program) as there:
                good = [Storm(there, told).run(name, STRIKES[name]) for name in told.faults.split(",")]
    print("\nEverything holds." if all(good) else "\nSomething does not hold.", flush=True)
    sys.exit(0 if all(good) else 1)


def _prepare(address: str) -> None:
    import psycopg

    with psycopg.connect(address.removesuffix("/console") + "/postgres", autocommit=True) as server:
        server.execute("CREATE DATABASE console")
    os.environ |= {"TEST_DATABASE_URL": address, "TEST_REDIS_URL": "", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env=os.environ, check=True)
    django.setup()
    from supervisor_console import process

    process.begin()
    logging.disable(logging.INFO)


if __name__ == "__main__":
    main()
