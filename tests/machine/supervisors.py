"""What do supervisors do? They hand out, ask others to take over, watch, join, close, and staff the queues."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from conversations.models import SupervisorSettings
from conversations.services import assignment, closure, supervision
from routing.models import Workstream
from routing.services import presence, staffing
from supervisor_console.kernel.actor import Actor
from tests.cast import EVERY_CAUTION
from tests.machine.acting import ANY, ONGOING, Acting
from tests.machine.picture import Chat, Picture

SWITCHES = ["missed_sets_inactive", "reject_sets_dnd", "notify_agent_on_monitor", "sentiment_enabled"]
WAITS = [
    ("decline_pause", 30, 1),
    ("monitor_disconnect", 30, 120),
    ("bot_silence", 1200, 60),
    ("customer_disconnect", 180, 10),
    ("agent_disconnect", 150, 40),
]
"""Each as it came, and another length."""


class Supervisors(Acting):
    """They see a part of the floor, and act on what they see."""

    @precondition(lambda self: self.has("open"))
    @rule(which=ANY, who=ANY, whom=ANY, is_sure=st.sampled_from([True, True, True, False]))
    def assign(self, which: int, who: int, whom: int, is_sure: bool) -> None:
        chat = self.chat(which, "open")
        version = chat.version if which % 7 else max(chat.version - 1, 1)
        self.assign_to(chat, self.supervisor(who), self.agent_name(whom), is_sure=is_sure, version=version)

    def assign_to(
        self, chat: Chat, actor: Actor, name: str, *, is_sure: bool = True, version: int | None = None
    ) -> None:
        self.act(
            "assign",
            lambda: assignment.assign(
                actor,
                chat.pk,
                agent_id=self.agents[name],
                version=chat.version if version is None else version,
                confirmed=EVERY_CAUTION if is_sure else frozenset(),
                now=self.now,
            ),
            chat=chat,
            actor=actor,
            whom=name,
        )

    @precondition(lambda self: self.has("open"))
    @rule(which=ANY, who=ANY, where=ANY)
    def assign_to_queue(self, which: int, who: int, where: int) -> None:
        chat, actor, queue_id = self.chat(which, "open"), self.supervisor(who), self.queues[where % len(self.queues)]
        self.act(
            "assign_to_queue",
            lambda: assignment.assign_to_queue(
                actor, chat.pk, queue_id=queue_id, version=chat.version, confirmed=EVERY_CAUTION, now=self.now
            ),
            chat=chat,
            actor=actor,
        )

    @precondition(lambda self: self.has("offered", "in_conversation", "waiting"))
    @rule(which=ANY, who=ANY, whom=ANY)
    def transfer(self, which: int, who: int, whom: int) -> None:
        chat = self.chat(which, "offered", "in_conversation", "waiting")
        self.ask_to_take_over(chat, self.supervisor(who), self.agent_name(whom))

    def ask_to_take_over(self, chat: Chat, actor: Actor, name: str) -> None:
        self.act(
            "transfer",
            lambda: assignment.transfer(
                actor, chat.pk, agent_id=self.agents[name], version=chat.version, confirmed=EVERY_CAUTION, now=self.now
            ),
            chat=chat,
            actor=actor,
            whom=name,
        )

    @precondition(lambda self: self.asked(0) is not None)
    @rule(which=ANY, who=ANY)
    def cancel(self, which: int, who: int) -> None:
        chat, actor = self.asked(which), self.supervisor(who)
        assert chat is not None
        self.act("cancel", lambda: assignment.cancel_transfer(actor, chat.pk, now=self.now), chat=chat, actor=actor)

    @precondition(lambda self: self.has("in_conversation", "waiting", "wrap_up"))
    @rule(which=ANY, who=ANY)
    def monitor(self, which: int, who: int) -> None:
        chat, actor = self.chat(which, "in_conversation", "waiting", "wrap_up"), self.supervisor(who)
        self.watch(chat, actor, "monitor")

    def _taking_part(self, mode: str, which: int) -> tuple[Chat, str] | None:
        seats = [
            (chat, name)
            for chat in self.seen.chats.values()
            for name, (found, _) in sorted(chat.seats.items())
            if found == mode
        ]
        return seats[which % len(seats)] if seats else None

    @precondition(lambda self: self._taking_part("monitor", 0) is not None)
    @rule(which=ANY, verb=st.sampled_from(["join", "join", "stop"]))
    def go_on(self, which: int, verb: str) -> None:
        found = self._taking_part("monitor", which)
        assert found is not None
        chat, actor = found[0], self.person(found[1], which)
        self.watch(chat, actor, verb)

    def watch(self, chat: Chat, actor: Actor, verb: str) -> None:
        service: Callable[..., object] = {
            "monitor": supervision.monitor,
            "join": supervision.join,
            "stop": supervision.stop_monitoring,
        }[verb]
        self.act(verb, lambda: service(actor, chat.pk, now=self.now), chat=chat, actor=actor)

    @precondition(lambda self: self._taking_part("consult", 0) is not None)
    @rule(which=ANY)
    def leave(self, which: int) -> None:
        found = self._taking_part("consult", which)
        assert found is not None
        chat, actor = found[0], self.person(found[1], which)
        self.act("leave", lambda: supervision.leave(actor, chat.pk, now=self.now), chat=chat, actor=actor)

    @precondition(lambda self: self.has(*ONGOING))
    @rule(which=ANY, who=ANY, is_sure=st.sampled_from([True, True, False]))
    def force_close(self, which: int, who: int, is_sure: bool) -> None:
        if who % 3:
            return  # Not too often: what is closed is of no use any more.
        chat = self.chat(which, *ONGOING)
        actor, confirmed = self.supervisor(who), EVERY_CAUTION if is_sure else frozenset[str]()
        self.act(
            "force_close",
            lambda: closure.force_close(actor, chat.pk, version=chat.version, confirmed=confirmed, now=self.now),
            chat=chat,
            actor=actor,
        )

    # --- people ------------------------------------------------------------------------------------------------------

    @rule(which=ANY, who=ANY, whom=ANY)
    def set_presence_of(self, which: int, who: int, whom: int) -> None:
        name, actor = self.agent_name(whom), self.supervisor(who)
        pk, presence_id = self.agents[name], self.presences[which % 2]
        self.act(
            "presence",
            lambda: presence.set_presence(actor, pk, presence_id=presence_id, now=self.now),
            actor=actor,
            whom=name,
        )

    @rule(who=ANY, whom=ANY, where=ANY)
    def staff(self, who: int, whom: int, where: int) -> None:
        """Somebody is added to a queue, or taken out of it."""
        name, actor, queue_id = self.agent_name(whom), self.supervisor(who), self.queues[where % len(self.queues)]
        agent_id = self.agents[name]
        queues = frozenset({queue_id})
        is_member = (agent_id, queue_id) in self.seen.memberships
        add, remove = (frozenset[int](), queues) if is_member else (queues, frozenset[int]())
        self.act(
            "leave_queue" if is_member else "join_queue",
            lambda: staffing.change_queues(actor, agent_id, add=add, remove=remove, now=self.now),
            actor=actor,
            whom=name,
        )

    # --- settings: an administrator's, effective at once -------------------------------------------------------------

    @rule(name=st.sampled_from(SWITCHES))
    def change_a_setting(self, name: str) -> None:
        row = SupervisorSettings.objects.get(pk=1)
        setattr(row, name, not getattr(row, name))
        row.save()
        self.seen = Picture()

    @rule(wait=st.sampled_from(WAITS))
    def change_a_wait(self, wait: tuple[str, int, int]) -> None:
        """From what it came with to another one, and back."""
        name, usual, other = wait
        row = SupervisorSettings.objects.get(pk=1)
        setattr(row, name, other if getattr(row, name) == usual else usual)
        row.save()
        self.seen = Picture()

    @rule(channel=st.sampled_from(["live_chat", "persistent_chat", "voice"]), opens=st.booleans())
    def change_how_offers_are_made(self, channel: str, opens: bool) -> None:
        """Whether agents are asked, or told; then whether it opens by itself."""
        assigns = not opens and Workstream.objects.get(channel=channel).auto_assigns
        Workstream.objects.filter(channel=channel).update(auto_assigns=not assigns, auto_accepts=opens and not assigns)
        self.seen = Picture()
