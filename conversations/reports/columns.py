"""Which columns does the report have, which of them stand there unasked, and how is each sorted?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Case, Expression, F, OrderBy, Value, When
from django.db.models.functions import Coalesce, Concat, Lower, NullIf
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conversations.reports.durations import handle_sql, wait_sql
from conversations.reports.filters import KEEPS_LAST_AGENT, Tab
from conversations.reports.statements import At

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Key = Callable[[At], "Expression | F"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the address, its head, and the value by which it is sorted.

    ``is_since``: the value is when the shown time began, so that the longest is the smallest value. ``is_filled``: it
    is never empty; a database goes through an index backwards only where nothing is said of empty ones.
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
    is_since: bool = False
    is_filled: bool = False

    def order(self, now: At, *, descending: bool) -> OrderBy:
        """By this column; empty values stand last either way."""
        falls = descending is not self.is_since
        value = self.value(now)
        return OrderBy(value, descending=falls) if self.is_filled else OrderBy(value, descending=falls, nulls_last=True)


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


def agent_name(user: str) -> Expression:
    """An agent's name by the path to their user, as a row shows it."""
    whole = Concat(f"{user}__first_name", Value(" "), f"{user}__last_name")
    return Coalesce(NullIf(whole, Value(" ")), f"{user}__username")


def _agent(now: At) -> Expression:
    return Lower(
        Case(
            When(agent__isnull=False, then=agent_name("agent__user")),
            When(KEEPS_LAST_AGENT, last_agent__isnull=False, then=agent_name("last_agent__user")),
            default=None,
        )
    )


def _sentiment(now: At) -> Expression:
    return NullIf("sentiment", Value(0))


COLUMNS: tuple[Column, ...] = (
    Column("subject", _("Subject"), _text("subject"), css="subject", is_filled=True),
    Column("customer", _("Customer"), _text("customer__name"), drop="drop-2", is_filled=True),
    Column("channel", _("Channel"), _plain("channel"), css="channel-head", is_filled=True),
    Column("status", pgettext_lazy("column", "Status"), _plain("status_place"), is_filled=True),
    Column("agent", _("Active agent"), _agent, drop="drop-4"),
    Column("queue", _("Queue"), _text("queue__name"), drop="drop-3", is_filled=True),
    Column("wait", pgettext_lazy("column", "Wait"), wait_sql, css="num", largest_first=True),
    Column("handle", pgettext_lazy("column", "Handle"), handle_sql, css="num", drop="drop-4", largest_first=True),
    Column("sentiment", _("Sentiment"), _sentiment, drop="drop-3"),
    Column("created", _("Created"), _plain("created_at"), css="num", drop="drop-1", largest_first=True, is_filled=True),
    Column("workstream", _("Workstream"), _text("workstream__name"), is_default=False, is_filled=True),
    Column(
        "state_since",
        _("In status"),
        _plain("state_changed_at"),
        is_default=False,
        css="num",
        largest_first=True,
        is_since=True,
        is_filled=True,
    ),
    Column(
        "unanswered",
        _("Unanswered"),
        _plain("unanswered_since"),
        is_default=False,
        css="num",
        largest_first=True,
        is_since=True,
    ),
    Column(
        "activity",
        _("Last activity"),
        _plain("last_activity_at"),
        is_default=False,
        css="num",
        largest_first=True,
        is_filled=True,
    ),
    Column(
        "transfers",
        _("Transfers"),
        _plain("transfer_count"),
        is_default=False,
        css="num",
        largest_first=True,
        is_filled=True,
    ),
    Column("priority", _("Priority"), _plain("priority"), is_default=False, css="num", is_filled=True),
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


def order_by(sort: tuple[SortKey, ...], tab: Tab, now: At) -> list[OrderBy]:
    """The order of the list: the chosen columns, then the default of the tab, in the end the primary key.

    Empty values stand last either way. Equals stand in the default order where the first column goes its first way, and
    in the reverse of it the other way round: one index serves both.
    """
    chosen_order = [BY_KEY[key.column].order(now, descending=key.descending) for key in sort]
    default = _default_order(tab)
    if sort and sort[0].descending is not BY_KEY[sort[0].column].largest_first:
        for one in default:
            one.reverse_ordering()
    return [*chosen_order, *default]


def _default_order(tab: Tab) -> list[OrderBy]:
    """Ongoing: nobody's first, longest waiting first, then longest in their state. Otherwise the newest first."""
    if tab is Tab.CLOSED:
        return [F("closed_at").desc(), F("pk").desc()]
    if tab is Tab.ALL:
        return [F("created_at").desc(), F("pk").desc()]
    return [F("standing").asc(), F("standing_since").asc(), F("pk").asc()]
