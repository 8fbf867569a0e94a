"""Is anything known to be unsafe in what is locked? Asks the advisory service that pip-audit knows: `make audit`.

`make audit` fails for a known vulnerability, and for what could not be looked at, which is never called clean. CI asks
for a `--report`: its last lines say what came of it. The verdict on a commit depends on that commit alone; it does not
turn red overnight, and one advisory without a release does not hold up the mend of another.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "var" / "audit"
AUDITOR = "pip-audit~=2.10"
LOCK = "requirements-dev.lock"
"""Holds all that the runtime lock holds, at the same versions; tests/platform/test_dependencies.py sees to it."""

WITHIN = 60.0
"""Seconds for all of it, so that a network that swallows everything does not hold up a run."""

ACCEPTED: Mapping[str, str] = {}
"""Advisories that do not concern the console, and why not; whoever adds one removes it with the next release."""

CLEAN, UNSAFE, NOT_LOOKED_AT = 0, 1, 2
"""The exit codes."""

UNREACHABLE = "the advisory service cannot be reached"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it, and the lines that say so."""

    code: int
    text: str


def main() -> None:
    """Ask, say what came of it, and end with its exit code."""
    found = audit()
    print(found.text, flush=True)
    sys.exit(CLEAN if "--report" in sys.argv[1:] else found.code)


def audit(within: float = WITHIN) -> Verdict:
    """Install the auditor where it is not yet, and ask it."""
    until = time.monotonic() + within
    python = OWN / "bin" / "python"
    steps: list[Sequence[str]] = [[str(python), "-m", "pip", "install", "--quiet", AUDITOR]]
    if not python.exists():
        steps.insert(0, [sys.executable, "-m", "venv", str(OWN)])
    for step in steps:
        if run(step, until) is None:
            return not_looked_at(f"the auditor cannot be installed here within {within:.0f} seconds")
    options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "--requirement", LOCK]
    return judge(run([str(python), "-m", "pip_audit", *options], until, good=(CLEAN, UNSAFE)))


def run(command: Sequence[str], until: float, good: Sequence[int] = (0,)) -> str | None:
    """What a program wrote; None where it failed, or had not ended in time: then it is ended, with what it started."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as program:
        try:
            written, _ = program.communicate(timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            return None
    return written if program.returncode in good else None


def judge(report: str | None) -> Verdict:
    """What the auditor's report says; None for one that never came."""
    try:
        rows: list[dict[str, Any]] = json.loads(report or "")["dependencies"]
    except (ValueError, KeyError, TypeError):
        return not_looked_at(UNREACHABLE)
    unsafe = [
        f"  {row['name']} {row['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no release'}"
        for row in rows
        for found in row.get("vulns", [])
        if not {found["id"], *found.get("aliases", [])} & ACCEPTED.keys()
    ]
    skipped = [str(row["name"]) for row in rows if "skip_reason" in row]
    if unsafe:
        return Verdict(UNSAFE, "\n".join([f"KNOWN TO BE UNSAFE in {LOCK}:", *unsafe]))
    if len(skipped) == len(rows):
        return not_looked_at(UNREACHABLE)
    if skipped:
        return not_looked_at(f"the advisory service knows nothing of {', '.join(skipped)}")
    return Verdict(CLEAN, f"Audited: nothing is known to be unsafe in the {len(rows)} packages of {LOCK}.")


def not_looked_at(why: str) -> Verdict:
    """Nobody can say whether it is clean."""
    return Verdict(NOT_LOOKED_AT, f"NOT AUDITED: {why}. Run `make audit` where there is a network that does.")


if __name__ == "__main__":
    main()
