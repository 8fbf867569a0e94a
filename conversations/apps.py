"""Configuration of the conversations app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    """Conversations and everything that happens to them."""

    name = "conversations"
    verbose_name = _("Conversations")

    def ready(self) -> None:
        """Let agents come and go with their sessions, and work find them."""
        from conversations import checks, notifications, typical  # noqa: F401  Importing registers the system checks.
        from conversations.models import parts
        from conversations.services import attendance, distribution
        from routing.signals import agent_became_free, person_is_told

        user_logged_in.connect(attendance.signed_in, dispatch_uid="conversations.signed_in")
        user_logged_out.connect(attendance.signed_out, dispatch_uid="conversations.signed_out")
        post_migrate.connect(typical.tell, sender=self, dispatch_uid="conversations.typical")
        post_migrate.connect(parts.keep, sender=self, dispatch_uid="conversations.parts")
        person_is_told.connect(notifications.tell, dispatch_uid="conversations.tell")
        agent_became_free.connect(distribution.agent_became_free, dispatch_uid="conversations.distribution")
