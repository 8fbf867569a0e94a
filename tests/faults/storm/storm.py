"""What holds while parts of the installation die? One installation, a crowd that acts, and one fault after the other.

Run by ``__main__`` on a database server of its own, which it may stop.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.db import connection

from conversations.models import Conversation, Notice, Offer, OfferStatus
from conversations.reports import live
from conversations.reports.scope import EVERYTHING
from conversations.services import assignment, closure, intake
from routing.models import Agent, PresenceChange, User
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.realtime import latest_at
from supervisor_console.models import Heartbeat
from tests import servers
from tests.cast import EVERY_CAUTION, Floor, actor_of, give_view_all_queues, make_agent, make_floor, make_user
from tests.faults.storm.accounts import settle
from tests.faults.storm.crowd import MOST_FAULTS, NOT_NOW, Answer, Crowd, People, get, post
from tests.faults.storm.watchers import QUERY, Watcher, wait_until
from tests.servers import Program
from tests.sockets import session_of

TRUE_SECONDS = 15.0
PROMPT_SECONDS = 5.0
AGAIN_SECONDS = 8.0
MOST_SECONDS = 9.0
"""How long somebody waits for a no: as long as for a connection, on a machine that is busy."""

DUE_SECONDS = 15.0
HEART_SECONDS = 15.0
SENTENCE = "The console cannot reach its database just now."


@dataclass
class Installation:
    """PostgreSQL, Redis, two web processes and one that does the background work."""

    database: Program
    redis: Program
    first: Program
    second: Program
    work: Program
    clock_file: Path
    floor: Floor
    people: People
    sessions: dict[str, str]

    @property
    def addresses(self) -> list[str]:
        """Of the web processes."""
        return [self.first.address, self.second.address]


@contextmanager
def installed(database: Program) -> Iterator[Installation]:
    """Everything runs, and there are people."""
    with ExitStack() as stack:
        redis = stack.enter_context(
            servers.running(servers.redis_program(stack.enter_context(servers.temporary_folder("console-storm-"))))
        )
        floor = make_floor()
        bosses = [floor.sara, *(make_user(f"boss{number}", Role.SUPERVISOR) for number in range(2))]
        for boss in bosses[1:]:
            give_view_all_queues(boss)
        agents = [floor.ana, floor.boris, *(make_agent(f"agent{number}", floor.billing) for number in range(6))]
        make_agent("dora", floor.billing)
        Agent.objects.update(max_units=1_000_000)
        sessions = {user.username: session_of(user) for user in [*bosses, *(agent.user for agent in agents)]}
        people = People(
            [sessions[boss.username] for boss in bosses],
            [(agent.pk, sessions[agent.user.username]) for agent in agents],
        )
        connection.close()
        clock_file = stack.enter_context(servers.temporary_folder("console-storm-clock-")) / "ahead"
        variables = {
            "TEST_REDIS_URL": redis.address,
            "DJANGO_SETTINGS_MODULE": "tests.faults.storm.settings",
            "CLOCK_FILE": str(clock_file),
        }
        first, second = (servers.console_program(f"storm-{name}", **variables) for name in "ab")
        work = servers.work_program("storm-work", **variables)
        for program in (first, second, work):
            stack.enter_context(servers.running(program))
        yield Installation(database, redis, first, second, work, clock_file, floor, people, sessions)


@dataclass
class Storm:
    """One fault: a crowd acts, something dies and comes back, the crowd goes on; then everything is looked at."""

    there: Installation
    told: argparse.Namespace
    crowd: Crowd = field(init=False)
    said: list[str] = field(default_factory=list)
    """What was measured, one line each."""

    faults: list[str] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)

    def run(self, name: str, strike: Callable[[Storm], None]) -> bool:
        """Whether everything was as it must be."""
        there = self.there
        self.crowd = Crowd(there.addresses, there.people)
        since = PresenceChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        before = Notice.objects.filter(user=there.floor.sara).count()
        connection.close()
        # The first sits at the process that nobody kills; the others come back where they can.
        steady = Watcher([there.second.address], there.sessions["sara"])
        others = [Watcher(there.addresses, there.sessions["boss0"])]
        others += [Watcher(there.addresses, session, follows=False) for _pk, session in there.people.agents]
        self.watchers = [steady, *others]
        for watcher in self.watchers:
            watcher.begin()
        self.expect(wait_until(lambda: all(one.is_open for one in self.watchers), 20), "everybody is there at first")
        self.crowd.begin(self.told.crowd)
        strike(self)
        self.crowd.end()
        book = self.crowd.book
        self.says_the_truth("after the last action")
        self.expect(
            wait_until(
                lambda: len(steady.notices) >= Notice.objects.filter(user=there.floor.sara).count() - before, 10
            ),
            f"every notice reached her: {len(steady.notices)}",
        )
        self.expect(len(set(steady.notices)) == len(steady.notices), "no notice came twice")
        self.background_goes_on()
        self.faults += book.faults[:5] + settle(book.stories, since)
        for watcher in self.watchers:
            watcher.end()
        self.clear_the_desks()
        answers = ", ".join(f"{status}: {number}" for status, number in sorted(book.answers.items()))
        print(f"\n--- {name}: {book.done} actions of {len(book.stories)} conversations")
        print(f"    requests by answer: {answers} (0: none came, -1: nobody took it)")
        print(f"    {book.unanswered} unanswered, {book.done_unanswered} of them done; slowest {book.slowest:.1f} s")
        print(f"    consoles cut: {sum(watcher.cuts for watcher in others)}")
        for line in self.said:
            print(f"    {line}")
        for fault in self.faults:
            print(f"NOT {fault}")
        return not self.faults

    def clear_the_desks(self) -> None:
        """Nobody begins the next one with what is left of this one."""
        boss = actor_of(User.objects.get(pk=self.there.floor.sara.pk))
        for row in Conversation.objects.ongoing():
            closure.force_close(boss, row.pk, version=row.version, confirmed=EVERY_CAUTION)
        connection.close()

    # --- what strikes ask --------------------------------------------------------------------------------------------

    def expect(self, holds: object, what: str) -> None:
        """Something must be so."""
        if holds is None or holds is False:
            self.faults.append(what)
        else:
            self.said.append(f"{what}, after {holds:.1f} s" if isinstance(holds, float) else what)

    def until(self, share: float) -> None:
        """Wait until this share of the actions is done."""
        wanted = self.told.actions * share
        book = self.crowd.book
        if wait_until(lambda: book.done >= wanted or len(book.faults) >= MOST_FAULTS, 300) is None or book.faults:
            self.faults.append(f"{book.done} of {wanted} actions were done")

    def says_the_truth(self, when: str, within: float = TRUE_SECONDS) -> None:
        """Every console that shows the report shows what the database says; nobody acts meanwhile."""
        shown = [one for one in self.watchers if one.follows]
        clock.saw(latest_at())  # The servers may be ahead: what has waited for too long is a question of the time.
        self.expect(wait_until(lambda: {one.digest for one in shown} == {truth()}, within), f"screens are true {when}")

    def background_goes_on(self) -> None:
        """The background work lives, and does what is due."""
        floor, dora = self.there.floor, Agent.objects.get(user__username="dora")
        pk = intake.start(workstream_id=floor.chat.pk, name="Maja", text="Is anybody there?").conversation_id
        row = Conversation.objects.get(pk=pk)
        boss = actor_of(User.objects.get(pk=floor.sara.pk))
        assignment.assign(boss, pk, agent_id=dora.pk, version=row.version, confirmed=EVERY_CAUTION)
        offer = Offer.objects.filter(conversation=pk)
        offer.update(expires_at=clock.now(), offered_at=clock.now() - timedelta(seconds=60))
        self.expect(wait_until(lambda: offer.get().status == OfferStatus.TIMED_OUT, DUE_SECONDS), "what is due is done")
        now = clock.now()
        self.expect(
            wait_until(lambda: Heartbeat.objects.filter(at__gte=now, error="").exists(), HEART_SECONDS),
            "the background work says that it is well",
        )


def truth() -> str:
    """What the report shows by the database alone: its digest."""
    view = live.View(0, QUERY, "en")
    return live.read(EVERYTHING, view, now=clock.now(), before=None).snapshot.digest


# --- what strikes ----------------------------------------------------------------------------------------------------


def nothing(storm: Storm) -> None:
    """The control: the crowd acts, and nothing dies."""
    storm.until(1)


def kill(storm: Storm) -> None:
    """A web process is killed again and again, and now and then the background work."""
    kills = storm.told.kills
    for number in range(kills):
        storm.until((number + 1) / (kills + 1))
        _kill(storm, storm.there.work if number % 4 == 3 else storm.there.first)
    storm.until(1)
    storm.expect(storm.crowd.book.unanswered > 0, f"{kills} kills, some with requests under way")


def _kill(storm: Storm, victim: Program) -> None:
    victim.kill()
    time.sleep(storm.told.away)
    victim.start()


def database(storm: Storm) -> None:
    """PostgreSQL is told to end: it cuts every line in order (fast), or drops everything (immediate)."""
    for number, how in enumerate((signal.SIGINT, signal.SIGQUIT)):
        storm.until((number + 1) / 3)
        _end_database(storm, how)
    storm.until(1)


def _end_database(storm: Storm, how: signal.Signals) -> None:
    there = storm.there
    connection.close()
    there.database.stop = how
    there.database.end()
    began = time.monotonic()
    _says_so(storm)
    time.sleep(max(0.0, storm.told.outage - (time.monotonic() - began)))
    done = storm.crowd.book.done
    there.database.start()
    again = wait_until(partial(_acts, storm, done), AGAIN_SECONDS)
    storm.expect(again, f"away for {time.monotonic() - began:.0f} s ({how.name}); actions again")


def both(storm: Storm) -> None:
    """A web process is killed, and then PostgreSQL drops everything; for those who have little time."""
    storm.until(1 / 3)
    _kill(storm, storm.there.first)
    storm.until(2 / 3)
    _end_database(storm, signal.SIGQUIT)
    storm.until(1)
    storm.expect(storm.crowd.book.answers["-1"] + storm.crowd.book.unanswered > 0, "somebody met the process that died")


def _acts(storm: Storm, done: int) -> bool:
    return storm.crowd.book.done > done + 3


def _says_so(storm: Storm) -> None:
    """While there is no database, people are told so, soon, and know what to do."""
    there, sara = storm.there, storm.there.sessions["sara"]
    asked: dict[str, Callable[[], Answer]] = {
        "a page": lambda: get(there.first.address, "/conversations/", sara),
        "the log-in": lambda: post(there.first.address, "/login/", "", {"username": "sara", "password": "guess"}),
        "the chat": lambda: get(there.second.address, "/chat/"),
        "a click": lambda: post(there.second.address, "/conversations/1/monitor/", sara, {}, htmx=True),
    }

    def time_of(answer: Callable[[], Answer]) -> tuple[Answer, float]:
        began = time.monotonic()
        return answer(), time.monotonic() - began

    with ThreadPoolExecutor(len(asked)) as pool:
        for name, (found, seconds) in zip(asked, pool.map(time_of, asked.values()), strict=True):
            storm.expect(found.status == NOT_NOW and SENTENCE in found.said, f"{name} says so ({found.status})")
            storm.expect(seconds < MOST_SECONDS, f"{name} answered after {seconds:.1f} s")


def redis(storm: Storm) -> None:
    """Redis is stopped; the crowd acts on, rests for a look at the screens, and Redis comes back."""
    there, crowd = storm.there, storm.crowd
    storm.until(1 / 3)
    there.redis.kill()
    began = time.monotonic()
    follows = [one for one in storm.watchers if one.follows]
    storm.expect(wait_until(lambda: all(one.marks and not one.marks[-1] for one in follows), 15), "the badges say so")
    storm.until(2 / 3)
    crowd.end()
    storm.expect(crowd.book.slowest < 5, f"the slowest action took {crowd.book.slowest:.1f} s")
    storm.says_the_truth("while Redis is away")
    time.sleep(max(0.0, storm.told.outage - (time.monotonic() - began)))
    there.redis.start()
    back = time.monotonic()
    crowd.enough.clear()
    crowd.begin(storm.told.crowd)
    for one in follows:
        one.ways.clear()
    storm.expect(
        wait_until(lambda: all("layer" in one.ways.values() for one in follows), PROMPT_SECONDS + 3),
        f"changes come at once again, after {back - began:.0f} s without Redis",
    )
    storm.expect(wait_until(lambda: all(one.marks[-1] for one in follows), 10), "the badges say so")
    storm.until(1)


def set_clock(storm: Storm) -> None:
    """The machine's clock is set ahead by minutes, then back behind where it was; a process begins after that."""
    there = storm.there
    for share, seconds in ((0.25, 300.0), (0.5, -300.0)):
        storm.until(share)
        there.clock_file.write_text(str(seconds))
    storm.until(0.75)
    there.first.kill()
    there.first.start()
    storm.until(1)
    there.clock_file.write_text("0")


STRIKES: dict[str, Callable[[Storm], None]] = {
    "nothing": nothing,
    "kill": kill,
    "database": database,
    "both": both,
    "redis": redis,
    "clock": set_clock,
}
