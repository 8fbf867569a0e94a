"""Which settings are wrong in a way that only a started Django can see?

console.E001  an environment variable cannot be read (raised by env.py, before any check runs)
console.E002  SENTIMENT_SCORER does not lead to anything
console.W001  the demo is on in a deployment
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string


@checks.register()
def sentiment_scorer_exists(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    try:
        import_string(settings.SENTIMENT_SCORER)
    except ImportError as error:
        return [checks.Error(f"SENTIMENT_SCORER: {error}", id="console.E002")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def demo_is_off(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if settings.DEMO:
        return [
            checks.Warning(
                "DEMO: the demo is on. Its accounts have passwords that everybody knows.",
                hint="Unset DEMO in every installation that other people can reach.",
                id="console.W001",
            )
        ]
    return []
