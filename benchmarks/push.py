"""How long from the commit of a change to the last of N consoles, what does it cost, and how long to come back?

    python -m benchmarks.push --consoles 200 --conversations 10000 --rate 20 --seconds 20
    python -m benchmarks.push --consoles 1000 --processes 2
    python -m benchmarks.push --views different

Starts its own PostgreSQL and Redis, fills a floor, starts the servers, opens the consoles from one more process, and
makes changes through the services from another, as several processes of the product do. Everything shares the
machine's cores: the consoles and the changes are part of the load. The floor is a bare ``websockets`` broadcast of the
same bytes to as many clients, in the same run. Rows are inserted in bulk: this is a measurement, not a demo.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import platform
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from tests import servers

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
QUERY = "window=all&sort=-activity"
SHOWN = re.compile(r'data-id=\\?"(\d+)\\?" data-version=\\?"(\d+)\\?"')
NAME = "bench"


# --- the floor of the centre -----------------------------------------------------------------------------


def fill(conversations: int) -> str:
    """Make a supervisor who sees everything and so many ongoing conversations; returns a session key."""
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import Group, Permission
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.utils import timezone

    from conversations.models import Conversation, Customer
    from routing.models import Channel, Queue, QueueType, User, Workstream

    call_command("migrate", verbosity=0)
    user = User.objects.create(username=NAME)
    user.groups.set(Group.objects.filter(name="Supervisor"))
    user.user_permissions.add(Permission.objects.get(codename="view_all_queues"))
    queues = [Queue.objects.create(name=f"Queue {number}", type=QueueType.MESSAGING) for number in range(8)]
    stream = Workstream.objects.create(name="Messages", channel=Channel.SMS, fallback_queue=queues[0])
    customers = Customer.objects.bulk_create(Customer(name=f"Customer {number}") for number in range(1000))
    now = timezone.now()
    Conversation.objects.bulk_create(
        (
            Conversation(
                subject=f"Subject {number}",
                customer=customers[number % len(customers)],
                workstream=stream,
                channel=stream.channel,
                queue=queues[number % len(queues)],
                created_at=now - timedelta(seconds=number),
                first_wait_started_at=now - timedelta(seconds=number),
                state_changed_at=now - timedelta(seconds=number),
                last_activity_at=now - timedelta(seconds=number),
                units=stream.units,
            )
            for number in range(conversations)
        ),
        batch_size=2000,
    )
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def make_changes(rate: float, seconds: float, pipe: Connection) -> None:
    """Let customers write, so many a second, and say of each change when it was committed."""
    import django

    django.setup()
    from conversations.models import Conversation
    from conversations.services import messaging
    from supervisor_console.kernel.actor import customer_actor

    chance = random.Random(1)
    rows = list(Conversation.objects.values_list("pk", "customer_id")[:2000])
    made: dict[tuple[int, int], float] = {}
    began = time.time()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.time()))
        pk, customer_id = chance.choice(rows)
        event = messaging.receive(customer_actor(customer_id, "Customer"), pk, text=f"Line {number}")
        made[pk, event.version] = time.time()
    pipe.send(made)


# --- the consoles ----------------------------------------------------------------------------------------


@dataclass
class Seen:
    """When each console had each change on its screen, and what came over the wire."""

    arrivals: dict[tuple[int, int], list[float]] = field(default_factory=dict)
    bytes: int = 0
    frames: int = 0
    lost: int = 0
    typical: str = ""


def run_consoles(
    addresses: list[str], cookie: str, number: int, views: str, orders: Connection, results: Connection
) -> None:
    """The process of the consoles; obeys orders: open, drop, report."""
    asyncio.run(_consoles(addresses, cookie, number, views, orders, results))


async def _consoles(
    addresses: list[str], cookie: str, number: int, views: str, orders: Connection, results: Connection
) -> None:
    import websockets

    seen = Seen()
    parsed: dict[int, list[tuple[int, int]]] = {}
    live: set[int] = set()
    beats: dict[int, str] = {}

    async def console(index: int) -> None:
        query = QUERY if views == "same" else f"{QUERY}&q=Subject+{index % 1000}"
        digest = ""
        headers = {"Cookie": f"sessionid={cookie}", "Origin": addresses[index % len(addresses)]}
        url = addresses[index % len(addresses)].replace("http", "ws") + "/ws/console/"
        async with websockets.connect(
            url, additional_headers=headers, max_size=None, compression=None, open_timeout=60
        ) as link:
            watch = {"type": "watch", "query": query, "topics": [], "digest": digest, "language": "en"}
            await link.send(json.dumps(watch))
            async for text in link:
                now = time.time()
                assert isinstance(text, str)
                seen.bytes += len(text)
                seen.frames += 1
                if text.startswith('{"type": "beat"'):
                    beats[index] = json.loads(text)["digest"]
                if not text.startswith('{"type": "region"'):
                    continue
                key = hash(text)
                if key not in parsed:
                    parsed[key] = [(int(pk), int(version)) for pk, version in SHOWN.findall(text)]
                    seen.typical = text if '"was": ""' not in text[:400] else seen.typical
                for change in parsed[key]:
                    seen.arrivals.setdefault(change, []).append(now)
                live.add(index)

    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    while True:
        order = await loop.run_in_executor(None, orders.recv)
        if order == "open":
            began = time.time()
            live.clear()
            tasks = [asyncio.create_task(console(index)) for index in range(number)]
            await all_true(live, number, tasks)
            faults = [task.exception() for task in tasks if task.done()]
            results.send(time.time() - began if not faults else faults[0])
        elif order == "drop":
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            results.send(None)
        else:
            seen.lost = sum(task.done() for task in tasks)
            results.send((seen, psutil.Process().cpu_times().user))
            return


async def all_true(live: set[int], number: int, tasks: list[asyncio.Task[None]]) -> None:
    """Wait until every console has its region, or one has failed."""
    await reached(lambda: len(live) == number or any(task.done() for task in tasks))


async def reached(condition: Callable[[], bool]) -> None:
    """Come back when a condition holds; at most two minutes."""
    for _ in range(12_000):
        if condition():
            return
        await asyncio.sleep(0.01)


# --- the floor of the measurement --------------------------------------------------------------------------


async def bare_broadcast(text: str, number: int, rounds: int = 20) -> list[float]:
    """Seconds until the last of N bare clients has the same bytes, for each of several rounds."""
    import websockets
    from websockets.asyncio.server import broadcast, serve

    inside: set[Any] = set()
    arrived = 0
    everybody = asyncio.Event()

    async def handle(link: Any) -> None:
        inside.add(link)
        await link.wait_closed()

    async def client(url: str) -> None:
        nonlocal arrived
        async with websockets.connect(url, max_size=None, compression=None) as link:
            async for _ in link:
                arrived += 1
                if arrived == number:
                    everybody.set()

    async with serve(handle, "127.0.0.1", 0, compression=None, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        clients = [asyncio.create_task(client(f"ws://127.0.0.1:{port}")) for _ in range(number)]
        await reached(lambda: len(inside) == number)
        times = []
        for _ in range(rounds):
            arrived = 0
            everybody.clear()
            began = time.perf_counter()
            broadcast(inside, text)
            await everybody.wait()
            times.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
        for task in clients:
            task.cancel()
        return times


# --- the run -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def console_servers(number: int) -> Iterator[tuple[list[str], list[psutil.Process]]]:
    """So many `manage.py serve` processes on this database and Redis."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    found: list[subprocess.Popen[bytes]] = []
    addresses = []
    try:
        for place in range(number):
            port = servers.free_port()
            log = (RESULTS / f"serve-{place}.log").open("w")
            command = [sys.executable, "manage.py", "serve", "--port", str(port)]
            found.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
            addresses.append(f"http://127.0.0.1:{port}")
        for address in addresses:
            wait_for(("127.0.0.1", int(address.rsplit(":", 1)[1])))
        yield addresses, [psutil.Process(process.pid) for process in found]
    finally:
        for process in found:
            process.terminate()
        for process in found:
            process.wait()


def create(database: str) -> str:
    """Create the database of this address on the fresh server; returns the address."""
    import psycopg

    with psycopg.connect(database.rsplit("/", 1)[0] + "/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE console")
    return database


def wait_for(address: tuple[str, int]) -> None:
    """Wait until a server listens."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5):
            return
        time.sleep(0.1)


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--consoles", type=int, default=200)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--views", choices=["same", "different"], default="same")
    chosen = parser.parse_args()
    with servers.postgresql() as database, servers.redis() as broker:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "supervisor_console.settings",
            "DEMO": "1",
            "SIMULATE": "0",
            "DATABASE_URL": create(database),
            "REDIS_URL": broker,
            "LOG_LEVEL": "WARNING",
        }
        print_table(chosen, measure(chosen))


def measure(chosen: argparse.Namespace) -> dict[str, str]:
    """One run; the figures by name."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        cookie = pool.apply(fill, (chosen.conversations,))
    with console_servers(chosen.processes) as (addresses, processes):
        orders, orders_end = context.Pipe()
        results_end, results = context.Pipe()
        consoles = context.Process(
            target=run_consoles,
            args=(addresses, cookie, chosen.consoles, chosen.views, orders_end, results),
            daemon=True,
        )
        empty = sum(process.memory_info().rss for process in processes)
        consoles.start()
        opening = ordered(orders, results_end, "open")
        full = sum(process.memory_info().rss for process in processes)
        ordered(orders, results_end, "drop")
        again = ordered(orders, results_end, "open")
        time.sleep(2)
        before = [process.cpu_times() for process in processes]
        changes_end, changes = context.Pipe()
        changing = context.Process(target=make_changes, args=(chosen.rate, chosen.seconds, changes))
        changing.start()
        made: dict[tuple[int, int], float] = changes_end.recv()
        changing.join()
        time.sleep(5)
        after = [process.cpu_times() for process in processes]
        seen, client_cpu = ordered(orders, results_end, "report")
    return figures(chosen, made, seen) | {
        "first opening, until the last console is true": f"{opening:.2f} s",
        "all come back at once, until the last is true": f"{again:.2f} s",
        "memory per console": f"{(full - empty) / chosen.consoles / 1024:.0f} kB",
        "server CPU": f"{sum(b.user + b.system - a.user - a.system for a, b in zip(before, after, strict=True)):.1f} s"
        f" in {chosen.seconds + 5:.0f} s",
        "CPU of the consoles' process, whole run": f"{client_cpu:.1f} s",
        "frames and bytes to the consoles": f"{seen.frames} frames, {seen.bytes / 1e6:.1f} MB",
        **floor(seen, chosen.consoles),
    }


def ordered(orders: Connection, results: Connection, order: str) -> Any:
    """Send an order to the consoles and wait for what they answer."""
    orders.send(order)
    answer = results.recv()
    if isinstance(answer, BaseException):
        raise answer
    return answer


def figures(chosen: argparse.Namespace, made: dict[tuple[int, int], float], seen: Seen) -> dict[str, str]:
    """Delay of each change on each console. A later version of the same row brings the earlier ones too."""
    latest: dict[int, int] = {}
    for pk, version in made:
        latest[pk] = max(latest.get(pk, 0), version)
    delays: list[float] = []
    last: list[float] = []
    incomplete = 0
    for (pk, version), committed in made.items():
        times: list[float] = []
        for later in range(version, latest[pk] + 1):
            times += seen.arrivals.get((pk, later), [])
        first = sorted(moment - committed for moment in times if moment >= committed - 0.05)[: chosen.consoles]
        if chosen.views == "same":
            incomplete += len(first) < chosen.consoles
        if first:
            delays += first
            last.append(first[-1])
    return {
        "changes made": str(len(made)),
        "changes not on every console": str(incomplete) if chosen.views == "same" else "not counted, views differ",
        "consoles lost": str(seen.lost),
        "commit to screen p50": f"{statistics.median(delays):.3f} s",
        "commit to screen p95": f"{percentile(delays, 0.95):.3f} s",
        "commit to screen p99": f"{percentile(delays, 0.99):.3f} s",
        "commit to the last console, median": f"{statistics.median(last):.3f} s",
    }


def floor(seen: Seen, number: int) -> dict[str, str]:
    """The bare broadcast of a typical frame, in this same run."""
    if not seen.typical:
        return {}
    times = asyncio.run(bare_broadcast(seen.typical, number))
    return {
        "floor: bare broadcast of the same bytes to the last client, median": f"{statistics.median(times):.3f} s "
        f"(spread {min(times):.3f} to {max(times):.3f}), {len(seen.typical) / 1024:.1f} kB each",
    }


def print_table(chosen: argparse.Namespace, found: dict[str, str]) -> None:
    """The figures as Markdown, with the machine named; also into benchmarks/results/."""
    title = (
        f"push: {chosen.consoles} consoles, {chosen.processes} process(es), {chosen.conversations} ongoing, "
        f"{chosen.rate:g} changes/s for {chosen.seconds:g} s, {chosen.views} views"
    )
    machine = (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Python {platform.python_version()}"
    )
    lines = [f"## {title}", "", f"{machine}; consoles, changes, PostgreSQL and Redis on the same cores.", ""]
    lines += ["| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in found.items()), ""]
    print("\n".join(lines))
    RESULTS.mkdir(parents=True, exist_ok=True)
    name = f"push-{chosen.consoles}x{chosen.processes}-{chosen.views}.md"
    (RESULTS / name).write_text("\n".join(lines))


if __name__ == "__main__":
    main()
