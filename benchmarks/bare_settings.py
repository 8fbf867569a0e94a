"""The settings of the console, with the bare address of ``benchmarks.site``."""

from supervisor_console.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.site"
