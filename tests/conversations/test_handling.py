"""Wait and handle times exact to the second over every path, from one anchor and from the parts (domain.md 5.2, 5.5).

``durations.handle`` is one subtraction; ``handling.parts`` adds up legs and participations. Both must be what the
table says, and the same as each other at every moment of the path.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation, SupervisorSettings
from conversations.policy import Medium
from conversations.reports import handling
from conversations.reports.counts import count
from conversations.reports.durations import clock_text, handle, handle_sql, wait, wait_sql
from conversations.reports.filters import Filter, Window
from conversations.services import (
    absence,
    assignment,
    bots,
    calls,
    closure,
    elevation,
    intake,
    messaging,
    offers,
    supervision,
)
from routing.models import Agent, BasePresence, Channel, Queue, Workstream
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, make_agent, offer_of

LC, PC, V = Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.VOICE


class Path:
    """One conversation on its way: each step is a service at a second."""

    def __init__(self, floor: Floor, channel: Channel) -> None:
        self.floor = floor
        self.row = floor.start(channel)
        self.seconds = 0.0

    def at(self, seconds: float) -> "Path":
        self.seconds = seconds
        return self

    def do(self, service: Callable[..., object], who: object, **words: object) -> "Path":
        service(who, self.row.pk, now=at(self.seconds), **words)
        return self

    def ana(self, service: Callable[..., object], **words: object) -> "Path":
        return self.do(service, actor_of(self.floor.ana), **words)

    def boris(self, service: Callable[..., object], **words: object) -> "Path":
        return self.do(service, actor_of(self.floor.boris), **words)

    def sara(self, service: Callable[..., object], **words: object) -> "Path":
        return self.do(service, actor_of(self.floor.sara), **words)

    def customer(self, service: Callable[..., object], **words: object) -> "Path":
        return self.do(service, customer_of(self.row), **words)

    def cene(self, service: Callable[..., object], **words: object) -> "Path":
        return self.do(service, actor_of(self.floor.cene), **words)

    def by_itself(self, service: Callable[..., object], **words: object) -> "Path":
        return self.do(lambda _nobody, pk, **more: service(pk, **more), None, **words)

    def assign(self) -> "Path":
        version = fresh(self.row).version
        return self.sara(assignment.assign, agent_id=self.floor.ana.pk, version=version, confirmed=EVERY_CAUTION)

    def transfer(self) -> "Path":
        version = fresh(self.row).version
        return self.sara(assignment.transfer, agent_id=self.floor.boris.pk, version=version, confirmed=EVERY_CAUTION)

    def answer(self, service: Callable[..., object]) -> "Path":
        offer = offer_of(self.row)
        service(actor_of(offer.agent), offer.pk, now=at(self.seconds))
        return self


def talk_hold_wrap(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(130).ana(calls.hold).at(190).ana(calls.resume)
    path.at(310).ana(closure.end).at(355).ana(closure.finish_wrap_up)


def hold_until_the_end(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(40).ana(calls.hold).at(100).customer(closure.customer_ends)
    path.at(130).ana(closure.finish_wrap_up)


def a_call_by_two(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(20).ana(calls.hold).at(50).transfer().at(60).answer(offers.accept)
    path.at(90).boris(calls.hold).at(100).boris(calls.resume).at(120).boris(closure.end)
    path.at(150).boris(closure.finish_wrap_up)


def a_call_that_went_back(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session)
    path.at(100).boris(assignment.pick).at(130).boris(closure.end).at(140).boris(closure.finish_wrap_up)


def a_call_that_was_listened_to(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(20).sara(supervision.monitor).at(40).sara(supervision.join)
    path.at(70).ana(closure.end).at(80).ana(closure.finish_wrap_up)


def two_agents_and_an_expert(path: Path) -> None:
    """5.5: a chat by two agents, active 120 + 80, wrap-up 30 by the second; the first stays on and adds nothing."""
    path.at(10).ana(assignment.pick).at(100).transfer().at(130).answer(offers.accept)
    path.at(210).boris(closure.end).at(240).boris(closure.finish_wrap_up)


def rejected_first(path: Path) -> None:
    path.at(5).assign().at(25).answer(offers.reject).at(30).assign().at(45).answer(offers.accept)
    path.at(105).ana(closure.end).at(110).ana(closure.finish_wrap_up)


def a_transfer_that_came_to_nothing(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(40).transfer().at(60).answer(offers.reject)
    path.at(70).ana(closure.end).at(75).ana(closure.finish_wrap_up)


def waited_and_was_revived(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session).at(500).ana(intake.revive)
    path.at(530).ana(closure.end).at(550).ana(closure.finish_wrap_up)


def waited_and_the_customer_wrote(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session)
    path.at(500).customer(messaging.receive, text="Hello again").at(560).boris(assignment.pick)
    path.at(600).boris(closure.end).at(610).boris(closure.finish_wrap_up)


def waited_and_was_transferred(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session).at(300).transfer()
    path.at(320).answer(offers.accept).at(350).boris(closure.end).at(360).boris(closure.finish_wrap_up)


def released(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(30).ana(assignment.release).at(90).ana(assignment.pick)
    path.at(100).ana(closure.end).at(105).ana(closure.finish_wrap_up)


def force_closed_in_wrap_up(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(40).ana(closure.end).at(55)
    path.sara(closure.force_close, version=fresh(path.row).version, confirmed=EVERY_CAUTION)


def left_before_an_answer(path: Path) -> None:
    path.at(5).assign().at(35).customer(closure.customer_ends)


def moved_to_another_queue(path: Path) -> None:
    """The first wait goes on in the other queue."""
    version = fresh(path.row).version
    path.at(20).sara(assignment.assign_to_queue, queue_id=path.floor.returns.pk, version=version)
    path.at(50).cene(assignment.pick).at(80).cene(closure.end).at(90).cene(closure.finish_wrap_up)


def transferred_while_offered(path: Path) -> None:
    """Nobody handled it before the second agent accepted."""
    path.at(5).assign().at(20).transfer().at(40).answer(offers.accept)
    path.at(70).boris(closure.end).at(75).boris(closure.finish_wrap_up)


def timed_out_first(path: Path) -> None:
    path.at(5).assign()
    offer = offer_of(path.row)
    path.at(130).do(lambda _nobody, _pk, **more: offers.expire(offer.pk, **more), None)
    path.at(140).boris(assignment.pick).at(150).boris(closure.end).at(155).boris(closure.finish_wrap_up)


def the_agent_lost_the_line(path: Path) -> None:
    """Until the conversation is taken from them it counts as theirs: the customer is with nobody else."""
    path.at(10).ana(assignment.pick).at(60).ana(messaging.send, text="One moment")
    Agent.objects.filter(pk=path.floor.ana.pk).update(left_at=at(60))
    path.at(210).by_itself(absence.agent_gone)
    Agent.objects.filter(pk=path.floor.ana.pk).update(left_at=None)


def a_chat_whose_agent_lost_the_line(path: Path) -> None:
    the_agent_lost_the_line(path)
    path.at(300).boris(assignment.pick).at(310).boris(closure.end).at(315).boris(closure.finish_wrap_up)


def waits_since_the_agent_lost_the_line(path: Path) -> None:
    the_agent_lost_the_line(path)
    path.at(300).ana(intake.revive).at(310).ana(closure.end).at(315).ana(closure.finish_wrap_up)


def waited_and_closed_by_itself(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session)
    path.at(5000).by_itself(closure.auto_close, due=at(4000))


def waited_and_its_transfer_was_rejected(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session).at(300).transfer()
    path.at(320).answer(offers.reject).at(400).ana(intake.revive).at(430).ana(closure.end)
    path.at(440).ana(closure.finish_wrap_up)


def written_to_while_its_transfer_was_pending(path: Path) -> None:
    """It waits on until the answer, and opens with the rejection."""
    path.at(10).ana(assignment.pick).at(70).ana(closure.close_session).at(300).transfer()
    path.at(310).customer(messaging.receive, text="Hello again").at(320).answer(offers.reject)
    path.at(400).boris(assignment.pick).at(430).boris(closure.end).at(440).boris(closure.finish_wrap_up)


def force_closed_while_a_transfer_was_pending(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(30).transfer().at(50)
    path.sara(closure.force_close, version=fresh(path.row).version, confirmed=EVERY_CAUTION)


def joined_by_a_supervisor_into_wrap_up(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(20).sara(supervision.monitor).at(30).sara(supervision.join)
    path.at(60).ana(closure.end).at(70).sara(supervision.leave).at(80).ana(closure.finish_wrap_up)


def the_customer_lost_the_line(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(40).customer(closure.customer_ends, disconnected=True)
    path.at(60).ana(closure.finish_wrap_up)


def in_a_call_beside_the_chat(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(20).ana(elevation.elevate, medium=Medium.VIDEO).at(40)
    path.ana(elevation.end_elevation).at(70).ana(closure.end).at(75).ana(closure.finish_wrap_up)


def a_call_without_an_end(path: Path) -> None:
    path.at(10).ana(assignment.pick).at(7210).by_itself(closure.auto_close, due=at(10))
    path.at(7230).ana(closure.finish_wrap_up)


def wrap_up_closed_by_itself(path: Path) -> None:
    path.row.workstream.wrapup_block = "none"
    path.row.workstream.save()
    path.at(10).ana(assignment.pick).at(40).ana(closure.end).at(940).by_itself(closure.auto_close, due=at(40))


PATHS: dict[str, tuple[Channel, Callable[[Path], None], float, dict[str, float]]] = {
    # what happens: channel, path, wait, parts of the handle time; seconds
    "call: talk 240, hold 60, wrap-up 45": (V, talk_hold_wrap, 10, {"talk": 240, "hold": 60, "wrap_up": 45}),
    "call: the customer hangs up on hold": (V, hold_until_the_end, 10, {"talk": 30, "hold": 60, "wrap_up": 30}),
    "call: transferred on hold": (V, a_call_by_two, 10, {"talk": 60, "hold": 50, "wrap_up": 30}),
    "call: closed with X, picked again": (V, a_call_that_went_back, 10, {"talk": 90, "hold": 0, "wrap_up": 10}),
    "call: monitored and joined": (V, a_call_that_was_listened_to, 10, {"talk": 60, "hold": 0, "wrap_up": 10}),
    "call: abandoned": (V, left_before_an_answer, 35, {"talk": 0, "hold": 0}),
    "chat: two agents, 120 + 80 + 30": (LC, two_agents_and_an_expert, 10, {"active": 200, "wrap_up": 30}),
    "chat: rejected first": (LC, rejected_first, 45, {"active": 60, "wrap_up": 5}),
    "chat: transfer rejected": (LC, a_transfer_that_came_to_nothing, 10, {"active": 60, "wrap_up": 5}),
    "chat: released and picked again": (LC, released, 10, {"active": 30, "wrap_up": 5}),
    "chat: force closed in wrap-up": (LC, force_closed_in_wrap_up, 10, {"active": 30, "wrap_up": 15}),
    "chat: abandoned": (LC, left_before_an_answer, 35, {"active": 0}),
    "call: nobody ends it": (V, a_call_without_an_end, 10, {"talk": 7200, "hold": 0, "wrap_up": 20}),
    "chat: moved to another queue": (LC, moved_to_another_queue, 50, {"active": 30, "wrap_up": 10}),
    "chat: transferred while offered": (LC, transferred_while_offered, 40, {"active": 30, "wrap_up": 5}),
    "chat: timed out first": (LC, timed_out_first, 140, {"active": 10, "wrap_up": 5}),
    "chat: the agent lost the line": (LC, a_chat_whose_agent_lost_the_line, 10, {"active": 210, "wrap_up": 5}),
    "chat: the customer lost the line": (LC, the_customer_lost_the_line, 10, {"active": 30, "wrap_up": 20}),
    "chat: force closed, transfer pending": (LC, force_closed_while_a_transfer_was_pending, 10, {"active": 40}),
    "chat: monitored and joined": (LC, joined_by_a_supervisor_into_wrap_up, 10, {"active": 50, "wrap_up": 20}),
    "chat: in a call beside it": (LC, in_a_call_beside_the_chat, 10, {"active": 60, "wrap_up": 5}),
    "chat: nobody finishes the wrap-up": (LC, wrap_up_closed_by_itself, 10, {"active": 30, "wrap_up": 900}),
    "persistent: waited, closed by itself": (PC, waited_and_closed_by_itself, 10, {"active": 60}),
    "persistent: the agent lost the line": (PC, waits_since_the_agent_lost_the_line, 10, {"active": 210, "wrap_up": 5}),
    "persistent: waited, transfer rejected": (
        PC,
        waited_and_its_transfer_was_rejected,
        10,
        {"active": 90, "wrap_up": 10},
    ),
    "persistent: written to, transfer pending": (
        PC,
        written_to_while_its_transfer_was_pending,
        10,
        {"active": 90, "wrap_up": 10},
    ),
    "persistent: waited, revived": (PC, waited_and_was_revived, 10, {"active": 90, "wrap_up": 20}),
    "persistent: waited, written to": (PC, waited_and_the_customer_wrote, 10, {"active": 100, "wrap_up": 10}),
    "persistent: waited, transferred": (PC, waited_and_was_transferred, 10, {"active": 90, "wrap_up": 10}),
}


@pytest.mark.parametrize("name", PATHS)
def test_the_times_of_a_path_are_exact_to_the_second(floor: Floor, name: str) -> None:
    channel, walk, waited, expected = PATHS[name]
    SupervisorSettings.objects.update(transfer_voice_calls=True)
    path = Path(floor, channel)

    walk(path)

    later = at(100_000)
    row = Conversation.objects.select_related("queue").get(pk=path.row.pk)
    assert row.state == "closed"
    assert {part.code: part.length.total_seconds() for part in handling.parts(row, later)} == expected
    total = timedelta(seconds=sum(expected.values()))
    assert row.handled == total
    assert wait(row, later).text == clock_text(timedelta(seconds=waited))
    sql = Conversation.objects.annotate(h=handle_sql(later), w=wait_sql(later)).values_list("h", "w")
    assert sql.get(pk=row.pk) == (total, timedelta(seconds=waited))


@pytest.mark.parametrize("name", PATHS)
def test_the_clock_and_the_parts_agree_at_every_step(floor: Floor, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each service, and 7 seconds later, when part of it runs."""
    channel, walk, _, _ = PATHS[name]
    SupervisorSettings.objects.update(transfer_voice_calls=True)
    path, seen = Path(floor, channel), 0

    def agree(seconds: float) -> None:
        nonlocal seen
        for now in (at(seconds), at(seconds + 7)):
            row = Conversation.objects.select_related("queue").get(pk=path.row.pk)
            clock = handle(row, now)
            total = sum((part.length for part in handling.parts(row, now)), timedelta(0))
            runs = [part for part in handling.parts(row, now) if part.runs]
            anchored = now - row.handling_since if row.handling_since is not None else row.handled
            assert total == anchored, (name, seconds, row.state)
            assert (len(runs) == 1) == bool(clock.since) == (row.handling_since is not None)
            seen += 1

    do, answer = Path.do, Path.answer

    def doing(self: Path, *args: Any, **words: Any) -> Path:
        do(self, *args, **words)
        agree(self.seconds)
        return self

    def answering(self: Path, service: Callable[..., object]) -> Path:
        answer(self, service)
        agree(self.seconds)
        return self

    monkeypatch.setattr(Path, "do", doing)
    monkeypatch.setattr(Path, "answer", answering)
    walk(path)

    assert seen >= 4


def test_a_bot_s_time_is_neither_waited_nor_handled(floor: Floor) -> None:
    """5.5: created 10:00:00 with a bot, escalated 10:02:00, accepted 10:02:25: the wait is 25 s."""
    bot = make_agent("vesna", presence=BasePresence.OFFLINE, roles=(), is_bot=True)
    Workstream.objects.filter(channel=LC).update(bot=bot)
    path = Path(floor, LC)
    path.at(120).customer(bots.escalate).at(145).ana(assignment.pick).at(205).ana(closure.end)
    path.at(235).ana(closure.finish_wrap_up)
    row = Conversation.objects.select_related("queue").get(pk=path.row.pk)

    found = {part.code: part.length.total_seconds() for part in handling.parts(row, at(900))}
    assert (wait(row, at(900)).text, found) == ("0:25", {"active": 60, "wrap_up": 30})
    assert row.handled == timedelta(seconds=90)


def test_a_bot_s_customer_who_is_handed_over_and_transferred_counts_from_the_handing_over(floor: Floor) -> None:
    bot = make_agent("vesna", presence=BasePresence.OFFLINE, roles=(), is_bot=True)
    Workstream.objects.filter(channel=LC).update(bot=bot)
    path = Path(floor, LC)
    path.at(120).customer(bots.escalate).at(130).assign().at(150).answer(offers.accept)
    path.at(200).transfer().at(210).answer(offers.accept).at(240).boris(closure.end)
    path.at(250).boris(closure.finish_wrap_up)
    row = Conversation.objects.select_related("queue").get(pk=path.row.pk)

    found = {part.code: part.length.total_seconds() for part in handling.parts(row, at(900))}
    assert (wait(row, at(900)).text, found) == ("0:30", {"active": 90, "wrap_up": 10})


# --- the longest wait (M4) ------------------------------------------------------------------------------------------


def longest(floor: Floor, seconds: float) -> str:
    found = count(actor_of(floor.sara), Filter(window=Window.ALL), Queue.objects.in_bulk(), at(seconds)).longest
    return found.clock.text if found is not None else "none"


def test_the_longest_wait_is_of_whom_nobody_accepted_through_offers_and_queues(floor: Floor) -> None:
    path = Path(floor, LC)
    path.at(20).assign()
    assert longest(floor, 30) == "0:30", "offered is not accepted"
    path.at(40).answer(offers.reject).at(50)
    path.sara(assignment.assign_to_queue, queue_id=floor.returns.pk, version=fresh(path.row).version)
    assert longest(floor, 60) == "1:00", "the first wait goes on in the other queue"

    path.at(70).cene(assignment.pick)
    assert longest(floor, 80) == "none"
    path.at(90).cene(assignment.release)
    assert longest(floor, 100) == "0:10", "since it is open again"
    path.at(110).customer(closure.customer_ends)
    assert longest(floor, 120) == "none"


def test_whoever_a_bot_serves_or_who_waits_for_the_customer_is_no_longest_wait(floor: Floor) -> None:
    Path(floor, PC).at(10).ana(assignment.pick).at(70).ana(closure.close_session)
    bot = make_agent("vesna", presence=BasePresence.OFFLINE, roles=(), is_bot=True)
    Workstream.objects.filter(channel=LC).update(bot=bot)
    path = Path(floor, LC)
    assert longest(floor, 500) == "none"

    path.at(600).customer(bots.escalate)

    assert longest(floor, 630) == "0:30"


# --- where the figure is shown, its formula is ------------------------------------------------------------------


def test_the_pages_say_how_the_figures_are_counted(floor: Floor, client: Client) -> None:
    path = Path(floor, V)
    talk_hold_wrap(path)
    client.force_login(floor.sara)

    page = client.get(reverse("conversations:conversation", args=[path.row.pk])).content.decode()

    assert "How is this counted?" in page
    assert "Talk 4:00 + Hold 1:00 + Wrap-up 0:45 = 5:45." in page
    assert "= 0:10." in page

    client.force_login(floor.ana.user)
    desk = client.get(reverse("conversations:desk_conversation", args=[path.row.pk])).content.decode()
    assert "Talk 4:00 + Hold 1:00 + Wrap-up 0:45 = 5:45." in desk


def test_the_report_says_how_its_times_are_counted(floor: Floor, client: Client) -> None:
    client.force_login(floor.sara)

    page = client.get(reverse("conversations:ongoing")).content.decode()

    assert "How times are counted" in page
    assert handling.longest_wait_formula() in page
