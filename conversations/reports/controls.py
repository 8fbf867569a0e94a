"""What can be changed about the view? Chips, the filter menu, windows, heads of columns, pages: links and fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from conversations.models import Sentiment
from conversations.reports.address import Address
from conversations.reports.columns import BY_KEY, COLUMNS, FIXED
from conversations.reports.filters import CHANNELS, STATUS_LABELS, UNASSIGNED, WINDOW_LABELS, Filter, Status, Window
from conversations.reports.params import Ignored
from routing.models import Queue

PAGE_SIZE = 50
SHOWN_MAX = 5
VALUE_MAX = 40

Label = str | Promise


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click; ``url`` is empty where there is nothing to go to."""

    label: str
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """A box to tick."""

    value: str
    label: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The boxes of one filter; ``searchable`` where there may be too many to look through, ``note`` why none."""

    name: str
    label: str
    options: tuple[Option, ...]
    searchable: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column: ``order`` is its aria-sort, ``then`` says that it is the second key."""

    key: str
    label: str
    css: str
    url: str
    order: str = ""
    icon: str = ""
    then: bool = False


@dataclass(frozen=True, slots=True)
class Pages:
    """What ``components/_pagination.html`` takes."""

    first: int
    last: int
    total: int
    of: str
    pages: tuple[Link, ...]
    previous_url: str
    next_url: str


STEPS = tuple(sorted(Sentiment))


def windows(address: Address) -> list[Link]:
    """The windows to choose from (domain.md D2)."""
    filter_ = address.filter
    return [
        Link(str(WINDOW_LABELS[one]), address.filtered(replace(filter_, window=one)).url, one is filter_.window)
        for one in Window
    ]


# --- filters --------------------------------------------------------------------------------------------------


def chips(address: Address, queues: Mapping[int, Queue], agents: Mapping[int, str]) -> list[Link]:
    """What restricts the list, each with the address that lets go of it."""
    filter_ = address.filter
    people = [*([_("Not assigned")] if filter_.unassigned else []), *sorted(agents[pk] for pk in filter_.agents)]
    parts: list[tuple[str, Iterable[object], Filter]] = [
        (_("Queue"), sorted(queues[pk].name for pk in filter_.queues), replace(filter_, queues=frozenset())),
        (_("Agent"), people, replace(filter_, agents=frozenset(), unassigned=False)),
        (
            _("Channel"),
            [one.label for one in CHANNELS if one in filter_.channels],
            replace(filter_, channels=frozenset()),
        ),
        (
            _("Status"),
            [STATUS_LABELS[one] for one in Status if one in filter_.statuses],
            replace(filter_, statuses=frozenset()),
        ),
        (
            _("Sentiment"),
            [one.label for one in STEPS if one in filter_.sentiments],
            replace(filter_, sentiments=frozenset()),
        ),
        (_("Search"), [f"“{filter_.search}”"] if filter_.search else [], replace(filter_, search="")),
    ]
    named = [(label, ", ".join(str(value) for value in values), without) for label, values, without in parts]
    return [Link(f"{label}: {text}", address.filtered(without).url) for label, text, without in named if text]


def filter_groups(
    filter_: Filter, queues: Iterable[Queue], agents: Mapping[int, str], reads_sentiment: bool
) -> list[Group]:
    """The boxes of the filter menu; where sentiment is not read, its group says so instead."""
    return [
        Group(
            "queue",
            _("Queue"),
            tuple(Option(str(queue.pk), queue.name, queue.pk in filter_.queues) for queue in queues),
        ),
        Group(
            "agent",
            _("Agent"),
            (
                Option(UNASSIGNED, _("Not assigned"), filter_.unassigned),
                *(Option(str(pk), name, pk in filter_.agents) for pk, name in agents.items()),
            ),
            searchable=True,
        ),
        Group("status", _("Status"), _options(STATUS_LABELS, filter_.statuses)),
        Group("channel", _("Channel"), _options({one: one.label for one in CHANNELS}, filter_.channels)),
        Group("sentiment", _("Sentiment"), _options({one: one.label for one in STEPS}, filter_.sentiments))
        if reads_sentiment
        else Group("sentiment", _("Sentiment"), (), note=_("Switched off in the supervisor settings.")),
    ]


def _options(labels: Mapping[Any, Label], ticked: frozenset[Any]) -> tuple[Option, ...]:
    return tuple(Option(str(one.value), str(label), one in ticked) for one, label in labels.items())


def ignored_text(ignored: tuple[Ignored, ...]) -> str:
    """Says what of the address meant nothing, shortened; empty where all of it was understood."""
    if not ignored:
        return ""
    said = [f"{one.name}={one.value}" for one in ignored[:SHOWN_MAX]]
    said = [text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}…" for text in said]
    if len(ignored) > SHOWN_MAX:
        said.append(_("and %(n)d more") % {"n": len(ignored) - SHOWN_MAX})
    return _("Ignored, because it means nothing here: %(what)s") % {"what": ", ".join(said)}


# --- columns and sort -------------------------------------------------------------------------------------------


def heads(address: Address) -> list[Head]:
    """The heads of the shown columns, each with the address that sorts by it."""
    directions = {key.column: key.descending for key in address.sort}
    lead = address.sort[0].column if address.sort else ""
    found = []
    for name in address.columns:
        column, descending = BY_KEY[name], directions.get(name)
        found.append(
            Head(
                key=name,
                label=str(column.label),
                css=f"{column.css} {drop(address, name)}".strip(),
                url=address.sorted(name).url,
                order=("descending" if descending else "ascending") if name == lead else "",
                icon="" if descending is None else "arrow-down" if descending else "arrow-up",
                then=descending is not None and name != lead,
            )
        )
    return found


def drop(address: Address, name: str) -> str:
    """The class by which a column leaves in a small room; columns that somebody chose stay."""
    return BY_KEY[name].drop if address.has_default_columns else ""


def column_options(address: Address) -> list[Option]:
    """The boxes of the column chooser; the subject cannot be left out."""
    return [
        Option(column.key, str(column.label), column.key in address.columns)
        for column in COLUMNS
        if column.key != FIXED
    ]


# --- pages --------------------------------------------------------------------------------------------------------


def page_count(total: int) -> int:
    """How many pages a list has; an empty one has a single page."""
    return max(1, -(-total // PAGE_SIZE))


def pages(here: int, total: int, url_of: Callable[[int], str], counted: int | None = None) -> Pages:
    """Links to the pages of a list: the first, the last and those around this one.

    Where there are more than were ``counted``, nobody knows the last one: the links go on to the next one.
    """
    more = counted if counted is not None and total > counted else None
    last = page_count(total)
    ends = {1, last} if more is None else {1}
    shown = sorted({*ends, *range(max(1, here - 1), min(last, here + 1) + 1)})
    links: list[Link] = []
    for before, number in zip([0, *shown], shown, strict=False):
        if number - before > 1:
            links.append(Link("…", ""))
        links.append(Link(str(number), url_of(number), number == here))
    if more is not None:
        links.append(Link("…", ""))
    return Pages(
        first=(here - 1) * PAGE_SIZE + 1 if total else 0,
        last=min(here * PAGE_SIZE, total),
        total=total,
        of=_("more than %(n)s") % {"n": number_format(more, force_grouping=True)} if more is not None else str(total),
        pages=tuple(links),
        previous_url=url_of(here - 1) if here > 1 else "",
        next_url=url_of(here + 1) if here < last else "",
    )
