"""What do agents do? They answer, work, come and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from conversations import selectors
from conversations.models import OfferStatus, Visibility
from conversations.policy import Medium
from conversations.services import (
    assignment,
    attendance,
    calls,
    closure,
    elevation,
    intake,
    messaging,
    offers,
)
from routing.policy import Load
from routing.services import presence
from supervisor_console.kernel.actor import Actor
from tests.machine.acting import ANY, HERE, Acting
from tests.machine.picture import Chat


class Agents(Acting):
    """They know what they are asked, what they have, and what is open in their queues."""

    @precondition(lambda self: self.has("open"))
    @rule(which=ANY, who=ANY)
    def pick(self, which: int, who: int) -> None:
        chat, actor = self.chat(which, "open"), self.person(self.agent_name(who), who)
        self.act("pick", lambda: assignment.pick(actor, chat.pk, now=self.now), chat=chat, actor=actor)

    @precondition(lambda self: self.asked(0) is not None)
    @rule(which=ANY, who=ANY)
    def accept(self, which: int, who: int) -> None:
        self._answer("accept", offers.accept, which, who)

    @precondition(lambda self: self.asked(0) is not None)
    @rule(which=ANY, who=ANY)
    def reject(self, which: int, who: int) -> None:
        self._answer("reject", offers.reject, which, who)

    def _answer(self, verb: str, service: Callable[..., object], which: int, who: int) -> None:
        chat = self.asked(which)
        assert chat is not None
        assert chat.asked is not None
        self.answer_of(chat, self.person(chat.asked.name, who), verb, service)

    def answer_of(
        self, chat: Chat, actor: Actor, verb: str = "accept", service: Callable[..., object] = offers.accept
    ) -> None:
        if chat.asked is not None:
            pk = chat.asked.pk
            self.act(verb, lambda: service(actor, pk, now=self.now), chat=chat, actor=actor)

    @rule(which=ANY, who=ANY, verb=st.sampled_from([offers.accept, offers.reject]))
    def answer_what_is_over(self, which: int, who: int, verb: Callable[..., object]) -> None:
        over = [row for row in self.seen.rows["Offer"] if row["status"] != OfferStatus.PENDING]
        if over:
            row = over[which % len(over)]
            actor = self.person(self.seen.names[row["agent_id"]], who)
            self.act("answer_what_is_over", lambda: verb(actor, row["id"], now=self.now), actor=actor)

    def _own(self, verb: str, service: Callable[..., object], which: int, *phases: str) -> None:
        chat = self.chat(which, *phases)
        actor = self.person(chat.agent or chat.last_agent, which)
        self.act(verb, lambda: service(actor, chat.pk, now=self.now), chat=chat, actor=actor)

    @precondition(lambda self: self.has("in_conversation"))
    @rule(which=ANY)
    def release(self, which: int) -> None:
        self._own("release", assignment.release, which, "in_conversation")

    @precondition(lambda self: self.has("in_conversation"))
    @rule(which=ANY)
    def end(self, which: int) -> None:
        self._own("end", closure.end, which, "in_conversation")

    @precondition(lambda self: self.has("in_conversation", "wrap_up"))
    @rule(which=ANY)
    def close(self, which: int) -> None:
        self._own("close", closure.close_session, which, "in_conversation", "in_conversation", "wrap_up")

    @precondition(lambda self: self.has("in_conversation", kinds="LC"))
    @rule(which=ANY, medium=st.sampled_from(Medium))
    def elevate(self, which: int, medium: Medium) -> None:
        """A live chat goes into a call beside it, or comes back from it."""
        chat = self.chat(which, "in_conversation", kinds="LC")
        actor = self.person(chat.agent, which)
        if chat.row["is_elevated"]:
            self.act("elevate", lambda: elevation.end_elevation(actor, chat.pk, now=self.now), chat=chat, actor=actor)
        else:
            self.act(
                "elevate",
                lambda: elevation.elevate(actor, chat.pk, medium=medium, now=self.now),
                chat=chat,
                actor=actor,
            )

    @precondition(lambda self: self.has("in_conversation", kinds="V"))
    @rule(which=ANY, service=st.sampled_from([calls.hold, calls.resume]))
    def hold(self, which: int, service: Callable[..., object]) -> None:
        """A call is put on hold, or taken off it."""
        chat = self.chat(which, "in_conversation", kinds="V")
        actor = self.person(chat.agent, which)
        self.act("hold", lambda: service(actor, chat.pk, now=self.now), chat=chat, actor=actor)

    @precondition(lambda self: self.has("wrap_up"))
    @rule(which=ANY)
    def finish(self, which: int) -> None:
        self._own("finish", closure.finish_wrap_up, which, "wrap_up")

    @precondition(lambda self: self.has("waiting"))
    @rule(which=ANY)
    def revive(self, which: int) -> None:
        self._own("revive", intake.revive, which, "waiting")

    @precondition(lambda self: self.has("in_conversation", "wrap_up", "waiting"))
    @rule(which=ANY, who=ANY, visibility=st.sampled_from(list(Visibility)))
    def send(self, which: int, who: int, visibility: Visibility) -> None:
        chat = self.chat(which, "in_conversation", "wrap_up", "waiting")
        names: list[str | None] = [*sorted(chat.seats)] or [None]
        actor = self.person(names[who % len(names)], who)
        self.act(
            "send",
            lambda: messaging.send(actor, chat.pk, text="Yes", visibility=visibility, now=self.now),
            chat=chat,
            actor=actor,
        )

    # --- coming and going --------------------------------------------------------------------------------------------

    @rule(which=ANY, who=ANY)
    def set_presence(self, which: int, who: int) -> None:
        """Mostly Available and Busy: whoever is gone takes no work."""
        name = self.agent_name(who)
        pk, actor = self.agents[name], self.person(name, which)
        presences = self.presences if which % 5 == 4 else self.presences[:2]
        presence_id = presences[which % len(presences)]
        self.act(
            "presence",
            lambda: presence.set_presence(actor, pk, presence_id=presence_id, now=self.now),
            actor=actor,
            whom=name,
        )

    @rule(which=ANY, who=ANY)
    def sign_in_or_out(self, which: int, who: int) -> None:
        name = self.agent_name(who)
        if name in self.seen.bots:
            return
        pk = self.agents[name]
        if which % 3:
            self.act("sign_in", lambda: presence.sign_in(pk, load_of=load_of, now=self.now))
        else:
            self.act("sign_out", lambda: presence.sign_out(pk, now=self.now))

    @rule(who=ANY, closes=st.booleans())
    def a_desk_opens_or_closes(self, who: int, closes: bool) -> None:
        """The agent's browser: their desk opens, or the one that was open is shut."""
        name = self.agent_name(who)
        pk = self.agents[name]
        key = UUID(int=1000 + pk)
        if name in self.seen.bots:
            return
        if closes:
            self.act("desk", lambda: presence.keep_alive(HERE, closed=[key], now=self.now))
        else:
            self.act("desk", lambda: attendance.connected(pk, key, process=HERE, now=self.now))


def load_of(agent_id: int, now: datetime) -> Load:
    """What an agent holds, for the presence on signing in."""
    return selectors.loads([agent_id], now)[agent_id]
