"""What is one turn of one process? The clock stands still meanwhile; all processes take their turns at the same time.

``work`` is the background work, as `manage.py work` does it. ``people`` is a server: a share of the customers, agents
and supervisors act through it, and the desks of some agents are connected to it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from django.db import OperationalError
from django.db.models import Q

from conversations.models import ChatPage, Conversation
from conversations.policy import Medium
from conversations.services import (
    assignment,
    attendance,
    calls,
    chat_pages,
    closure,
    distribution,
    elevation,
    messaging,
    notices,
    supervision,
    timers,
)
from conversations.simulator.doing import SHIFT_LEAD, do
from conversations.simulator.floor import Act, Chance, Deed, Floor, Habits, Scene
from conversations.simulator.reading import read
from conversations.simulator.simulator import chances, choose
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, Channel, Connection, QueueMembership, User
from routing.services import presence
from supervisor_console.kernel.actor import Actor, customer_actor
from supervisor_console.kernel.errors import ConsoleError
from supervisor_console.kernel.locking import is_lock_timeout
from tests.cast import EVERY_CAUTION


@dataclass(frozen=True, slots=True)
class Turn:
    """What the driver says: what time it is, how many acts, whether somebody may still come, or all go home."""

    now: datetime
    acts: int
    may_come: bool = True
    goes_home: bool = False


Player = Callable[[Turn], None]


def work(turn: Turn) -> None:
    """What is due, and what can be handed out."""
    timers.run_due(now=turn.now)
    distribution.distribute(everywhere=True, now=turn.now)


class People:
    """The people whose clicks go through one server process."""

    def __init__(self, number: int, of: int, seed: int, size: int) -> None:
        self.number, self.of = number, of
        self.process = uuid.UUID(int=Random(seed).getrandbits(128))
        self.dice = Random(seed)
        self.habits = Habits(size=size, seed=seed)
        self.cut_off: dict[int, datetime] = {}
        """Agents whose network is down, until when."""

    def __call__(self, turn: Turn) -> None:
        """Everybody's pages live, and some people do something."""
        presence.keep_alive(self.process, now=turn.now)
        chat_pages.keep_alive(self.process, now=turn.now)
        if turn.goes_home:
            self._go_home(turn.now)
            return
        self._desks(turn.now)
        floor = read(turn.now, self.dice)
        hurry = HURRY if turn.may_come else {**HURRY, Deed.START: 0.0}
        possible = [
            Chance(chance.weight * hurry.get(chance.act.deed, 1.0), chance.act)
            for chance in chances(Scene(floor, self.habits))
        ]
        for _ in range(turn.acts):
            act = choose(possible, self.dice)
            if act is not None:
                possible = [chance for chance in possible if not _concerns(chance.act, act)]
                _try(partial(do, act, self.dice, turn.now))
        for _ in range(turn.acts // 6 + 1):
            self._something_rare(floor, turn.now)

    # --- desks ----------------------------------------------------------------------------------------------------

    def _mine(self) -> list[Agent]:
        rows = routing_selectors.agents().select_related("presence").order_by("pk")
        return [agent for agent in rows if agent.pk % self.of == self.number]

    def _desks(self, now: datetime) -> None:
        """Who is at work has a page open; now and then the network of somebody is down for a while."""
        connected = set(Connection.objects.filter(closed_at=None).values_list("agent_id", flat=True))
        for agent in self._mine():
            is_down = self.cut_off.get(agent.pk, now) > now
            was_down = self.cut_off.pop(agent.pk, None) is not None if not is_down else False
            is_at_work = agent.presence.base != BasePresence.OFFLINE or agent.left_presence_id is not None or was_down
            if is_at_work and not is_down and agent.pk not in connected:
                attendance.connected(agent.pk, _key(agent.pk), process=self.process, now=now)
            elif agent.pk in connected and (not is_at_work or self.dice.random() < 0.0006):
                presence.keep_alive(self.process, closed=[_key(agent.pk)], now=now)
                if is_at_work:
                    self.cut_off[agent.pk] = now + timedelta(seconds=self.dice.choice([4, 30, 120, 200, 600]))

    def _go_home(self, now: datetime) -> None:
        """Everybody closes what is open, and signs out."""
        keys = list(Connection.objects.values_list("key", flat=True)) + list(
            ChatPage.objects.values_list("key", flat=True)
        )
        Connection.objects.filter(closed_at=None).update(process=self.process)
        ChatPage.objects.filter(closed_at=None).update(process=self.process)
        presence.keep_alive(self.process, closed=keys, now=now)
        chat_pages.keep_alive(self.process, closed=keys, now=now)
        for agent in self._mine():
            presence.sign_out(agent.pk, now=now)

    # --- what the people of the demo do not do ----------------------------------------------------------------------

    def _something_rare(self, floor: Floor, now: datetime) -> None:
        """Supervisors step in, calls are held, chats go into a call, customers close the page or come back."""
        rows = list(Conversation.objects.ongoing().filter(pk__in=[chat.id for chat in floor.chats]).order_by("pk"))
        if rows:
            row = self.dice.choice(rows)
            lead = routing_selectors.actor_for(User.objects.get(username=SHIFT_LEAD[0]))
            deeds = {
                name: deed
                for name, deed in self._deeds(lead, row, now).items()
                if row.state not in NOT_IN.get(name, ())
            }
            name = self.dice.choices(list(deeds), [OFTEN.get(name, 1.0) for name in deeds])[0]
            _try(deeds[name])

    def _deeds(self, lead: Actor, row: Conversation, now: datetime) -> Mapping[str, Callable[[], object]]:
        pk, agent = row.pk, _actor(row.agent_id) or lead
        key = uuid.UUID(int=pk)
        sure: dict[str, Any] = {"version": row.version, "confirmed": EVERY_CAUTION, "now": now}
        deeds: dict[str, Callable[[], object]] = {
            "transfer": lambda: assignment.transfer(lead, pk, agent_id=self._member(row), **sure),
            "cancel": lambda: assignment.cancel_transfer(lead, pk, now=now),
            "assign": lambda: assignment.assign(lead, pk, agent_id=self._member(row), **sure),
            "to_queue": lambda: assignment.assign_to_queue(lead, pk, queue_id=self._queue(row), **sure),
            "monitor": lambda: supervision.monitor(lead, pk, now=now),
            "join": lambda: supervision.join(lead, pk, now=now),
            "leave": lambda: supervision.leave(lead, pk, now=now),
            "speak": lambda: messaging.send(lead, pk, text="Let me help.", now=now),
            "force_close": lambda: closure.force_close(lead, pk, **sure),
            "end": lambda: closure.end(agent, pk, now=now),
            "finish": lambda: closure.finish_wrap_up(agent, pk, now=now),
            "read": lambda: notices.mark_all_read(agent, now=now),
        }
        if row.channel == Channel.VOICE:
            deeds |= {
                "hold": lambda: calls.hold(agent, pk, now=now),
                "resume": lambda: calls.resume(agent, pk, now=now),
            }
        if row.channel == Channel.LIVE_CHAT:
            customer = customer_actor(row.customer_id, row.customer.name)
            deeds |= {
                "elevate": lambda: elevation.elevate(agent, pk, medium=Medium.VOICE, now=now),
                "end_call": lambda: elevation.end_elevation(customer, pk, now=now),
                "page_opens": lambda: chat_pages.connected(pk, key, process=self.process, now=now),
                "page_closes": lambda: chat_pages.keep_alive(self.process, closed=[key], now=now),
            }
        return deeds

    def _member(self, row: Conversation) -> int:
        """Somebody of its queue."""
        members = QueueMembership.objects.filter(queue=row.queue_id).order_by("agent_id")
        return self.dice.choice(list(members.values_list("agent_id", flat=True)) or [0])

    def _queue(self, row: Conversation) -> int:
        return self.dice.choice(list(QueueMembership.objects.order_by("pk").values_list("queue_id", flat=True)))


NOT_IN = {
    **dict.fromkeys(("assign", "to_queue"), ("active", "waiting", "wrap_up")),
    **dict.fromkeys(("end", "leave", "speak", "cancel", "transfer", "hold", "resume", "elevate"), ("open", "wrap_up")),
    **dict.fromkeys(("monitor", "join"), ("open",)),
    "finish": ("open", "active", "waiting"),
}
"""Where hardly anybody tries it: most of what is tried should be done."""

HURRY = {Deed.START: 3.0, Deed.END: 2.0, Deed.RETURN: 0.3, Deed.CLOSE_SESSION: 0.4, Deed.WRITE: 0.5, Deed.PICK: 0.4}
"""A day of many short conversations, not of a few long ones."""

OFTEN = {"force_close": 0.15, "to_queue": 0.3, "page_closes": 0.5, "assign": 2.0, "transfer": 2.0, "end": 10.0}
"""How much more often something is tried than the rest."""


def _try(deed: Callable[[], object]) -> None:
    """What is refused is refused: somebody was faster, or it does not fit. The log keeps it."""
    try:
        deed()
    except (ConsoleError, Conversation.DoesNotExist):
        return
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise


def _concerns(other: Act, done: Act) -> bool:
    return (done.chat_id != 0 and other.chat_id == done.chat_id) or (
        done.agent_id != 0 and other.agent_id == done.agent_id
    )


def _key(agent_id: int) -> uuid.UUID:
    return uuid.UUID(int=10**9 + agent_id)


def _actor(agent_id: int | None) -> Actor | None:
    user = User.objects.filter(Q(agent=agent_id) & ~Q(agent__is_bot=True)).first() if agent_id is not None else None
    return routing_selectors.actor_for(user) if user is not None else None
