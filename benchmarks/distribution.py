"""How fast does work find agents: offers per second, from "agent becomes free" to the offer, and how both grow?

    python -m benchmarks.distribution                    # 25, 250 and 2,500 agents, 10,000 open conversations each
    python -m benchmarks.distribution --agents 250

Starts its own PostgreSQL and Redis, and fills a database for each size. The floor is a claim in plain SQL, in the
same database: lock the oldest open row that nobody holds, lock the agent, write offer and session, mark it, commit.
Wall time depends on whoever else uses the machine; the CPU time of our process and of its database process, and the
number of statements, hardly do.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import psutil

from benchmarks import crew
from benchmarks.ground import create_database, surroundings
from benchmarks.writing import RESULTS, ROOT, keep, machine, table
from tests import servers

SIZES = (25, 250, 2500)

CLAIMS = 500
LOOKS = 5
FREED = 10
FREED_LIVE = 20
OFFERS = 400
"""So many offers are made at least, where there is room for them."""

PATIENCE = 30.0


def main() -> None:
    """Measure, print a table, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--name", default="distribution", help="the name of the result's file")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    context = multiprocessing.get_context("spawn")
    columns = []
    with servers.postgresql() as server, servers.redis() as broker:
        for agents in chosen.agents:
            database = create_database(server, f"crew{agents}")
            os.environ |= surroundings(database, broker, log_level="ERROR")
            with context.Pool(1) as pool:
                pool.apply(crew.fill, (agents, chosen.conversations))
                column = pool.apply(measure_looks)
                column |= measure_live(pool)
                column |= pool.apply(measure_offers)
                column |= pool.apply(measure_in_vain)
            columns.append({name: column[name] for name in ROWS})
            print(agents, columns[-1], file=sys.stderr, flush=True)
    loads = f"{load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end"
    keep(chosen.name, told(chosen.agents, columns, chosen.conversations, loads))


# --- what something costs --------------------------------------------------------------------------------------


@dataclass
class Cost:
    """Seconds by the clock, of our CPU, of the CPU of our database process; and statements."""

    wall: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What happens in here is added."""
        from django.db import connection

        number = 0

        def count(execute: Callable[..., Any], *args: Any) -> Any:
            nonlocal number
            number += 1
            return execute(*args)

        connection.ensure_connection()
        backend = psutil.Process(connection.connection.info.backend_pid)
        before = (time.perf_counter(), time.process_time(), sum(backend.cpu_times()[:2]))
        with connection.execute_wrapper(count):
            yield
        self.wall.append(time.perf_counter() - before[0])
        self.own.append(time.process_time() - before[1])
        self.database.append(sum(backend.cpu_times()[:2]) - before[2])
        self.statements.append(number)

    def told(self, things: int = 1) -> str:
        """The medians, for each of so many things."""
        wall, own = median(self.wall) / things, median(self.own) / things
        database = sum(self.database) / len(self.database) / things  # The system counts it in steps of 10 ms.
        number = median(self.statements) / things
        return f"{wall * 1e3:.0f} ms ({own * 1e3:.0f} + {database * 1e3:.0f} ms CPU, {number:.0f} statements)"


# --- inside one process, on the database that the environment names -------------------------------------------------


def measure_looks() -> dict[str, str]:
    """A claim in plain SQL; a look that finds nobody free; and one after an agent became free."""
    import django

    django.setup()
    from conversations.services.distribution import distribute

    found = {"floor": f"{plain_claims():.0f} /s"}
    distribute(everywhere=True)  # What is read once for a process is read.
    sweep, freed = Cost(), Cost()
    for _ in range(LOOKS):
        with sweep.counted():
            made = distribute(everywhere=True)
        assert not made, "everybody is full"
    for agent_id in some_agents(FREED):
        free(agent_id)
        with freed.counted():
            made = distribute(agent_ids=[agent_id])
        assert made == 1, "the work waits for whoever is free"
    return found | {"sweep": sweep.told(), "freed": freed.told()}


def plain_claims() -> float:
    """Claims per second in plain SQL, on tables that hold only what a claim needs."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bare_work AS SELECT c.id, queue_id, c.units, c.state, NULL::bigint AS agent_id,"
            " coalesce(last_customer_message_at, created_at) AS since, q.priority"
            " FROM conversations_conversation c JOIN routing_queue q ON q.id = queue_id WHERE c.state = 'open'"
        )
        cursor.execute("ALTER TABLE bare_work ADD PRIMARY KEY (id)")
        cursor.execute("CREATE INDEX ON bare_work (priority, since, id) WHERE state = 'open'")
        cursor.execute("CREATE TABLE bare_agent AS SELECT id, 0 AS units FROM routing_agent")
        cursor.execute("ALTER TABLE bare_agent ADD PRIMARY KEY (id)")
        cursor.execute(
            "CREATE TABLE bare_offer (id bigserial PRIMARY KEY, work_id bigint, agent_id bigint, at timestamptz)"
        )
        cursor.execute("CREATE TABLE bare_session (LIKE bare_offer INCLUDING ALL)")
        cursor.execute("SELECT id FROM bare_agent ORDER BY id")
        agents = [pk for (pk,) in cursor.fetchall()]
        began = time.perf_counter()
        for number in range(CLAIMS):
            agent = agents[number % len(agents)]
            with transaction.atomic():
                cursor.execute(
                    "SELECT id, units FROM bare_work WHERE state = 'open'"
                    " ORDER BY priority, since, id LIMIT 1 FOR UPDATE SKIP LOCKED"
                )
                work, units = cursor.fetchone()
                cursor.execute("SELECT units FROM bare_agent WHERE id = %s FOR UPDATE", [agent])
                cursor.execute("UPDATE bare_work SET state = 'active', agent_id = %s WHERE id = %s", [agent, work])
                cursor.execute("UPDATE bare_agent SET units = units + %s WHERE id = %s", [units, agent])
                cursor.execute("INSERT INTO bare_session (work_id, agent_id, at) VALUES (%s, %s, now())", [work, agent])
                cursor.execute("INSERT INTO bare_offer (work_id, agent_id, at) VALUES (%s, %s, now())", [work, agent])
        return CLAIMS / (time.perf_counter() - began)


def some_agents(number: int) -> list[int]:
    """So many agents who have as much as fits, not twice the same."""
    from conversations.models import Conversation

    held = Conversation.objects.filter(state="active", reason="InConversation").order_by("agent")
    agents = list(held.values_list("agent", flat=True).distinct())
    return agents[:: max(1, len(agents) // number)][:number]


def free(agent_id: int) -> float:
    """A supervisor closes one of an agent's conversations; returns when that was committed."""
    from conversations.models import Conversation
    from conversations.services import closure
    from routing.models import User
    from routing.selectors import actor_for

    one = Conversation.objects.filter(agent=agent_id, state="active", reason="InConversation").first()
    assert one is not None, "they have some"
    boss = actor_for(User.objects.get(username="boss"))
    closure.force_close(boss, one.pk, version=one.version, confirmed=frozenset({"force_close"}), note="Measured")
    return time.perf_counter()


def free_and_wait(number: int) -> list[float]:
    """Free agents one after the other; the seconds from each commit until the offer to them is committed."""
    import django

    django.setup()
    from conversations.models import Offer

    found = []
    for place, agent_id in enumerate(some_agents(2 * FREED + number)[-number:]):
        time.sleep(0.7 + place % 5 / 10)
        before = Offer.objects.filter(agent=agent_id, status="pending").count()
        began = free(agent_id)
        while Offer.objects.filter(agent=agent_id, status="pending").count() == before:
            assert time.perf_counter() - began < PATIENCE, "no offer came"
            time.sleep(0.005)
        found.append(time.perf_counter() - began)
    return found


def measure_offers() -> dict[str, str]:
    """Everybody gets room for three more: how fast is it filled?"""
    from conversations.services.distribution import MOST, distribute
    from routing.models import Agent

    Agent.objects.update(max_units=2 * crew.HELD * crew.UNITS)
    cost, made = Cost(), 0
    with cost.counted():
        while made < OFFERS and (last := distribute(everywhere=True, most=MOST)):
            made += last
    return {"made": str(made), "rate": f"{made / cost.wall[0]:.0f} /s", "offer": cost.told(made)}


def measure_in_vain() -> dict[str, str]:
    """Everybody has room, and all that waits needs a skill that nobody has: a look that reads everything in vain."""
    from conversations.models import Conversation, RequiredSkill
    from conversations.services.distribution import distribute
    from routing.models import Agent, Skill, Workstream

    Agent.objects.update(max_units=3 * crew.HELD * crew.UNITS)
    Workstream.objects.update(skill_matching="exact", keeps_agent=False)
    rare = Skill.objects.create(type="Language", name="Rare")
    rows = Conversation.objects.filter(state="open").values_list("pk", flat=True)
    RequiredSkill.objects.bulk_create([RequiredSkill(conversation_id=pk, skill=rare) for pk in rows], batch_size=2000)
    cost = Cost()
    for _ in range(2):
        with cost.counted():
            made = distribute(everywhere=True)
        assert not made, "nobody has the skill"
    return {"vain": cost.told()}


# --- with the background work as it runs -------------------------------------------------------------------------


def measure_live(pool: Any) -> dict[str, str]:
    """From the commit that frees an agent to the offer, with `manage.py work` in a process of its own."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / "work.log").open("w") as log:
        working = subprocess.Popen([sys.executable, "manage.py", "work"], cwd=ROOT, stdout=log, stderr=log)
        try:
            time.sleep(8)  # It starts, and looks at everything once.
            delays = pool.apply(free_and_wait, (FREED_LIVE,))
            seen = psutil.Process(working.pid)
            before = sum(seen.cpu_times()[:2])
            time.sleep(12)
            idle = (sum(seen.cpu_times()[:2]) - before) / 12
        finally:
            working.terminate()
            working.wait()
    return {
        "live": f"{median(delays) * 1e3:.0f} ms",
        "live_most": f"{max(delays) * 1e3:.0f} ms",
        "idle": f"{idle * 1e3:.0f} ms/s",
    }


# --- figures -------------------------------------------------------------------------------------------------------

ROWS = {
    "live": "agent becomes free → offer, median",
    "live_most": "agent becomes free → offer, longest",
    "freed": "of it the look: one agent became free, one offer",
    "made": "offers made, everybody having room for three",
    "rate": "offers per second, one process",
    "offer": "one of these offers, its share of the looks included",
    "sweep": "a look at everything, nobody has room",
    "vain": "a look at everything, everybody has room, nothing fits anybody",
    "idle": "CPU of the background process while nothing happens",
    "floor": "floor: plain SQL claims per second",
}


def told(sizes: Sequence[int], columns: list[dict[str, str]], conversations: int, load: str) -> list[str]:
    """The figures as Markdown, with the machine named."""
    return [
        f"## Distribution: {conversations} open conversations",
        "",
        f"{machine()}; PostgreSQL and Redis on the same cores; load average {load}.",
        "In brackets: CPU of our process and of its database process, and SQL statements.",
        "",
        *table(
            ["agents", *(f"{size:,}" for size in sizes)],
            ([row, *(column[name] for column in columns)] for name, row in ROWS.items()),
        ),
    ]


if __name__ == "__main__":
    main()
