"""Configuration of the routing app."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class RoutingConfig(AppConfig):
    """People, queues, presence and capacity."""

    name = "routing"
    verbose_name = _("Routing")

    def ready(self) -> None:
        """Put the essentials in place after each migrate."""
        from routing import essentials

        # The signal comes app by app; when it is auth's turn, our permissions exist already.
        pre_migrate.connect(
            essentials.look_before, sender=apps.get_app_config("auth"), dispatch_uid="routing.essentials.before"
        )
        post_migrate.connect(essentials.ensure, sender=apps.get_app_config("auth"), dispatch_uid="routing.essentials")
