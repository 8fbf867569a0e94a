"""Do one thing, and look at what came of it: the ground on which customers, agents, supervisors and the clock stand.

What is done must be a move that domain.md has, tell exactly the right people, count wait and handle time to the second
and leave the floor as the checker wants it. What is refused must say why by a code, and change nothing at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from conversations import invariants, selectors, wording
from conversations.invariants import Scope
from conversations.models import HistoryEntry, Message, Notice
from routing.models import Agent, Presence, Queue, User, Workstream
from supervisor_console.kernel.actor import Actor, customer_actor
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded, NotVisible
from tests.cast import T0, actor_of
from tests.machine import holding, moving, telling
from tests.machine.clocks import Clocks
from tests.machine.picture import Chat, Picture

HERE = UUID(int=1)
"""The one server process."""

ONGOING = ("open", "offered", "in_conversation", "waiting", "wrap_up")
ANY = st.integers(min_value=0, max_value=997)
"""A choice among whatever there is when the step is taken."""


@dataclass
class Tally:
    """What happened over all runs, for the report."""

    steps: int = 0
    runs: int = 0
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    phases: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        def listed(counts: Counter[str]) -> str:
            return ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))

        return (
            f"{self.steps} steps in {self.runs} runs, {self.moves.total()} moves of {len(self.moves)} kinds\n"
            f"done {self.done.total()}: {listed(self.done)}\n"
            f"refused {self.refused.total()}: {listed(self.refused)}"
        )


class Acting(RuleBasedStateMachine):
    """One run: it begins on the furnished floor, and leaves it as it was."""

    tally: ClassVar[Tally] = Tally()

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.now = T0 + timedelta(seconds=60)
        self.people = {user.username: user for user in User.objects.all()}
        self.queues = list(Queue.objects.order_by("pk").values_list("pk", flat=True))
        self.presences = list(Presence.objects.filter(is_selectable=True).order_by("pk").values_list("pk", flat=True))
        self.agents = {agent.user.username: agent.pk for agent in Agent.objects.select_related("user").order_by("pk")}
        self.workstreams = {row.channel: row.pk for row in Workstream.objects.all()}
        self.seen = Picture()
        self.clocks = Clocks()
        type(self).tally.runs += 1

    def teardown(self) -> None:
        """Every sentence that was written can be read; then everything is as it was before this run."""
        try:
            assert unfinished_sentences() == []
        finally:
            transaction.savepoint_rollback(self.savepoint)
            connection.run_on_commit.clear()

    # --- doing, and what must hold afterwards -----------------------------------------------------------------------

    def act(
        self,
        verb: str,
        deed: Callable[[], object],
        *,
        chat: Chat | None = None,
        actor: Actor | None = None,
        whom: str | None = None,
    ) -> None:
        """Do it, and look at what came of it; ``whom`` is the agent whom it is about."""
        before = self.seen
        self.tally.steps += 1
        try:
            deed()
        except (ActionRefused, ConfirmationNeeded, NotVisible) as refusal:
            self._refused(verb, refusal, before)
            return
        after = self.seen = Picture()
        self.tally.done[verb] += 1
        self._moved_lawfully(verb, before, after, chat)
        name = after.users.get(actor.user_id or 0) if actor is not None else None
        expected = telling.of(verb, before, after, chat.pk if chat is not None else None, name, whom, self.now)
        told = after.told_since(before)
        assert told == expected, f"{verb} by {name} told {told}, not {expected}: {chat}"
        self._is_sound(after, with_deadlines=verb == "time_passes")

    def _refused(self, verb: str, refusal: ActionRefused | ConfirmationNeeded | NotVisible, before: Picture) -> None:
        after = Picture()
        assert after == before, f"{verb} was refused ({refusal}), and changed {before.differences(after)}"
        if isinstance(refusal, ActionRefused):
            assert refusal.refusal.code
            assert "%(" not in refusal.refusal.sentence
            self.tally.refused[refusal.refusal.code] += 1
        elif isinstance(refusal, ConfirmationNeeded):
            assert refusal.cautions
            self.tally.refused["confirmation"] += 1
        else:
            self.tally.refused["not_visible"] += 1

    def _moved_lawfully(self, verb: str, before: Picture, after: Picture, chat: Chat | None) -> None:
        for pk, now in after.chats.items():
            was = before.chats.get(pk)
            if was is not None and was.row == now.row:
                continue
            assert chat is None or chat.pk == pk, f"{verb} changed conversation {pk}, which it was not about"
            move = (verb, was.phase if was is not None else "-", now.phase, now.kind)
            stays = verb not in moving.MOVERS or verb == "time_passes"
            assert move in moving.MAY or (stays and move[1] == move[2]), f"{move} is no move of domain.md"
            assert was is None or was.version == now.version or before.grown != after.grown, f"{move} was not announced"
            self.tally.moves[" ".join(move)] += 1
            self.tally.phases.add(now.phase)

    def _is_sound(self, after: Picture, *, with_deadlines: bool) -> None:
        faults = [*holding.faults(after), *self.clocks.faults(after, self.now)]
        faults += [
            str(violation)
            for rule in invariants.RULES
            if with_deadlines or not rule.is_deadline
            for violation in rule.violations(Scope(now=self.now))
        ]
        assert faults == [], faults
        loads = selectors.loads(after.names, self.now)
        held = {pk: load.units for pk, load in loads.items()}
        used = {pk: dict(load.items) for pk, load in loads.items()}
        assert used == holding.items(after, self.now), "profiles do not count what is held, or was accepted today (1.4)"
        assert held == holding.units(after, self.now), "capacity is not the sum of what is held (domain.md 2.5, 1)"

    # --- choosing ---------------------------------------------------------------------------------------------------

    def has(self, *phases: str, kinds: str = "LC PC AM V") -> bool:
        """Whether there is a conversation in one of these phases."""
        return bool(self.those(*phases, kinds=kinds))

    def those(self, *phases: str, kinds: str = "LC PC AM V") -> list[Chat]:
        """The conversations in these phases."""
        wanted = kinds.split()
        return [chat for chat in self.seen.chats.values() if chat.phase in phases and chat.kind in wanted]

    def chat(self, which: int, *phases: str, kinds: str = "LC PC AM V") -> Chat:
        """One of those in these phases; now and then one of all."""
        those = self.those(*phases, kinds=kinds)
        if which % 13 == 12 or not those:
            those = list(self.seen.chats.values())
        return those[which % len(those)]

    def asked(self, which: int) -> Chat | None:
        """One of those that wait for somebody's answer."""
        asked = [chat for chat in self.seen.chats.values() if chat.asked is not None]
        return asked[which % len(asked)] if asked else None

    def person(self, name: str | None, which: int) -> Actor:
        """Whoever it is for; now and then anybody."""
        people = [user for user in self.people.values() if user.username not in self.seen.bots]
        if name is None or name in self.seen.bots or which % 11 == 10:
            return actor_of(people[which % len(people)])
        return actor_of(self.people[name])

    def supervisor(self, which: int) -> Actor:
        """Sara mostly, or Stefan, whose scope is Billing, or Supa, who takes work too; now and then anybody."""
        return self.person(["sara", "sara", "supa", "stefan"][which % 4], which)

    def customer(self, chat: Chat, which: int) -> Actor:
        """Its customer; now and then somebody else's."""
        others = sorted({row["customer_id"] for row in self.seen.rows["Conversation"]})
        pk = others[which % len(others)] if which % 17 == 16 else chat.row["customer_id"]
        return customer_actor(pk, "Maja")

    def agent_name(self, which: int) -> str:
        """Ana, Boris or Supa, who answer for Billing; now and then anybody with an agent's profile, a bot too."""
        names = sorted(self.agents) if which % 9 == 8 else ["ana", "boris", "supa"]
        return names[which % len(names)]


def unfinished_sentences() -> list[str]:
    """What was written and reads badly: a code without a sentence, a place for a word without the word."""
    sentences = [
        *[(row.code, wording.line(row.code, row.params)) for row in Message.objects.exclude(code="")],
        *[(row.code, wording.notice(row.code, row.params)) for row in Notice.objects.all()],
        *[(row.code, wording.timeline(row.code, row.data)) for row in HistoryEntry.objects.all()],
    ]
    return [f"{code}: {text}" for code, text in sentences if code == text or "–" in text or "%(" in text]
