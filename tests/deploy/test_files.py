"""Do the files for operation fit the product: variables, commands, what the image holds?"""

import configparser
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from django.core.management import get_commands

from tests.deploy.image import DEPLOY, DOCKERFILE, copied, lay_out, manage
from tests.servers import ROOT

NOT_IN_THE_IMAGE = {".ci", "benchmarks", "deploy", "tests", "tools"}
OURS = {"migrate", "web", "work"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return cast(dict[str, Any], yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def variables(path: Path) -> set[str]:
    """The names that an example of an environment holds."""
    return set(re.findall(r"^([A-Z_]+)=", path.read_text(), re.MULTILINE))


def test_everything_that_an_installation_needs_is_a_service(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgresql", "redis", "nginx"} | OURS


def test_every_service_that_stays_is_asked_how_it_is_and_comes_back(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name == "migrate":
            assert service["restart"] == "no"
        else:
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_the_migration_runs_before_everything_that_needs_it(compose: dict[str, Any]) -> None:
    for name in OURS - {"migrate"}:
        depends_on = compose["services"][name]["depends_on"]
        assert depends_on["migrate"] == {"condition": "service_completed_successfully"}
    assert compose["services"]["migrate"]["depends_on"]["postgresql"] == {"condition": "service_healthy"}


def test_the_processes_differ_by_their_command_only(compose: dict[str, Any]) -> None:
    environments = [compose["services"][name]["environment"] for name in sorted(OURS)]

    assert all(environment == environments[0] for environment in environments)
    assert {compose["services"][name]["image"] for name in OURS} == {"supervisor-console"}


def test_every_variable_is_one_that_the_console_reads(compose: dict[str, Any]) -> None:
    assert set(compose["services"]["web"]["environment"]) <= variables(ROOT / ".env.example")


def test_every_variable_that_the_compose_file_asks_for_is_in_its_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))

    assert asked == variables(DEPLOY / ".env.example")


def test_what_must_be_set_ends_the_start_when_it_is_not() -> None:
    text = (DEPLOY / "compose.yaml").read_text()

    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "POSTGRES_PASSWORD"):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text


def test_the_database_and_redis_are_reached_from_inside_only(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    for name in ("postgresql", "redis", *OURS):
        assert compose["services"][name]["networks"] == ["inside"]
        assert "ports" not in compose["services"][name]


def test_every_mounted_file_is_there(compose: dict[str, Any]) -> None:
    mounted = [volume.split(":")[0] for volume in compose["services"]["nginx"]["volumes"]]

    assert all((DEPLOY / path).is_file() for path in mounted if path.startswith("./"))


@pytest.mark.parametrize("name", ["supervisor-console@", "supervisor-console-work"])
def test_a_unit_starts_a_command_of_ours(name: str) -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # Names of systemd have capitals.
    unit.read(DEPLOY / "systemd" / f"{name}.service")
    program, script, command, *_rest = shlex.split(unit["Service"]["ExecStart"])

    assert program.endswith(".venv/bin/python")
    assert script == "manage.py"
    assert get_commands()[command] == "supervisor_console"


def test_each_command_of_the_guide_is_there() -> None:
    named = set(re.findall(r"manage\.py (\w+)", (DEPLOY / "README.md").read_text()))

    assert named >= {"serve", "work", "migrate", "collectstatic", "createsuperuser"}
    assert named <= set(get_commands())


def test_the_image_holds_every_folder_of_the_product() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folders = {path.split("/")[0] for path in tracked.splitlines() if "/" in path}

    assert folders - NOT_IN_THE_IMAGE == {name for name in copied() if (ROOT / name).is_dir()}
    for name in [*copied(), "requirements.lock"]:
        assert f"\n!{name}\n" in (DEPLOY / "Dockerfile.dockerignore").read_text()


@pytest.mark.slow
def test_what_the_image_holds_is_enough_to_collect_static_files_and_to_start(tmp_path: Path) -> None:
    lay_out(tmp_path)
    (collecting,) = re.findall(
        r"^RUN SECRET_KEY=(\S+) python manage.py collectstatic", DOCKERFILE.read_text(), re.MULTILINE
    )

    collected = manage(tmp_path, {"SECRET_KEY": collecting}, "collectstatic", "--no-input")
    checked = manage(
        tmp_path,
        {
            "SECRET_KEY": "k" * 20 + "ey-of-some-installation-0123456789",
            "ALLOWED_HOSTS": "console.example.org",
            "CSRF_TRUSTED_ORIGINS": "https://console.example.org",
            "DATABASE_URL": "postgresql://console@localhost/console",
            "REDIS_URL": "redis://localhost:6379/0",
        },
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
    )

    assert collected.returncode == 0, collected.stderr
    assert (tmp_path / "staticfiles" / "staticfiles.json").is_file()
    assert checked.returncode == 0, checked.stderr


def test_no_file_names_an_address_of_packages() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            assert not re.search(r"index-url|PIP_INDEX|://[^/\s]*(pypi|pythonhosted|mirror)", path.read_text()), path
