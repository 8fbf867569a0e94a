"""Many people do many things in any order: whatever they do, the invariants of domain.md 2.5 hold.

Each walk is made of single verbs by any of the cast, allowed or not; what is refused changes nothing. A walk that
breaks something is named by its seed and runs again the same way.
"""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from conversations import wording
from conversations.models import Conversation, HistoryEntry, Message, Notice, Offer, Visibility
from conversations.services import assignment, attendance, closure, intake, messaging, offers, supervision, timers
from routing.models import Agent, BasePresence, Channel, Presence, Queue, WrapUpBlock
from routing.services.presence import set_presence
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import ConsoleError
from tests.cast import EVERY_CAUTION, T0, Floor, actor_of, customer_of, give_view_all_queues, make_agent
from tests.conversations.looking import everything
from tests.invariants import broken

pytestmark = pytest.mark.slow

STEPS = 150
Verb = Callable[[Actor, Conversation], None]
CHANNELS = [channel for channel in Channel if channel != Channel.RECORD]


class Walk:
    """One walk: a clock, dice, and who is there."""

    def __init__(self, floor: Floor, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = T0 + timedelta(seconds=60)
        self.floor = floor
        supa = make_agent("supa", floor.billing, floor.returns, roles=(Role.SUPERVISOR, Role.AGENT))
        give_view_all_queues(supa.user)
        self.agents = [floor.ana, floor.boris, floor.cene, supa]
        self.supervisors = [actor_of(floor.sara), actor_of(floor.stefan), actor_of(supa)]
        self.actors = [*map(actor_of, self.agents), *self.supervisors]
        self.queues = list(Queue.objects.order_by("pk"))
        self.presences = list(Presence.objects.filter(is_selectable=True).order_by("pk"))
        taking_part = [self.speak, self.hear, self.monitor, self.join, self.stop, self.leave]
        # What fits a state; one step in five does something that may not fit.
        self.fitting: dict[str, list[Verb]] = {
            "open": [self.assign, self.assign, self.pick, self.to_queue, self.hear, self.customer_ends],
            "active": [
                *[self.answer, self.transfer] * 3,
                self.end,
                self.close,
                self.release,
                self.cancel,
                *taking_part,
            ],
            "waiting": [self.revive, self.transfer, self.answer, self.monitor, self.join, self.hear],
            "wrap_up": [self.finish, self.close, *taking_part],
            "closed": [self.force_close, self.hear, self.monitor],
        }
        self.verbs: list[Verb] = [
            *{verb for verbs in self.fitting.values() for verb in verbs},
            *(self.accept_any, self.customer_ends, self.force_close, self.presence, self.reset),
        ]
        self.verbs.sort(key=lambda verb: verb.__name__)

    def step(self) -> tuple[str, list[str]]:
        """Do one thing; returns its name, and what is broken now."""
        self.now += timedelta(seconds=self.dice.choice([0, 1, 5, 40, 130]))
        if self.dice.random() < 0.06 or not Conversation.objects.ongoing().exists():
            self.start()
            return "start", broken(self.now)
        if self.dice.random() < 0.15:
            timers.run_due(now=self.now)
            return "time passes", broken(self.now)
        rows = list(Conversation.objects.order_by("pk"))
        ongoing = [row for row in rows if row.is_ongoing][-6:]
        chat = self.dice.choice(ongoing if self.dice.random() < 0.95 else rows)
        verb = self.dice.choice(self.fitting[chat.state] if self.dice.random() < 0.8 else self.verbs)
        actor = self.dice.choice(self.actors)
        before = everything(chat)
        try:
            verb(actor, chat)
        except ConsoleError as refusal:
            unchanged = everything(chat) == before
            return f"{verb.__name__} refused", [] if unchanged else [f"{refusal} changed something"]
        return verb.__name__, broken(self.now, chat)

    def start(self) -> None:
        workstream = self.floor.workstream(self.dice.choice(CHANNELS))
        intake.start(workstream_id=workstream.pk, name="Maja", text="Hello", now=self.now)

    def agent(self) -> Agent:
        return self.dice.choice(self.agents)

    def assign(self, actor: Actor, chat: Conversation) -> None:
        assignment.assign(
            self.supervisor(actor),
            chat.pk,
            agent_id=self.agent().pk,
            version=chat.version,
            confirmed=EVERY_CAUTION if self.dice.random() < 0.8 else frozenset(),
            now=self.now,
        )

    def to_queue(self, actor: Actor, chat: Conversation) -> None:
        queue = self.dice.choice(self.queues)
        assignment.assign_to_queue(
            self.supervisor(actor), chat.pk, queue_id=queue.pk, version=chat.version, now=self.now
        )

    def transfer(self, actor: Actor, chat: Conversation) -> None:
        assignment.transfer(
            self.supervisor(actor),
            chat.pk,
            agent_id=self.agent().pk,
            version=chat.version,
            confirmed=EVERY_CAUTION,
            now=self.now,
        )

    def cancel(self, actor: Actor, chat: Conversation) -> None:
        assignment.cancel_transfer(self.supervisor(actor), chat.pk, now=self.now)

    def answer(self, actor: Actor, chat: Conversation) -> None:
        offer = Offer.objects.filter(conversation=chat, status="pending").first()
        if offer is not None:
            act = offers.accept if self.dice.random() < 0.7 else offers.reject
            act(actor_of(Agent.objects.get(pk=offer.agent_id)), offer.pk, now=self.now)

    def accept_any(self, actor: Actor, chat: Conversation) -> None:
        found = list(Offer.objects.order_by("pk"))
        if found:
            offers.accept(actor, self.dice.choice(found).pk, now=self.now)

    def pick(self, actor: Actor, chat: Conversation) -> None:
        assignment.pick(actor, chat.pk, now=self.now)

    def release(self, actor: Actor, chat: Conversation) -> None:
        assignment.release(self.holder(actor, chat), chat.pk, now=self.now)

    def end(self, actor: Actor, chat: Conversation) -> None:
        closure.end(self.holder(actor, chat), chat.pk, now=self.now)

    def close(self, actor: Actor, chat: Conversation) -> None:
        closure.close_session(self.holder(actor, chat), chat.pk, now=self.now)

    def finish(self, actor: Actor, chat: Conversation) -> None:
        closure.finish_wrap_up(self.holder(actor, chat), chat.pk, now=self.now)

    def revive(self, actor: Actor, chat: Conversation) -> None:
        intake.revive(self.holder(actor, chat), chat.pk, now=self.now)

    def supervisor(self, actor: Actor) -> Actor:
        return actor if self.dice.random() < 0.1 else self.dice.choice(self.supervisors)

    def holder(self, actor: Actor, chat: Conversation) -> Actor:
        agent_id = chat.agent_id or chat.last_agent_id
        return actor if agent_id is None or self.dice.random() < 0.2 else actor_of(Agent.objects.get(pk=agent_id))

    def monitor(self, actor: Actor, chat: Conversation) -> None:
        supervision.monitor(self.supervisor(actor), chat.pk, now=self.now)

    def stop(self, actor: Actor, chat: Conversation) -> None:
        supervision.stop_monitoring(self.supervisor(actor), chat.pk, now=self.now)

    def join(self, actor: Actor, chat: Conversation) -> None:
        supervision.join(self.supervisor(actor), chat.pk, now=self.now)

    def leave(self, actor: Actor, chat: Conversation) -> None:
        supervision.leave(actor, chat.pk, now=self.now)

    def speak(self, actor: Actor, chat: Conversation) -> None:
        visibility = self.dice.choice(list(Visibility))
        messaging.send(self.holder(actor, chat), chat.pk, text="Yes", visibility=visibility, now=self.now)

    def hear(self, actor: Actor, chat: Conversation) -> None:
        messaging.receive(customer_of(chat), chat.pk, text="Hello?", now=self.now)

    def customer_ends(self, actor: Actor, chat: Conversation) -> None:
        disconnected = self.dice.random() < 0.5
        closure.customer_ends(customer_of(chat), chat.pk, disconnected=disconnected, now=self.now)

    def force_close(self, actor: Actor, chat: Conversation) -> None:
        closure.force_close(
            self.supervisor(actor), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=self.now
        )

    def presence(self, actor: Actor, chat: Conversation) -> None:
        presence = self.dice.choice(self.presences)
        if presence.base != BasePresence.OFFLINE or self.dice.random() < 0.2:
            set_presence(actor, self.agent().pk, presence_id=presence.pk, now=self.now)

    def reset(self, actor: Actor, chat: Conversation) -> None:
        attendance.reset_presence(actor, self.agent().pk, now=self.now)


def unfinished_sentences() -> list[str]:
    """What was written on the walk and reads badly: a code without a sentence, a place for a word without the word."""
    sentences = [
        *[(row.code, wording.line(row.code, row.params)) for row in Message.objects.exclude(code="")],
        *[(row.code, wording.notice(row.code, row.params)) for row in Notice.objects.all()],
        *[(row.code, wording.timeline(row.code, row.data)) for row in HistoryEntry.objects.all()],
    ]
    return [f"{code}: {text}" for code, text in sentences if code == text or "–" in text or "%(" in text]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_people_do_the_invariants_hold(floor: Floor, seed: int, caplog: pytest.LogCaptureFixture) -> None:
    walk = Walk(floor, seed)
    for workstream, block in zip((floor.chat, floor.sms, floor.voice), WrapUpBlock, strict=True):
        workstream.wrapup_block, workstream.wrapup_block_seconds = block, 60
        workstream.save()
    floor.ana.max_units = 60
    floor.ana.save()

    done: list[str] = []
    for number in range(STEPS):
        name, faults = walk.step()
        done.append(name)
        assert faults == [], f"seed {seed}, step {number}: {done[-8:]}"

    assert broken(walk.now) == []
    assert "timer failed" not in caplog.text
    assert unfinished_sentences() == []
    # A walk on which nothing happened would show nothing.
    assert len({name for name in done if not name.endswith("refused")}) > 10


def test_the_walks_reach_every_state(floor: Floor) -> None:
    walk, seen = Walk(floor, seed=99), set[str]()

    for _ in range(6 * STEPS):
        walk.step()
        seen |= set(Conversation.objects.values_list("state", flat=True))
        if len(seen) == 5:
            return

    pytest.fail(f"only {seen}")
