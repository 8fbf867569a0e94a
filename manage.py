#!/usr/bin/env python3
"""The command line of the console: `python manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "supervisor_console.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from supervisor_console.env import WrongEnvironment

    try:
        _ = settings.INSTALLED_APPS  # Reads the environment now, so that its faults come before any command.
    except WrongEnvironment as error:
        sys.exit(str(error))
    try:
        execute_from_command_line(sys.argv)
    except BrokenPipeError:  # Who read what it prints has enough, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
