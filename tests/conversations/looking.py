"""What an action left behind, in the words of the cast: who takes part, what was said, how attempts ended."""

from datetime import datetime

from conversations import selectors
from conversations.models import Conversation, HistoryEntry, Message, Participant, QueueSegment, Session
from routing.models import Agent


def people(conversation: Conversation) -> dict[str, str]:
    """Who takes part now, and how."""
    rows = Participant.objects.filter(conversation=conversation, left_at=None)
    return dict(rows.values_list("user__username", "mode"))


def departures(conversation: Conversation) -> list[tuple[str, str, str]]:
    """Who took part, how, and why it ended, in the order in which they came."""
    rows = Participant.objects.filter(conversation=conversation).exclude(left_at=None).order_by("pk")
    return list(rows.values_list("user__username", "mode", "left_reason"))


def said(conversation: Conversation) -> list[str]:
    """The codes of the lines that the customer reads, and of «internal» ones, in order."""
    rows = Message.objects.filter(conversation=conversation).exclude(code="").order_by("pk")
    return [f"{row.code} (internal)" if row.visibility == "internal" else row.code for row in rows]


def attempts(conversation: Conversation) -> list[tuple[str, str]]:
    """Each session: who was asked (or nobody), and how it ended (or «open»)."""
    rows = Session.objects.filter(conversation=conversation).order_by("pk").select_related("agent__user")
    return [(row.agent.user.username if row.agent else "", row.closure_reason or "open") for row in rows]


def stays(conversation: Conversation) -> list[tuple[str, str]]:
    """Each queue segment: which queue, and how it ended (or «open»)."""
    rows = QueueSegment.objects.filter(conversation=conversation).order_by("pk").select_related("queue")
    return [(row.queue.name, row.closure_reason or "open") for row in rows]


def history(conversation: Conversation) -> list[str]:
    """The codes of its history."""
    rows = HistoryEntry.objects.filter(conversation=conversation).order_by("pk")
    return [code.removeprefix("conversation.") for code in rows.values_list("code", flat=True)]


def last_entry(conversation: Conversation) -> HistoryEntry:
    """The latest entry of its history."""
    return HistoryEntry.objects.filter(conversation=conversation).latest("pk")


def units(agent: Agent, now: datetime) -> int:
    """How many capacity units an agent uses."""
    return selectors.loads([agent.pk], now)[agent.pk].units


def presence(agent: Agent) -> str:
    """An agent's presence as it is in the database."""
    return Agent.objects.select_related("presence").get(pk=agent.pk).presence.name


def everything(conversation: Conversation) -> tuple[object, ...]:
    """All that can be seen of a conversation, to show that nothing changed."""
    row = Conversation.objects.filter(pk=conversation.pk).values().get()
    return (
        row,
        list(Participant.objects.filter(conversation=conversation).order_by("pk").values()),
        list(Message.objects.filter(conversation=conversation).order_by("pk").values()),
        list(Session.objects.filter(conversation=conversation).order_by("pk").values()),
        list(QueueSegment.objects.filter(conversation=conversation).order_by("pk").values()),
        list(HistoryEntry.objects.filter(conversation=conversation).order_by("pk").values()),
        list(conversation.offers.order_by("pk").values()),
        list(Agent.objects.order_by("pk").values()),
    )
