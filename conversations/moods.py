"""What follows from the sentiment of a conversation: its history, who is told, what reports hear (domain.md 1.5, 4.1).

On locked rows, like ``steps``; the caller saves the row.
"""

from __future__ import annotations

from datetime import datetime

from conversations import audit, notifications, selectors
from conversations.events import SentimentChanged
from conversations.locks import LockedConversation
from conversations.models import NoticeLevel, Sentiment, SentimentChange, SupervisorSettings
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
    """Note the sentiment that the conversation has from now on, and tell people where it fell past what is set."""
    conversation.sentiment_since = now
    SentimentChange.objects.create(conversation=conversation, sentiment=conversation.sentiment, at=now)
    settings = selectors.settings_row()
    _tell_supervisors(conversation, settings, now)
    _tell_agent(conversation, settings, now)


def _tell_supervisors(conversation: LockedConversation, settings: SupervisorSettings, now: datetime) -> None:
    """Once for each fall, those whom it concerns (domain.md 7, P24)."""
    threshold = _threshold(conversation.queue.unhappy_notice, settings.unhappy_notice)
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


def _tell_agent(conversation: LockedConversation, settings: SupervisorSettings, now: datetime) -> None:
    """Once for each fall, who talks to the customer; whoever takes it up later reads it on the desk (domain.md F47)."""
    threshold = _threshold(conversation.queue.agent_unhappy_notice, settings.agent_unhappy_notice)
    was_told = conversation.agent_warned_at is not None
    match news(Sentiment(conversation.sentiment), threshold, was_told=was_told):
        case News.FELL:
            conversation.agent_warned_at = now
            if conversation.agent is not None and not conversation.is_offered:
                notifications.notify(
                    [conversation.agent.user_id],
                    "own_customer_unhappy",
                    conversation,
                    now=now,
                    level=NoticeLevel.WARN,
                    customer=conversation.customer.name,
                    sentiment=int(conversation.sentiment),
                )
        case News.RECOVERED:
            conversation.agent_warned_at = None
        case News.NONE:
            pass


def _threshold(of_queue: int | None, of_all: int) -> int:
    return of_all if of_queue is None else of_queue


def announce(conversation: LockedConversation, now: datetime) -> None:
    """Let the reports hear of a sentiment that changed, once the row is saved: tiles and lane depend on it."""
    event = SentimentChanged(
        **audit.heading(SYSTEM, conversation, now),
        sentiment=conversation.sentiment,
    )
    audit.announce(event, audit.Audience(frozenset({conversation.queue_id})))
