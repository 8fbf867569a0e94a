"""What follows from the sentiment of a conversation: its history, who is told, what reports hear (domain.md 1.5, 4.1).

On locked rows, like ``steps``; the caller saves the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from conversations import audit, notifications, selectors
from conversations.events import SentimentChanged
from conversations.locks import LockedConversation
from conversations.models import NoticeLevel, Sentiment, SentimentChange
from conversations.sentiment.alerts import News, news
from supervisor_console.kernel.actor import SYSTEM


def take(conversation: LockedConversation, now: datetime) -> bool:
    """Take the sentiment again from what the customer said last; returns whether it changed.

    Where the analysis is switched off nothing is read, and what was read before stays as it is (domain.md 7).
    """
    if not selectors.settings_row().sentiment_enabled:
        return False
    sentiment = selectors.current_sentiment(conversation)
    if sentiment == conversation.sentiment and conversation.sentiment_since is not None:
        return False
    conversation.sentiment = sentiment
    begin(conversation, now)
    return True


def begin(conversation: LockedConversation, now: datetime) -> None:
    """Note the sentiment that the conversation has from now on, and tell people where it fell past what is set."""
    if conversation.sentiment == Sentiment.NOT_AVAILABLE:
        return
    conversation.sentiment_since = now
    SentimentChange.objects.create(conversation=conversation, sentiment=conversation.sentiment, at=now)
    settings, queue = selectors.settings_row(), conversation.queue
    if _has_fallen(conversation, "unhappy_told_at", queue.unhappy_notice, settings.unhappy_notice, now):
        concerned = selectors.supervisors_concerned(conversation, wherever=settings.unhappy_notice_always)
        _tell(concerned, "customer_unhappy", conversation, now)
    if _has_fallen(conversation, "agent_warned_at", queue.agent_unhappy_notice, settings.agent_unhappy_notice, now):
        # Who takes it up later, or is only asked to, reads it on the desk (domain.md F47).
        talking = None if conversation.is_offered else conversation.agent
        _tell([talking.user_id] if talking is not None else [], "own_customer_unhappy", conversation, now)


def _has_fallen(conversation: LockedConversation, since: str, own: int | None, for_all: int, now: datetime) -> bool:
    """Whether the sentiment fell past what the queue, or else the settings say; ``since`` notes how long it lasts."""
    was_told = getattr(conversation, since) is not None
    what = news(Sentiment(conversation.sentiment), for_all if own is None else own, was_told=was_told)
    if what is not News.NONE:
        setattr(conversation, since, now if what is News.FELL else None)
    return what is News.FELL


def _tell(user_ids: Iterable[int], code: str, conversation: LockedConversation, now: datetime) -> None:
    notifications.notify(
        user_ids,
        code,
        conversation,
        now=now,
        level=NoticeLevel.WARN,
        customer=conversation.customer.name,
        queue=conversation.queue.name,
        sentiment=int(conversation.sentiment),
    )


def announce(conversation: LockedConversation, now: datetime) -> None:
    """Let the reports hear of a sentiment that changed, once the row is saved: tiles and lane depend on it."""
    event = SentimentChanged(
        **audit.heading(SYSTEM, conversation, now),
        sentiment=conversation.sentiment,
    )
    audit.announce(event, audit.Audience(frozenset({conversation.queue_id})))
