"""Configuration of the conversations app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    """Conversations and everything that happens to them."""

    name = "conversations"
    verbose_name = _("Conversations")
