"""What does the console make of its environment, right or wrong?"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from supervisor_console.env import Environment, WrongEnvironment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "x9-Not-a-secret-but-long-enough-to-look-like-one-0123456789",
    "ALLOWED_HOSTS": "console.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://console.example.org",
    "DATABASE_URL": "postgresql://console@localhost/console",
    "REDIS_URL": "redis://localhost:6379/0",
}
SHELL = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=SHELL | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def faults_of(environment: Environment) -> tuple[str, ...]:
    with pytest.raises(WrongEnvironment) as caught:
        environment.finish()
    return caught.value.faults


def test_a_production_environment_passes_the_deployment_check() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_deployment_check_warns_of_a_demo() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION, DEMO="1")

    assert done.returncode == 1
    assert "console.W001" in done.stderr


def test_without_any_environment_the_console_asks_for_its_secret_and_does_not_start() -> None:
    done = manage("check")

    assert done.returncode == 1
    assert done.stderr.strip() == (
        "console.E001 SECRET_KEY: is not set. Outside DEMO and DEBUG it must hold a long random text."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "https://console.example.org"),
        ("BACKGROUND_IN_WEB", "perhaps"),
        ("BEHIND_TLS", "2"),
        ("CSRF_TRUSTED_ORIGINS", "console.example.org"),
        ("CSRF_TRUSTED_ORIGINS", "https://[broken"),
        ("DATABASE_POOL_SIZE", "-1"),
        ("DATABASE_URL", "mysql://root@localhost/console"),
        ("DATABASE_URL", "not an address"),
        ("DATABASE_URL", "postgresql://console@localhost:port/console"),
        ("DATABASE_URL", "postgresql://console@localhost/"),
        ("DEBUG", "verbose"),
        ("DEMO", "si"),
        ("LANGUAGE_CODE", "xx"),
        ("LOCK_TIMEOUT", "five"),
        ("LOCK_TIMEOUT", "٣"),
        ("LOG_LEVEL", "loud"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:high/0"),
        ("REQUIRE_SECOND_FACTOR", "supervisor, customer"),
        ("SECRET_KEY", "short"),
        ("SENTIMENT_SCORER", "not a path"),
        ("SINGLE_SIGN_ON_CLIENT_ID", "console"),
        ("SINGLE_SIGN_ON_ISSUER", "http://login.example.org"),
        ("SINGLE_SIGN_ON_ISSUER", "login.example.org"),
        ("TIME_ZONE", "Mars/Olympus"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_variable_and_no_traceback(name: str, value: str) -> None:
    done = manage("check", **(PRODUCTION | {name: value}))

    assert done.returncode == 1
    assert done.stderr.startswith(f"console.E001 {name}: ")
    assert done.stderr.count("\n") == 1


def test_single_sign_on_needs_all_that_the_provider_gave() -> None:
    done = manage("check", **(PRODUCTION | {"SINGLE_SIGN_ON_ISSUER": "https://login.example.org/realms/work/"}))
    given = {"SINGLE_SIGN_ON_CLIENT_ID": "console", "SINGLE_SIGN_ON_CLIENT_SECRET": "x"}

    assert [line.split()[1] for line in done.stderr.splitlines()] == [f"{name}:" for name in given]
    assert manage("check", **(PRODUCTION | given | {"SINGLE_SIGN_ON_ISSUER": "https://x.example.org"})).returncode == 0


def test_all_faults_are_told_at_once() -> None:
    done = manage("check", **(PRODUCTION | {"LOG_LEVEL": "loud", "TIME_ZONE": "Mars/Olympus"}))

    assert {line.split()[1] for line in done.stderr.splitlines()} == {"LOG_LEVEL:", "TIME_ZONE:"}


def test_a_wrong_database_address_does_not_show_its_password() -> None:
    done = manage("check", **(PRODUCTION | {"DATABASE_URL": "mysql://console:geheim@localhost/console"}))

    assert "DATABASE_URL" in done.stderr
    assert "geheim" not in done.stdout + done.stderr


def test_a_scorer_that_does_not_exist_fails_the_check() -> None:
    done = manage("check", **PRODUCTION, SENTIMENT_SCORER="conversations.sentiment.no_such_thing")

    assert done.returncode == 1
    assert "console.E002" in done.stderr
    assert "SENTIMENT_SCORER" in done.stderr


def test_every_variable_that_the_settings_read_stands_in_the_example_file() -> None:
    example = (ROOT / ".env.example").read_text()
    settings = (ROOT / "supervisor_console" / "settings.py").read_text()

    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings))
    described = set(re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE))

    assert "DATABASE_URL" in read
    assert read == described


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "  ")

    assert Environment().choice("LOG_LEVEL", "INFO", ["INFO", "DEBUG"]) == "INFO"


def test_a_value_that_begins_with_a_dollar_sign_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "$HOME")

    assert Environment().text("SECRET_KEY") == "$HOME"


def test_the_process_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("LOG_LEVEL=DEBUG\nTIME_ZONE=Europe/Ljubljana\n")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    monkeypatch.setattr(os, "environ", os.environ.copy())

    environment = Environment(env_file=env_file)

    assert environment.text("LOG_LEVEL") == "ERROR"


def test_hosts_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example.org, b.example.org,")

    assert Environment().hosts("ALLOWED_HOSTS") == ["a.example.org", "b.example.org"]


def test_a_number_out_of_its_range_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCK_TIMEOUT", "61")
    environment = Environment()

    assert environment.whole_number("LOCK_TIMEOUT", 5, at_least=1, at_most=60) == 5
    assert faults_of(environment) == ("LOCK_TIMEOUT: '61' is not a whole number from 1 to 60.",)
