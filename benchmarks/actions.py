"""What does each action cost, beside a hand-written SQL script of the same effect?

    python -m benchmarks.actions
    python -m benchmarks.actions --conversations 6000 --times 5

On its own PostgreSQL and Redis, with a floor of ongoing conversations beside closed ones: every action of a supervisor
(assign to an agent or a queue, transfer, monitor, join, force close) and of an agent (accept, reject), by one client,
by eight processes on different conversations, and by eight at once on the same one, of whom one succeeds and the others
are refused. The scripts (``benchmarks/scripts.py``) run in ``pgbench`` on the same tables; they check nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from asgiref.sync import sync_to_async

from benchmarks import floor, scripts
from benchmarks.ground import create_database, surroundings
from benchmarks.writing import commit, keep, machine, percentile, table
from tests import servers

CLIENTS = 8
READY = 1
"""So many of each action make a process ready, and are not counted."""

SHARED = 5
"""So many conversations are taken to by all clients at once."""

CONFIRMED = frozenset(
    {
        *("capacity_override", "profile_override", "presence_override", "presence_offline", "session_limit"),
        *("force_close", "queue_closed_hours"),
    }
)

Target = tuple[int, int, int, int]
"""A conversation, an agent, the agent's user, an offer (0 where there is none)."""

Seen = tuple[int, int]
"""The version and the queue of a conversation, as somebody saw them."""

WRITTEN = (
    *("conversations_session", "conversations_queuesegment", "conversations_participant", "conversations_offer"),
    *("conversations_message", "conversations_notice", "conversations_historyentry", "supervisor_console_announcement"),
)
"""The tables into which actions write rows; a script writes as many as its action."""


@dataclass
class Cost:
    """Seconds of each action that was done, on the clock and of CPU; why not; the most statements of one."""

    done: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    statements: int = 0


def main() -> None:
    """Measure, print a table, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=16_000)
    parser.add_argument("--closed", type=int, default=50_000)
    parser.add_argument("--times", type=int, default=20, help="so many of each action for each client are counted")
    parser.add_argument("--name", default="actions", help="the name of the result's file")
    chosen = parser.parse_args()
    if shutil.which("pgbench") is None:
        sys.exit("pgbench is not on this machine; it comes with PostgreSQL.")
    load, began = os.getloadavg()[0], time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with servers.postgresql() as server, servers.redis() as broker:
        database = create_database(server, "console")
        os.environ |= surroundings(database, broker, log_level="CRITICAL")
        with context.Pool(1) as pool:
            pool.apply(floor.fill, (chosen.conversations, chosen.closed))
            targets = pool.apply(share_out, (chosen.times,))
        with context.Pool(CLIENTS) as pool:
            pool.map(_ready, range(CLIENTS), 1)
            rows = [row_of(pool, database, name, targets[name], chosen.times) for name in targets]
    heads = ["action", "statements", "1 client", "its CPU", "8 on different ones", "8 on one"]
    heads += ["by hand: statements", "1 client", "8 on different ones", "1 client / by hand", "8 / by hand"]
    lines = [
        f"## Actions on {chosen.conversations:,} ongoing conversations beside {chosen.closed:,} closed ones",
        "",
        (
            f"{machine()}, at {commit()}; load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end, "
            f"{(time.perf_counter() - began) / 60:.1f} minutes. {chosen.times} of each for each client; PostgreSQL, "
            "Redis and all clients share the machine, and no commit waits for a disk."
        ),
        "",
        (
            "Median and 95th percentile in ms, of an action from the call of the service to its return, with commit "
            "and push; of eight clients on different conversations also how many in a second. CPU: the median of "
            "Python's own, in ms, which other work on the machine disturbs least. Statements: the most of one, without "
            "BEGIN and COMMIT. `8 on one`: until all eight have their answer; one succeeds, the others are refused. By "
            "hand: `pgbench` with the same rows read, locked and written, and no rule asked; held to as many rows in "
            "every table. The ratios are of medians."
        ),
        "",
        *table(heads, rows),
    ]
    keep(chosen.name, lines)


def row_of(pool: Any, database: str, name: str, targets: Sequence[Target], times: int) -> list[str]:
    """Everything about one action: its own ways, and its script's."""
    times += READY
    once, rest = targets[:times], targets[times:]
    many, rest = rest[: CLIENTS * times], rest[CLIENTS * times :]
    shared, rest = rest[:SHARED], rest[SHARED:]
    pool.apply(everybody_available)
    before = rows_written(database)
    alone: Cost = pool.apply(act, (name, once))
    written = rows_written(database) - before
    began = time.perf_counter()
    together: list[Cost] = pool.starmap(act, [(name, many[place::CLIENTS]) for place in range(CLIENTS)], 1)
    whole = time.perf_counter() - began
    same, succeeded = [], []
    for target in shared:
        seen = pool.apply(seen_of, (target,))
        began = time.perf_counter()
        answers: list[Cost] = pool.starmap(act, [(name, [target], seen)] * CLIENTS, 1)
        same.append(time.perf_counter() - began)
        succeeded.append(sum(len(answer.done) for answer in answers))
    assert not alone.refused, f"{name}: {alone.refused}"
    refused = [why for one in together for why in one.refused]
    spent, seconds = alone.cpu[READY:], alone.done[READY:]
    done = [seconds for one in together for seconds in one.done[READY:]]
    pool.apply(everybody_available)
    before = rows_written(database)
    one_by_hand, _ = pgbench(database, name, rest[:times], 1)
    by_hand = rows_written(database) - before
    assert by_hand == written, f"{name} writes {written}, its script {by_hand}"
    all_by_hand, each_second = pgbench(database, name, rest[times:], CLIENTS)
    print(name, f"{median(seconds) * 1e3:.1f} ms", file=sys.stderr, flush=True)
    return [
        name,
        str(alone.statements),
        _told(seconds),
        f"{median(spent) * 1e3:.1f}",
        f"{_told(done)}, {(len(many) - len(refused)) / whole:.0f}/s{_why_not(refused)}",
        f"{median(same) * 1e3:.1f}; {min(succeeded)} to {max(succeeded)} done",
        str(scripts.statements(name)),
        _told(one_by_hand),
        f"{_told(all_by_hand)}, {each_second:.0f}/s",
        f"{median(seconds) / median(one_by_hand):.1f}",
        f"{median(done) / median(all_by_hand):.1f}",
    ]


def _why_not(refused: Sequence[str]) -> str:
    """Some agents have got too much by then, and are no longer shown as available."""
    return f"; {len(refused)} refused, {', '.join(sorted(set(refused)))}" if refused else ""


def _told(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1e3:.1f}, {percentile(seconds, 0.95) * 1e3:.1f}"


def rows_written(database: str) -> Counter[str]:
    """How many rows are in each table into which actions write."""
    import psycopg

    with psycopg.connect(database) as connection:
        counts = ((name, connection.execute(f"SELECT count(*) FROM {name}").fetchone()) for name in WRITTEN)
        return Counter({name: found[0] for name, found in counts if found is not None})


# --- through the services ----------------------------------------------------------------------------------------


def share_out(times: int) -> dict[str, list[Target]]:
    """For each action the conversations of all its rounds, and a table of them for its script."""
    import django

    django.setup()
    found = choose((times + READY) * (1 + CLIENTS) * 2 + SHARED)
    _tables(found)
    return found


def choose(number: int) -> dict[str, list[Target]]:
    """For each action so many conversations that it can be done to: none is used twice."""
    from conversations.models import Conversation, Offer
    from routing.models import Agent

    agents = list(Agent.objects.order_by("pk").values_list("pk", "user_id"))
    users = dict(agents)
    going = Conversation.objects.ongoing().order_by("pk")
    opened = iter(going.filter(state="open").values_list("pk", flat=True))
    talking = iter(going.filter(state="active", reason="InConversation").values_list("pk", "agent_id"))
    offered = iter(
        Offer.objects.filter(status="pending").order_by("pk").values_list("conversation_id", "agent_id", "pk")
    )

    def idle(place: int) -> tuple[int, int]:
        return agents[place % len(agents)]

    def other(place: int, agent: int) -> tuple[int, int]:
        found = idle(place)
        return found if found[0] != agent else idle(place + 1)

    found: dict[str, list[Target]] = {}
    for name in ("assign", "assign to queue"):
        found[name] = [(pk, *idle(place), 0) for place, pk in zip(range(number), opened, strict=False)]
    found["transfer"] = [
        (pk, *other(place, agent), 0) for place, (pk, agent) in zip(range(number), talking, strict=False)
    ]
    for name in ("monitor", "force close"):
        found[name] = [
            (pk, agent, users[agent], 0) for _place, (pk, agent) in zip(range(number), talking, strict=False)
        ]
    found["join"] = found["monitor"]  # Who joins has monitored.
    for name in ("accept", "reject"):
        found[name] = [
            (pk, agent, users[agent], offer) for _place, (pk, agent, offer) in zip(range(number), offered, strict=False)
        ]
    short = sorted(name for name, rows in found.items() if len(rows) < number)
    if short:
        raise ValueError(f"Too few conversations for {', '.join(short)}: each needs {number}. Make more of them.")
    return found


def _tables(targets: Mapping[str, Sequence[Target]]) -> None:
    """A table for each action, from which its script takes one conversation after the other."""
    from django.db import connection

    with connection.cursor() as cursor:
        for name in targets:
            table_name = name.replace(" ", "_")
            cursor.execute(f"CREATE SEQUENCE bench_{table_name}_next")
            cursor.execute(
                f"CREATE TABLE bench_{table_name} (id bigint PRIMARY KEY, conversation_id bigint, agent_id bigint, "
                "user_id bigint, offer_id bigint)"
            )


def _ready(_place: int) -> None:
    """Make a process ready: Django, its connection, and what it imports at first use."""
    import django

    django.setup()
    act("monitor", [])
    time.sleep(1)  # So that every process gets one of these.


def everybody_available() -> None:
    """Agents who got much by the action before would be refused as targets of this one."""
    from routing.models import Agent, Presence

    Agent.objects.update(presence=Presence.objects.get(code="available"))


def act(name: str, targets: Sequence[Target], seen: Seen | None = None) -> Cost:
    """Do one action to each of these conversations, as in a server: in a thread, beside a loop that goes on.

    ``seen`` is what everybody saw who goes for the same one; otherwise it is looked at before each, unmeasured.
    """
    return asyncio.run(sync_to_async(_act)(name, targets, seen))


def seen_of(target: Target) -> Seen:
    """What a page has shown of a conversation: its version and queue."""
    from conversations.models import Conversation

    version, queue = Conversation.objects.values_list("version", "queue_id").get(pk=target[0])
    return version, queue


def _act(name: str, targets: Sequence[Target], seen: Seen | None) -> Cost:
    from django.db import connection

    from routing.models import User
    from routing.selectors import actor_for
    from supervisor_console.kernel.errors import ConsoleError

    boss = actor_for(User.objects.get(username="boss0"))
    cost = Cost()
    for target in targets:
        do = deed(name, boss, target, seen or seen_of(target))
        number = 0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal number
            number += 1
            return execute(*args)

        began, spent = time.perf_counter(), time.process_time()
        try:
            with connection.execute_wrapper(count):
                do()
        except ConsoleError as error:
            cost.refused.append(str(error))
        else:
            cost.done.append(time.perf_counter() - began)
            cost.cpu.append(time.process_time() - spent)
            cost.statements = max(cost.statements, number)
    return cost


def deed(name: str, boss: Any, target: Target, seen: Seen) -> Callable[[], object]:
    """The call of a service that does this, by somebody who has seen this."""
    from conversations.services import assignment, closure, offers, supervision
    from routing.models import Queue, User
    from routing.selectors import actor_for

    pk, agent, user, offer = target
    version, queue = seen
    common: dict[str, Any] = {"version": version, "confirmed": CONFIRMED}
    match name:
        case "assign":
            return lambda: assignment.assign(boss, pk, agent_id=agent, **common)
        case "assign to queue":
            place = Queue.objects.filter(name__startswith="Queue ").exclude(pk=queue).order_by("pk")[pk % 7].pk
            return lambda: assignment.assign_to_queue(boss, pk, queue_id=place, **common)
        case "transfer":
            return lambda: assignment.transfer(boss, pk, agent_id=agent, **common)
        case "monitor":
            return lambda: supervision.monitor(boss, pk)
        case "join":
            return lambda: supervision.join(boss, pk)
        case "force close":
            return lambda: closure.force_close(boss, pk, note="Measured", **common)
    actor = actor_for(User.objects.get(pk=user))
    return lambda: (offers.accept if name == "accept" else offers.reject)(actor, offer)


# --- by hand -----------------------------------------------------------------------------------------------------


def pgbench(database: str, name: str, targets: Sequence[Target], clients: int) -> tuple[list[float], float]:
    """The seconds of each run of an action's script, by so many clients, and how many in a second."""
    import psycopg

    table_name = name.replace(" ", "_")
    with psycopg.connect(database, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE bench_{table_name}")
        cursor.execute(f"ALTER SEQUENCE bench_{table_name}_next RESTART")
        with cursor.copy(f"COPY bench_{table_name} FROM STDIN") as copy:
            for number, target in enumerate(targets, 1):
                copy.write_row((number, *target))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.sql"
        script.write_text(scripts.whole(name))
        each = len(targets) // clients
        command = ["pgbench", "-n", "-f", str(script), "-c", str(clients), "-j", "2", "-t", str(each)]
        command += ["--log", f"--log-prefix={folder}/log", database]
        told = subprocess.run(command, capture_output=True, text=True, check=False)
        logs = [line.split() for log in Path(folder).glob("log.*") for line in log.read_text().splitlines()]
    each_second = re.search(r"tps = ([0-9.]+)", told.stdout)
    failed = re.search(r"number of failed transactions: [^0]", told.stdout)
    if each_second is None or failed or told.returncode:
        raise RuntimeError(f"pgbench of {name} failed:\n{told.stdout}{told.stderr}")
    return [int(fields[2]) / 1e6 for fields in logs], float(each_second.group(1))


if __name__ == "__main__":
    main()
