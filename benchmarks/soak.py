"""Does a server stay as it is over a shift? Its memory while 500 consoles look on and the floor changes.

    python -m benchmarks.soak                                   # three minutes
    python -m benchmarks.soak --minutes 30 --consoles 500

Starts its own PostgreSQL and Redis, one `serve` and one `work`, opens the consoles from one more process, and makes
changes from another. Each minute some consoles come that read nothing, and must be gone again soon; five times on the
way, all lines are cut at once, and everybody comes back. In the end each console's screen is compared
with what the database says. Ends with 1 if memory goes on growing, somebody is left behind, a screen is not true, or
`check_floor` finds something.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.context import SpawnContext
from socket import SO_RCVBUF, SOL_SOCKET, create_connection, socket
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks import centre
from benchmarks.centre import SAME
from benchmarks.consoles import Console, Outcome, run
from benchmarks.ground import console_servers, cpu, create_database, memory, surroundings
from benchmarks.push import SETTLE_SECONDS, untrue_of
from benchmarks.writing import ROOT, keep, machine, table
from tests import servers

SAMPLE_SECONDS = 5.0
DEAF = 10
DEAF_EVERY_SECONDS = 60.0
GONE_WITHIN_SECONDS = 40.0
WARM = 0.25
"""Share of the time after which everything that is kept once has been kept."""

CUTS = 5
"""So many times all lines are cut. With two, what a line leaves for ever was too little beside the tenth below."""

MOST_GROWTH = 0.10
"""Share of its memory by which a server may be larger in the last quarter than in the second."""

Pool = Any


@dataclass
class Soak:
    """What was seen of one server, and of those who read nothing."""

    server: psutil.Process
    address: str
    session: str
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)
    """Minutes since the beginning; megabytes, threads and connections of the server."""

    deaf: list[tuple[float, socket]] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    """For how many seconds each of those who read nothing was let stay."""

    def sample(self, minutes: float) -> None:
        """Note how the server is."""
        open_ones = sum(one.status == psutil.CONN_ESTABLISHED for one in self.server.net_connections("tcp"))
        self.samples.append((minutes, memory([self.server]) / 1e6, self.server.num_threads(), open_ones))

    def let_deaf_ones_come(self) -> None:
        """Some consoles open that never read."""
        place = urlsplit(self.address)
        for _ in range(DEAF):
            line = create_connection((place.hostname or "", place.port or 0), timeout=10)
            line.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
            request = [
                "GET /ws/console/ HTTP/1.1",
                f"Host: {place.netloc}",
                f"Origin: {self.address}",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyAhIQ==",
                f"Cookie: sessionid={self.session}",
            ]
            line.sendall(("\r\n".join(request) + "\r\n\r\n").encode() + _said())
            line.setblocking(False)
            self.deaf.append((time.monotonic(), line))

    def see_who_left(self) -> None:
        """Those whom the server has dropped; the line says so to who still writes."""
        here = {getattr(one.raddr, "port", 0) for one in self.server.net_connections("tcp")}
        for began, line in list(self.deaf):
            if line.getsockname()[1] not in here:
                self.left.append(time.monotonic() - began)
                self.deaf.remove((began, line))
                line.close()


def _said() -> bytes:
    """What a page says when it opens, as one masked frame."""
    words = json.dumps({"type": "watch", "query": SAME, "topics": [], "digest": "", "language": "en"}).encode()
    return bytes([0x81, 0x80 | len(words), 0, 0, 0, 0]) + words


def main() -> None:
    """Let it run, print what was seen, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--consoles", type=int, default=500)
    parser.add_argument("--conversations", type=int, default=2_000)
    parser.add_argument("--rate", type=float, default=2.0, help="changes a second")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        server, broker = (stack.enter_context(start()) for start in (servers.postgresql, servers.redis))
        os.environ |= surroundings(create_database(server, "console"), broker, log_level="WARNING")
        context = multiprocessing.get_context("spawn")
        with context.Pool(1) as pool:
            sessions = pool.apply(centre.fill, (chosen.conversations, chosen.consoles))
            pool.apply(without_distribution)
            working = subprocess.Popen([sys.executable, "manage.py", "work"], cwd=ROOT, stdout=subprocess.DEVNULL)
            try:
                faults = soak(context, pool, chosen, sessions, load)
            finally:
                working.terminate()
                working.wait()
    sys.exit(1 if faults else 0)


def without_distribution() -> None:
    """People hand out the work; nothing changes that nobody changed."""
    from conversations.models import SupervisorSettings

    SupervisorSettings.objects.update(distribution_enabled=False)


def soak(context: SpawnContext, pool: Pool, chosen: argparse.Namespace, sessions: list[str], load: float) -> list[str]:
    """The run; what was not as it must be."""
    with console_servers(1) as ((address,), (server,)):
        empty = memory([server]) / 1e6
        consoles = [Console(address, session, SAME) for session in sessions]
        orders, orders_end = context.Pipe()
        results_end, results = context.Pipe()

        def order(what: str) -> Any:
            orders.send(what)
            return results_end.recv()

        context.Process(target=run, args=(consoles, orders_end, results), daemon=True).start()
        opening = order("open")
        near, far = context.Pipe()
        changing = context.Process(target=centre.make_changes, args=(chosen.rate, chosen.minutes * 60, far))
        changing.start()
        far.close()
        seen, used = Soak(server, address, sessions[0]), cpu([server])
        began = time.monotonic()
        cuts = [chosen.minutes * number / (CUTS + 1) for number in range(1, CUTS + 1)]
        deaf_next, comings = 0.0, [opening]
        while not near.poll(SAMPLE_SECONDS):
            passed = time.monotonic() - began
            seen.sample(passed / 60)
            seen.see_who_left()
            if passed >= deaf_next and passed < chosen.minutes * 60 - GONE_WITHIN_SECONDS:
                deaf_next = passed + DEAF_EVERY_SECONDS
                with suppress(OSError):
                    seen.let_deaf_ones_come()
            if cuts and passed / 60 >= cuts[0]:
                cuts.pop(0)
                order("drop")
                comings.append(order("open"))
            order("clear")
        made = near.recv()
        minutes = (time.monotonic() - began) / 60
        used = cpu([server]) - used
        time.sleep(SETTLE_SECONDS)
        seen.see_who_left()
        outcome: Outcome = order("report")
        untrue = untrue_of(pool, outcome.consoles)
        wrong = pool.apply(centre.violations)
    return tell(chosen, seen, outcome, Ran(minutes, len(made), untrue, wrong, empty, used, comings, load))


@dataclass(frozen=True, slots=True)
class Ran:
    """What is known at the end of a run."""

    minutes: float
    made: int
    untrue: int
    wrong: list[str]
    empty: float
    used: float
    comings: list[float]
    load: float


def tell(chosen: argparse.Namespace, seen: Soak, outcome: Outcome, ran: Ran) -> list[str]:
    """Write down what was seen; what of it must not be."""
    second, last = (
        median(size for at, size, _threads, _open in seen.samples if begin <= at / ran.minutes < end)
        for begin, end in ((WARM, 2 * WARM), (1 - WARM, 2))
    )
    growth = last / second - 1
    stayed = max(seen.left, default=0.0)
    faults = [
        *([f"memory grew by {growth:.0%}"] if growth > MOST_GROWTH else []),
        *([f"{ran.untrue} screens are not true"] if ran.untrue else []),
        *([f"{len(ran.wrong)} things in the data: {ran.wrong[0]}"] if ran.wrong else []),
        *([f"{outcome.lost} consoles were lost: {outcome.faults}"] if outcome.lost else []),
        *([f"{len(seen.deaf)} who read nothing were never dropped"] if seen.deaf else []),
        *([f"one who read nothing stayed for {stayed:.0f} s"] if stayed > GONE_WITHIN_SECONDS else []),
    ]
    per_tenth = seen.samples[:: max(1, len(seen.samples) // 10)]
    keep(
        f"soak-{chosen.consoles}",
        [
            f"## A server over time: {chosen.consoles} consoles for {ran.minutes:.1f} minutes",
            "",
            f"{machine()}; consoles, changes, PostgreSQL and Redis on the same cores; load average {ran.load:.1f}.",
            f"`python -m benchmarks.soak --minutes {chosen.minutes:g} --consoles {chosen.consoles}`",
            "",
            *table(
                ["what", "seen"],
                [
                    ("changes made", f"{ran.made}, {chosen.rate:g} a second"),
                    ("memory of the server, empty", f"{ran.empty:.0f} MB"),
                    ("memory in the second quarter and in the last", f"{second:.0f} and {last:.0f} MB ({growth:+.1%})"),
                    ("threads, most", str(max(threads for _at, _size, threads, _open in seen.samples))),
                    ("connections, most", str(max(number for *_rest, number in seen.samples))),
                    ("CPU of the server", f"{ran.used / ran.minutes / 60:.2f} of a core"),
                    ("all come at once, until the last is true", ", ".join(f"{one:.1f} s" for one in ran.comings)),
                    ("who read nothing: came, dropped", f"{len(seen.left) + len(seen.deaf)}, {len(seen.left)}"),
                    ("longest that one of them stayed", f"{stayed:.0f} s"),
                    ("consoles lost", str(outcome.lost)),
                    ("consoles whose screen is not true in the end", str(ran.untrue)),
                    ("what `check_floor` finds in the end", str(len(ran.wrong))),
                ],
            ),
            "",
            *table(
                ["minute", *(f"{at:.1f}" for at, *_rest in per_tenth)],
                [("MB", *(f"{size:.0f}" for _at, size, *_rest in per_tenth))],
            ),
            *([""] if faults else []),
            *(f"NOT as it must be: {fault}" for fault in faults),
        ],
    )
    return faults


if __name__ == "__main__":
    main()
