"""Is a known vulnerability noticed, and what could not be looked at never called clean? (`make audit`, `.ci/run`)"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from tools import audit

ROOT = Path(__file__).resolve().parents[2]

GOOD = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {
    "name": "daphne",
    "version": "4.2.3",
    "vulns": [{"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["4.2.4"], "description": "Bad."}],
}
UNKNOWN = {"name": "asgiref", "skip_reason": "Dependency not found"}


def report(*rows: object) -> str:
    return json.dumps({"dependencies": rows, "fixes": []})


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        pytest.param(report(GOOD), audit.CLEAN, "nothing is known to be unsafe in the 1 packages", id="clean"),
        pytest.param(report(GOOD, BAD), audit.UNSAFE, "daphne 4.2.3: PYSEC-2026-1, mended in 4.2.4", id="unsafe"),
        pytest.param(report(UNKNOWN, BAD), audit.UNSAFE, "daphne 4.2.3", id="unsafe beside what it does not know"),
        pytest.param(report(GOOD, UNKNOWN), audit.NOT_LOOKED_AT, "knows nothing of asgiref", id="one is unknown"),
        pytest.param(report(UNKNOWN), audit.NOT_LOOKED_AT, "cannot be reached", id="all are unknown"),
        pytest.param(report(), audit.NOT_LOOKED_AT, "cannot be reached", id="of nothing"),
        pytest.param("Traceback", audit.NOT_LOOKED_AT, "cannot be reached", id="no report"),
        pytest.param(None, audit.NOT_LOOKED_AT, "cannot be reached", id="no answer"),
    ],
)
def test_what_the_auditor_reports_has_one_of_three_outcomes(written: str | None, code: int, said: str) -> None:
    found = audit.judge(written)

    assert found.code == code
    assert said in found.text
    assert ("NOT AUDITED" in found.text) == (code == audit.NOT_LOOKED_AT)


def test_an_advisory_that_was_accepted_fails_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "ACCEPTED", {"CVE-2026-1": "The console does not do that."})

    assert audit.judge(report(BAD)).code == audit.CLEAN


@pytest.fixture
def auditor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program in the place of the auditor's Python, which says what a test writes there."""
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    monkeypatch.setattr(audit, "OWN", tmp_path)
    return program


def does(program: Path, *lines: str) -> None:
    """Let the program do this when it is asked for the report; it installs whatever it is told to."""
    program.write_text(
        "\n".join([f"#!{sys.executable}", "import sys, time", "if 'pip' in sys.argv: sys.exit()", *lines])
    )
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        pytest.param([f"print({report(GOOD)!r})"], 0, "nothing is known to be unsafe", id="clean"),
        pytest.param([f"print({report(BAD)!r})", "sys.exit(1)"], 1, "KNOWN TO BE UNSAFE", id="unsafe"),
        pytest.param(["raise OSError('no route')"], 2, "NOT AUDITED", id="unreachable"),
    ],
)
def test_what_came_of_it_is_said_and_fails_whoever_asked_for_a_verdict(
    auditor: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lines: list[str],
    code: int,
    said: str,
) -> None:
    does(auditor, *lines)
    for options, expected in (([], code), (["--report"], 0)):
        monkeypatch.setattr(sys, "argv", ["audit", *options])
        with pytest.raises(SystemExit) as ended:
            audit.main()
        assert ended.value.code == expected
        assert said in capsys.readouterr().out


def test_a_service_that_never_answers_holds_nobody_up(auditor: Path) -> None:
    does(auditor, "import subprocess", "subprocess.run(['sleep', '60'])")
    began = time.monotonic()

    assert audit.audit(within=0.5).code == audit.NOT_LOOKED_AT
    assert time.monotonic() - began < 5


def test_ci_asks() -> None:
    assert "tools.audit --report" in (ROOT / ".ci" / "run").read_text()
