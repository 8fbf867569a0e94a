"""Everybody does anything at any time: the state machine that drives the services. Each rule is one verb of one person,
by chance fitting or not; ``acting`` says what must hold after each.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from conversations.models import SupervisorSettings
from conversations.services import chat_pages, closure, distribution, timers
from routing.models import Agent, CapacityProfile, Channel, ResetFrequency, Workstream, WrapUpBlock
from routing.services import presence
from supervisor_console.kernel.actor import Role
from tests.cast import Floor, actor_of, give_view_all_queues, make_agent
from tests.machine.acting import ANY, HERE
from tests.machine.agents import Agents
from tests.machine.customers import CHANNELS, Customers
from tests.machine.picture import Picture
from tests.machine.supervisors import Supervisors

STAGES = [2, 5, 1, 4, 0, 7, 6, 3, 1]
"""How far a conversation has come when a run begins: open, offered, talked in (2), asked to be taken over (3), taken
over (4), closed without an end (5), ended (6), talked in with a supervisor (7)."""

SOON = st.sampled_from([0, 1, 5, 13, 40, 119, 121, 151, 181, 700])
LATER = st.sampled_from([130, 1000, 3700, 2 * 86400, 31 * 86400])


def furnish(floor: Floor) -> None:
    """The floor on which the machine runs: every kind of wrap-up, a small agent, a bot, a supervisor who takes work.

    Live chats and SMS count until the day is over; SMS take a seat too. Calls and persistent chats are assigned
    without asking, and open by themselves.
    """
    supa = make_agent("supa", floor.billing, floor.returns, floor.calls, roles=(Role.SUPERVISOR, Role.AGENT))
    give_view_all_queues(supa.user)
    blocks = {floor.chat: WrapUpBlock.ALWAYS, floor.sms: WrapUpBlock.NONE, floor.voice: WrapUpBlock.CUSTOM}
    blocks |= {floor.persistent: WrapUpBlock.CUSTOM}
    for workstream, block in blocks.items():
        workstream.wrapup_block, workstream.wrapup_block_seconds = block, 60
        workstream.save()
    floor.whatsapp.bot = make_agent("robo", is_bot=True)
    floor.whatsapp.save()
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=60)
    calm, today = CapacityProfile.objects.create(name="Seats", limit=2), {"reset": ResetFrequency.END_OF_DAY}
    daily = CapacityProfile.objects.create(name="Cases", limit=3, **today)
    for workstream, profile in ((floor.chat, daily), (floor.sms, daily), (floor.sms, calm)):
        workstream.workstream_profiles.create(profile=profile)
    for agent in (floor.ana, floor.boris):
        for profile in (calm, daily):
            agent.agent_profiles.create(profile=profile)
    told = [Channel.VOICE, Channel.PERSISTENT_CHAT]
    Workstream.objects.filter(channel__in=told).update(auto_assigns=True, auto_accepts=True)
    SupervisorSettings.objects.filter(pk=1).update(transfer_voice_calls=True, distribution_enabled=True)


class FloorMachine(Customers, Agents, Supervisors):
    """The people, the console itself, and the clock."""

    @initialize(scene=st.lists(st.tuples(st.sampled_from(CHANNELS), st.sampled_from(STAGES)), min_size=2, max_size=4))
    def the_day_has_begun(self, scene: list[tuple[Channel, int]]) -> None:
        """Some conversations are under way."""
        ana, boris, sara = (actor_of(self.people[name]) for name in ("ana", "boris", "sara"))
        for channel, stage in scene:
            self.start_one(channel, "Where is my parcel?")
            pk = max(self.seen.chats)
            if self.seen.chats[pk].phase != "open" or self.seen.chats[pk].kind == "V":
                continue
            if stage:
                self.assign_to(self.seen.chats[pk], sara, "ana")
            if stage > 1:
                self.answer_of(self.seen.chats[pk], ana)
            if stage in (3, 4):
                self.ask_to_take_over(self.seen.chats[pk], sara, "boris")
            if stage == 4:
                self.answer_of(self.seen.chats[pk], boris)
            if stage == 7:
                self.watch(self.seen.chats[pk], sara, "monitor")
                self.watch(self.seen.chats[pk], sara, "join")
            if stage in (5, 6):
                verb, service = ("close", closure.close_session) if stage == 5 else ("end", closure.end)
                self.act(verb, partial(service, ana, pk, now=self.now), chat=self.seen.chats[pk], actor=ana)

    @precondition(lambda self: self.has("open"))
    @rule()
    def distribute(self) -> None:
        """The console hands out what it can, by itself."""
        self.act("distribute", lambda: distribution.distribute(everywhere=True, now=self.now))

    @rule(seconds=SOON)
    def moments_go_by(self, seconds: int) -> None:
        """The clock goes on, and the background work has not looked yet."""
        self._later(seconds)

    @rule(seconds=SOON, which=ANY)
    def time_passes(self, seconds: int, which: int) -> None:
        """The clock goes on, and everything that is due is done."""
        self._let_time_pass(seconds, server_lives=which % 6 != 5)

    @rule(seconds=LATER, which=ANY)
    def days_go_by(self, seconds: int, which: int) -> None:
        """Seldom: little is left of what went on."""
        if which % 5 == 0:
            self._let_time_pass(seconds)

    def _let_time_pass(self, seconds: int, *, server_lives: bool = True) -> None:
        self._later(seconds, server_lives=server_lives)
        self.act("time_passes", lambda: timers.run_due(now=self.now))

    def _later(self, seconds: int, *, server_lives: bool = True) -> None:
        """The server says that its pages live, unless it died: then nobody is connected any more."""
        self.now += timedelta(seconds=seconds)
        if server_lives:
            chat_pages.keep_alive(HERE, now=self.now)
            presence.keep_alive(HERE, now=self.now)
            self.seen = Picture()
