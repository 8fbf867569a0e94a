"""Where do the administrators' pages lead to a conversation?"""

from __future__ import annotations

from django.utils.html import format_html

from conversations.models import Conversation
from routing.admin.common import change_url


def link_to(conversation: Conversation) -> str:
    """Its subject and customer, and the way there."""
    return format_html(
        "<a href='{}'>{}</a> ({})", change_url(conversation), conversation.subject, conversation.customer.name
    )
