"""`manage.py work`: the background work in a process of its own, beside several server processes."""

import asyncio
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from supervisor_console.background import keep_time
from supervisor_console.handing_out import hand_out
from supervisor_console.heartbeat import WORK, Heart


class Command(BaseCommand):
    help = (
        "Run the background work: work for agents, expiring offers, wrap-ups, presences, closing what nobody answers."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            self.stderr.write(
                "REDIS_URL is not set: open consoles will not hear of what this process does until they ask. "
                "With a single server process, `serve` does this work itself."
            )
        asyncio.run(self._work())

    async def _work(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        self.stdout.write("Working (Ctrl+C stops it)")
        self.stdout.flush()
        await asyncio.gather(keep_time(stop, heart=Heart(WORK)), hand_out(stop))
