"""Asks the index's advisory service about every package that is locked: `make audit`.

It needs a network that reaches that service, so it is no part of `make check`. Where the service knows nothing of a
package, the run fails: what could not be looked at is not called clean.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "var" / "audit"
AUDITOR = "pip-audit~=2.10"
OPTIONS = ["--strict", "--require-hashes", "--disable-pip", "--progress-spinner=off"]


def main() -> None:
    python = OWN / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(OWN)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", AUDITOR], check=True)
    failed = []
    for lock in ("requirements.lock", "requirements-dev.lock"):
        print(f"--- {lock}", flush=True)
        command = [str(python), "-m", "pip_audit", *OPTIONS, "-r", lock]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            failed.append(lock)
    if failed:
        sys.exit(f"Not clean, or not looked at: {', '.join(failed)}. The lines above say which packages, and why.")


if __name__ == "__main__":
    main()
