"""The consoles of a measurement: real sockets in a process of their own, which note what came when."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import psutil

from benchmarks.bare import reached

ROW = re.compile(r'data-id=\\"(\d+)\\" data-version=\\"(\d+)\\"')
DIGEST = re.compile(r'"digest": "(\w*)"')
WAS = re.compile(r'"was": "(\w*)"')
AT = re.compile(r'"at": "([^"]+)"\}$')


@dataclass
class Console:
    """One console: where it belongs, what it shows, and when it first had each version of each row (seconds)."""

    address: str
    session: str
    query: str
    digest: str = ""
    is_true: bool = False
    rows: dict[tuple[int, int], float] = field(default_factory=dict)


@dataclass
class Wire:
    """What came over all the sockets; ``delays`` are seconds from the oldest change in a frame to its arrival."""

    bytes: int = 0
    regions: int = 0
    beats: int = 0
    delays: list[float] = field(default_factory=list)
    typical: str = ""


@dataclass
class Outcome:
    """What the consoles have to say in the end."""

    wire: Wire
    consoles: list[Console]
    lost: int
    cpu: float
    faults: list[str]


class Parsed:
    """A frame that goes to many consoles is taken apart once."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[str, str, float | None, list[tuple[int, int]]]] = {}

    def of(self, text: str) -> tuple[str, str, float | None, list[tuple[int, int]]]:
        """Was, digest, moment of the oldest change, rows with their versions."""
        key = hash(text)
        if key not in self._found:
            was, digest, at = WAS.search(text[:4000]), DIGEST.search(text[:4000]), AT.search(text[-80:])
            self._found[key] = (
                was[1] if was else "",
                digest[1] if digest else "",
                datetime.fromisoformat(at[1]).timestamp() if at else None,
                [(int(pk), int(version)) for pk, version in ROW.findall(text)],
            )
        return self._found[key]


def run(consoles: list[Console], orders: Connection, results: Connection) -> None:
    """The process of the consoles; obeys orders: open, drop, clear, report."""
    asyncio.run(Room(consoles).obey(orders, results))


class Room:
    """All consoles, in one event loop."""

    def __init__(self, consoles: list[Console]) -> None:
        self.consoles = consoles
        self.wire = Wire()
        self.parsed = Parsed()
        self.tasks: list[asyncio.Task[None]] = []

    async def obey(self, orders: Connection, results: Connection) -> None:
        """Do what is ordered until the report was given."""
        loop = asyncio.get_running_loop()
        while True:
            match await loop.run_in_executor(None, orders.recv):
                case "open":
                    results.send(await self.open())
                case "drop":
                    await self.drop()
                    results.send(None)
                case "clear":
                    self.wire = Wire()
                    for console in self.consoles:
                        console.rows.clear()
                    results.send(None)
                case _:
                    results.send(self.report())
                    return

    async def open(self) -> float:
        """Open every socket in the same moment; the seconds until the last console shows the truth."""
        began = time.time()
        for console in self.consoles:
            console.digest, console.is_true = "", False
        self.tasks = [asyncio.create_task(self._sit(console)) for console in self.consoles]
        await reached(
            lambda: all(console.is_true for console in self.consoles) or any(task.done() for task in self.tasks)
        )
        return time.time() - began

    async def drop(self) -> None:
        """Every line is cut, without a good-bye."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def report(self) -> Outcome:
        """What was seen."""
        ended = [task for task in self.tasks if task.done()]
        faults = sorted({repr(task.exception()) for task in ended if not task.cancelled()})
        times = psutil.Process().cpu_times()
        return Outcome(self.wire, self.consoles, len(ended), times.user + times.system, faults)

    async def _sit(self, console: Console) -> None:
        import websockets

        headers = {"Cookie": f"sessionid={console.session}", "Origin": console.address}
        url = console.address.replace("http", "ws") + "/ws/console/"
        async with websockets.connect(
            url, additional_headers=headers, max_size=None, compression=None, open_timeout=60, ping_interval=None
        ) as link:
            await self._watch(link, console)
            async for text in link:
                if self._take(console, str(text), time.time()):
                    await self._watch(link, console)

    async def _watch(self, link: Any, console: Console) -> None:
        words = {"type": "watch", "query": console.query, "topics": [], "digest": console.digest, "language": "en"}
        await link.send(json.dumps(words))

    def _take(self, console: Console, text: str, now: float) -> bool:
        """Note a frame as a page takes it; whether the page has to ask for everything."""
        wire = self.wire
        wire.bytes += len(text)
        if not text.startswith('{"type": "region"'):
            wire.beats += text.startswith('{"type": "beat"')
            return False
        was, digest, at, rows = self.parsed.of(text)
        if was and was != console.digest:
            return True
        wire.regions += 1
        if was:
            wire.typical = text
        if at is not None and was:
            wire.delays.append(now - at)
        console.digest, console.is_true = digest, True
        for row in rows:
            console.rows.setdefault(row, now)
        return False
