"""What does the Ongoing conversations report show, under this address, to this supervisor?

One reading of the database makes all of it: rows, counters, tabs and pages (domain.md 5.3). A fixed number of
queries, however many rows there are.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from conversations import policy, selectors
from conversations.models import ConversationQuerySet
from conversations.reports import controls, counts, handling, tiles
from conversations.reports.address import Address
from conversations.reports.columns import BY_KEY
from conversations.reports.filters import WINDOW_LABELS, Filter, Tab, Window
from conversations.reports.moments import short_moment
from conversations.reports.needs import Lane
from conversations.reports.params import Pairs, Params
from conversations.reports.parts import Empty
from conversations.reports.rows import Row, reason_data
from conversations.reports.source import Source
from routing.models import Agent, Queue, QueueType
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.questions import Among, question


@dataclass(frozen=True, slots=True)
class Viewer:
    """What depends on who looks, once per page and as JSON for the scripts (see ``rows``).

    ``queue_ids`` is the supervisor's scope, empty where it is everything.
    """

    agent_id: int | str
    queue_ids: str
    refusal: str
    own_refusal: str
    scope_refusal: str
    none_refusal: str
    multiple_refusal: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The conversation in the side panel."""

    id: int
    url: str
    page_url: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole page. ``marks`` name what each row says (``marks.py``).

    What the address alone decides is made when somebody asks: the live views print it once, not at every change.
    """

    address: Address
    scope: str
    ignored: str
    older: str

    tabs: list[tiles.TabLink]
    tiles: list[tiles.Tile]
    chips: list[controls.Link]
    groups: list[controls.Group]

    lane: Lane | None
    rows: list[Row]
    marks: Mapping[int, bytes]
    empty: Empty | None
    pages: controls.Pages
    panel: Panel | None
    actor: Actor

    @property
    def viewer(self) -> Viewer:
        """What depends on who looks."""
        return _viewer(self.actor, get_language())

    @property
    def url(self) -> str:
        """The address as a link."""
        return self.address.url

    @property
    def title(self) -> str:
        """What is listed."""
        return {
            Tab.ONGOING: _("Ongoing conversations"),
            Tab.CLOSED: _("Closed conversations"),
            Tab.ALL: _("All conversations"),
        }[self.address.filter.tab]

    @property
    def older_url(self) -> str:
        """Leads to those that the window hides."""
        return self.address.filtered(replace(self.address.filter, window=Window.ALL)).url

    @property
    def clear_url(self) -> str:
        """Leads to the same without filters."""
        return self.address.filtered(self.address.filter.cleared()).url

    @property
    def windows(self) -> list[controls.Link]:
        """The windows to choose from."""
        return controls.windows(self.address)

    @property
    def window(self) -> str:
        """The window, in words."""
        return str(WINDOW_LABELS[self.address.filter.window])

    @property
    def search_others(self) -> Pairs:
        """What the form of the search carries along."""
        return self.address.others("q")

    @property
    def filter_others(self) -> Pairs:
        """What the form of the filters carries along."""
        return self.address.others("queue", "agent", "channel", "status", "sentiment")

    @property
    def heads(self) -> list[controls.Head]:
        """The heads of the columns."""
        return controls.heads(self.address)

    @property
    def shown(self) -> Mapping[str, bool]:
        """Which columns stand there."""
        return {name: name in self.address.columns for name in BY_KEY}

    @property
    def drops(self) -> Mapping[str, str]:
        """The class by which each column leaves in a small room."""
        return {name: controls.drop(self.address, name) for name in BY_KEY}

    @property
    def columns(self) -> list[controls.Option]:
        """The boxes of the column chooser."""
        return controls.column_options(self.address)

    @property
    def column_others(self) -> Pairs:
        """What the form of the column chooser carries along."""
        return self.address.others("cols")

    @property
    def default_columns_url(self) -> str:
        """Leads to the same with the default columns."""
        return replace(self.address, columns=Address().columns).url

    @property
    def counted(self) -> tuple[handling.Counted, ...]:
        """How times are counted."""
        return handling.formulas()


def ongoing(
    actor: Actor,
    values: Mapping[str, Sequence[str]],
    *,
    now: datetime,
    with_menus: bool = True,
    source: Source | None = None,
) -> Report:
    """Read the report for an address's parameters.

    Only what ``selectors.visible`` gives is listed, counted, searched or offered as a filter.
    ``with_menus`` off leaves the boxes of the filter menu out: a refresh does not need them again.
    ``source`` is what several reports that are read at the same time share.
    """
    source = source or Source(now)
    params = Params(values)
    address = Address.parse(params)
    all_queues = source.queues()
    queues = {
        pk: queue for pk, queue in all_queues.items() if actor.supervises_queue(pk) and queue.type != QueueType.RECORD
    }
    agents = _agent_names(address.filter.agents, everybody=with_menus)
    reads_sentiment = source.settings().sentiment_enabled
    filter_ = address.filter.within(params, queues, agents, reads_sentiment=reads_sentiment)
    if not reads_sentiment:
        address = _unsorted(address, params, "sentiment")

    visible = selectors.visible(actor)
    counted = max(counts.LIMIT, address.page * controls.PAGE_SIZE)  # As far as the page that is asked for, at least.
    figures = source.counts(actor, filter_, counted)
    total = figures.shown(filter_)
    page = min(address.page, controls.page_count(total))
    if page != address.page:
        params.ignore("page", str(address.page))
    panel = _panel(visible, address.open)
    if panel is None and address.open is not None:
        params.ignore("open", str(address.open))
    address = replace(address, filter=filter_, page=page, open=panel.id if panel else None)

    shown_rows = source.rows(source.ids(actor, address, figures))
    return Report(
        address=address,
        scope=_scope(actor, filter_, queues),
        ignored=controls.ignored_text(params.finish()),
        older=_older(figures, filter_),
        tabs=tiles.tabs(address, figures),
        tiles=tiles.tiles(
            address, figures, source.staffing(_staff_scope(actor, filter_, all_queues)), reads_sentiment=reads_sentiment
        ),
        chips=controls.chips(address, queues, agents) if filter_.is_narrow else [],
        groups=controls.filter_groups(filter_, queues.values(), agents, reads_sentiment) if with_menus else [],
        lane=source.lane(actor) if filter_.tab is Tab.ONGOING else None,
        rows=shown_rows,
        marks={row.id: source.found[row.id].mark for row in shown_rows},
        empty=None if shown_rows else _empty(visible, address, figures, now),
        pages=controls.pages(page, total, lambda number: replace(address, page=number).url, counted),
        panel=panel,
        actor=actor,
    )


def _unsorted(address: Address, params: Params, column: str) -> Address:
    """Without this column in the order, which counts as ignored."""
    for key in address.sort:
        if key.column == column:
            params.ignore("sort", str(key))
    return replace(address, sort=tuple(key for key in address.sort if key.column != column))


def _agent_names(selected: frozenset[int], *, everybody: bool) -> dict[int, str]:
    """The agents of the filter by name: the selected ones, and everybody who is active where the menu needs them."""
    if not everybody and not selected:
        return {}
    found = _names_of_active(list(selected)) if everybody else _names_of(list(selected))
    names = ((pk, f"{first} {last}".strip() or username) for pk, first, last, username in found)
    return dict(sorted(names, key=lambda one: one[1].casefold()))


AGENT_NAMES = ("pk", "user__first_name", "user__last_name", "user__username")


@question
def _names_of(ids: Collection[int]) -> QuerySet[Agent, Any]:
    return Agent.objects.filter(Among("pk", ids)).values_list(*AGENT_NAMES)


@question
def _names_of_active(besides: Collection[int]) -> QuerySet[Agent, Any]:
    return Agent.objects.filter(Q(Among("pk", besides)) | Q(user__is_active=True)).values_list(*AGENT_NAMES)


def _staff_scope(actor: Actor, filter_: Filter, queues: Mapping[int, Queue]) -> frozenset[int] | None:
    """The queues whose agents are counted: the asked ones, else the supervisor's own; None means everybody.

    Everybody belongs to a default queue, so asking for one asks for everybody; in a scope it says nothing.
    """
    if filter_.queues:
        return None if any(queues[pk].is_default for pk in filter_.queues) else filter_.queues
    if actor.supervised_queue_ids is None:
        return None
    return frozenset(pk for pk in actor.supervised_queue_ids if pk in queues and not queues[pk].is_default)


def _scope(actor: Actor, filter_: Filter, queues: Mapping[int, Queue]) -> str:
    """Which queues are looked at, in words (P22)."""
    if filter_.queues:
        return ", ".join(sorted(queues[pk].name for pk in filter_.queues))
    if actor.supervised_queue_ids is None:
        return _("all queues")
    named = [queue.name for queue in queues.values() if not queue.is_default]
    return _("your queues: %(queues)s") % {"queues": ", ".join(named) or "–"}


def _older(figures: counts.Counts, filter_: Filter) -> str:
    """How many ongoing ones the window hides (domain.md D2); empty where none, or where none would be listed."""
    if not figures.older or filter_.tab is Tab.CLOSED:
        return ""
    return ngettext(
        "%(n)s older ongoing one is hidden, show", "%(n)s older ongoing ones are hidden, show", figures.older
    ) % {"n": counts.said(figures.older)}


def _panel(visible: ConversationQuerySet, conversation_id: int | None) -> Panel | None:
    if conversation_id is None or not visible.filter(pk=conversation_id).exists():
        return None
    return Panel(
        conversation_id,
        reverse("conversations:panel", args=[conversation_id]),
        reverse("conversations:conversation", args=[conversation_id]),
    )


@lru_cache(maxsize=256)
def _viewer(actor: Actor, language: str | None) -> Viewer:
    refusal = policy.why_not_supervisor(actor)
    scope = actor.supervised_queue_ids
    return Viewer(
        agent_id=actor.agent_id or "",
        queue_ids=json.dumps(sorted(scope)) if scope is not None else "",
        refusal=json.dumps(reason_data(refusal)) if refusal is not None else "",
        own_refusal=json.dumps(reason_data(policy.OWN_CONVERSATION)),
        scope_refusal=json.dumps(reason_data(policy.OUT_OF_SCOPE)),
        none_refusal=json.dumps(reason_data(policy.NOTHING_SELECTED)),
        multiple_refusal=json.dumps(reason_data(policy.MULTIPLE_SELECTED)),
    )


def _empty(visible: ConversationQuerySet, address: Address, figures: counts.Counts, now: datetime) -> Empty:
    """Nothing yet, nothing matches, or good news: an empty queue is one."""
    filter_ = address.filter
    if filter_.tab is Tab.ONGOING and filter_.statuses and filter_.statuses <= tiles.UNANSWERED:
        last = (
            filter_.mentioned(filter_.narrowed(visible))
            .filter(filter_.created(now))
            .aggregate(Max("accepted_at"))["accepted_at__max"]
        )
        return Empty(
            "circle-check",
            _("No one is waiting"),
            _("The last one was answered at %(time)s.") % {"time": short_moment(last, now)} if last else "",
            address.filtered(replace(filter_, statuses=frozenset())).url,
            _("Show all ongoing ones"),
            good=True,
        )
    if filter_.is_narrow:
        return Empty(
            "filter",
            _("Nothing matches"),
            _("No conversation passes all filters."),
            address.filtered(filter_.cleared()).url,
            _("Clear filters"),
        )
    if figures.older and filter_.tab is not Tab.CLOSED:
        return Empty(
            "clock",
            _("Nothing in this window"),
            _("Every ongoing conversation began earlier."),
            address.filtered(replace(filter_, window=Window.ALL)).url,
            _("Show all of them"),
        )
    if filter_.tab is Tab.ONGOING and figures.closed:
        return Empty("circle-check", _("Nothing is going on"), _("Every conversation has been finished."), good=True)
    if filter_.tab is Tab.CLOSED and figures.ongoing:
        return Empty("inbox", _("Nothing closed yet"), _("Finished conversations appear here."))
    return Empty(
        "inbox",
        _("Nothing yet"),
        _("A conversation appears here as soon as a customer writes or calls."),
    )
