"""How fast could it be? A bare ``websockets`` broadcast of the same bytes to as many clients: the floor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any


async def reached(condition: Callable[[], bool], within: float = 120.0) -> bool:
    """Come back when a condition holds, or when the time is over; the value is whether it holds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def bare_broadcast(text: str, number: int, rounds: int = 20) -> list[float]:
    """Seconds until each of N bare clients has the same bytes, over several rounds."""
    import websockets
    from websockets.asyncio.server import broadcast, serve

    inside: set[Any] = set()
    arrivals: list[float] = []

    async def handle(link: Any) -> None:
        inside.add(link)
        await link.wait_closed()

    async def client(url: str) -> None:
        async with websockets.connect(url, max_size=None, compression=None, open_timeout=60) as link:
            async for _ in link:
                arrivals.append(time.perf_counter())  # noqa: PERF401  The clock is read as each one comes.

    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=None, backlog=2000) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        clients = [asyncio.create_task(client(f"ws://127.0.0.1:{port}")) for _ in range(number)]
        await reached(lambda: len(inside) == number)
        delays: list[float] = []
        for _ in range(rounds):
            arrivals.clear()
            began = time.perf_counter()
            broadcast(inside, text)
            await reached(lambda: len(arrivals) == number)
            delays += [moment - began for moment in arrivals]
            await asyncio.sleep(0.05)
        for task in clients:
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        return delays
