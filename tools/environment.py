"""Makes `.venv` from the lock, with nothing but Python itself; does nothing when it is there already.

    python3 tools/environment.py runtime    what the console runs on
    python3 tools/environment.py dev        that, and what tests and checks need

Any Python 3 can start this file, so that an old one is told what is missing instead of showing a traceback.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}


def main() -> None:
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    if kind not in LOCKS:
        sys.exit("Say which environment: runtime or dev.")
    if is_current(kind):
        return
    if not is_usable():
        make(find_python())
    install(LOCKS[kind])
    # The development lock holds everything that the runtime lock holds.
    for done in LOCKS if kind == "dev" else [kind]:
        stamp(done).write_text(fingerprint(done))


def stamp(kind: str) -> Path:
    return VENV / ("." + kind + ".sha256")


def fingerprint(kind: str) -> str:
    return hashlib.sha256(LOCKS[kind].read_bytes()).hexdigest()


def is_current(kind: str) -> bool:
    return is_usable() and stamp(kind).is_file() and stamp(kind).read_text() == fingerprint(kind)


def is_usable() -> bool:
    """Whether the environment's Python runs; after an upgrade of the system's Python it may not."""
    if not VENV_PYTHON.exists():
        return False
    found = subprocess.run([str(VENV_PYTHON), "-c", "import pip"], capture_output=True, check=False)
    return found.returncode == 0


def find_python() -> str:
    """A Python that is new enough: the one that runs this file, or a newer one beside it."""
    names = ["python3." + str(minor) for minor in range(15, OLDEST[1] - 1, -1)]
    wanted = "import sys; sys.exit(sys.version_info < " + repr(OLDEST) + ")"
    for python in [sys.executable] + [found for found in map(shutil.which, names) if found]:
        if subprocess.run([python, "-c", wanted], capture_output=True, check=False).returncode == 0:
            return python
    return sys.exit(
        "The console needs Python {}.{} or newer; this is {}.{}. On Debian 12 or Ubuntu 24.04 and later: "
        "apt-get install python3 python3-venv".format(*OLDEST, *sys.version_info[:2])
    )


def make(python: str) -> None:
    parts = subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    if parts.returncode:
        sys.exit("Python has no module venv. On Debian and Ubuntu: apt-get install python3-venv")
    print("Making the environment in .venv …", flush=True)
    shutil.rmtree(str(VENV), ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(VENV)], check=True)


def install(lock: Path) -> None:
    print("Installing what " + lock.name + " names …", flush=True)
    uv = shutil.which("uv")
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", str(VENV_PYTHON), "--require-hashes", "-r", str(lock)]
        if subprocess.run(command, check=False).returncode == 0:
            return
        print("uv could not; trying pip.", flush=True)
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1")
    command = [str(VENV_PYTHON), "-m", "pip", "install", "-qq", "--require-hashes", "-r", str(lock)]
    if subprocess.run(command, env=environment, check=False).returncode:
        sys.exit("The packages could not be installed; pip says above why.")


if __name__ == "__main__":
    main()
