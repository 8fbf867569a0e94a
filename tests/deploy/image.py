"""What the Dockerfile puts into the image, as a folder on this machine: Docker itself is not needed to try it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.servers import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"


def copied() -> list[str]:
    """The files and folders of the project that are copied beside the packages."""
    found = re.findall(r"^COPY (?!--from|requirements\.lock)(\S+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    assert found
    return found


def lay_out(folder: Path) -> None:
    """Copy them to a folder, as the builder does."""
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)


def manage(folder: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` of the image, with this environment and nothing of ours."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
