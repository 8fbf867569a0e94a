"""Could the machine fail? Each mutant is a defect that somebody could write; the machine has to find it.

`python -m tests.machine --mutants` puts one after the other into a copy of the repository and lets the machine run
there.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.servers import ROOT


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: what it is about, and which line becomes which."""

    name: str
    file: str
    before: str
    after: str


MUTANTS = (
    Mutant(
        "a wrap-up blocks capacity for longer than its time (2.4)",
        "conversations/selectors.py",
        "\n        AND (capacity_held_until IS NULL OR capacity_held_until > %(now)s)",
        "",
    ),
    Mutant(
        "a pending transfer is not held against whoever is asked (2.5, 1)",
        "conversations/selectors.py",
        "asked.kind = 'transfer'",
        "asked.kind = ''",
    ),
    Mutant(
        "an answered offer stays pending (3.6)",
        "conversations/steps.py",
        'offer.save(update_fields=["status", "settled_at"])',
        'offer.save(update_fields=["settled_at"])',
    ),
    Mutant(
        "the notice of an offer that is over still asks (4.1)",
        "conversations/steps.py",
        "    notifications.done(offer.agent.user_id, wording.ASKS, offer.conversation_id, now=now)\n",
        "",
    ),
    Mutant(
        "the supervisor is not told that the transfer was taken back (3.6)",
        "conversations/steps.py",
        "        tell_transfer_is_off(conversation, offer, now)\n",
        "        pass\n",
    ),
    Mutant(
        "handle time runs on while a conversation waits (M21)",
        "conversations/steps.py",
        "HANDLING = frozenset({Phase.IN_CONVERSATION, Phase.WRAP_UP})",
        "HANDLING = frozenset({Phase.IN_CONVERSATION, Phase.WRAP_UP, Phase.WAITING})",
    ),
    Mutant(
        "the wait of who talked to a bot begins with the bot (5.1)",
        "conversations/bots.py",
        "conversation.first_wait_started_at = now",
        "conversation.first_wait_started_at = conversation.created_at",
    ),
    Mutant(
        "participants stay in what is closed (2.5, 4)",
        "conversations/steps.py",
        "    end_participations(conversation, LeftReason.CLOSED, now)\n",
        "    end_participations(conversation, LeftReason.CLOSED, now, modes=[Mode.PRIMARY, Mode.MONITOR])\n",
    ),
    Mutant(
        "joining is not refused in a conversation that is open (3.2)",
        "conversations/services/supervision.py",
        "    steps.require_still(refusal, actor, conversation, now)\n",
        "",
    ),
    Mutant(
        "a live chat can wait for its customer (2.2)",
        "conversations/policy.py",
        "PERSISTS = frozenset({PC, AM})",
        "PERSISTS = frozenset({LC, PC, AM})",
    ),
    Mutant(
        "a live chat goes back to its queue without a word in the history (2.5, 5)",
        "conversations/services/closure.py",
        "        audit.publish(released, hearers)\n",
        "",
    ),
    Mutant(
        "who wrote while a transfer was pending is left waiting when nothing comes of it (3.6)",
        "conversations/services/offers.py",
        "    steps.reopen_if_written_to(conversation, now)\n    return event\n\n\n_DECLINES",
        "    return event\n\n\n_DECLINES",
    ),
    Mutant(
        "a conversation opens by itself for somebody who is offline (4.2)",
        "routing/policy/offering.py",
        "and takes_work and presence != BasePresence.OFFLINE",
        "and takes_work",
    ),
    Mutant(
        "who finds a conversation that opened by itself is not told (4.2)",
        "conversations/services/offers.py",
        'notify([agent.user_id], "opened_by_itself"',
        'notify([], "opened_by_itself"',
    ),
    Mutant(
        "a profile that counts all day forgets what is over (1.4)",
        "conversations/selectors.py",
        "agent_accepted_at >= %(began)s",
        "agent_accepted_at >= %(now)s",
    ),
)


def run(chosen: str = "", *, runs: int = 150, steps: int = 60) -> bool:
    """Let the machine look for each mutant (whose name contains ``chosen``); whether it found them all."""
    found = [_is_found(mutant, runs, steps) for mutant in MUTANTS if chosen in mutant.name]
    print(f"{sum(found)} of {len(found)} mutants were found.")
    return all(found)


def mutated(mutant: Mutant, source: str) -> str:
    """The file with the defect; it fits in one place only."""
    assert source.count(mutant.before) == 1, f"{mutant.file} has not one place for: {mutant.name}"
    return source.replace(mutant.before, mutant.after)


def _is_found(mutant: Mutant, runs: int, steps: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="console-mutant-") as folder:
        copy = Path(folder) / "console"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache"))
        path = copy / mutant.file
        path.write_text(mutated(mutant, path.read_text()))
        environment = os.environ | {"MACHINE_RUNS": str(runs), "MACHINE_STEPS": str(steps), "MACHINE_SHRINK": "0"}
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "tests/machine/test_machine.py",
        ]
        began = time.monotonic()
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
    told = re.search(r"^E +(?:\S+Error: )?(.*)$", done.stdout, re.MULTILINE)
    print(f"{'found' if done.returncode == 1 else 'NOT FOUND'} in {seconds:.0f} s: {mutant.name}", flush=True)
    print(f"    {told[1][:160] if told else done.stdout[-300:]}", flush=True)
    return done.returncode == 1
