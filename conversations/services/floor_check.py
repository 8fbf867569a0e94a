"""Is everything on the floor as it must be? Looked at now and then by the background work (domain.md 2.5, P18, F79).

What is wrong with an ongoing conversation stands in ``Finding``, from where the lane of the supervisors has it.
``manage.py check_floor`` asks the same rules, of everything.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

from conversations import invariants
from conversations.invariants import About, Scope, Violation
from conversations.models import Conversation, Finding, FloorCheck
from supervisor_console.kernel import clock
from supervisor_console.kernel.realtime import action, announce

EVERY = timedelta(minutes=1)
"""How often the floor is looked at, by whichever process is first."""

MOST = 500
"""So many violations are kept; where there are more, something else is wrong."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def look(*, now: datetime | None = None) -> int:
    """Look at what goes on, if nobody did in the last minute; returns how many conversations are wrong."""
    now = now or clock.now()
    FloorCheck.objects.get_or_create(pk=1, defaults={"checked_at": NEVER})
    if not FloorCheck.objects.filter(pk=1, checked_at__lte=now - EVERY).update(checked_at=now):
        return 0
    found = (one for one in invariants.violations(Scope(now=now, with_closed=False)) if one.about == About.CONVERSATION)
    return _keep(list(islice(found, MOST)), now)


@action()
def _keep(violations: list[Violation], now: datetime) -> int:
    """Keep what was found, forget what is well again; reports hear where that changes what they show."""
    found = {(one.id, one.code): one.rule.is_repairable for one in violations}
    ongoing = set(Conversation.objects.ongoing().filter(pk__in={pk for pk, _ in found}).values_list("pk", flat=True))
    found = {key: repairable for key, repairable in found.items() if key[0] in ongoing}
    known = {(one.conversation_id, one.code): one for one in Finding.objects.all()}
    over = [one for key, one in known.items() if key not in found]
    again = [one for key, one in known.items() if key in found and not one.is_confirmed]
    Finding.objects.filter(pk__in=[one.pk for one in over]).delete()
    Finding.objects.filter(pk__in=[one.pk for one in again]).update(is_confirmed=True)
    Finding.objects.bulk_create(
        [
            Finding(conversation_id=pk, code=code, is_repairable=repairable, found_at=now)
            for (pk, code), repairable in found.items()
            if (pk, code) not in known
        ],
        ignore_conflicts=True,
    )
    if again or any(one.is_confirmed for one in over):
        announce_findings(now)
    return len({pk for pk, _ in found})


def announce_findings(now: datetime) -> None:
    """Let every report hear that the lane may have changed."""
    announce(["report:all"], {"type": "event", "code": "floor.checked", "at": now.isoformat()})
