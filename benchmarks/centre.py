"""What goes on in the contact centre that is measured: its people, its conversations, and what changes.

Rows are inserted in bulk: this is a measurement, not a demo. Changes are made through the services, as people do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conversations.models import Conversation

QUEUES = 8
CUSTOMERS = 1000
TOUCHED = 2000
"""So many of the conversations are written in, moved or closed."""

PORTION = 2000
"""So many rows a statement."""

SAME = "window=all&sort=-activity"
"""The view in which every change is on the first page: what was touched last stands first."""

SORTS = ("-wait", "-activity", "created", "-unanswered", "subject", "-handle", "status", "-state_since")
MIX = {"line": 0.6, "new": 0.15, "queue": 0.15, "close": 0.1}
"""Which share of the changes is what: a customer writes, begins, is moved to another queue, is closed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One committed change: which conversation has which version since when (seconds since the epoch)."""

    conversation: int
    version: int
    at: float
    is_listed: bool


def setup() -> None:
    """Make Django ready in a process of its own; the environment says on which database."""
    import django

    django.setup()


def fill(conversations: int, people: int) -> list[str]:
    """Make so many ongoing conversations, and so many supervisors who see everything; returns their sessions."""
    setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, Permission
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from conversations.models import Conversation, Customer, SupervisorSettings
    from routing.models import (
        Agent,
        Channel,
        Presence,
        PresenceChange,
        Queue,
        QueueMembership,
        QueueType,
        SetBy,
        User,
        Workstream,
    )

    call_command("migrate", verbosity=0)
    SupervisorSettings.objects.update_or_create(pk=1, defaults={"force_close_enabled": True, "assign_enabled": True})
    supervisor, agent_role = Group.objects.get(name="Supervisor"), Group.objects.get(name="Agent")
    supervisor.permissions.add(Permission.objects.get(codename="view_all_queues"))
    users = User.objects.bulk_create(User(username=f"bench{number}") for number in range(people))
    User.groups.through.objects.bulk_create(
        User.groups.through(user_id=user.pk, group_id=supervisor.pk) for user in users
    )
    queues = [Queue.objects.create(name=f"Queue {number}", type=QueueType.MESSAGING) for number in range(QUEUES)]
    holder = User.objects.create(username="holder")
    holder.groups.add(agent_role)
    agent = Agent.objects.create(
        user=holder, presence=Presence.objects.filter(base="available")[0], presence_since=timezone.now()
    )
    PresenceChange.objects.create(
        agent=agent, presence=agent.presence, started_at=agent.presence_since, set_by=SetBy.SYSTEM
    )
    QueueMembership.objects.bulk_create(QueueMembership(queue=queue, agent=agent) for queue in queues)
    stream = Workstream.objects.create(name="Messages", channel=Channel.SMS, fallback_queue=queues[0])
    customers = Customer.objects.bulk_create(Customer(name=f"Customer {number}") for number in range(CUSTOMERS))
    # All of them have waited too long already: what time alone changes in the lane would blur what the changes do.
    now = timezone.now() - timedelta(hours=1)
    made = Conversation.objects.bulk_create(
        (
            Conversation(
                subject=f"Subject {number}",
                customer=customers[number % len(customers)],
                workstream=stream,
                channel=stream.channel,
                queue=queues[number % len(queues)],
                created_at=now - timedelta(seconds=number),
                first_wait_started_at=now - timedelta(seconds=number),
                state_changed_at=now - timedelta(seconds=number),
                last_activity_at=now - timedelta(seconds=number),
                units=stream.units,
            )
            for number in range(conversations)
        ),
        PORTION,
    )
    _record(made)
    sessions = []
    for user in users:
        session = SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        sessions.append(str(session.session_key))
    connection.cursor().execute("ANALYZE")
    return sessions


def _record(made: list[Conversation]) -> None:
    """What belongs to conversations that wait: session, stay in the queue, beginning of the history."""
    from conversations.events import ConversationCreated
    from conversations.models import HistoryEntry, QueueSegment, Session
    from supervisor_console.kernel.actor import ActorKind

    Session.objects.bulk_create(
        (Session(conversation=one, queue_id=one.queue_id, created_at=one.created_at) for one in made), PORTION
    )
    QueueSegment.objects.bulk_create(
        (QueueSegment(conversation=one, queue_id=one.queue_id, started_at=one.created_at) for one in made), PORTION
    )
    began = {"code": ConversationCreated.code, "actor_kind": ActorKind.CUSTOMER}
    HistoryEntry.objects.bulk_create(
        (
            HistoryEntry(
                conversation=one, at=one.created_at, version=one.version, to_state=one.state, reason=one.reason, **began
            )
            for one in made
        ),
        PORTION,
    )


def different_views(number: int) -> list[str]:
    """So many addresses of the report, no two the same: queues, orders, statuses, searches and pages, mixed."""

    def every() -> Iterator[str]:
        narrow = ["", *(f"queue={place}" for place in queue_ids()), "status=open", "q=Subject+1", "q=Customer+7"]
        for page, choice, sort in product(range(1, 20), narrow, SORTS):
            parts = ["window=all", choice, f"sort={sort}", f"page={page}" if page > 1 else ""]
            yield "&".join(part for part in parts if part)

    found = list(islice(every(), number))
    random.Random(1).shuffle(found)
    return found


def queue_ids() -> list[int]:
    """The queues that were made."""
    setup()
    from routing.models import Queue

    return list(Queue.objects.filter(name__startswith="Queue ").order_by("pk").values_list("pk", flat=True))


def make_changes(rate: float, seconds: float, pipe: Connection) -> None:
    """Change something, so many times a second, and say of each change when it was committed."""
    setup()
    chance = random.Random(time.time_ns())
    deeds = Deeds(chance)
    made: list[Change] = []
    began = time.time()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.time()))
        deed = chance.choices(list(MIX), list(MIX.values()))[0]
        pk, version = deeds.by_name[deed]()
        made.append(Change(pk, version, time.time(), is_listed=deed != "close"))
    pipe.send(made)


class Deeds:
    """What customers and a supervisor do."""

    def __init__(self, chance: random.Random) -> None:
        from conversations.models import Conversation
        from routing.models import User, Workstream
        from routing.selectors import actor_for

        self._chance = chance
        self._queues = queue_ids()
        self._stream = Workstream.objects.get(name="Messages").pk
        self._boss = actor_for(User.objects.get(username="bench0"))
        rows = Conversation.objects.ongoing().order_by("pk").values_list("pk", "customer_id", "version", "queue_id")
        self._open = [list(row) for row in rows[:TOUCHED]]
        self.by_name: dict[str, Callable[[], tuple[int, int]]] = {
            "line": self.line,
            "new": self.new,
            "queue": self.queue,
            "close": self.close,
        }

    def line(self) -> tuple[int, int]:
        """A customer writes."""
        from conversations.services import messaging
        from supervisor_console.kernel.actor import customer_actor

        row = self._chance.choice(self._open)
        event = messaging.receive(customer_actor(row[1], "Customer"), row[0], text=f"Line {self._chance.random()}")
        row[2] = event.version
        return row[0], event.version

    def new(self) -> tuple[int, int]:
        """A customer begins."""
        from conversations.services import intake

        queue = self._chance.choice(self._queues)
        event = intake.start(workstream_id=self._stream, name="Newcomer", text="Hello", queue_id=queue)
        return event.conversation_id, event.version

    def queue(self) -> tuple[int, int]:
        """The supervisor moves one to another queue."""
        from conversations.services import assignment

        row = self._chance.choice(self._open)
        target = self._chance.choice([queue for queue in self._queues if queue != row[3]])
        event = assignment.assign_to_queue(
            self._boss, row[0], queue_id=target, version=row[2], confirmed=frozenset({"queue_closed_hours"})
        )
        row[2], row[3] = event.version, target
        return row[0], event.version

    def close(self) -> tuple[int, int]:
        """The supervisor closes one."""
        from conversations.services import closure

        row = self._open.pop(self._chance.randrange(len(self._open)))
        event = closure.force_close(
            self._boss, row[0], version=row[2], confirmed=frozenset({"force_close"}), note="Measured"
        )
        return row[0], event.version


def violations() -> list[str]:
    """What is not as it must be, as `manage.py check_floor` says it."""
    setup()
    from conversations import invariants

    return [found.sentence for found in invariants.violations(invariants.Scope(now=datetime.now(UTC)))]


def truth(queries: list[str], at: float) -> dict[str, str]:
    """What each of these views shows by the database alone at a moment (seconds since the epoch): its digest."""
    setup()
    from conversations.reports import live
    from conversations.reports.scope import EVERYTHING

    now = datetime.fromtimestamp(at, UTC)
    views = {query: live.View(0, query, "en") for query in queries}
    return {query: live.read(EVERYTHING, view, now=now, before=None).snapshot.digest for query, view in views.items()}
