"""The day: it begins, people come until enough have come, evening comes, and then five weeks in which nobody acts.

Run by ``__main__`` and the test in a process of its own, with the database in its environment.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import django

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECONDS = 30.0
"""Of the clock, from one turn to the next."""

MOST_TURNS = 20_000

AFTERWARDS = ((60, 30), (600, 12), (3600, 24), (86_400, 35))
BRIEFLY = ((60, 6), (1200, 6), (86_400, 3), (8 * 86_400, 4))
"""How the time goes on when nobody acts any more: so many seconds, so often."""


def prepare() -> None:
    """The demo's centre, without its story; the agents whom nobody simulates are at home. In a process of its own.

    Live chats are assigned without asking, and open by themselves; everything else is asked.
    """
    logging.disable(logging.INFO)
    from django.test import override_settings

    from conversations.demo import centre
    from conversations.demo.doors import LOG_INS
    from conversations.simulator.doing import hire_shift_lead
    from routing.models import Agent, Channel, Workstream
    from routing.services import presence
    from tests.demo import DEMO

    with override_settings(**DEMO):
        centre.build(BEGIN)
        hire_shift_lead()
    Workstream.objects.filter(channel=Channel.LIVE_CHAT).update(auto_assigns=True, auto_accepts=True)
    for pk in Agent.objects.filter(user__username__in=LOG_INS).values_list("pk", flat=True):
        presence.sign_out(pk, now=BEGIN)


def live(told: argparse.Namespace, folder: Path) -> bool:
    """The whole day; whether everything added up."""
    from tests.day.driver import FORKED, Driver, seats_of

    preparing = FORKED.Process(target=prepare)
    preparing.start()
    preparing.join()
    if preparing.exitcode:
        return False
    began = time.monotonic()
    seats = seats_of(told.workers, told.servers, told.size)
    driver = Driver(BEGIN, folder, seats, Random(told.seed), told.kill_every)
    acts = max(round(told.rate * SECONDS / told.servers), 1)
    while _started(folder) < told.conversations and driver.turns < MOST_TURNS:
        for _ in range(5):
            driver.turn(SECONDS, acts=acts)
    for _ in range(told.evening * 2):
        driver.turn(SECONDS, acts=acts, may_come=False)
    driver.catch_up(SECONDS)
    closing_time = driver.now
    good = _look(driver, "end of the day", began)
    for _ in range(3):
        driver.turn(SECONDS, goes_home=True)
    driver.seats = [seat for seat in driver.seats if seat.name == "work"]
    for seconds, times in BRIEFLY if told.brief else AFTERWARDS:
        for _ in range(times):
            driver.turn(seconds)
    driver.catch_up(SECONDS)
    print(f"\nThe day was {closing_time - BEGIN} long; then nobody acted for {driver.now - closing_time}.")
    return _look(driver, "five weeks later", began, all_over=True) and good


def _started(folder: Path) -> int:
    """How many conversations were started, by what the processes wrote down."""
    return sum(path.read_text().count("code=conversation.created ") for path in folder.glob("*.log"))


def _look(driver: object, when: str, began: float, *, all_over: bool = False) -> bool:
    """Everybody rests, and the accounts are settled. Looked at in a process of its own, like everything else."""
    from tests.day.driver import FORKED, Driver

    assert isinstance(driver, Driver)
    driver.rest()
    kills = ", ".join(f"{number} {name}" for name, number in sorted(driver.kills.items())) or "none"
    print(
        f"\n--- {when}: {driver.turns} turns in {time.monotonic() - began:.0f} s; killed: {kills} "
        f"({driver.killed_at_work} before their turn was done); {driver.idle_turns} turns without background work"
    )
    looking = FORKED.Process(target=_settle, args=(driver.lines(), sum(driver.kills.values()), driver.now, all_over))
    looking.start()
    looking.join()
    return looking.exitcode == 0


def _settle(lines: list[str], kills: int, now: datetime, all_over: bool) -> None:
    from conversations.models import Conversation
    from tests.day import accounts

    told = accounts.ledger(lines, kills)
    settled = accounts.settle(told, now)
    if all_over:
        stuck = Conversation.objects.ongoing().values_list("pk", "state", "channel", "last_activity_at")
        settled.append(accounts.Account("conversations that never came to an end", list(stuck[:5]), []))
    print(accounts.summary(told))
    for account in settled:
        print(account)
    sys.stdout.flush()
    sys.exit(0 if all(account.holds for account in settled) else 1)


def parser() -> argparse.ArgumentParser:
    """What can be said about the day."""
    found = argparse.ArgumentParser(prog="python -m tests.day", description="A simulated day, with accounts.")
    found.add_argument("--conversations", type=int, default=3000, help="how many are started (default: 3000)")
    found.add_argument("--workers", type=int, default=3, help="background processes (default: 3)")
    found.add_argument("--servers", type=int, default=2, help="processes through which people act (default: 2)")
    found.add_argument("--kill-every", type=int, default=8, help="turns between two kills, about; 0: none (default: 8)")
    found.add_argument("--rate", type=float, default=1.6, help="acts in a second of the day (default: 1.6)")
    found.add_argument("--size", type=int, default=120, help="conversations that go on at a time, about (default: 120)")
    found.add_argument("--evening", type=int, default=10, help="minutes in which nobody comes any more (default: 10)")
    found.add_argument("--brief", action="store_true", help="let the weeks afterwards pass in larger steps")
    found.add_argument("--seed", type=int, default=1, help="another seed, another day")
    return found


def main() -> None:
    told = parser().parse_args()
    django.setup()
    with tempfile.TemporaryDirectory(prefix="console-day-") as folder:
        is_good = live(told, Path(folder))
    print("Everything adds up." if is_good else "Something does not add up.", flush=True)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
