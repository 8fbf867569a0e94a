"""Does the report list what it says it lists, in the order it says, and count the same?"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from conversations.models import Conversation, Sentiment, SupervisorSettings
from conversations.reports import counts, orders
from conversations.reports import ongoing as reports
from conversations.reports.address import Address
from conversations.reports.columns import COLUMNS, order_by
from conversations.reports.durations import NONE, Clock, waiting_since
from conversations.reports.filters import Status
from conversations.reports.ongoing import Report
from conversations.reports.params import Params
from conversations.reports.rows import Row, status_of
from conversations.reports.scope import EVERYTHING
from conversations.services import assignment, closure, messaging, offers, supervision
from routing.models import Agent, BasePresence, Channel, User
from supervisor_console.kernel.actor import Actor
from tests.cast import (
    Floor,
    actor_of,
    at,
    customer_of,
    fresh,
    give_view_all_queues,
    make_agent,
    make_user,
    offer_of,
    set_presence,
)

NOW = at(600)


def look(who: User | Actor, now: datetime = NOW, **values: str | list[str]) -> Report:
    """The report as this person sees it under these parameters."""
    actor = actor_of(who) if isinstance(who, User) else who
    given = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return reports.ongoing(actor, given, now=now)


def ids(report: Report) -> list[int]:
    return [row.id for row in report.rows]


def pks(*conversations: Conversation) -> list[int]:
    return [conversation.pk for conversation in conversations]


def tile(report: Report, key: str) -> str:
    found = next(tile for tile in report.tiles if tile.key == key)
    return found.clock.text if found.clock is not None else found.value


def note(report: Report, key: str) -> str:
    return next(tile.note for tile in report.tiles if tile.key == key)


def tabs(report: Report) -> list[int]:
    return [tab.count for tab in report.tabs]


def created(conversation: Conversation, when: datetime) -> Conversation:
    """The same conversation, begun at another time."""
    Conversation.objects.filter(pk=conversation.pk).update(created_at=when)
    return fresh(conversation)


@pytest.fixture
def each(floor: Floor) -> dict[str, Conversation]:
    """One conversation in every state."""
    return {
        "open": floor.start(now=at(100)),
        "offered": floor.offered(),
        "active": floor.active(),
        "waiting": floor.waiting(),
        "wrap_up": floor.wrap_up(),
        "closed": floor.closed(),
    }


# --- tabs, tiles, statuses --------------------------------------------------------------------------------


def test_ongoing_closed_and_all_show_what_their_counts_say(floor: Floor, each: dict[str, Conversation]) -> None:
    for tab, total in (("ongoing", 5), ("closed", 1), ("all", 6)):
        report = look(floor.sara, tab=tab)

        assert tabs(report) == [5, 1, 6]
        assert len(report.rows) == report.pages.total == total


@pytest.mark.parametrize("status", ["open", "offered", "active", "waiting", "wrap_up"])
def test_a_status_shows_its_own(floor: Floor, each: dict[str, Conversation], status: str) -> None:
    report = look(floor.sara, status=status)

    assert ids(report) == pks(each[status])
    assert report.rows[0].status == status
    assert tabs(report) == [5, 1, 6], "the counters obey every filter but tab and status"


def test_statuses_add_up(floor: Floor, each: dict[str, Conversation]) -> None:
    report = look(floor.sara, status=["active", "offered"])

    assert set(ids(report)) == set(pks(each["active"], each["offered"]))
    assert report.pages.total == 2


def test_no_closed_conversation_is_open(floor: Floor, each: dict[str, Conversation]) -> None:
    report = look(floor.sara, tab="closed", status="open")

    assert ids(report) == []
    assert report.pages.total == 0
    assert [chip.label for chip in report.chips] == ["Status: Open"]


def test_the_tiles_hold_the_metrics(floor: Floor, each: dict[str, Conversation]) -> None:
    report = look(floor.sara)

    figures = {key: tile(report, key) for key in ("ongoing", "open", "active", "waiting", "wrap_up")}
    assert figures == {"ongoing": "5", "open": "1", "active": "2", "waiting": "1", "wrap_up": "1"}
    assert note(report, "active") == "1 offered"
    assert tile(report, "longest") == "10:00", "the offered one began at 0 and is not accepted yet (M4)"
    assert note(report, "longest") == "Billing"


def test_every_tile_leads_to_as_many_rows_as_it_says(floor: Floor, each: dict[str, Conversation]) -> None:
    for shown in look(floor.sara).tiles:
        if shown.url and shown.clock is None:
            assert len(follow(floor.sara, shown.url).rows) == int(shown.value), shown.key


def test_the_longest_wait_leads_to_the_one_that_waits(floor: Floor, each: dict[str, Conversation]) -> None:
    longest = next(tile for tile in look(floor.sara).tiles if tile.key == "longest")

    first = follow(floor.sara, longest.url).rows[0]

    assert first.id == each["offered"].pk
    assert longest.clock is not None
    assert first.wait == longest.clock


def test_a_current_tile_leads_back_to_everything(floor: Floor, each: dict[str, Conversation]) -> None:
    chosen = next(tile for tile in look(floor.sara, status="open").tiles if tile.is_current)

    assert chosen.key == "open"
    assert len(follow(floor.sara, chosen.url).rows) == 5


def follow(who: User, url: str) -> Report:
    """The report behind one of its own links."""
    report = reports.ongoing(actor_of(who), parse_qs(url.partition("?")[2]), now=NOW)
    assert report.ignored == ""
    return report


def test_agents_available_and_on_shift_are_counted(floor: Floor) -> None:
    set_presence(floor.boris, BasePresence.AWAY)
    set_presence(floor.cene, BasePresence.OFFLINE)
    make_agent("robot", floor.billing, is_bot=True)

    report = look(floor.sara)

    assert (tile(report, "agents"), note(report, "agents")) == ("1", "of 2 on shift")


def test_agents_of_the_chosen_queue_are_counted(floor: Floor) -> None:
    report = look(floor.sara, queue=str(floor.returns.pk))

    assert (tile(report, "agents"), note(report, "agents")) == ("1", "of 1 on shift")


# --- window -------------------------------------------------------------------------------------------------


def test_older_ones_are_hidden_and_counted(floor: Floor) -> None:
    recent = floor.start()
    old = created(floor.start(), NOW - timedelta(hours=25))
    report = look(floor.sara)

    assert ids(report) == pks(recent)
    assert report.older == "1 older ongoing one is hidden, show"
    assert set(ids(follow(floor.sara, report.older_url))) == set(pks(recent, old))
    assert follow(floor.sara, report.older_url).older == ""


@pytest.mark.parametrize(
    ("window", "hours"), [("2h", 2), ("24h", 24), ("3d", 72), ("30d", 720)], ids=["2h", "24h", "3d", "30d"]
)
def test_a_window_begins_at_its_length(floor: Floor, window: str, hours: int) -> None:
    inside = created(floor.start(), NOW - timedelta(hours=hours))
    created(floor.start(), NOW - timedelta(hours=hours, seconds=1))

    assert ids(look(floor.sara, window=window)) == pks(inside)


def test_today_begins_at_midnight_of_the_centre(floor: Floor) -> None:
    midnight = timezone.localtime(NOW).replace(hour=0, minute=0, second=0, microsecond=0)
    inside = created(floor.start(), midnight)
    created(floor.start(), midnight - timedelta(seconds=1))

    assert ids(look(floor.sara, window="today")) == pks(inside)


# --- filters ------------------------------------------------------------------------------------------------


def test_queue_channel_and_sentiment_filter(floor: Floor) -> None:
    chat, call = floor.start(), floor.start(Channel.VOICE)
    Conversation.objects.filter(pk=call.pk).update(sentiment=Sentiment.NEGATIVE)

    assert ids(look(floor.sara, queue=str(floor.calls.pk))) == pks(call)
    assert ids(look(floor.sara, channel="live_chat")) == pks(chat)
    assert ids(look(floor.sara, sentiment="8")) == pks(call)
    assert set(ids(look(floor.sara, channel=["live_chat", "voice"]))) == set(pks(chat, call))
    assert ids(look(floor.sara, channel="live_chat", sentiment="8")) == []


def test_the_counters_obey_the_filters(floor: Floor, each: dict[str, Conversation]) -> None:
    call = floor.start(Channel.VOICE)

    report = look(floor.sara, channel="voice")

    assert ids(report) == pks(call)
    assert tabs(report) == [1, 0, 1]
    assert tile(report, "open") == "1"
    assert tile(report, "active") == "0"


def test_an_agent_is_found_by_what_they_have_and_had(floor: Floor, each: dict[str, Conversation]) -> None:
    floor.active(by=floor.boris)

    ongoing = look(floor.sara, agent=str(floor.ana.pk))
    closed = look(floor.sara, tab="closed", agent=str(floor.ana.pk))

    assert set(ids(ongoing)) == set(pks(*(each[state] for state in ("offered", "active", "waiting", "wrap_up"))))
    assert ids(closed) == pks(each["closed"])


def test_those_of_nobody_are_found(floor: Floor, each: dict[str, Conversation]) -> None:
    theirs = floor.active(by=floor.boris)

    assert ids(look(floor.sara, agent="none")) == pks(each["open"])
    assert set(ids(look(floor.sara, agent=["none", str(floor.boris.pk)]))) == set(pks(each["open"], theirs))


@pytest.mark.parametrize(
    ("search", "finds"),
    [
        ("refund", True),
        ("REFUND", True),
        ("šumnik", True),
        ("ŠUMNIK", True),
        ("maja", True),
        ("refund maja", True),
        ("ana", True),
        ("ana test", True),
        ("refund boris", False),
        ("100%", True),
        ("%", True),
        ("_", False),
        ("' OR 1=1 --", False),
    ],
)
def test_search_looks_at_subject_customer_and_agent(floor: Floor, search: str, finds: bool) -> None:
    conversation = floor.active()
    Conversation.objects.filter(pk=conversation.pk).update(subject="Refund of 100% for a Šumnik")

    report = look(floor.sara, q=search)

    assert ids(report) == (pks(conversation) if finds else [])
    assert tabs(report)[0] == len(report.rows)


@pytest.mark.parametrize("window", ["24h", "all"])
def test_a_search_counts_as_the_list_without_one_does(floor: Floor, each: dict[str, Conversation], window: str) -> None:
    back = floor.active(by=floor.boris)
    closure.close_session(actor_of(floor.boris), back.pk, now=at(500))
    Conversation.objects.filter(pk=each["active"].pk).update(sentiment=Sentiment.NEGATIVE)
    created(floor.start(), NOW - timedelta(hours=25))
    Conversation.objects.update(subject="Refund")

    plain, searched = look(floor.sara, window=window), look(floor.sara, window=window, q="refund")

    assert tabs(searched) == tabs(plain)
    assert [(one.key, one.value, one.note, one.clock, one.note_clock, one.tone) for one in searched.tiles] == [
        (one.key, one.value, one.note, one.clock, one.note_clock, one.tone) for one in plain.tiles
    ]
    assert searched.older == plain.older


def test_an_agent_who_gave_it_back_is_not_found(floor: Floor) -> None:
    conversation = floor.active()
    closure.close_session(actor_of(floor.ana), conversation.pk, now=at(40))  # A live chat goes back to the queue.

    assert fresh(conversation).last_agent == floor.ana
    assert ids(look(floor.sara, q="ana")) == []
    assert ids(look(floor.sara, agent=str(floor.ana.pk))) == []


def test_unknown_queues_and_agents_are_dropped_and_named(floor: Floor) -> None:
    conversation = floor.start()

    report = look(floor.sara, queue=["9999", str(floor.billing.pk)], agent="8888", window="5y")

    assert ids(report) == pks(conversation)
    for name in ("queue=9999", "agent=8888", "window=5y"):
        assert name in report.ignored


def test_a_page_beyond_the_last_shows_the_last(floor: Floor) -> None:
    conversation = floor.start()

    report = look(floor.sara, page="7")

    assert ids(report) == pks(conversation)
    assert report.ignored.endswith("page=7")


# --- order --------------------------------------------------------------------------------------------------


def test_nobodys_come_first_longest_waiting_then_longest_in_their_state(floor: Floor) -> None:
    active = floor.active()  # since 20
    later, earlier = floor.start(now=at(90)), floor.start(now=at(50))
    offered = floor.offered()  # since 10

    assert ids(look(floor.sara)) == pks(earlier, later, offered, active)


def test_closed_ones_come_newest_first(floor: Floor) -> None:
    first = floor.closed()
    second = floor.wrap_up(by=floor.boris)
    closure.finish_wrap_up(actor_of(floor.boris), second.pk, now=at(300))

    assert ids(look(floor.sara, tab="closed")) == pks(second, first)


@pytest.mark.slow
@pytest.mark.parametrize("tab", ["ongoing", "closed", "all"])
def test_every_column_sorts_both_ways_and_loses_nothing(floor: Floor, each: dict[str, Conversation], tab: str) -> None:
    floor.start(now=at(100))  # The twin of the open one.
    expected = set(ids(look(floor.sara, tab=tab)))

    for column in COLUMNS:
        for sort in (column.key, f"-{column.key}"):
            found = ids(look(floor.sara, tab=tab, sort=sort))
            assert set(found) == expected, sort
            assert found == ids(look(floor.sara, tab=tab, sort=sort)), f"{sort}: twins keep their places"


def shown(report: Report, name: str) -> list[str]:
    return [getattr(row, name) for row in report.rows]


def test_text_sorts_without_case_and_empty_values_stand_last(floor: Floor) -> None:
    subjects = ["beta", "Alpha", "gamma"]
    for subject in subjects:
        Conversation.objects.filter(pk=floor.start().pk).update(subject=subject)
    Conversation.objects.filter(pk=floor.active(by=floor.boris).pk).update(subject="omega")

    assert shown(look(floor.sara, sort="subject"), "subject") == ["Alpha", "beta", "gamma", "omega"]
    assert shown(look(floor.sara, sort="-subject"), "subject") == ["omega", "gamma", "beta", "Alpha"]
    assert shown(look(floor.sara, sort="agent"), "agent")[0] == "Boris Test"
    assert shown(look(floor.sara, sort="-agent"), "agent")[0] == "Boris Test"


def test_status_sorts_along_the_life_of_a_conversation(floor: Floor, each: dict[str, Conversation]) -> None:
    report = look(floor.sara, tab="all", sort="status")

    assert shown(report, "status") == ["open", "offered", "active", "waiting", "wrap_up", "closed"]


def seconds(text: str) -> int:
    """The length that a clock shows; none counts as -1."""
    if text == NONE:
        return -1
    return sum(int(part) * 60**place for place, part in enumerate(reversed(text.split(":"))))


@pytest.mark.parametrize("key", ["wait", "handle"])
def test_times_sort_by_what_they_show(floor: Floor, each: dict[str, Conversation], key: str) -> None:
    back = floor.active(by=floor.boris)
    closure.close_session(actor_of(floor.boris), back.pk, now=at(500))

    lengths = [seconds(getattr(row, key).text) for row in look(floor.sara, tab="all", sort=f"-{key}").rows]

    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) > 2


def test_a_second_key_decides_between_equals(floor: Floor) -> None:
    first, second = floor.start(now=at(10)), floor.start(now=at(20))
    call = floor.start(Channel.VOICE, now=at(5))

    assert ids(look(floor.sara, sort=["queue", "wait"])) == pks(second, first, call)
    assert ids(look(floor.sara, sort=["queue", "-wait"])) == pks(first, second, call)


def test_what_the_database_computes_is_what_a_row_says(floor: Floor, each: dict[str, Conversation]) -> None:
    back = floor.active(by=floor.boris)
    closure.close_session(actor_of(floor.boris), back.pk, now=at(500))

    for one in Conversation.objects.all():
        assert one.holder == (one.agent_id if one.agent_id is not None else one.shown_last_agent_id), one.state
        assert one.standing == int(one.state != "open")
        assert one.standing_since == (waiting_since(one) if one.state == "open" else one.state_changed_at)
        assert [*(status.value for status in Status), "closed"][one.status_place] == status_of(one)[0]


@pytest.mark.parametrize("key", ["status", "channel", "priority", "-transfers", "subject"])
def test_the_other_way_round_is_the_reverse(floor: Floor, each: dict[str, Conversation], key: str) -> None:
    floor.start(now=at(100))  # The twin of the open one.
    other = key.removeprefix("-") if key.startswith("-") else f"-{key}"

    assert ids(look(floor.sara, sort=other)) == ids(look(floor.sara, sort=key))[::-1]


# --- what a row says -----------------------------------------------------------------------------------------


def only(report: Report) -> Row:
    assert len(report.rows) == 1
    return report.rows[0]


def test_the_wait_runs_until_the_first_acceptance_with_the_bands_of_its_queue(floor: Floor) -> None:
    floor.start()  # Billing: at risk after 60 s, critical after 300 s.

    assert (only(look(floor.sara, at(59))).wait.text, only(look(floor.sara, at(59))).wait.band) == ("0:59", "")
    assert only(look(floor.sara, at(60))).wait.band == "warn"
    wait = only(look(floor.sara, at(300))).wait
    assert (wait.text, wait.band, wait.since) == ("5:00", "urgent", at(0).isoformat())


def test_the_wait_rests_after_the_first_acceptance(floor: Floor) -> None:
    floor.active()

    assert only(look(floor.sara)).wait == Clock("0:20")


def test_the_wait_runs_again_when_nobody_has_it_any_more(floor: Floor) -> None:
    chat = floor.active()
    closure.close_session(actor_of(floor.ana), chat.pk, now=at(100))

    report = look(floor.sara, at(160))

    assert (only(report).wait.text, only(report).wait.since) == ("1:00", at(100).isoformat())
    assert tile(report, "longest") == "1:00"
    assert only(report).handle == Clock("1:20"), "handled from 20 to 100, and resting"


def test_handle_time_runs_while_somebody_has_it(floor: Floor) -> None:
    floor.active()

    handle = only(look(floor.sara)).handle

    assert (handle.text, handle.since) == ("9:40", at(20).isoformat())


def test_the_row_shows_the_agent_with_presence(floor: Floor) -> None:
    floor.waiting()
    set_presence(floor.ana, BasePresence.BUSY_DND, now=at(100))

    row = only(look(floor.sara))

    assert (row.agent, row.agent_initials, row.presence) == ("Ana Test", "AT", "dnd")
    assert row.holder_id == "", "nobody is primary while it waits"


def badges(report: Report) -> list[str]:
    return [badge.text for badge in only(report).badges]


def test_a_row_says_who_watches_and_who_joined(floor: Floor) -> None:
    chat = floor.active()
    second = make_user("sonja", *actor_of(floor.sara).roles)
    supervision.monitor(actor_of(floor.sara), chat.pk, now=at(30))
    give_view_all_queues(second)
    supervision.monitor(actor_of(second), chat.pk, now=at(31))
    assert badges(look(floor.sara)) == ["2 watching"]
    assert only(look(floor.sara)).badges[0].title == "Sara Test, Sonja Test"

    supervision.join(actor_of(second), chat.pk, now=at(32))
    assert badges(look(floor.sara)) == ["1 joined", "1 watching"]


def test_a_row_says_what_became_of_an_offer(floor: Floor) -> None:
    chat = floor.offered()
    assert badges(look(floor.sara)) == []

    offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(15))
    assert badges(look(floor.sara)) == ["Rejected"]
    assert only(look(floor.sara)).badges[0].title == "Ana Test rejected the offer"


def test_a_row_says_that_a_transfer_is_pending_and_for_a_while_that_it_failed(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    assert badges(look(floor.sara)) == ["Transfer to Boris Test"]

    offers.reject(actor_of(floor.boris), offer_of(chat).pk, now=at(40))
    assert badges(look(floor.sara)) == ["Transfer failed"]
    assert badges(look(floor.sara, at(40 + 16 * 60))) == []


# --- scope ----------------------------------------------------------------------------------------------------


def test_a_supervisor_of_some_queues_sees_and_counts_these_only(floor: Floor, each: dict[str, Conversation]) -> None:
    call = floor.start(Channel.VOICE)
    created(floor.start(Channel.VOICE), NOW - timedelta(days=2))

    report = look(floor.stefan)

    assert call.pk not in ids(report)
    assert tabs(report) == [5, 1, 6]
    assert report.older == ""
    assert report.scope == "your queues: Billing"
    assert "Calls" not in [option.label for group in report.groups if group.name == "queue" for option in group.options]
    assert look(floor.sara).scope == "all queues"


def test_a_queue_out_of_scope_is_as_unknown_as_one_that_is_not_there(floor: Floor) -> None:
    floor.start()
    floor.start(Channel.VOICE)

    there, nowhere = (look(floor.stefan, queue=str(pk)) for pk in (floor.calls.pk, 9999))

    assert there.ignored.replace(str(floor.calls.pk), "9999") == nowhere.ignored
    assert ids(there) == ids(nowhere)


def test_searching_and_opening_reach_no_further_than_the_scope(floor: Floor) -> None:
    call = floor.start(Channel.VOICE)

    assert ids(look(floor.stefan, q="maja")) == []
    assert look(floor.stefan, open=str(call.pk)).panel is None
    assert look(floor.stefan, open=str(call.pk)).ignored.endswith(f"open={call.pk}")
    assert look(floor.sara, open=str(call.pk)).panel is not None


def test_records_are_not_in_this_report(floor: Floor) -> None:
    Conversation.objects.filter(pk=floor.start().pk).update(channel=Channel.RECORD)

    report = look(floor.sara, tab="all", window="all")

    assert ids(report) == []
    assert tabs(report) == [0, 0, 0]


# --- why not ----------------------------------------------------------------------------------------------------


def refusals(row: Row) -> dict[str, str]:
    return {verb: no["code"] for verb, no in json.loads(row.refusals).items()}


def test_a_row_knows_why_not(floor: Floor, each: dict[str, Conversation]) -> None:
    said = {row.id: refusals(row) for row in look(floor.sara, tab="all").rows}

    assert said[each["open"].pk] == {"monitor": "state_open", "transfer": "state_open"}
    assert said[each["offered"].pk] == {"monitor": "awaiting_acceptance", "assign": "already_assigned"}
    assert said[each["active"].pk] == {"assign": "already_assigned"}
    assert said[each["waiting"].pk] == {"assign": "state_not_open"}
    assert said[each["wrap_up"].pk] == {"assign": "state_not_open", "transfer": "state_wrap_up"}
    assert set(said[each["closed"].pk].values()) == {"state_closed"}


def test_a_row_knows_a_switch_that_is_off_at_once(floor: Floor) -> None:
    floor.active()
    SupervisorSettings.objects.update(force_close_enabled=False)

    assert refusals(only(look(floor.sara)))["force_close"] == "setting_off:force_close"


def test_a_pending_transfer_is_named(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))

    row = only(look(floor.sara))

    assert refusals(row)["transfer"] == "transfer_pending"
    assert "Boris Test" in row.refusals


# --- empty ------------------------------------------------------------------------------------------------------


def empty(report: Report) -> tuple[str, bool]:
    assert report.empty is not None
    return report.empty.title, report.empty.good


def test_nothing_yet_and_nothing_matches_are_told_apart(floor: Floor) -> None:
    assert empty(look(floor.sara)) == ("Nothing yet", False)

    floor.start()
    report = look(floor.sara, q="nowhere")
    assert empty(report) == ("Nothing matches", False)
    assert report.empty is not None
    assert len(follow(floor.sara, report.empty.url).rows) == 1


def test_an_empty_queue_is_good_news(floor: Floor) -> None:
    floor.active()

    report = look(floor.sara, status="open")

    assert empty(report) == ("No one is waiting", True)
    assert report.empty is not None
    assert report.empty.text.startswith("The last one was answered at ")


def test_a_window_that_hides_everything_says_so(floor: Floor) -> None:
    created(floor.start(), NOW - timedelta(days=2))

    assert empty(look(floor.sara)) == ("Nothing in this window", False)


# --- pages ------------------------------------------------------------------------------------------------------


def many(floor: Floor, number: int) -> list[Conversation]:
    return [floor.start(now=at(place)) for place in range(number)]


def test_pages_follow_each_other_without_a_gap(floor: Floor) -> None:
    conversations = many(floor, 103)

    pages = [look(floor.sara, page=str(number)) for number in (1, 2, 3)]

    assert [pk for page in pages for pk in ids(page)] == pks(*conversations)
    assert [(page.pages.first, page.pages.last, page.pages.total) for page in pages] == [
        (1, 50, 103),
        (51, 100, 103),
        (101, 103, 103),
    ]
    assert pages[0].pages.previous_url == ""
    assert pages[2].pages.next_url == ""


def test_another_message_changes_nothing_in_the_order(floor: Floor) -> None:
    first, second = floor.start(now=at(10)), floor.start(now=at(20))
    messaging.receive(customer_of(second), second.pk, text="Still there?", now=at(30))

    assert ids(look(floor.sara)) == pks(first, second)


def names(agents: Iterable[Agent]) -> set[str]:
    return {agent.name for agent in agents}


def test_every_agent_can_be_asked_for(floor: Floor) -> None:
    group = next(group for group in look(floor.sara).groups if group.name == "agent")

    assert names([floor.ana, floor.boris, floor.cene]) < {option.label for option in group.options}


# --- many ---------------------------------------------------------------------------------------------------------


def test_more_than_are_counted_is_said_everywhere(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "LIMIT", 3)
    for _ in range(4):
        created(floor.start(), NOW - timedelta(hours=25))
        Conversation.objects.filter(pk=floor.start(now=at(10)).pk).update(sentiment=Sentiment.NEGATIVE)
    for _ in range(2):
        floor.closed()

    report = look(floor.sara)

    assert [tab.said for tab in report.tabs] == ["3+", "2", "3+"]
    assert {key: tile(report, key) for key in ("ongoing", "open", "active", "unhappy")} == {
        "ongoing": "3+",
        "open": "3+",
        "active": "0",
        "unhappy": "3+",
    }
    assert report.older == "3+ older ongoing ones are hidden, show"


def test_a_number_at_the_limit_is_exact(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "LIMIT", 3)
    for _ in range(3):
        floor.start()

    report = look(floor.sara)

    assert [tab.said for tab in report.tabs] == ["3", "0", "3"]
    assert report.pages.of == "3"


def test_pages_beyond_what_is_counted_go_on_to_the_last(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations = many(floor, 103)
    monkeypatch.setattr(counts, "LIMIT", 20)

    pages = [look(floor.sara, page=str(number)) for number in (1, 2, 3)]

    assert [pk for page in pages for pk in ids(page)] == pks(*conversations)
    assert [page.pages.of for page in pages] == ["more than 50", "more than 100", "103"]
    assert [bool(page.pages.next_url) for page in pages] == [True, True, False]
    assert [link.label for link in pages[1].pages.pages] == ["1", "2", "3", "…"]
    assert [tab.said for tab in pages[2].tabs] == ["20+", "0", "20+"], "tabs and tiles do not change with the page"
    beyond = look(floor.sara, page="9")
    assert ids(beyond) == ids(pages[2])
    assert beyond.ignored.endswith("page=9")


@pytest.mark.slow
@pytest.mark.parametrize("second", ["", "-wait", "queue"])
def test_a_page_that_is_put_together_is_the_plain_order(
    floor: Floor, each: dict[str, Conversation], second: str
) -> None:
    """Whatever walks find it, a page is what the columns' own values say, sorted all at once."""
    for place in range(3):
        floor.start(now=at(100 + place // 2))  # Twins among them.
    back = floor.active(by=floor.boris)
    closure.close_session(actor_of(floor.boris), back.pk, now=at(500))
    Conversation.objects.filter(pk=each["active"].pk).update(sentiment=0, unanswered_since=at(200))
    Conversation.objects.filter(pk=each["waiting"].pk).update(handled=timedelta(minutes=9), sentiment=7)
    created(each["offered"], NOW - timedelta(days=2))
    visible = Conversation.objects.all()
    for column in COLUMNS:
        for lead in (column.key, f"-{column.key}"):
            values = {"sort": [lead, *([second] if second.lstrip("-") not in ("", column.key) else [])]}
            address = Address.parse(Params(values))
            plain = address.filter.shown(visible, NOW).order_by(*order_by(address.sort, address.filter.tab, NOW))
            for page in (1, 2, 3):
                at_page = replace(address, page=page)
                expected = [one.pk for one in plain[(page - 1) * 4 : page * 4]]
                assert orders.page_ids(EVERYTHING, at_page, NOW, 4) == expected, f"{values}, page {page}"
                known = orders.page_ids(EVERYTHING, at_page, NOW, 4, found={one.pk for one in plain})
                assert known == expected, f"{values}, page {page}, of those that are known"


@pytest.mark.parametrize("asked", [{}, {"status": ["waiting", "active"]}, {"window": "all"}, {"tab": "closed"}])
def test_a_search_lists_what_its_counters_found_whether_they_are_few_or_many(
    floor: Floor, each: dict[str, Conversation], monkeypatch: pytest.MonkeyPatch, asked: dict[str, str | list[str]]
) -> None:
    Conversation.objects.update(subject="Invoice")
    created(each["waiting"], NOW - timedelta(days=2))
    values = {"q": "voice", **asked}
    few = look(floor.sara, NOW, **values)
    monkeypatch.setattr(counts, "MANY", 1)
    monkeypatch.setattr(orders, "MANY", 1)

    assert ids(look(floor.sara, NOW, **values)) == ids(few)
    assert len(few.rows) == few.pages.total > 0
