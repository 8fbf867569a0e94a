"""Which columns does the report have, which of them stand there unasked, and how is each sorted?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Case, DateTimeField, Expression, F, IntegerField, OrderBy, Value, When
from django.db.models.functions import Coalesce, Concat, Lower, NullIf
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conversations.models import State
from conversations.reports.durations import handle_sql, since_sql, wait_sql, waiting_since_sql
from conversations.reports.filters import KEEPS_LAST_AGENT, Status, Tab
from routing.models import Channel

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Key = Callable[[datetime], "Expression | F"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the address, its head, and the value by which it is sorted.

    ``css`` are the classes of its cells; ``drop`` the one by which a default column leaves when the room
    gets small. ``largest_first`` is the direction of the first click: times and counts begin with the most.
    """

    key: str
    label: _StrPromise
    value: Key
    is_default: bool = True
    css: str = ""
    drop: str = ""
    largest_first: bool = False


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by, and its direction; written ``wait`` or ``-wait``."""

    column: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.column}" if self.descending else self.column


def _text(path: str) -> Key:
    return lambda now: Lower(path)


def _plain(path: str) -> Key:
    return lambda now: F(path)


def _length(path: str) -> Key:
    return lambda now: since_sql(path, now)


def _agent_name(path: str) -> Expression:
    whole = Concat(f"{path}__user__first_name", Value(" "), f"{path}__user__last_name")
    return Coalesce(NullIf(whole, Value(" ")), f"{path}__user__username")


def _agent(now: datetime) -> Expression:
    return Lower(
        Case(
            When(agent__isnull=False, then=_agent_name("agent")),
            When(KEEPS_LAST_AGENT, last_agent__isnull=False, then=_agent_name("last_agent")),
            default=None,
        )
    )


def _status(now: datetime) -> Expression:
    order = [When(status.where, then=Value(place)) for place, status in enumerate(Status)]
    return Case(*order, default=Value(len(Status)), output_field=IntegerField())


def _channel(now: datetime) -> Expression:
    by_label = sorted(Channel, key=lambda channel: str(channel.label).casefold())
    places = [When(channel=channel.value, then=Value(place)) for place, channel in enumerate(by_label)]
    return Case(*places, default=Value(len(places)), output_field=IntegerField())


def _sentiment(now: datetime) -> Expression:
    return NullIf("sentiment", Value(0))


COLUMNS: tuple[Column, ...] = (
    Column("subject", _("Subject"), _text("subject"), css="subject"),
    Column("customer", _("Customer"), _text("customer__name"), drop="drop-2"),
    Column("channel", _("Channel"), _channel, css="channel-head"),
    Column("status", pgettext_lazy("column", "Status"), _status),
    Column("agent", _("Active agent"), _agent, drop="drop-4"),
    Column("queue", _("Queue"), _text("queue__name"), drop="drop-3"),
    Column("wait", pgettext_lazy("column", "Wait"), wait_sql, css="num", largest_first=True),
    Column("handle", pgettext_lazy("column", "Handle"), handle_sql, css="num", drop="drop-4", largest_first=True),
    Column("sentiment", _("Sentiment"), _sentiment, drop="drop-3"),
    Column("created", _("Created"), _plain("created_at"), css="num", drop="drop-1", largest_first=True),
    Column("workstream", _("Workstream"), _text("workstream__name"), is_default=False),
    Column("state_since", _("In status"), _length("state_changed_at"), is_default=False, css="num", largest_first=True),
    Column("unanswered", _("Unanswered"), _length("unanswered_since"), is_default=False, css="num", largest_first=True),
    Column(
        "activity",
        _("Last activity"),
        _plain("last_activity_at"),
        is_default=False,
        css="num",
        largest_first=True,
    ),
    Column("transfers", _("Transfers"), _plain("transfer_count"), is_default=False, css="num", largest_first=True),
    Column("priority", _("Priority"), _plain("priority"), is_default=False, css="num"),
    Column("closed", _("Closed at"), _plain("closed_at"), is_default=False, css="num", largest_first=True),
)
BY_KEY: Mapping[str, Column] = {column.key: column for column in COLUMNS}
FIXED = "subject"
"""The column that is always there: it leads to the conversation."""
DEFAULT_COLUMNS = tuple(column.key for column in COLUMNS if column.is_default)


def chosen(keys: list[str]) -> tuple[str, ...]:
    """The columns of a choice in the report's order; the subject is always among them, no choice means the default."""
    return tuple(column.key for column in COLUMNS if column.key in {*keys, FIXED}) if keys else DEFAULT_COLUMNS


def sort_key(text: str) -> SortKey | None:
    """Understands ``wait`` and ``-wait``."""
    name = text.removeprefix("-")
    return SortKey(name, text.startswith("-")) if name in BY_KEY else None


def order_by(sort: tuple[SortKey, ...], tab: Tab, now: datetime) -> list[OrderBy]:
    """The order of the list: the chosen columns, then the default of the tab, in the end the primary key.

    Empty values stand last either way.
    """
    chosen_order = []
    for key in sort:
        value = BY_KEY[key.column].value(now)
        chosen_order.append(
            OrderBy(value, descending=True, nulls_last=True) if key.descending else OrderBy(value, nulls_last=True)
        )
    return [*chosen_order, *_default_order(tab)]


def _default_order(tab: Tab) -> list[OrderBy]:
    """Ongoing: nobody's first, longest waiting first, then longest in their state. Otherwise the newest first."""
    if tab is Tab.CLOSED:
        return [F("closed_at").desc(), F("pk").desc()]
    if tab is Tab.ALL:
        return [F("created_at").desc(), F("pk").desc()]
    place = Case(When(state=State.OPEN, then=Value(0)), default=Value(1), output_field=IntegerField())
    since = Case(
        When(state=State.OPEN, then=waiting_since_sql()), default=F("state_changed_at"), output_field=DateTimeField()
    )
    return [place.asc(), since.asc(), F("pk").asc()]
