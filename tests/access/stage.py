"""The floor on which every role tries every door: who they are, what stands there, and how a request is made."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Customer, Finding, Mode, Notice, Offer, Participant, SettingChange
from conversations.policy import Medium
from conversations.services import assignment, calls, elevation, intake, offers, supervision
from conversations.views.access import CUSTOMER_COOKIE, remember_customer
from routing.models import Agent, BasePresence, CapacityProfile, Channel, Presence, Skill, User
from routing.services.presence import set_presence
from supervisor_console.kernel.actor import Role
from tests.cast import EVERY_CAUTION, Floor, actor_of, fresh, make_agent, make_floor, make_workstream, offer_of

ROLES = (
    "nobody",
    "customer",
    "customer elsewhere",
    "agent",
    "agent elsewhere",
    "supervisor",
    "supervisor elsewhere",
    "administrator",
    "API access",
)
"""Who knocks. Everything asked for is of the queue Billing and of Ana; "elsewhere" is whom it does not concern."""

WRITING = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Stage:
    """The floor, and a signed-in session of each role."""

    floor: Floor = field(default_factory=make_floor)
    client: Client = field(default_factory=Client)
    kept: dict[str, str] = field(default_factory=dict)
    customer: str = ""

    def __post_init__(self) -> None:
        """Everybody signs in once; Ana has room for everything that the rows give her."""
        floor = self.floor
        Agent.objects.update(max_units=10_000)
        tina = make_agent("tina", floor.returns, roles=(Role.SUPERVISOR,), presence=BasePresence.OFFLINE)
        people = {
            "agent": floor.ana.user,
            "agent elsewhere": floor.cene.user,
            "supervisor": floor.stefan,
            "supervisor elsewhere": tina.user,
            "administrator": floor.otto,
            "API access": floor.api,
        }
        self.kept = {role: session_of(user) for role, user in people.items()}
        self.kept["customer elsewhere"] = self.customer = cookie_of(Customer.objects.create(name="Eva").pk)

    def browser(self, role: str) -> Client:
        """The browser of this role; the customer's is that of the conversation whose places were asked for last."""
        kept = {role: self.customer} if role == "customer" else self.kept
        # One client for all: each would look through every static file at its first request.
        self.client.cookies.clear()
        name = CUSTOMER_COOKIE if role.startswith("customer") else "sessionid"
        self.client.cookies[name] = kept.get(role, "")
        return self.client

    def places(self, conversation: Conversation | None) -> dict[str, object]:
        """What the places of an address mean here, and the fields of forms that name something."""
        named: dict[str, object] = {
            "agent_id": self.floor.ana.pk,
            "boris": self.floor.boris.pk,
            "returns": self.floor.returns.pk,
            "billing": self.floor.billing.pk,
            "away": Presence.objects.get(code="away").pk,
            "medium": "video",
            "anywhere": "ws/nowhere/",
            "version": 1,
        }
        named["notice_id"] = Notice.objects.filter(user=self.floor.ana.user).values_list("pk", flat=True).first() or 0
        if conversation is not None:
            self.customer = cookie_of(conversation.customer_id)
            named |= {
                "conversation_id": conversation.pk,
                "public_id": conversation.public_id,
                "version": conversation.version,
                "offer_id": Offer.objects.filter(conversation=conversation).values_list("pk", flat=True).first() or 0,
            }
        return named


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def cookie_of(customer_id: int) -> str:
    response = HttpResponse()
    remember_customer(response, customer_id, secure=False)
    return response.cookies[CUSTOMER_COOKIE].value


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What happens inside is taken back; actions may begin and end in it, as in a test."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # Lets a durable transaction begin inside.
    with block:
        yield
        transaction.set_rollback(True)


@contextlib.contextmanager
def writing() -> Iterator[list[str]]:
    """The statements inside that write."""
    found: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        if sql.startswith(WRITING):
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


# --- what stands there ------------------------------------------------------------------------------------------


def opened(floor: Floor) -> Conversation:
    """It waits in Billing."""
    return floor.start()


def offered(floor: Floor) -> Conversation:
    """Ana is asked."""
    chat = floor.offered()
    Offer.objects.filter(pk=offer_of(chat).pk).update(expires_at=timezone.now() + timedelta(minutes=5))
    return chat


def hers(floor: Floor) -> Conversation:
    """Ana talks with the customer."""
    return floor.active()


def waits(floor: Floor) -> Conversation:
    """Ana closed the session; it waits for the customer."""
    return floor.waiting()


def wrapped_up(floor: Floor) -> Conversation:
    """Ana does the after-work."""
    return floor.wrap_up()


def monitored(floor: Floor) -> Conversation:
    """Stefan watches."""
    chat = floor.active()
    supervision.monitor(actor_of(floor.stefan), chat.pk)
    return fresh(chat)


def joined(floor: Floor) -> Conversation:
    """Stefan takes part."""
    chat = monitored(floor)
    supervision.join(actor_of(floor.stefan), chat.pk)
    return fresh(chat)


def transferring(floor: Floor) -> Conversation:
    """Boris is asked to take over from Ana."""
    chat = floor.active()
    assignment.transfer(
        actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, confirmed=EVERY_CAUTION
    )
    return fresh(chat)


def consulting(floor: Floor) -> Conversation:
    """Boris took over; Ana consults."""
    chat = transferring(floor)
    offers.accept(actor_of(floor.boris), offer_of(chat).pk)
    return fresh(chat)


def elevated(floor: Floor) -> Conversation:
    """Ana and the customer are in a call beside the chat."""
    chat = floor.active()
    elevation.elevate(actor_of(floor.ana), chat.pk, medium=Medium.VIDEO)
    return fresh(chat)


def broken(floor: Floor) -> Conversation:
    """Ana talks with the customer, but nothing says that she sits in it."""
    chat = floor.active()
    Participant.objects.filter(conversation=chat, mode=Mode.PRIMARY).delete()
    return chat


def set_away(floor: Floor) -> Conversation:
    """Supervisors set Ana and Cene to Away; she talks with the customer."""
    away = Presence.objects.get(code="away").pk
    for agent in (floor.ana, floor.cene):
        set_presence(actor_of(floor.sara), agent.pk, presence_id=away)
    return floor.active()


def called(floor: Floor) -> Conversation:
    """Ana talks with somebody who called."""
    return floor.active(Channel.VOICE)


def held(floor: Floor) -> Conversation:
    """The call is on hold."""
    chat = called(floor)
    calls.hold(actor_of(floor.ana), chat.pk)
    return fresh(chat)


def with_bot(floor: Floor) -> Conversation:
    """A bot serves the customer."""
    stream = make_workstream("With a bot", Channel.LIVE_CHAT, floor.billing)
    stream.bot = make_agent(f"bot-{uuid.uuid4().hex[:8]}", is_bot=True)
    stream.save()
    event = intake.start(workstream_id=stream.pk, name="Maja", text="Hello", now=timezone.now())
    return Conversation.objects.get(pk=event.conversation_id)


def one_of_everything(floor: Floor) -> None:
    """A row of every kind that the administration shows."""
    monitored(floor)
    Presence.objects.create(name="Lunch", base="away")
    Skill.objects.create(type="Language", name="English")
    CapacityProfile.objects.create(name="Chats", limit=2)
    SettingChange.objects.create(setting="decline_limit", old=3, new=4, by=floor.otto, at=timezone.now())
    Finding.objects.create(
        conversation=Conversation.objects.earliest("pk"), code="a_rule", is_repairable=True, found_at=timezone.now()
    )
