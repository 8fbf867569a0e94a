"""Which conversations does the report show? One frozen value for the address, saved views and SQL alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import BooleanField, CharField, DateTimeField, F, Func, IntegerField, Q, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from conversations.models import Conversation, ConversationQuerySet, Customer, Sentiment, State, parts
from conversations.reports.params import Pairs, Params, clean_search, member, number
from conversations.reports.statements import At, Literal, Part, at, part, united
from routing.models import Agent, Channel

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.sql.compiler import SQLCompiler

WORDS_MAX = 8
UNASSIGNED = "none"
"""The value of ``agent`` that asks for conversations which nobody has."""


class Tab(StrEnum):
    """Which part of the work: what goes on, what is over, or both."""

    ONGOING = "ongoing"
    CLOSED = "closed"
    ALL = "all"


class Window(StrEnum):
    """How far back ``created_at`` may lie (domain.md D2)."""

    TWO_HOURS = "2h"
    TODAY = "today"
    DAY = "24h"
    THREE_DAYS = "3d"
    MONTH = "30d"
    ALL = "all"

    @property
    def is_short(self) -> bool:
        """Whether only a few days are in it."""
        return self not in (Window.MONTH, Window.ALL)

    def start(self, now: datetime) -> datetime | None:
        """The earliest creation that is shown; None where everything is. Today begins at the centre's midnight."""
        if self is Window.TODAY:
            return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        length = WINDOW_LENGTHS.get(self)
        return now - length if length is not None else None

    def since(self, now: At) -> At | None:
        """The same as a value in a statement, left open where now is."""
        return None if self is Window.ALL else at(now, lambda now: self.start(now) or now)


WINDOW_LENGTHS: Mapping[Window, timedelta] = {
    Window.TWO_HOURS: timedelta(hours=2),
    Window.DAY: timedelta(hours=24),
    Window.THREE_DAYS: timedelta(days=3),
    Window.MONTH: timedelta(days=30),
}


class Status(StrEnum):
    """What the Status column says of an ongoing conversation; Offered is Active that awaits acceptance (M6).

    In the order of ``Conversation.status_place``.
    """

    OPEN = "open"
    OFFERED = "offered"
    ACTIVE = "active"
    WAITING = "waiting"
    WRAP_UP = "wrap_up"

    @property
    def where(self) -> Q:
        """The condition in the database."""
        return Q(status_place=Literal(list(Status).index(self)))


WINDOW_LABELS = {
    Window.TWO_HOURS: _("Last 2 hours"),
    Window.TODAY: _("Today"),
    Window.DAY: _("Last 24 hours"),
    Window.THREE_DAYS: _("Last 3 days"),
    Window.MONTH: _("Last 30 days"),
    Window.ALL: _("All time"),
}
STATUS_LABELS = {
    Status.OPEN: pgettext_lazy("status", "Open"),
    Status.OFFERED: _("Offered"),
    Status.ACTIVE: _("Active"),
    Status.WAITING: _("Waiting"),
    Status.WRAP_UP: _("Wrap-up"),
}
CHANNELS = tuple(channel for channel in Channel if channel is not Channel.RECORD)
"""Records have a view of their own (domain.md 3.8)."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a supervisor asked to see. Empty sets mean no restriction; ``search`` is kept clean.

    ``unassigned`` stands beside ``agents``: conversations of these agents, or of nobody.
    """

    tab: Tab = Tab.ONGOING
    window: Window = Window.DAY
    queues: frozenset[int] = frozenset()
    agents: frozenset[int] = frozenset()
    unassigned: bool = False
    channels: frozenset[Channel] = frozenset()
    statuses: frozenset[Status] = frozenset()
    sentiments: frozenset[Sentiment] = frozenset()
    search: str = ""

    def __post_init__(self) -> None:
        """Keep the search as it can be written and read again."""
        object.__setattr__(self, "search", clean_search(self.search))

    # --- the address ---

    @classmethod
    def parse(cls, params: Params) -> Filter:
        """Take the filter's parameters; what cannot be understood is dropped and remembered by ``params``."""
        people = params.many("agent", lambda value: value if value == UNASSIGNED else number(value))
        return cls(
            tab=params.one("tab", member(Tab), Tab.ONGOING),
            window=params.one("window", member(Window), Window.DAY),
            queues=frozenset(params.many("queue", number)),
            agents=frozenset(agent for agent in people if isinstance(agent, int)),
            unassigned=UNASSIGNED in people,
            channels=frozenset(params.many("channel", {channel.value: channel for channel in CHANNELS}.get)),
            statuses=frozenset(params.many("status", member(Status))),
            sentiments=frozenset(params.many("sentiment", member(Sentiment))),
            search=params.text("q"),
        )

    def pairs(self) -> Pairs:
        """The parameters that ``parse`` reads back, in one order, without the defaults."""
        return [
            *([("tab", self.tab.value)] if self.tab is not Tab.ONGOING else []),
            *([("window", self.window.value)] if self.window is not Window.DAY else []),
            *(("queue", str(queue)) for queue in sorted(self.queues)),
            *([("agent", UNASSIGNED)] if self.unassigned else []),
            *(("agent", str(agent)) for agent in sorted(self.agents)),
            *(("channel", channel.value) for channel in CHANNELS if channel in self.channels),
            *(("status", status.value) for status in Status if status in self.statuses),
            *(("sentiment", str(step.value)) for step in Sentiment if step in self.sentiments),
            *([("q", self.search)] if self.search else []),
        ]

    def within(
        self, params: Params, queue_ids: Iterable[int], agent_ids: Iterable[int], *, reads_sentiment: bool = True
    ) -> Filter:
        """Without the queues and agents that do not exist, or are not in scope; they count as ignored.

        Sentiments too where the analysis is switched off: what is known of them is old.
        """
        queues, agents = self.queues & set(queue_ids), self.agents & set(agent_ids)
        for name, gone in (("queue", self.queues - queues), ("agent", self.agents - agents)):
            for value in sorted(gone):
                params.ignore(name, str(value))
        sentiments = self.sentiments if reads_sentiment else frozenset[Sentiment]()
        for step in sorted(self.sentiments - sentiments):
            params.ignore("sentiment", str(step.value))
        return replace(self, queues=queues, agents=agents, sentiments=sentiments)

    @property
    def is_narrow(self) -> bool:
        """Whether anything but tab and window restricts what is shown."""
        return self != Filter(tab=self.tab, window=self.window)

    def cleared(self) -> Filter:
        """The same tab and window, nothing else."""
        return Filter(tab=self.tab, window=self.window)

    # --- the database ---

    @property
    def can_look_up(self) -> bool:
        """Whether what is listed can be found by what it mentions; SQLite has an index of words that go on alone."""
        return bool(self.search) and connection.vendor != "sqlite"

    def _words(self) -> list[str]:
        """The words of the search, the longest first."""
        return sorted(self.search.split()[:WORDS_MAX], key=len, reverse=True)

    @property
    def lead(self) -> str:
        """The column that counters go along: that of the filter, or the status, where nothing is filtered."""
        return "queue_id" if self.queues else "sentiment" if self.sentiments else "channel" if self.channels else ""

    def counted(self, rows: ConversationQuerySet, lead: str, *, of_anybody: bool = False) -> ConversationQuerySet:
        """The ongoing ones that pass, for a counter: along the index that begins with this column, or the status."""
        rows = self.narrowed(rows, of_anybody=of_anybody, by_the_way=True, lead=lead).ongoing()
        return rows.filter(status_place__lt=Literal(len(Status)))

    def narrowed(
        self, rows: ConversationQuerySet, *, of_anybody: bool = False, by_the_way: bool = False, lead: str = ""
    ) -> ConversationQuerySet:
        """Those that pass every filter but tab, status, window and search, and with ``of_anybody`` agent.

        ``by_the_way``: queue, channel and sentiment are looked at along an index that something else has chosen, but
        for the column ``lead``, whose index it is.
        """
        for column, wanted in (("queue_id", self.queues), ("sentiment", self.sentiments), ("channel", self.channels)):
            if wanted and by_the_way and column != lead:
                rows = sieved(rows, column, wanted)
            elif wanted:
                rows = rows.filter(**{f"{column}__in": wanted})
        # In the words of the indexes that counters go through, whatever channels are wanted.
        rows = rows.exclude(channel=Literal(Channel.RECORD.value))
        if (self.agents or self.unassigned) and not of_anybody:
            rows = rows.filter(Q(holder__in=self.agents) | (NOBODY if self.unassigned else Q(pk__in=[])))
        return rows

    def mentioned(
        self, rows: ConversationQuerySet, *, is_sieve: bool = False, is_ongoing: bool = False
    ) -> ConversationQuerySet:
        """Those that mention every word. The longest is looked up, and the others sieve what mentions it.

        ``is_sieve``: that one sieves, too, where something else finds few enough to look at each. ``is_ongoing``: these
        are all ongoing, and all are wanted, so that SQLite looks it up as well.
        """
        words = self._words()
        if words[0 if is_sieve else 1 :]:
            rows = rows.alias(said=Concat("subject", Value("")))
        for place, word in enumerate(words):
            if is_ongoing and place == 0 and not is_sieve and parts.can_find(_spellings(word)):
                rows = rows.filter(pk__in=_looked_up(word))
            else:
                rows = rows.filter(_mentions(word, is_sieve=is_sieve or place > 0))
        return rows

    def created(self, now: At) -> Q:
        """The condition of the window."""
        start = self.window.since(now)
        return Q(created_at__gte=start) if start is not None else Q()

    def shown(
        self, rows: ConversationQuerySet, now: At, *, is_sieve: bool = True, looks_up: bool = False
    ) -> ConversationQuerySet:
        """Those that the list shows: every filter, the window, the tab and the statuses.

        ``is_sieve``: the window of ongoing ones is a sieve on the way along another order (``begun_since``).
        ``looks_up``: they are few, and found by what they mention.
        """
        rows = self.mentioned(self.narrowed(rows, by_the_way=looks_up))
        if self.tab is Tab.ONGOING and is_sieve:
            rows = begun_since(rows.ongoing(), self.window.since(now))
        else:
            rows = rows.filter(self.created(now))
            rows = {Tab.ONGOING: rows.ongoing, Tab.CLOSED: rows.closed, Tab.ALL: rows.all}[self.tab]()
        if self.statuses:
            rows = rows.ongoing().filter(self._status_where())
        return rows

    def _status_where(self) -> Q:
        """The statuses. Of one of them the standing is known, and saying so makes its index one in the list's order."""
        places = [place for place, status in enumerate(Status) if status in self.statuses]
        if len(places) > 1:
            return Q(status_place__in=places)
        return Q(status_place=Literal(places[0]), standing=Literal(min(places[0], 1)))


class _Plainly(Func):
    """A column as it is, in words in which no database looks for an index of it."""

    arity = 1
    template = "(%(expressions)s %(nothing)s)"

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """SQLite has a sign for it."""
        return super().as_sql(compiler, connection, template="+%(expressions)s", **context)


def plainly(column: str, *, is_moment: bool = False, is_text: bool = False) -> Func:
    """A column to sieve by, on the way along an index of another order."""
    nothing = "+ interval '0'" if is_moment else "|| ''" if is_text else "+ 0"
    kind = DateTimeField() if is_moment else CharField() if is_text else IntegerField()
    return _Plainly(column, nothing=nothing, output_field=kind)


def sieved(rows: ConversationQuerySet, column: str, wanted: Collection[Any]) -> ConversationQuerySet:
    """Those with one of these values, looked at on the way along the index of another column."""
    own = plainly(column, is_text=column == "channel")
    return rows.alias(**{f"own_{column}": own}).filter(**{f"own_{column}__in": wanted})


def begun_since(going: ConversationQuerySet, start: At | None) -> ConversationQuerySet:
    """Those of the ongoing ones that began in the window, as a sieve on the way along an index of another order.

    Most ongoing conversations began lately, but databases take both for independent and the window for narrow: then
    they read all of it from the heap and sort, where a page is fifty steps along an index.
    """
    return going if start is None else going.alias(began=plainly("created_at", is_moment=True)).filter(began__gte=start)


KEEPS_LAST_AGENT = Q(state__in=[State.WAITING, State.CLOSED])
"""Where the last agent is still shown (domain.md 2.5, 2)."""
NOBODY = Q(holder__isnull=True)


class _FoundBy(Func):
    """A column is one of the ids that a query finds."""

    arity = 2
    arg_joiner = " IN "
    template = "%(expressions)s"
    output_field = BooleanField()


class _LookedUp(_FoundBy):
    """The same, where each of the ids is taken to an index."""

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> tuple[str, Any]:
        """As an array it is found first, and then looked up, beside other conditions with other indexes too."""
        return super().as_sql(compiler, connection, template="%(expressions)s))", arg_joiner=" = ANY(ARRAY(", **context)


def _mentions(word: str, *, is_sieve: bool) -> Q:
    """A word in subject, customer or the agent who is shown, whatever its case.

    Both databases have an index for parts of words of three letters or more (``models.indexes.PartsOfWords``,
    ``models.parts``); SQLite's is of subjects that go on, and is asked where they are looked up. SQLite also compares
    only ASCII letters without case. Customers and agents of that name are found first, and not joined to every
    conversation.
    """
    subject = Q()
    for spelling in _spellings(word):
        subject |= Q(said__icontains=spelling) if is_sieve else Q(subject__icontains=spelling)
    among = _FoundBy if is_sieve else _LookedUp
    return subject | Q(among(F("customer_id"), _customers(word))) | Q(among(F("holder"), _agents(word)))


def _spellings(word: str) -> list[str]:
    """A word as it may be written: SQLite sees that letters are alike only where they are ASCII."""
    return [word] if word.isascii() else list(dict.fromkeys([word, word.lower(), word.upper(), word.capitalize()]))


def _customers(word: str) -> RawSQL | Subquery:
    """The ids of the customers of this name."""
    spellings = _spellings(word)
    if parts.can_find(spellings):
        return parts.NAMES.having(spellings)
    named = (Q(name__icontains=spelling) for spelling in spellings)
    return Subquery(Customer.objects.filter(reduce(or_, named)).values("pk"))


def _agents(word: str) -> Subquery:
    """The ids of the agents of this name."""
    named = (_named("user__", spelling) for spelling in _spellings(word))
    return Subquery(Agent.objects.filter(reduce(or_, named)).values("pk"))


def _looked_up(word: str) -> RawSQL:
    """On SQLite the ids of ongoing conversations that mention a word: each way of it along an index of its own."""
    going = Conversation.objects.ongoing().order_by()
    ways = [
        part(going.filter(_FoundBy(F(column), people)).values_list("pk"))
        for column, people in (("customer_id", _customers(word)), ("holder", _agents(word)))
    ]
    subjects = parts.SUBJECTS.having(_spellings(word))
    found = united([Part(subjects.sql, tuple(subjects.params)), *ways])
    return RawSQL(found.sql, found.params)  # noqa: S611  Written by Django and ``parts``.


def _named(path: str, word: str) -> Q:
    nameless = Q(**{f"{path}first_name": "", f"{path}last_name": ""})
    return (
        Q(**{f"{path}first_name__icontains": word})
        | Q(**{f"{path}last_name__icontains": word})
        | (nameless & Q(**{f"{path}username__icontains": word}))
    )
