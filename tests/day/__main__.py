"""The whole day on a PostgreSQL server of its own: `python -m tests.day [--conversations 3000] [--seed 1] …`.

Prints the accounts at closing time and five weeks later; ends with 0 if everything adds up.
"""

import os
import subprocess
import sys

import psycopg

from tests.day.day import parser
from tests.run import surroundings_of
from tests.servers import ROOT


def main() -> None:
    parser().parse_args()
    with surroundings_of("postgresql") as surroundings:
        address = surroundings["TEST_DATABASE_URL"]
        with psycopg.connect(address.removesuffix("/console") + "/postgres", autocommit=True) as server:
            server.execute("CREATE DATABASE console")
        environment = os.environ | surroundings | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        for command in (["manage.py", "migrate", "--verbosity", "0"], ["-m", "tests.day.day", *sys.argv[1:]]):
            code = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=False).returncode
            if code:
                sys.exit(code)


if __name__ == "__main__":
    main()
