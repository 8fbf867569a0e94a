"""What follows from the sentiment of a conversation: its history, who is told, what reports hear (domain.md 1.5, 4.1).

On locked rows, like ``steps``; the caller saves the row.
"""

from __future__ import annotations

from datetime import datetime

from conversations import audit, notifications, selectors
from conversations.events import SentimentChanged
from conversations.locks import LockedConversation
from conversations.models import NoticeLevel, Sentiment, SentimentChange
from conversations.sentiment.alerts import News, news
from supervisor_console.kernel.actor import SYSTEM


def take(conversation: LockedConversation, now: datetime) -> bool:
    """Take the sentiment again from what the customer said last; returns whether it changed."""
    sentiment = selectors.current_sentiment(conversation)
    if sentiment == conversation.sentiment and conversation.sentiment_since is not None:
        return False
    conversation.sentiment = sentiment
    begin(conversation, now)
    return True


def begin(conversation: LockedConversation, now: datetime) -> None:
    """Note the sentiment that the conversation has from now on, and tell supervisors where it fell past what is set."""
    conversation.sentiment_since = now
    SentimentChange.objects.create(conversation=conversation, sentiment=conversation.sentiment, at=now)
    settings = selectors.settings_row()
    own = conversation.queue.unhappy_notice
    threshold = settings.unhappy_notice if own is None else own
    was_told = conversation.unhappy_told_at is not None
    match news(Sentiment(conversation.sentiment), threshold, was_told=was_told):
        case News.FELL:
            conversation.unhappy_told_at = now
            notifications.notify(
                selectors.supervisors_concerned(conversation, wherever=settings.unhappy_notice_always),
                "customer_unhappy",
                conversation,
                now=now,
                level=NoticeLevel.WARN,
                customer=conversation.customer.name,
                queue=conversation.queue.name,
                sentiment=int(conversation.sentiment),
            )
        case News.RECOVERED:
            conversation.unhappy_told_at = None
        case News.NONE:
            pass


def announce(conversation: LockedConversation, now: datetime) -> None:
    """Let the reports hear of a sentiment that changed, once the row is saved: tiles and lane depend on it."""
    event = SentimentChanged(
        actor=SYSTEM,
        at=now,
        conversation_id=conversation.pk,
        version=conversation.version,
        from_state=conversation.state,
        to_state=conversation.state,
        reason=conversation.reason,
        sentiment=conversation.sentiment,
    )
    audit.announce(event, audit.Audience(frozenset({conversation.queue_id})))
