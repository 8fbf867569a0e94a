"""`manage.py load_demo`: fill an empty database with the demo contact centre, and say how to get in."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from conversations.demo import centre, doors, people, story
from conversations.models import Conversation
from routing.models import User
from supervisor_console.kernel import clock


class Command(BaseCommand):
    help = "Load the demo contact centre, unless it is there already, and print addresses and log-ins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reset", action="store_true", help="empty the database first; the demo starts over")
        parser.add_argument("--seed", type=int, default=7, help="another seed makes other conversations (default: 7)")

    def handle(self, *args: Any, reset: bool, seed: int, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "The demo is loaded in demo mode only, because everybody knows its password. Set DEMO=1."
            )
        if doors.has_strangers():
            raise CommandError(
                "This database holds accounts that are not the demo's. Give the demo a DATABASE_URL of its own."
            )
        if reset:
            call_command("flush", interactive=False, verbosity=0)
        if not doors.is_whole():
            if User.objects.exists() or Conversation.objects.exists():
                raise CommandError("The demo in this database was not finished. Start it over with --reset.")
            now = clock.now()
            story.tell(centre.build(now), now, seed)
            doors.open_doors()
        self.stdout.write(self._how_to_get_in())

    def _how_to_get_in(self) -> str:
        address = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"
        first, last = people.PLAYERS[0].username, people.PLAYERS[-1].username
        rows = (
            ("Report", "/", "supervisor (every queue), supervisor2 (own queues)"),
            ("Desk", "/desk/", f"{first} … {last}"),
            ("Customer", "/chat/", "a live chat, offered to agents by itself; nobody signs in here"),
            ("", "/chat/?kind=persistent", "a chat that waits until it is picked or assigned"),
            ("", "/chat/?kind=assistant", "a bot answers first"),
            ("", "/call/", "a simulated call"),
            ("Admin", "/admin/", "admin"),
        )
        wide = max(len(address + path) for _what, path, _who in rows) + 2
        lines = [f"  {what:<10}{address + path:<{wide}}{who}" for what, path, who in rows]
        return "\n".join(["", "Demo contact centre", *lines, f"  {'Password':<10}{doors.PASSWORD}", ""])
