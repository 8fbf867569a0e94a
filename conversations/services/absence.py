"""What becomes of the conversations of an agent who is gone and does not come back in time? (domain.md T17)"""

from __future__ import annotations

from datetime import datetime, timedelta

from conversations import audit, notifications, selectors, steps
from conversations.events import AgentDisconnected
from conversations.locks import lock_conversation
from conversations.models import ClosureReason, LeftReason, NoticeLevel
from conversations.policy import PERSISTS, Phase, Trigger
from routing.locks import lock_agents
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import SYSTEM
from supervisor_console.kernel.realtime import action


def due(now: datetime) -> datetime:
    """Who left by then is gone for good."""
    return now - timedelta(seconds=selectors.settings_row().agent_disconnect)


@action()
def agent_gone(conversation_id: int, *, now: datetime | None = None) -> AgentDisconnected | None:
    """Take a conversation from an agent who stayed away for longer than the setting says (T17).

    Where chats persist and nothing is unanswered it waits for its customer, otherwise it is open for everybody in
    the queue. Returns None where the agent is back, does not have it any more, or another agent is being asked to
    take over, whose answer is waited for. Wrap-up stays until it closes by itself. The agent finds a notice;
    supervisors, everybody in it and the customer hear of it.
    """
    conversation = lock_conversation(conversation_id)
    agent = lock_agents([conversation.agent_id]).get(conversation.agent_id or 0)
    now = now or clock.now()
    if (
        agent is None
        or agent.left_at is None
        or agent.left_at > due(now)
        or steps.current_phase(conversation) != Phase.IN_CONVERSATION
        or selectors.pending_offer(conversation) is not None
    ):
        return None
    waits = conversation.kind in PERSISTS and conversation.unanswered_since is None
    agents, trigger, closure = {agent.pk: agent}, Trigger.AGENT_DISCONNECTED, ClosureReason.AGENT_DISCONNECTED
    hearers = steps.audience(conversation, customer=True, open_list=not waits)
    if waits:
        steps.whisper(conversation, "agent_disconnected_waiting", {"agent": agent.name}, now)
        before = steps.to_waiting(conversation, agents, None, trigger, closure, now, left=LeftReason.CONNECTION_LOST)
    else:
        before = steps.back_to_queue(
            conversation,
            agents,
            None,
            trigger,
            closure,
            now,
            left=LeftReason.CONNECTION_LOST,
            line="agent_disconnected",
        )
        notifications.notify(
            [agent.user_id],
            "lost_while_away",
            conversation,
            now=now,
            level=NoticeLevel.WARN,
            queue=conversation.queue.name,
        )
    event = AgentDisconnected(
        **audit.heading(SYSTEM, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
    )
    audit.publish(event, hearers)
    return event
