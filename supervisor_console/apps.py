"""Which app carries the kernel, the template tags and the commands `serve` and `work`?"""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SupervisorConsoleConfig(AppConfig):
    name = "supervisor_console"
    verbose_name = _("Supervisor console")

    def ready(self) -> None:
        from supervisor_console import checks  # noqa: F401  Importing registers the system checks.
        from supervisor_console.accounts import recorded  # Its models are not there before.

        recorded.connect()
