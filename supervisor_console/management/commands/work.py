"""`manage.py work`: the background work in a process of its own, beside several server processes."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from supervisor_console import process
from supervisor_console.background import keep_time
from supervisor_console.checking import keep_checking, keep_checking_everything
from supervisor_console.handing_out import hand_out
from supervisor_console.heartbeat import SILENT_SECONDS, WORK, Heart, lives_here


class Command(BaseCommand):
    help = (
        "Run the background work: work for agents, expiring offers, wrap-ups, presences, closing what nobody answers."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="do nothing but tell whether a background process of this machine lives (exit status 0 or 1)",
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        if check:
            if not lives_here():
                raise CommandError(f"No background process of this machine lives: none said so for {SILENT_SECONDS} s.")
            return
        if not settings.REDIS_URL:
            self.stderr.write(
                "REDIS_URL is not set: open consoles will not hear of what this process does until they ask. "
                "With a single server process, `serve` does this work itself."
            )
        process.begin()
        asyncio.run(self._work())

    async def _work(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        self.stdout.write("Working (Ctrl+C stops it)")
        self.stdout.flush()
        await asyncio.gather(
            keep_time(stop, heart=Heart(WORK)), hand_out(stop), keep_checking(stop), keep_checking_everything(stop)
        )
