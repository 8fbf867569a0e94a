"""`manage.py simulate`: let the customers and agents of the demo act, in a process beside the servers."""

from __future__ import annotations

import asyncio
import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations.simulator.floor import SIZE, Habits
from conversations.simulator.running import run, why_not_here
from conversations.simulator.simulator import Simulator

TELL_EVERY_SECONDS = 10.0


class Command(BaseCommand):
    help = "Simulate the demo's customers and agents, those whom nobody plays. Runs beside `serve`, in demo mode only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rate", type=float, default=2.0, help="acts a second (default: 2)")
        parser.add_argument("--seed", type=int, default=1, help="another seed makes other decisions (default: 1)")
        parser.add_argument("--seconds", type=float, help="stop after so many seconds")
        parser.add_argument("--steps", type=int, help="stop after so many acts")
        parser.add_argument(
            "--size", type=int, default=SIZE, help=f"ongoing conversations to keep up (default: {SIZE})"
        )
        parser.add_argument("--shift-lead", action="store_true", help="simulate a supervisor who hands out work, too")
        parser.add_argument("--verbose", action="store_true", help="print figures every ten seconds")

    def handle(
        self,
        *args: Any,
        rate: float,
        seed: int,
        seconds: float | None,
        steps: int | None,
        size: int,
        shift_lead: bool,
        verbose: bool,
        **options: Any,
    ) -> None:
        if (reason := why_not_here(rate)) is not None:
            raise CommandError(reason)
        if size < 1:
            raise CommandError("--size is at least 1.")
        if not settings.REDIS_URL:
            self.stderr.write("REDIS_URL is not set: open consoles hear of this within seconds, not at once.")
        self.stdout.write(f"Simulating {rate:g} acts a second, seed {seed} (Ctrl+C stops it)")
        self.stdout.flush()
        habits = Habits(rate=rate, seed=seed, size=size, has_shift_lead=shift_lead)
        simulator = asyncio.run(self._run(habits, seconds, steps, verbose))
        self.stdout.write(str(simulator.figures))

    async def _run(self, habits: Habits, seconds: float | None, steps: int | None, verbose: bool) -> Simulator:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if seconds is not None:
            loop.call_later(seconds, stop.set)
        told = began = time.monotonic()

        def tell(simulator: Simulator) -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_EVERY_SECONDS:
                told = time.monotonic()
                self.stdout.write(f"{told - began:6.0f} s  {simulator.summary()}")
                self.stdout.flush()

        return await run(habits, stop, steps=steps, tell=tell if verbose else None)
