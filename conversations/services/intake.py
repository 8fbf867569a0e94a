"""Let work in: a customer starts a conversation, and a waiting one is taken up again (domain.md T1, T20)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from conversations import audit, bots, legs, moods, policy, selectors, steps
from conversations.events import ConversationCreated, ConversationRevived
from conversations.locks import LockedConversation, lock_conversation, lock_customer, lock_form
from conversations.models import (
    AssignReason,
    Conversation,
    Customer,
    Direction,
    Message,
    RequiredSkill,
    SenderKind,
    Sentiment,
    State,
    StateReason,
)
from conversations.policy import Phase, Trigger
from conversations.sentiment import sentiment_of
from routing.locks import lock_agents
from routing.models import Queue, Workstream
from routing.policy import PresenceCause
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor, customer_actor
from supervisor_console.kernel.errors import ActionRefused, Kind, NotVisible, Refusal, require
from supervisor_console.kernel.realtime import action

SUBJECT_MAX = 200
NAME_MAX = 120
CONTACT_MAX = 120
SAME_START_WITHIN = timedelta(minutes=10)
"""How long the key of a start form is good for recognising the customer whom it made."""

NAME_EMPTY = Refusal("name_empty", _("Tell us your name."), kind=Kind.INVALID)
NAME_TOO_LONG = Refusal(
    "name_too_long", _("The name is longer than %(max)d characters."), {"max": NAME_MAX}, kind=Kind.INVALID
)
CONTACT_TOO_LONG = Refusal(
    "contact_too_long", _("The contact is longer than %(max)d characters."), {"max": CONTACT_MAX}, kind=Kind.INVALID
)


@action()
def start(
    *,
    workstream_id: int,
    name: str,
    text: str,
    subject: str = "",
    contact: str = "",
    queue_id: int | None = None,
    customer_id: int | None = None,
    required_skills: Mapping[int, int] | None = None,
    client_key: str = "",
    now: datetime | None = None,
) -> ConversationCreated:
    """A customer begins a conversation; it waits in its queue, or the workstream's bot answers first (T1).

    ``queue_id`` defaults to the workstream's fallback queue; it must be of the workstream's type.
    The first line becomes the subject where none is given. A second start with the same
    ``client_key`` is the same conversation. Raises ``ActionRefused`` for an empty or over-long name, contact or text,
    and for a customer who has as many chats as there may be; ``NotVisible`` for an unknown workstream, queue or
    customer. Announced to supervisors and open lists.
    """
    text, client_key = policy.clean_text(text), policy.clean_key(client_key)
    name = policy.clean_line(name)
    require(NAME_EMPTY if not name else None)
    require(NAME_TOO_LONG if len(name) > NAME_MAX else None)
    contact = policy.clean_line(contact)
    require(CONTACT_TOO_LONG if len(contact) > CONTACT_MAX else None)
    require(policy.why_not_text(text))
    workstream = Workstream.objects.filter(pk=workstream_id).select_related("fallback_queue", "bot__user").first()
    if workstream is None:
        raise NotVisible
    queue = workstream.fallback_queue if queue_id is None else Queue.objects.filter(pk=queue_id).first()
    if queue is None or queue.type != workstream.kind.queue_type:
        raise NotVisible
    now = now or clock.now()
    if customer_id is None:
        lock_form(client_key)
    customer = lock_customer(customer_id) if customer_id is not None else None
    again = _started_before(client_key, customer, now)
    if again is not None:
        return _created(again.customer, again, now)
    if customer is not None:
        require(policy.why_not_another_chat(Conversation.objects.ongoing().filter(customer=customer).count()))
    else:
        customer = Customer.objects.create(name=name, contact=contact)
    bot = workstream.bot if workstream.bot is not None and workstream.bot.user.is_active else None
    conversation = Conversation.objects.create(
        subject=_subject(subject, text),
        customer=customer,
        workstream=workstream,
        channel=workstream.channel,
        queue=queue,
        state=State.OPEN if bot is None else State.ACTIVE,
        reason=StateReason.AWAITING_AGENT_ASSIGNMENT if bot is None else StateReason.IN_CONVERSATION,
        agent=bot,
        last_agent=bot,
        holds_capacity=bot is not None,
        direction=Direction.INBOUND,
        created_at=now,
        first_wait_started_at=now if bot is None else None,
        state_changed_at=now,
        last_activity_at=now,
        last_customer_message_at=now,
        unanswered_since=now if bot is None else None,
        sentiment=_first_sentiment([text] if bot is None else []),
        units=workstream.units,
    )
    conversation.profiles.set(workstream.profiles.all())
    RequiredSkill.objects.bulk_create(
        RequiredSkill(conversation=conversation, skill_id=skill_id, minimum=minimum)
        for skill_id, minimum in (required_skills or {}).items()
    )
    Message.objects.create(
        conversation=conversation,
        sender_kind=SenderKind.CUSTOMER,
        sender_name=customer.name,
        text=text,
        client_key=client_key,
        created_at=now,
    )
    fresh = LockedConversation(conversation)  # nobody else can see the row before the commit
    steps.open_segment(fresh, now)
    legs.begin(fresh, now)
    if bot is None:
        steps.open_session(fresh, now=now)
        steps.ask_to_distribute(conversation_id=conversation.pk)
        moods.begin(fresh, now)
        fresh.save(update_fields=["sentiment_since", "unhappy_told_at", "agent_warned_at"])
    else:
        bots.seat(fresh, bot, now)
    event = _created(customer, conversation, now)
    audit.publish(event, steps.audience(fresh, customer=True, open_list=bot is None))
    if bot is not None:
        bots.begin(fresh, text, now)
    return event


def _first_sentiment(texts: list[str]) -> Sentiment:
    """How the customer sounds at first; nothing is read where the analysis is switched off (domain.md 7)."""
    return sentiment_of(texts) if selectors.settings_row().sentiment_enabled else Sentiment.NOT_AVAILABLE


def _started_before(client_key: str, customer: Customer | None, now: datetime) -> Conversation | None:
    """What the same form began already; a stranger is recognised by the form's key alone, for a short while.

    The key of a line that was written later began nothing, and gives nobody the chat in which it stands.
    """
    if not client_key:
        return None
    rows = Message.objects.filter(
        client_key=client_key, sender_kind=SenderKind.CUSTOMER, created_at=F("conversation__created_at")
    )
    if customer is not None:
        rows = rows.filter(conversation__customer=customer)
    else:
        rows = rows.filter(created_at__gte=now - SAME_START_WITHIN)
    found = rows.select_related("conversation__queue", "conversation__customer").order_by("pk").first()
    return found.conversation if found is not None else None


def _created(customer: Customer, conversation: Conversation, now: datetime) -> ConversationCreated:
    return ConversationCreated(
        **audit.heading(customer_actor(customer.pk, customer.name), conversation, now, ""),
        queue_id=conversation.queue_id,
        queue=conversation.queue.name,
    )


def _subject(subject: str, text: str) -> str:
    found = policy.clean_line(subject) or policy.clean_line(text)
    return found if len(found) <= SUBJECT_MAX else found[: SUBJECT_MAX - 1] + "…"


@action()
def revive(actor: Actor, conversation_id: int, *, now: datetime | None = None) -> ConversationRevived:
    """The last agent takes a waiting conversation up again from their desk (T20).

    Raises ``ActionRefused`` if it is not waiting any more, or a transfer of it is pending. Announced
    to supervisors and the customer.
    """
    conversation = lock_conversation(conversation_id)
    selectors.require_visible(actor, conversation)
    if not actor.is_agent or actor.agent_id is None:
        raise ActionRefused(policy.NOT_AGENT)
    offer = selectors.pending_offer(conversation)
    agent = lock_agents([actor.agent_id])[actor.agent_id]
    now = now or clock.now()
    require(policy.why_not_revive(actor, selectors.facts(conversation, offer)))
    before = steps.move(conversation, Trigger.REVIVE, Phase.IN_CONVERSATION, now=now, agent=agent)
    steps.open_session(conversation, now=now, agent=agent, accepted=True)
    steps.seat_primary(conversation, agent, AssignReason.AGENT_CONVERSATION_REJOIN, now=now, joined=True)
    steps.save(conversation)
    steps.settle_presence([agent], PresenceCause.ACCEPTED, now)
    event = ConversationRevived(
        **audit.heading(actor, conversation, now, before),
        agent_id=agent.pk,
        agent=agent.name,
    )
    audit.publish(event, steps.audience(conversation, customer=True))
    return event
