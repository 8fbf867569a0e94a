"""Take a live chat into a voice or video call beside it, and end that call (domain.md 1.1, 1.4).

The call itself is simulated: what the console knows of it is that it goes on. While it does, a supervisor cannot
transfer the chat, and its agent receives nothing else.
"""

from __future__ import annotations

from datetime import datetime

from conversations import audit, policy, selectors, steps
from conversations.events import ConversationElevated, ElevationEnded
from conversations.locks import lock_conversation
from conversations.policy import Medium
from routing.locks import lock_agents
from routing.policy import PresenceCause
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.kernel.realtime import action


@action()
def elevate(actor: Actor, conversation_id: int, *, medium: Medium, now: datetime | None = None) -> ConversationElevated:
    """The agent takes their live chat into a call.

    Raises ``ActionRefused`` where it is not theirs, not a live chat in conversation, in a call already, or about to
    be transferred. The agent shows Do not disturb. Announced to supervisors, everybody in it and the customer.
    """
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    agents = lock_agents([conversation.agent_id])
    now = now or clock.now()
    facts = selectors.facts(conversation, selectors.pending_offer(conversation))
    steps.require_still(policy.why_not_elevate(actor, facts), actor, conversation, now)
    conversation.is_elevated = True
    steps.say(conversation, f"elevated_{medium.value}", {"agent": actor.name}, now)
    steps.touch(conversation, now)
    steps.settle_presence(agents.values(), PresenceCause.ACCEPTED, now)
    event = ConversationElevated(
        **audit.heading(actor, conversation, now),
        medium=medium.value,
    )
    audit.publish(event, steps.audience(conversation, customer=True))
    return event


@action()
def end_elevation(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ElevationEnded:
    """The agent or the customer ends the call; the chat goes on. Raises ``ActionRefused`` where there is none.

    Announced to supervisors, everybody in it and the customer.
    """
    conversation = lock_conversation(conversation_id)
    agents = lock_agents([conversation.agent_id])
    now = now or clock.now()
    if actor.customer_id is not None:
        steps.require_customer(actor, conversation)
    else:
        selectors.require_visible(actor, conversation)
        steps.own_conversation(actor, conversation, agents, now, policy.Phase.IN_CONVERSATION)
    if not conversation.is_elevated:
        raise ActionRefused(policy.NOT_ELEVATED)
    conversation.is_elevated = False
    steps.say(conversation, "elevation_ended", {}, now)
    steps.touch(conversation, now)
    steps.settle_presence(agents.values(), PresenceCause.RELEASED, now)
    event = ElevationEnded(**audit.heading(actor, conversation, now))
    audit.publish(event, steps.audience(conversation, customer=True))
    return event
