"""`manage.py serve`: one process that answers HTTP and sockets, and does the background work if it is the only one."""

import asyncio
import warnings
from argparse import ArgumentParser
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from twisted.internet.defer import Deferred

from conversations.simulator.floor import Habits
from conversations.simulator.running import run, why_not_here
from supervisor_console import process
from supervisor_console.background import keep_time
from supervisor_console.checking import keep_checking, keep_checking_everything
from supervisor_console.handing_out import hand_out
from supervisor_console.heartbeat import SERVE, Heart
from supervisor_console.server import PatientServer, running_reactor


class Command(BaseCommand):
    help = "Serve the console with Daphne. Runs the background work too, unless REDIS_URL or BACKGROUND_IN_WEB says no."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: 8000)")
        parser.add_argument(
            "--simulate",
            type=float,
            default=0.0,
            metavar="RATE",
            help="let the demo's customers and agents act, so many times a second (default: 0, nobody does)",
        )

    def handle(self, *args: Any, host: str, port: int, simulate: float, **options: Any) -> None:
        if simulate and (reason := why_not_here(simulate)) is not None:
            raise CommandError(reason)
        # WhiteNoise streams files the synchronous way, which Django mentions at every start.
        warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
        from supervisor_console.asgi import application

        process.begin()
        server = PatientServer(
            application,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            ready_callable=lambda: self._ready(host, port, simulate),
            is_behind_proxy=settings.BEHIND_TLS,
            server_name="supervisor-console",
        )
        server.run()
        if server.abort_start:
            raise CommandError(f"Cannot listen on {host}, port {port}. Is something else using it?")

    def _ready(self, host: str, port: int, simulate: float) -> None:
        """The server listens and its loop is about to run."""
        process.settle()
        if settings.BACKGROUND_IN_WEB:
            self._begin(partial(keep_time, heart=Heart(SERVE)))
            self._begin(hand_out)
            self._begin(keep_checking)
            self._begin(keep_checking_everything)
        if simulate:
            self._begin(partial(run, Habits(rate=simulate)))
        name = f"[{host}]" if ":" in host else host
        self.stdout.write(f"Supervisor Console answers at http://{name}:{port}/ (Ctrl+C stops it)")
        self.stdout.flush()

    def _begin(self, work: Callable[[asyncio.Event], Coroutine[Any, Any, object]]) -> None:
        """Let something run beside the server, and end before it does."""
        stop = asyncio.Event()
        task = asyncio.get_event_loop().create_task(work(stop))

        def finish() -> Any:
            stop.set()
            return Deferred.fromFuture(task)

        running_reactor().addSystemEventTrigger("before", "shutdown", finish)
