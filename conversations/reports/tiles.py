"""What stands above the list? Tabs and tiles: a figure each, and the address that a click leads to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from conversations.models import Sentiment
from conversations.reports.address import Address
from conversations.reports.columns import SortKey
from conversations.reports.counts import UNHAPPY, Counts, Longest, Staffing, said
from conversations.reports.durations import NONE, Band, Clock
from conversations.reports.filters import STATUS_LABELS, Status, Tab

UNANSWERED = frozenset({Status.OPEN, Status.OFFERED})
LONGEST_FIRST = (SortKey("wait", descending=True),)


@dataclass(frozen=True, slots=True)
class TabLink:
    """A tab with its count."""

    label: str
    count: int
    url: str
    is_current: bool

    @property
    def said(self) -> str:
        """The count as it is printed."""
        return said(self.count)


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure. ``tone`` colours it and ``tag`` is the word for the colour; a tile without ``url`` only tells."""

    key: str
    label: str
    value: str = ""
    clock: Clock | None = None
    note: str = ""
    note_clock: Clock | None = None
    tone: str = ""
    tag: str = ""
    tag_icon: str = ""
    url: str = ""
    is_current: bool = False


def tabs(address: Address, counts: Counts) -> list[TabLink]:
    """Ongoing, Closed and All; changing the tab lets go of status and sort, which mean something else there."""
    labels = {Tab.ONGOING: _("Ongoing"), Tab.CLOSED: _("Closed"), Tab.ALL: _("All")}
    numbers = {Tab.ONGOING: counts.ongoing, Tab.CLOSED: counts.closed, Tab.ALL: counts.all}
    return [
        TabLink(
            label=labels[tab],
            count=numbers[tab],
            url=replace(address, filter=replace(address.filter, tab=tab, statuses=frozenset()), sort=(), page=1).url,
            is_current=address.filter.tab is tab,
        )
        for tab in Tab
    ]


def tiles(address: Address, counts: Counts, staff: Staffing, *, reads_sentiment: bool = True) -> list[Tile]:
    """M10, M5a, M6 with M7, M8, M9, M4, M35 (negative ones) and the agents who are there (domain.md 5.2, 5.3)."""
    by_status = counts.by_status
    offered = by_status[Status.OFFERED]
    oldest = counts.oldest_open
    return [
        _status_tile(address, "ongoing", _("Ongoing"), counts.ongoing),
        _banded(
            replace(
                _status_tile(address, "open", str(STATUS_LABELS[Status.OPEN]), by_status[Status.OPEN], Status.OPEN),
                note=pgettext("open conversation", "oldest") if oldest is not None else "",
                note_clock=oldest.clock if oldest is not None else None,
            ),
            counts.worst_open,
        ),
        replace(
            _status_tile(
                address,
                "active",
                str(STATUS_LABELS[Status.ACTIVE]),
                by_status[Status.ACTIVE] + offered,
                Status.ACTIVE,
                Status.OFFERED,
            ),
            note=ngettext("%(n)s offered", "%(n)s offered", offered) % {"n": said(offered)} if offered else "",
        ),
        _status_tile(address, "waiting", str(STATUS_LABELS[Status.WAITING]), by_status[Status.WAITING], Status.WAITING),
        _status_tile(address, "wrap_up", str(STATUS_LABELS[Status.WRAP_UP]), by_status[Status.WRAP_UP], Status.WRAP_UP),
        _longest_tile(address, counts.longest),
        _unhappy_tile(address, counts.unhappy)
        if reads_sentiment
        else Tile("unhappy", _("Unhappy"), value=NONE, note=_("sentiment is off")),
        Tile(
            "agents",
            _("Available"),
            value=str(staff.available),
            note=_("of %(n)d on shift") % {"n": staff.on_shift},
        ),
    ]


def _status_tile(address: Address, key: str, label: str, number: int, *statuses: Status) -> Tile:
    """A tile that shows these statuses; a click on the current one shows everything ongoing again."""
    wanted = frozenset(statuses)
    is_current = address.filter.tab is Tab.ONGOING and address.filter.statuses == wanted and _is_usual(address)
    target = frozenset[Status]() if is_current else wanted
    return Tile(key, label, value=said(number), url=_ongoing(address, target).url, is_current=is_current)


def _unhappy_tile(address: Address, number: int) -> Tile:
    """The ongoing ones with a negative sentiment (M35); a click on the current one shows the others again."""
    is_current = address.filter.tab is Tab.ONGOING and address.filter.sentiments == UNHAPPY
    wanted = frozenset[Sentiment]() if is_current else UNHAPPY
    filter_ = replace(address.filter, tab=Tab.ONGOING, statuses=frozenset[Status](), sentiments=wanted)
    url = replace(address, filter=filter_, page=1).url
    return Tile("unhappy", _("Unhappy"), value=said(number), note=_("customers"), url=url, is_current=is_current)


def _longest_tile(address: Address, longest: Longest | None) -> Tile:
    is_current = address.filter.statuses == UNANSWERED and address.sort == LONGEST_FIRST
    target = (
        _ongoing(address, frozenset()) if is_current else replace(_ongoing(address, UNANSWERED), sort=LONGEST_FIRST)
    )
    tile = Tile("longest", _("Longest wait"), value=NONE, url=target.url, is_current=is_current)
    if longest is None:
        return replace(tile, note=_("No one is waiting"))
    return _banded(replace(tile, clock=longest.clock, note=longest.queue), longest.clock.band)


def _ongoing(address: Address, statuses: frozenset[Status]) -> Address:
    sort = address.sort if _is_usual(address) else ()
    filter_ = replace(address.filter, tab=Tab.ONGOING, statuses=statuses)
    return replace(address, filter=filter_, sort=sort if address.filter.tab is Tab.ONGOING else (), page=1)


def _is_usual(address: Address) -> bool:
    """Whether this is not the view of the longest wait, which brings an order of its own."""
    return not (address.filter.statuses == UNANSWERED and address.sort == LONGEST_FIRST)


def _banded(tile: Tile, band: str) -> Tile:
    """The tile in the tone of a band, and the word for it: colour never stands alone."""
    if not band:
        return tile
    is_critical = band == Band.CRITICAL
    return replace(
        tile,
        tone="crit" if is_critical else "warn",
        tag=_("Critical") if is_critical else _("At risk"),
        tag_icon="triangle-alert" if is_critical else "circle-alert",
    )
