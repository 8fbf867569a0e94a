"""Is the whole state of the report in its address, and is nonsense there dropped and said?"""

from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.models import Sentiment
from conversations.reports.address import Address, url_of
from conversations.reports.columns import COLUMNS, SortKey, chosen
from conversations.reports.filters import CHANNELS, Filter, Status, Tab, Window
from conversations.reports.params import Ignored, Params
from routing.models import Channel

ids = st.frozensets(st.integers(min_value=1, max_value=10**17), max_size=5)
filters = st.builds(
    Filter,
    tab=st.sampled_from(Tab),
    window=st.sampled_from(Window),
    queues=ids,
    agents=ids,
    unassigned=st.booleans(),
    channels=st.frozensets(st.sampled_from(CHANNELS)),
    statuses=st.frozensets(st.sampled_from(Status)),
    sentiments=st.frozensets(st.sampled_from(Sentiment)),
    search=st.text(max_size=150),
)
keys = st.sampled_from([column.key for column in COLUMNS])
addresses = st.builds(
    Address,
    filter=filters,
    sort=st.lists(st.builds(SortKey, keys, st.booleans()), max_size=2, unique_by=lambda key: key.column).map(tuple),
    columns=st.lists(keys, unique=True).map(chosen),
    page=st.integers(min_value=1, max_value=10**6),
    open=st.none() | st.integers(min_value=1, max_value=10**17),
)


def read(query: str) -> tuple[Address, tuple[Ignored, ...]]:
    """An address as the server reads it."""
    params = Params(parse_qs(query, keep_blank_values=True))
    return Address.parse(params), params.finish()


def query_of(address: Address) -> str:
    return url_of(address.pairs()).partition("?")[2]


@pytest.mark.slow
@given(addresses)
def test_an_address_that_is_written_is_read_back_as_it_was(address: Address) -> None:
    assert read(query_of(address)) == (address, ())


@given(filters)
def test_a_filter_alone_goes_there_and_back(filter_: Filter) -> None:
    params = Params(parse_qs(url_of(filter_.pairs()).partition("?")[2]))

    assert Filter.parse(params) == filter_
    assert params.finish() == ()


names = st.sampled_from(["tab", "window", "queue", "agent", "channel", "status", "sentiment", "q", "sort", "page"])
values = st.text(max_size=30) | st.sampled_from(["closed", "none", "-wait", "7", "99999999999999999999999", "-1", "0"])


@given(st.dictionaries(names | st.sampled_from(["cols", "open"]) | st.text(max_size=5), st.lists(values, max_size=4)))
def test_whatever_stands_in_an_address_is_understood_or_ignored(given_values: dict[str, list[str]]) -> None:
    params = Params(given_values)

    address = Address.parse(params)
    ignored = {(one.name, one.value) for one in params.finish()}

    assert read(query_of(address)) == (address, ())
    for name in set(given_values) - {"q"}:
        for value in filter(None, given_values[name]):
            assert (name, value) in ignored or value in [*dict_of(address).get(name, []), *DEFAULTS.get(name, [])]


DEFAULTS = {"tab": ["ongoing"], "window": ["24h"], "page": ["1"], "cols": [column.key for column in COLUMNS]}


def dict_of(address: Address) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in address.pairs():
        found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(
    ("query", "ignored"),
    [
        ("window=5y", [("window", "5y")]),
        ("tab=open", [("tab", "open")]),
        ("status=active&status=dead", [("status", "dead")]),
        ("channel=record", [("channel", "record")]),
        ("sentiment=6&sentiment=x", [("sentiment", "6"), ("sentiment", "x")]),
        (
            "queue=-1&queue=1.5&queue=999999999999999999999",
            [(name, v) for name, v in [("queue", "-1"), ("queue", "1.5"), ("queue", "9" * 21)]],
        ),
        ("queue=%D9%A1", [("queue", "١")]),
        ("sort=nothing&sort=--wait", [("sort", "nothing"), ("sort", "--wait")]),
        ("sort=wait&sort=-wait&sort=queue&sort=agent", [("sort", "-wait"), ("sort", "agent")]),
        ("cols=secret", [("cols", "secret")]),
        ("page=0", [("page", "0")]),
        ("page=two", [("page", "two")]),
        ("open=x", [("open", "x")]),
        ("window=2h&window=3d", [("window", "2h")]),
        ("quueue=3", [("quueue", "3")]),
        ("q=" + "a" * 101, [("q", "a")]),
        ("tab=&queue=&q=", []),
    ],
)
def test_what_means_nothing_is_dropped_and_named(query: str, ignored: list[tuple[str, str]]) -> None:
    _address, found = read(query)

    assert [(one.name, one.value) for one in found] == ignored


def test_a_search_is_one_clean_line() -> None:
    address, _ignored = read("q=%00 two\n\twords%07 ")

    assert address.filter.search == "two words"


def test_defaults_leave_no_trace_in_the_address() -> None:
    assert Address().url == "/conversations/"
    assert read("tab=ongoing&window=24h&page=1")[0].url == "/conversations/"


def test_a_head_is_clicked_through_its_directions_and_back() -> None:
    address = Address().sorted("wait")
    assert address.sort == (SortKey("wait", descending=True),)

    address = address.sorted("wait")
    assert address.sort == (SortKey("wait"),)

    assert address.sorted("wait").sort == ()


def test_the_column_that_led_becomes_the_second_key() -> None:
    address = Address().sorted("wait").sorted("queue")

    assert address.sort == (SortKey("queue"), SortKey("wait", descending=True))


def test_a_changed_filter_begins_at_the_first_page() -> None:
    address = Address(page=4)

    assert address.filtered(Filter(channels=frozenset({Channel.SMS}))).page == 1
    assert address.sorted("queue").page == 1
