"""The floor on which report and actions are measured: so many ongoing conversations beside a past of closed ones.

Rows are written in bulk (COPY, or ``executemany``), and the same ones each time: whatever looks random is computed from
a row's number. The mix does not depend on the size, so that sizes can be compared: of the ongoing ones 10 % are open,
5 % offered, 35 % active, 40 % waiting, 10 % in wrap-up; two of three began within the last 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import Any

AGENTS = 200
QUEUES = 8
CUSTOMERS = 20_000
SPREAD = 36 * 3600
"""Ongoing conversations began within so many seconds."""

PAST = 90 * 24 * 3600
"""Closed conversations began within so many seconds before that."""

BATCH = 20_000
CHANNELS = ("sms", "persistent_chat", "live_chat", "whatsapp")
THINGS = (
    "Invoice", "Refund", "Delivery", "Password", "Router", "Warranty", "Contract", "Address", "Card", "Voucher",
    "Screen", "Battery", "Charger", "Keyboard", "Licence", "Upgrade", "Parcel", "Return", "Colour", "Size",
)  # fmt: skip
TROUBLES = ("missing", "wrong", "late", "broken", "lost", "refused", "unclear", "doubled", "expired", "cancelled")
FORENAMES = ("Maja", "Luka", "Nina", "Marko", "Eva", "Jan", "Sara", "Filip", "Ana", "Tim", "Iva", "Rok", "Zoja")
SURNAMES = ("Novak", "Horvat", "Kos", "Zupan", "Kovač", "Krajnc", "Potočnik", "Mlakar", "Vidmar", "Golob", "Turk")
SENTIMENTS = (10, 10, 10, 10, 11, 11, 12, 9, 9, 8, 13, 7, 0)
SWITCHED_ON = {f"{verb}_enabled": True for verb in ("monitor", "assign", "transfer", "force_close")}

Values = dict[str, Any]


def fill(ongoing: int, closed: int, people: int = 8) -> list[str]:
    """Make the people and the past, then so many ongoing conversations; returns the sessions of supervisors."""
    import django

    django.setup()
    from django.core.management import call_command

    from conversations.models import Conversation, Customer

    call_command("migrate", verbosity=0)
    now = datetime.now(UTC)
    sessions = _people(people, now)
    _load(Customer, _customers(now))
    floor = Floor(now, closed)
    with _without_indexes(Conversation):
        _load(Conversation, map(floor.closed, range(min(closed, BATCH))))
        _multiply(closed)
    add(0, ongoing, closed)
    return sessions


def add(present: int, wanted: int, closed: int) -> None:
    """Make more ongoing conversations, until there are so many; then PostgreSQL takes stock of what it has."""
    import django

    django.setup()
    from django.db import connection

    from conversations import typical
    from conversations.models import Conversation, Offer, Participant, QueueSegment, Session

    floor = Floor(datetime.now(UTC), closed)
    numbers = range(present, wanted)
    _load(Conversation, map(floor.ongoing, numbers))
    _load(Session, map(floor.session, numbers))
    _load(QueueSegment, map(floor.stay, numbers))
    _load(Participant, (found for number in numbers if (found := floor.participant(number))))
    _load(Offer, (found for number in numbers if (found := floor.offer(number))))
    typical.tell(using="default")  # SQLite forgot it with the indexes that were dropped to fill.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


# --- people ----------------------------------------------------------------------------------------------------


def _people(number: int, now: datetime) -> list[str]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, Permission
    from django.contrib.sessions.backends.db import SessionStore

    from conversations.models import SupervisorSettings
    from routing.models import Agent, Presence, Queue, QueueMembership, QueueType, User, Workstream

    SupervisorSettings.objects.update_or_create(pk=1, defaults=SWITCHED_ON)
    supervisors, role = Group.objects.get(name="Supervisor"), Group.objects.get(name="Agent")
    supervisors.permissions.add(Permission.objects.get(codename="view_all_queues"))
    bosses = User.objects.bulk_create(User(username=f"boss{place}") for place in range(number))
    users = User.objects.bulk_create(
        User(
            username=f"agent{place}",
            first_name=FORENAMES[place % len(FORENAMES)],
            last_name=f"{SURNAMES[place % len(SURNAMES)]} {place}",
        )
        for place in range(AGENTS)
    )
    through = User.groups.through
    through.objects.bulk_create(
        [*(through(user_id=user.pk, group_id=supervisors.pk) for user in bosses)]
        + [through(user_id=user.pk, group_id=role.pk) for user in users]
    )
    queues = [Queue.objects.create(name=f"Queue {place}", type=QueueType.MESSAGING) for place in range(QUEUES)]
    available, offline = Presence.objects.get(code="available"), Presence.objects.get(code="offline")
    agents = Agent.objects.bulk_create(
        Agent(
            user=user,
            presence=offline if place % 100 == 99 else available,
            presence_since=now,
            max_units=1_000_000,
        )
        for place, user in enumerate(users)
    )
    QueueMembership.objects.bulk_create(QueueMembership(queue=queue, agent=one) for one in agents for queue in queues)
    for channel in CHANNELS:
        Workstream.objects.create(name=f"By {channel}", channel=channel, fallback_queue=queues[0])
    sessions = []
    for user in bosses:
        session = SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        sessions.append(str(session.session_key))
    return sessions


def _customers(now: datetime) -> Iterator[Values]:
    for number in range(CUSTOMERS):
        name = f"{FORENAMES[number % len(FORENAMES)]} {SURNAMES[number // 7 % len(SURNAMES)]} {number}"
        yield {"id": number + 1, "name": name, "key": f"key{number}", "created_at": now}


# --- conversations -----------------------------------------------------------------------------------------------


def mixed(number: int, salt: int) -> int:
    """A number that looks random, and is the same each time."""
    value = (number * 2654435761 + salt * 40503) & 0xFFFFFFFF
    value ^= value >> 15
    value = (value * 2246822519) & 0xFFFFFFFF
    return value ^ (value >> 13)


def state_of(number: int) -> str:
    """The state of the ongoing conversation with this number."""
    place = mixed(number, 1) % 20
    for below, state in ((2, "open"), (3, "offered"), (10, "active"), (18, "waiting")):
        if place < below:
            return state
    return "wrap_up"


class Floor:
    """The rows by their number, as seen at one moment; the closed ones have the first ids."""

    def __init__(self, now: datetime, closed: int) -> None:
        from routing.models import Agent, Queue, Workstream

        self.now, self.first = now, closed + 1
        self._agents = list(Agent.objects.order_by("pk").values_list("pk", "user_id"))
        self._queues = list(Queue.objects.filter(name__startswith="Queue ").order_by("pk").values_list("pk", flat=True))
        self._streams = dict(Workstream.objects.values_list("channel", "pk"))

    def closed(self, number: int) -> Values:
        """One that is over."""
        began = self.now - timedelta(seconds=60 + number * PAST // 1_000_000, microseconds=number)
        ended = began + timedelta(seconds=50)
        return self._common(number, number + 1, len(CHANNELS)) | {
            "state": "closed",
            "reason": "EndedByAgent",
            "created_at": began,
            "first_wait_started_at": began,
            "accepted_at": began + timedelta(seconds=10),
            "state_changed_at": ended,
            "last_activity_at": ended,
            "closed_at": ended,
            "last_agent_id": self._agent(number)[0],
            "handled": timedelta(seconds=40),
            "sentiment": 10,
        }

    def ongoing(self, number: int) -> Values:
        """One that goes on."""
        state, now = state_of(number), self.now
        began, accepted, changed = self._moments(number)
        values = self._common(number, self.first + number, 2 if state == "waiting" else len(CHANNELS)) | {
            "created_at": began,
            "first_wait_started_at": began,
            "state_changed_at": changed,
            "last_activity_at": changed + (now - changed) * (mixed(number, 7) % 100) / 100,
            "sentiment": SENTIMENTS[mixed(number, 8) % len(SENTIMENTS)],
            "sentiment_since": began,
            "transfer_count": max(0, mixed(number, 9) % 12 - 8),
            "priority": 100 + mixed(number, 10) % 3,
        }
        if state == "open":
            return values | {"state": "open", "reason": "AwaitingAgentAssignment", "state_changed_at": began}
        agent = self._agent(number)[0]
        if state == "offered":
            return values | self._had(agent) | {"state": "active", "reason": "AwaitingAgentAcceptance"}
        values |= {"accepted_at": accepted, "handled": timedelta(seconds=mixed(number, 11) % 1800)}
        if state == "waiting":
            return values | {"state": "waiting", "reason": "AwaitingCustomerResponse", "last_agent_id": agent}
        values |= self._had(agent) | {"handling_since": changed}
        if state == "wrap_up":
            return values | {"state": "wrap_up", "reason": "AgentMovedToWrapUp", "wrapup_started_at": changed}
        values |= {"state": "active", "reason": "InConversation"}
        if mixed(number, 12) % 50 == 0:
            return values | {"unanswered_since": changed}
        return values | ({"unanswered_since": now} if mixed(number, 12) % 3 == 0 else {})

    def session(self, number: int) -> Values:
        """Its attempt."""
        began, accepted, _changed = self._moments(number)
        values = {"conversation_id": self.first + number, "queue_id": self._queue(number), "created_at": began}
        if state_of(number) == "open":
            return values
        values |= {"agent_id": self._agent(number)[0], "agent_assigned_at": began}
        return values if state_of(number) == "offered" else values | {"agent_accepted_at": accepted}

    def stay(self, number: int) -> Values:
        """Its stay in a queue."""
        return {
            "conversation_id": self.first + number,
            "queue_id": self._queue(number),
            "started_at": self._moments(number)[0],
        }

    def participant(self, number: int) -> Values | None:
        """Its agent, where somebody has it."""
        state = state_of(number)
        if state in ("open", "waiting"):
            return None
        began, accepted, _changed = self._moments(number)
        return {
            "conversation_id": self.first + number,
            "user_id": self._agent(number)[1],
            "mode": "primary",
            "assign_reason": "SystemAssign",
            "added_at": began,
            "joined_at": None if state == "offered" else accepted,
        }

    def offer(self, number: int) -> Values | None:
        """How its agent was asked; of the open ones, one in ten was rejected."""
        state = state_of(number)
        if state == "open" and mixed(number, 16) % 10:
            return None
        began, accepted, _changed = self._moments(number)
        status = {"open": "rejected", "offered": "pending"}.get(state, "accepted")
        return {
            "conversation_id": self.first + number,
            "agent_id": self._agent(number)[0],
            "kind": "incoming",
            "status": status,
            "offered_at": began,
            "expires_at": self.now + timedelta(days=1),
            "settled_at": None if status == "pending" else accepted,
        }

    def _moments(self, number: int) -> tuple[datetime, datetime, datetime]:
        """When it began, was accepted, and came into its state."""
        length = timedelta(seconds=1 + mixed(number, 2) % SPREAD, microseconds=number)
        began = self.now - length
        accepted = began + min(length, timedelta(seconds=5 + mixed(number, 4) % 600)) / 2
        return began, accepted, accepted + (self.now - accepted) * (mixed(number, 5) % 1000) / 1000

    def _agent(self, number: int) -> tuple[int, int]:
        return self._agents[mixed(number, 3) % len(self._agents)]

    def _queue(self, number: int) -> int:
        return self._queues[mixed(number, 17) % len(self._queues)]

    def _had(self, agent: int) -> Values:
        return {"agent_id": agent, "last_agent_id": agent, "holds_capacity": True}

    def _common(self, number: int, pk: int, channels: int) -> Values:
        channel = CHANNELS[mixed(number, 6) % channels]
        thing, trouble = THINGS[mixed(number, 13) % len(THINGS)], TROUBLES[mixed(number, 14) % len(TROUBLES)]
        return {
            "id": pk,
            "public_id": f"{pk:032x}",
            "subject": f"{thing} {trouble} {number}",
            "customer_id": 1 + mixed(number, 15) % CUSTOMERS,
            "workstream_id": self._streams[channel],
            "channel": channel,
            "queue_id": self._queue(number),
            "units": 1,
        }


# --- writing -----------------------------------------------------------------------------------------------------


@contextmanager
def _without_indexes(model: Any) -> Iterator[None]:
    """Without the indexes of a table, and on PostgreSQL without asking whether what is named exists; both come back."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND NOT EXISTS "
                "(SELECT 1 FROM pg_constraint WHERE conname = indexname)",
                [model._meta.db_table],
            )
            indexes = cursor.fetchall()
            cursor.execute("SET session_replication_role = replica")
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL",
                [model._meta.db_table],
            )
            indexes = cursor.fetchall()
        for name, _statement in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _name, statement in indexes:
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = DEFAULT")


def _multiply(wanted: int) -> None:
    """So many closed conversations: the first ones again and again, each further back."""
    from django.db import connection

    from conversations.models import Conversation

    is_sqlite = connection.vendor == "sqlite"
    further = f"(again * {BATCH})"
    back = f"(again * {BATCH * PAST // 1_000_000})"
    moment = f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', {{}}, '-' || {back} || ' seconds')"
    ways = {
        "id": f"id + {further}",
        "public_id": f"printf('%%032x', id + {further})"
        if is_sqlite
        else f"lpad(to_hex(id + {further}), 32, '0')::uuid",
        "subject": "substr(subject, 1, length(subject) - length(CAST(id - 1 AS text))) || "
        f"CAST(id - 1 + {further} AS text)",
    }
    names = {str(field.column): field for field in Conversation._meta.concrete_fields if not field.generated}
    for name, field in names.items():
        if field.get_internal_type() == "DateTimeField":
            ways[name] = (moment if is_sqlite else f"{{}} - {back} * interval '1 second'").format(name)
    columns = ", ".join(names)
    values = ", ".join(ways.get(name, name) for name in names)
    series = "WITH RECURSIVE times(again) AS (SELECT 1 UNION ALL SELECT again + 1 FROM times WHERE again < %s) "
    with connection.cursor() as cursor:
        if wanted > BATCH:
            cursor.execute(
                f"{series}INSERT INTO conversations_conversation ({columns}) SELECT {values} FROM times, "
                f"conversations_conversation WHERE id <= {BATCH} AND id + {further} <= %s",
                [-(-wanted // BATCH) - 1, wanted],
            )


def _load(model: Any, rows: Iterable[Values]) -> None:
    """Write these rows; what they do not name is as the model has it by default."""
    from django.db import connection, transaction

    first, rows = _peek(rows)
    if first is None:
        return
    fields = [field for field in model._meta.concrete_fields if not field.generated]
    fields = [field for field in fields if not field.primary_key or field.attname in first]
    defaults = {field.attname: None if field.null else field.get_default() for field in fields}
    columns = ", ".join(f'"{field.column}"' for field in fields)
    ready: Iterator[list[Any]] = ([_plain(value) for value in (defaults | row).values()] for row in rows)
    table = f'"{model._meta.db_table}"'
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(fields))
            with transaction.atomic():
                while batch := list(islice(ready, BATCH)):
                    cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", batch)
            return
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            while batch := list(islice(ready, BATCH)):
                lines = ("\t".join("\\N" if value is None else str(value) for value in row) for row in batch)
                copy.write("\n".join(lines) + "\n")
        if "id" in first:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")


def _peek(rows: Iterable[Values]) -> tuple[Values | None, Iterator[Values]]:
    ahead = iter(rows)
    first = next(ahead, None)
    return first, chain([first] if first is not None else [], ahead)


def _plain(value: Any) -> Any:
    """A value as both databases take it."""
    from django.db import connection

    is_sqlite = connection.vendor == "sqlite"
    match value:
        case bool():
            return int(value)
        case datetime():
            return str(value.replace(tzinfo=None)) if is_sqlite else str(value)
        case timedelta():
            microseconds = value // timedelta(microseconds=1)
            return microseconds if is_sqlite else f"{microseconds} microseconds"
        case _:
            return "{}" if value == {} else value
