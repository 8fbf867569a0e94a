"""The cast: one small contact centre with named people, so that a test reads as one sentence.

sara supervises everything, stefan only Billing; ana, boris and cene are agents of Billing (cene of
Returns only); otto is an administrator, api holds the API access role; maja is a customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Group

from conversations.models import Conversation, Offer, OfferStatus, SupervisorSettings
from conversations.services import assignment, closure, intake, offers
from routing import selectors as routing_selectors
from routing import steps as routing_steps
from routing.locks import lock_agents
from routing.models import (
    Agent,
    BasePresence,
    Channel,
    Queue,
    QueueMembership,
    QueueType,
    SetBy,
    User,
    Workstream,
)
from routing.services.staffing import add_agent_profile
from supervisor_console.kernel.actor import SYSTEM, Actor, Role, customer_actor
from supervisor_console.kernel.realtime import action
from tests.kept import Kept

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday morning; tests pass their own times on from here. In the browser it is the present: tests/browser."""


def at(seconds: float) -> datetime:
    """So many seconds after the beginning."""
    return T0 + timedelta(seconds=seconds)


def make_user(name: str, *roles: Role, password: str = "") -> User:
    """A person with roles."""
    user = User(username=name, first_name=name.capitalize(), last_name="Test", is_staff=Role.ADMINISTRATOR in roles)
    if password:
        user.set_password(password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=[role.value for role in roles]))
    return user


def make_agent(
    name: str,
    *queues: Queue,
    units: int = 100,
    presence: BasePresence = BasePresence.AVAILABLE,
    roles: tuple[Role, ...] = (Role.AGENT,),
    is_bot: bool = False,
) -> Agent:
    """An agent who belongs to these queues, with a presence."""
    user = make_user(name, *roles)
    agent = add_agent_profile(user.pk, max_units=units, is_bot=is_bot, now=T0)
    for queue in queues:
        QueueMembership.objects.create(queue=queue, agent=agent)
    set_presence(agent, presence)
    return Agent.objects.select_related("user", "presence").get(pk=agent.pk)


def set_presence(
    agent: Agent, presence: BasePresence, *, set_by: SetBy = SetBy.SYSTEM, now: datetime | None = None
) -> None:
    """Give an agent a base presence, as the product or a person would."""

    with action():
        locked = lock_agents([agent.pk])[agent.pk]
        if locked.presence.base != presence.value:
            actor = actor_of(agent.user) if set_by != SetBy.SYSTEM else SYSTEM
            routing_steps.change_presence(
                locked, routing_steps.base_presence(presence), set_by=set_by, actor=actor, now=now or T0
            )


def actor_of(who: User | Agent) -> Actor:
    """The actor of a person, read afresh."""
    user_id = who.user_id if isinstance(who, Agent) else who.pk
    return routing_selectors.actor_for(User.objects.get(pk=user_id))


@dataclass
class Floor:
    """The centre: its queues, workstreams and people."""

    billing: Queue
    returns: Queue
    empty: Queue
    calls: Queue
    chat: Workstream
    persistent: Workstream
    sms: Workstream
    whatsapp: Workstream
    voice: Workstream
    sara: User
    stefan: User
    otto: User
    api: User
    ana: Agent
    boris: Agent
    cene: Agent

    def workstream(self, channel: Channel) -> Workstream:
        """The workstream of a channel."""
        return {
            Channel.LIVE_CHAT: self.chat,
            Channel.PERSISTENT_CHAT: self.persistent,
            Channel.SMS: self.sms,
            Channel.WHATSAPP: self.whatsapp,
            Channel.VOICE: self.voice,
        }[channel]

    def start(
        self, channel: Channel = Channel.LIVE_CHAT, *, text: str = "Hello", now: datetime | None = None
    ) -> Conversation:
        """Maja starts a conversation: open, in Billing (calls in Calls)."""
        queue = self.calls if channel == Channel.VOICE else self.billing
        event = intake.start(
            workstream_id=self.workstream(channel).pk, name="Maja", text=text, queue_id=queue.pk, now=now or T0
        )
        return Conversation.objects.get(pk=event.conversation_id)

    def offered(self, channel: Channel = Channel.LIVE_CHAT, *, to: Agent | None = None) -> Conversation:
        """One that Sara has assigned to Ana, who has not answered yet."""
        conversation = self.start(channel)
        assignment.assign(
            actor_of(self.sara),
            conversation.pk,
            agent_id=(to or self.ana).pk,
            version=conversation.version,
            confirmed=EVERY_CAUTION,
            now=at(10),
        )
        return fresh(conversation)

    def active(self, channel: Channel = Channel.LIVE_CHAT, *, by: Agent | None = None) -> Conversation:
        """One that Ana has accepted."""
        agent = by or self.ana
        conversation = self.offered(channel, to=agent)
        offers.accept(actor_of(agent), offer_of(conversation).pk, now=at(20))
        return fresh(conversation)

    def waiting(self, channel: Channel = Channel.PERSISTENT_CHAT, *, by: Agent | None = None) -> Conversation:
        """One whose session Ana closed without ending."""
        agent = by or self.ana
        conversation = self.active(channel, by=agent)
        closure.close_session(actor_of(agent), conversation.pk, now=at(30))
        return fresh(conversation)

    def wrap_up(self, channel: Channel = Channel.LIVE_CHAT, *, by: Agent | None = None) -> Conversation:
        """One that Ana has ended."""
        agent = by or self.ana
        conversation = self.active(channel, by=agent)
        closure.end(actor_of(agent), conversation.pk, now=at(30))
        return fresh(conversation)

    def closed(self, channel: Channel = Channel.LIVE_CHAT, *, by: Agent | None = None) -> Conversation:
        """One that Ana has finished."""
        agent = by or self.ana
        conversation = self.wrap_up(channel, by=agent)
        closure.finish_wrap_up(actor_of(agent), conversation.pk, now=at(40))
        return fresh(conversation)


EVERY_CAUTION = frozenset(
    {"presence_override", "presence_offline", "capacity_override", "profile_override", "session_limit", "agent_in_call"}
    | {"queue_closed_hours", "force_close"}
)
"""Whoever confirms everything."""


def fresh(conversation: Conversation) -> Conversation:
    """The conversation as it is in the database now."""
    return Conversation.objects.get(pk=conversation.pk)


def offer_of(conversation: Conversation) -> Offer:
    """Its pending offer."""
    return Offer.objects.get(conversation=conversation, status=OfferStatus.PENDING)


def customer_of(conversation: Conversation) -> Actor:
    """The actor of its customer."""
    return customer_actor(conversation.customer_id, conversation.customer.name)


def make_workstream(name: str, channel: Channel, queue: Queue, *, units: int = 30) -> Workstream:
    """A workstream with a queue to fall back to."""
    return Workstream.objects.create(name=name, channel=channel, fallback_queue=queue, units=units)


def make_floor() -> Floor:
    """Build the centre, with every switch on but one: people hand out the work, unless a test says otherwise."""
    # Sara sees every queue by a permission of her own; the role alone gives the own queues here.
    Group.objects.get(name=Role.SUPERVISOR.value).permissions.clear()
    return _floor(is_first=not User.objects.exists())


def _build_floor() -> Floor:
    SupervisorSettings.objects.create(
        pk=1, assign_enabled=True, transfer_enabled=True, force_close_enabled=True, distribution_enabled=False
    )
    billing, returns, empty = (
        Queue.objects.create(name=name, type=QueueType.MESSAGING) for name in ("Billing", "Returns", "Nobody")
    )
    calls = Queue.objects.create(name="Calls", type=QueueType.VOICE)
    sara = make_user("sara", Role.SUPERVISOR)
    stefan_agent = make_agent("stefan", billing, roles=(Role.SUPERVISOR,), presence=BasePresence.OFFLINE)
    give_view_all_queues(sara)
    return Floor(
        billing=billing,
        returns=returns,
        empty=empty,
        calls=calls,
        chat=make_workstream("Chat", Channel.LIVE_CHAT, billing),
        persistent=make_workstream("Account chat", Channel.PERSISTENT_CHAT, billing),
        sms=make_workstream("SMS", Channel.SMS, billing),
        whatsapp=make_workstream("WhatsApp", Channel.WHATSAPP, billing),
        voice=make_workstream("Calls", Channel.VOICE, calls),
        sara=sara,
        stefan=stefan_agent.user,
        otto=make_user("otto", Role.ADMINISTRATOR),
        api=make_user("api", Role.API_ACCESS),
        ana=make_agent("ana", billing, calls),
        boris=make_agent("boris", billing, calls),
        cene=make_agent("cene", returns),
    )


_floor = Kept(_build_floor, key=lambda: T0)


def forget_floor() -> None:
    """Build it anew the next time, because ids have started over."""
    _floor.forget()


def give_view_all_queues(user: User) -> None:
    """Let this supervisor see every queue, as a permission of their own."""
    from django.contrib.auth.models import Permission

    user.user_permissions.add(Permission.objects.get(codename="view_all_queues"))
