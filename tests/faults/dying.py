"""A process that commits an action and is killed before it can push: `python -m tests.faults.dying WORKSTREAM TEXT`."""

import os
import signal
import sys
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

    from conversations.services import intake
    from supervisor_console.kernel.realtime import layer

    def die(message: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    layer.send = die
    intake.start(workstream_id=int(sys.argv[1]), name="Maja", text=sys.argv[2], subject=sys.argv[2])
