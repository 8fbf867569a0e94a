"""What does the environment say, as typed values? And if it says something impossible: which variable, and why?

Readers never raise. They note what is wrong and return a harmless value, so that one start tells every fault;
`Environment.finish()` raises them together.
"""

import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
DATABASE_ENGINES = {
    "django.db.backends.sqlite3": "sqlite",
    "django.db.backends.postgresql": "postgresql",
}


class WrongEnvironment(ImproperlyConfigured):
    """Environment variables hold values that the console cannot start with."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"console.E001 {fault}" for fault in faults))


class Environment:
    """Typed readers over the process environment. An empty variable counts as one that is not set."""

    def __init__(self, env_file: Path | None = None) -> None:
        self._env = environ.Env()
        self._faults: list[str] = []
        if env_file is not None and env_file.is_file():
            self._env.read_env(str(env_file))

    def text(self, name: str, default: str = "") -> str:
        # Not `self._env.str`: it takes a value that begins with "$" for the name of another variable.
        return self._env.ENVIRON.get(name, "").strip() or default

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name).lower()
        if value in TRUE_WORDS:
            return True
        if value in FALSE_WORDS:
            return False
        if value:
            self.fault(name, f"{value!r} is neither on nor off; write 1 or 0.")
        return default

    def whole_number(self, name: str, default: int, *, at_least: int, at_most: int) -> int:
        value = self.text(name)
        if not value:
            return default
        number = int(value) if value.isascii() and value.isdigit() else None
        if number is None or not at_least <= number <= at_most:
            self.fault(name, f"{value!r} is not a whole number from {at_least} to {at_most}.")
            return default
        return number

    def words(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """A list with commas between its words."""
        words = [word.strip() for word in self.text(name).split(",") if word.strip()]
        return words or list(default)

    def hosts(self, name: str, default: Sequence[str] = ()) -> list[str]:
        hosts = self.words(name, default)
        for host in hosts:
            if "/" in host or " " in host:
                self.fault(name, f"{host!r} is not a host name; write it without scheme and path.")
        return hosts

    def origins(self, name: str) -> list[str]:
        origins = self.words(name)
        for origin in origins:
            parts = _split(origin)
            if parts is None or parts[0] not in {"http", "https"} or not parts[1]:
                self.fault(name, f"{origin!r} is not an origin; write it like https://console.example.org.")
        return origins

    def choice(self, name: str, default: str, choices: Collection[str]) -> str:
        value = self.text(name, default)
        if value in choices:
            return value
        if len(choices) <= 12:
            self.fault(name, f"{value!r} is not one of {', '.join(sorted(choices))}.")
        else:
            self.fault(name, f"{value!r} is not known here.")
        return default

    def some_of(self, name: str, choices: Collection[str]) -> frozenset[str]:
        """Any of these words, none by default."""
        words = {word.lower() for word in self.words(name)}
        for word in sorted(words - set(choices)):
            self.fault(name, f"{word!r} is not one of {', '.join(sorted(choices))}; write commas between several.")
        return frozenset(words & set(choices))

    def time_zone(self, name: str, default: str) -> str:
        return self.choice(name, default, available_timezones())

    def dotted_path(self, name: str, default: str) -> str:
        value = self.text(name, default)
        module, _, _member = value.rpartition(".")
        if not module or not all(part.isidentifier() for part in value.split(".")):
            self.fault(name, f"{value!r} is not a dotted path; write it like package.module.name.")
            return default
        return value

    def redis(self, name: str) -> str:
        """The address of a Redis server, or nothing."""
        value = self.text(name)
        if not value:
            return ""
        parts = _split(value)
        if parts is None or parts[0] not in {"redis", "rediss", "unix"} or not (parts[1] or parts[2]):
            self.fault(name, "is not a Redis address; write it like redis://localhost:6379/0.")
            return ""
        return value

    def provider(self, name: str, *, is_local: bool) -> str:
        """The address of a provider of single sign-on, without a slash at its end, or nothing."""
        value = self.text(name).rstrip("/")
        parts = _split(value)
        schemes = {"https", "http"} if is_local else {"https"}
        if value and (parts is None or parts[0] not in schemes or not parts[1] or "?" in value or "#" in value):
            self.fault(name, f"{value!r} is not the address of a provider; write it like https://login.example.org.")
            return ""
        return value

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's description of the database at an address, which may hold a password and so is never repeated."""
        value = self.text(name, default)
        hint = "write it like postgresql://user:password@localhost:5432/console or sqlite:///var/console.sqlite3."
        try:
            with warnings.catch_warnings(action="ignore"):  # It warns of what is refused below, password and all.
                config: dict[str, Any] = dict(self._env.db_url_config(value))
        except (ImproperlyConfigured, ValueError, KeyError, AttributeError, TypeError):
            config = {}
        if config.get("ENGINE") not in DATABASE_ENGINES or not config.get("NAME"):
            self.fault(name, f"is not an address of an SQLite or PostgreSQL database; {hint}")
            return dict(self._env.db_url_config(default))
        config["HOST"] = unquote(config.get("HOST") or "")  # A folder with a socket: %2Frun%2Fpostgresql.
        return config

    def required(self, name: str, why: str, *, at_least: int = 1) -> str:
        value = self.text(name)
        if not value:
            self.fault(name, f"is not set. {why}")
        elif len(value) < at_least:
            self.fault(name, f"is too short; it needs at least {at_least} characters.")
        return value

    def fault(self, name: str, sentence: str) -> None:
        self._faults.append(f"{name}: {sentence}")

    def finish(self) -> None:
        """Raise WrongEnvironment if any reader found a fault."""
        if self._faults:
            raise WrongEnvironment(self._faults)


def _split(address: str) -> tuple[str, str, str] | None:
    """Scheme, host and path of an address, or nothing if it cannot be read as one."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", parts.path
