"""Locks requirements.in and requirements-dev.in: exact versions with hashes, and no address of any index."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
]


def main() -> None:
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
        uv = str(Path(sys.executable).parent / "uv")
    compile_command = [uv, "pip", "compile", *OPTIONS]
    subprocess.run([*compile_command, "requirements.in", "-o", "requirements.lock"], cwd=ROOT, check=True)
    subprocess.run(
        [*compile_command, "-c", "requirements.lock", "requirements-dev.in", "-o", "requirements-dev.lock"],
        cwd=ROOT,
        check=True,
    )


if __name__ == "__main__":
    main()
