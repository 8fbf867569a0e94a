"""`manage.py check_floor`: is everything as it must be, and if not, what, and can it be put right?"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from conversations import invariants
from conversations.invariants import RULES, Scope, Violation
from conversations.services.repair import Repaired, repair_all
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import SYSTEM


class Command(BaseCommand):
    help = "Check what must hold over all data (domain.md 2.5); name each violation. Exit code 1 if any remains."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="repair what can be repaired, each under its locks")
        parser.add_argument(
            "--ongoing",
            action="store_true",
            help="leave out what is over: seconds instead of minutes on a full database",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object a line, the last one the summary")

    def handle(self, *args: Any, repair: bool, ongoing: bool, **options: Any) -> None:
        self.as_json: bool = options["json"]
        repaired = 0
        if repair:
            for outcome in repair_all(SYSTEM, Scope(now=clock.now(), with_closed=not ongoing)):
                repaired += bool(outcome.codes)
                self._tell_repair(outcome)
        left: Counter[str] = Counter()
        for violation in invariants.violations(Scope(now=clock.now(), with_closed=not ongoing)):
            left[violation.code] += 1
            self._tell(violation)
        rules = sum(not (ongoing and rule.reads_closed) for rule in RULES)
        if self.as_json:
            summary = {"rules": rules, "repaired": repaired, "remaining": left.total(), "codes": dict(left)}
            self.stdout.write(json.dumps(summary))
        else:
            self.stdout.write(f"{rules} rules checked, {repaired} repaired, {left.total()} violations remain")
        if left:
            raise CommandError("The floor is not as it must be.", returncode=1)

    def _tell(self, violation: Violation) -> None:
        if self.as_json:
            self.stdout.write(json.dumps(facts(violation)))
        else:
            hint = " (--repair)" if violation.rule.is_repairable else ""
            self.stdout.write(f"{violation.code}, {violation.about.value} {violation.id}: {violation.sentence}{hint}")

    def _tell_repair(self, outcome: Repaired) -> None:
        violation = outcome.violation
        if self.as_json:
            self.stdout.write(json.dumps({**facts(violation), "repaired": outcome.codes, "why_not": outcome.why_not}))
        elif outcome.codes:
            self.stdout.write(f"repaired {violation.about.value} {violation.id}: {', '.join(outcome.codes)}")
        else:
            self.stdout.write(f"not repaired {violation.about.value} {violation.id}: {outcome.why_not}")


def facts(violation: Violation) -> dict[str, object]:
    """A violation for machines."""
    return {
        "code": violation.code,
        "about": violation.about.value,
        "id": violation.id,
        "sentence": violation.sentence,
        "is_repairable": violation.rule.is_repairable,
    }
