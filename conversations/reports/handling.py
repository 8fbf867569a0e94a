"""What is a handle time made of, and how is it counted? Read off legs and participations, not off the clock that runs.

domain.md M21: a call Σ talk + hold + wrap-up, anything else Σ active + wrap-up, over every person who was the primary.
Consultants, monitors and bots add nothing. Unit: seconds. ``durations.handle`` is the same number from one anchor, for
rows and for sorting; that both agree is tested over every path.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.models import CallLeg, Conversation, Mode, Participant, Party
from conversations.reports.durations import Clock, clock_text, running
from conversations.reports.parts import Fact
from routing.models import ChannelKind

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a handle time; ``runs`` while it goes on."""

    code: str
    label: str
    length: timedelta
    runs: bool = False

    def clock(self, now: datetime) -> Clock:
        """As the ``clock`` tag takes it."""
        return running(now - self.length, now) if self.runs else Clock(clock_text(self.length))


def parts(row: Conversation, now: datetime) -> tuple[Part, ...]:
    """The parts of the handle time at ``now``; their sum is ``durations.handle``. At most two queries."""
    after = row.wrapup_started_at
    people = Participant.objects.filter(
        conversation=row, mode=Mode.PRIMARY, joined_at__isnull=False, user__agent__is_bot=False
    )
    stays = [(joined, left or now) for joined, left in people.values_list("joined_at", "left_at") if joined is not None]
    wrapped = sum((max(until - max(joined, after), NOTHING) for joined, until in stays if after is not None), NOTHING)
    wrap_up = Part("wrap_up", _("Wrap-up"), wrapped, runs=row.state == "wrap_up")
    if row.kind == ChannelKind.VOICE:
        return (*_call(row, now), *([wrap_up] if after is not None else []))
    active = sum((min(until, after or until) - joined for joined, until in stays), NOTHING)
    talks = row.state == "active" and row.handling_since is not None
    return (Part("active", _("Active"), active, talks), *([wrap_up] if after is not None else []))


def _call(row: Conversation, now: datetime) -> tuple[Part, Part]:
    talked, held, talks, holds = NOTHING, NOTHING, False, False
    for leg in CallLeg.objects.filter(conversation=row, party=Party.PRIMARY, connected_at__isnull=False):
        assert leg.connected_at is not None, "only connected legs were asked for"
        on_hold = leg.held + (now - leg.held_since if leg.held_since is not None else NOTHING)
        talked += (leg.ended_at or now) - leg.connected_at - on_hold
        held += on_hold
        talks |= leg.ended_at is None and leg.held_since is None
        holds |= leg.held_since is not None
    return Part("talk", _("Talk"), talked, talks), Part("hold", _("Hold"), held, holds)


# --- in words ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counted:
    """How a figure is counted: its formula, and what that is for this conversation."""

    label: str
    formula: str
    here: str = ""


def wait_formula() -> str:
    """M1 in words."""
    return _(
        "From the start, or from the moment a bot hands over, until the first agent accepts. Until then it runs; "
        "who leaves before has waited until they left."
    )


def handle_formula() -> str:
    """M21 in words."""
    return _(
        "Calls: talk + hold + wrap-up. Chats and messages: active + wrap-up. Added up over all who were the agent; "
        "consultants, monitors and bots add nothing. It rests while the conversation is open or waiting."
    )


def longest_wait_formula() -> str:
    """M4 in words."""
    return _("The longest wait of those that nobody has accepted yet; what a bot has does not wait.")


def formulas() -> tuple[Counted, ...]:
    """How the times of the report are counted: of its rows, and of its tile."""
    return (
        Counted(_("Wait"), wait_formula()),
        Counted(_("Handle"), handle_formula()),
        Counted(_("Longest wait"), longest_wait_formula()),
    )


def counted(row: Conversation, now: datetime) -> tuple[Counted, ...]:
    """How wait and handle time of this conversation came about, with its own moments."""
    return (
        Counted(_("Wait time"), wait_formula(), _wait_here(row)),
        Counted(_("Handle time"), handle_formula(), _handle_here(row, now)),
    )


def _wait_here(row: Conversation) -> str:
    start, end = row.first_wait_started_at, row.accepted_at or row.closed_at
    if start is None:
        return _("A bot served from the start; nobody waited for a person.")
    words = {"start": f"{timezone.localtime(start):%H:%M:%S}"}
    if end is None:
        return _("Waiting since %(start)s.") % words
    words |= {"end": f"{timezone.localtime(end):%H:%M:%S}", "length": clock_text(end - start)}
    if row.accepted_at is None:
        return _("Closed %(end)s − waiting since %(start)s = %(length)s.") % words
    return _("Accepted %(end)s − waiting since %(start)s = %(length)s.") % words


def _handle_here(row: Conversation, now: datetime) -> str:
    """The sum in figures once nothing of it runs; what runs stands beside it as facts."""
    found = parts(row, now)
    if any(part.runs for part in found):
        return _("So far: %(parts)s.") % {"parts": " + ".join(part.label for part in found)}
    found = tuple(part for part in found if part.length)
    if not found:
        return _("No person has accepted it.")
    total = clock_text(sum((part.length for part in found), NOTHING))
    return " + ".join(f"{part.label} {clock_text(part.length)}" for part in found) + f" = {total}."


def facts(row: Conversation, now: datetime) -> list[Fact]:
    """The parts of the handle time beside it, where it has more than one."""
    found = [part for part in parts(row, now) if part.length or part.runs]
    if len(found) < 2 and row.kind != ChannelKind.VOICE:
        return []
    clocks = [(part.label, part.clock(now)) for part in found]
    return [Fact(label, clock.text, clock.since) for label, clock in clocks]
