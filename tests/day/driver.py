"""Who drives the clock, and who is killed? One process tells all others what time it is, and waits for their turns.

The clock stands still during a turn, so nothing sleeps and no two clocks differ; what the processes do in a turn they
do at the same time, on one database. In some turns one of them is killed (SIGKILL) in the middle of it. Another takes
its place some turns later; in between there may be no background work at all.

The driver itself never connects to the database: each process begins as a copy of it.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from tests.day.turns import People, Player, Turn, work

FORKED = multiprocessing.get_context("fork")
PATIENCE_SECONDS = 120.0
"""A turn that takes longer hangs."""


@dataclass
class Seat:
    """A place for one process after the other."""

    name: str
    player: Callable[[int], Player]
    """Makes who plays, from a seed."""

    process: BaseProcess | None = None
    pipe: Pipe | None = None
    empty_until: int = 0
    """The turn in which the next one comes, after a kill."""


@dataclass
class Driver:
    """The clock, the seats, and the dice that say who is killed when."""

    now: datetime
    folder: Path
    seats: list[Seat]
    dice: Random
    kill_every: int
    """Turns between two kills, about; 0 for none."""

    turns: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    killed_at_work: int = 0
    """Kills that came before the turn was done."""

    idle_turns: int = 0
    """Turns without any background work."""

    def turn(self, seconds: float, *, acts: int = 0, may_come: bool = True, goes_home: bool = False) -> None:
        """The clock goes on, and everybody takes a turn."""
        self.now += timedelta(seconds=seconds)
        self.turns += 1
        for seat in self.seats:
            if seat.process is None and seat.empty_until <= self.turns:
                self._seat(seat)
        there = [seat for seat in self.seats if seat.pipe is not None]
        self.idle_turns += not any(seat.name == "work" for seat in there)
        for seat in there:
            assert seat.pipe is not None
            seat.pipe.send(Turn(self.now, acts, may_come, goes_home))
        if self.kill_every and self.dice.random() < 1 / self.kill_every:
            for victim in self._victims(there):
                self._kill(victim)
        for seat in there:
            self._wait_for(seat)

    def _victims(self, there: list[Seat]) -> list[Seat]:
        """Mostly one; now and then all background work at once. Nobody where all are dead already."""
        if not there:
            return []
        workers = [seat for seat in there if seat.name == "work"]
        return workers if self.dice.random() < 0.2 else [self.dice.choice(there)]

    def _seat(self, seat: Seat) -> None:
        ours, theirs = FORKED.Pipe()
        log = self.folder / f"{self.turns:06d}-{self.seats.index(seat)}.log"
        player, seed = seat.player, self.dice.getrandbits(32)
        not_theirs = [ours, *[other.pipe for other in self.seats if other.pipe is not None]]
        seat.process = FORKED.Process(target=_play, args=(theirs, not_theirs, log, player, seed), daemon=True)
        seat.process.start()
        theirs.close()
        seat.pipe = ours

    def _kill(self, seat: Seat) -> None:
        """In the middle of what it does."""
        assert seat.process is not None
        assert seat.process.pid is not None
        assert seat.pipe is not None
        time.sleep(self.dice.uniform(0.0, 0.06))
        self.killed_at_work += not seat.pipe.poll()
        os.kill(seat.process.pid, signal.SIGKILL)
        seat.process.join()
        seat.pipe.close()
        seat.process = seat.pipe = None
        seat.empty_until = self.turns + self.dice.choice([1, 2, 5, 20])
        self.kills[seat.name] = self.kills.get(seat.name, 0) + 1

    def _wait_for(self, seat: Seat) -> None:
        if seat.pipe is None:
            return  # killed in this turn
        if not seat.pipe.poll(PATIENCE_SECONDS):
            raise RuntimeError(f"{seat.name} hangs in turn {self.turns}")
        try:
            seat.pipe.recv()
        except EOFError as error:
            raise RuntimeError(f"{seat.name} died by itself in turn {self.turns}; see {self.folder}") from error

    def catch_up(self, seconds: float) -> None:
        """Nobody is killed for two turns, and every seat is taken: what was delayed is done now."""
        for seat in self.seats:
            seat.empty_until = 0
        kill_every, self.kill_every = self.kill_every, 0
        for _ in range(2):
            self.turn(seconds)
        self.kill_every = kill_every

    def rest(self) -> None:
        """Everybody goes; the driver may look at the database now."""
        for seat in self.seats:
            if seat.pipe is not None and seat.process is not None:
                seat.pipe.close()
                seat.process.join(20)
            seat.process = seat.pipe = None
            seat.empty_until = 0

    def lines(self) -> list[str]:
        """What all processes wrote down."""
        return [line for path in sorted(self.folder.glob("*.log")) for line in path.read_text().splitlines()]


def seats_of(workers: int, servers: int, size: int) -> list[Seat]:
    """So many background processes, and so many servers through which people act."""
    return [
        *[Seat("work", lambda seed: work) for _ in range(workers)],
        *[Seat("server", _Server(number, servers, size)) for number in range(servers)],
    ]


@dataclass(frozen=True, slots=True)
class _Server:
    number: int
    of: int
    size: int

    def __call__(self, seed: int) -> Player:
        return People(self.number, self.of, seed, self.size)


def _play(pipe: Pipe, not_mine: Sequence[Pipe], log: Path, player: Callable[[int], Player], seed: int) -> None:
    """One process: takes its turns until nobody asks any more. Each action is in its log as soon as it is committed.

    What it has of other pipes, as a copy of the driver, it closes: a pipe ends when both who use it are gone.
    """
    for other in not_mine:
        other.close()
    handler = logging.FileHandler(log)
    actions = logging.getLogger("supervisor_console.actions")
    actions.handlers, actions.propagate = [handler], False
    actions.setLevel(logging.INFO)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in ("conversations", "supervisor_console", "routing", "django"):
        named = logging.getLogger(name)
        named.handlers, named.propagate = [], True
        named.setLevel(logging.WARNING)
    play = player(seed)
    while True:
        try:
            turn = pipe.recv()
        except EOFError:
            os._exit(0)
        try:
            play(turn)
        except BaseException:
            logging.getLogger("tests.day").exception("A turn failed")
            os._exit(1)
        pipe.send(None)
