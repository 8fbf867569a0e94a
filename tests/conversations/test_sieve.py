"""Whenever a change moves the beginning of a list, does the sieve say that it may have? It decides without the list."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

from conversations.consumers.looking import Job, Known, Look, Reader, look_at
from conversations.events import ConversationEvent
from conversations.models import Conversation, Sentiment, State, StateReason
from conversations.reports import live, sieve
from conversations.reports.address import Address
from conversations.reports.columns import COLUMNS, SortKey
from conversations.reports.concern import Happening, happening_of, interest_of
from conversations.reports.filters import Filter, Status, Tab, Window
from conversations.reports.live import View
from conversations.reports.orders import page_ids
from conversations.reports.params import Params
from conversations.reports.scope import EVERYTHING
from conversations.reports.sieve import Order, OrderKey, facts_of, may_move
from conversations.reports.source import order_key
from conversations.services import assignment, closure, intake, messaging, offers
from routing.models import Channel
from supervisor_console.kernel.realtime import Frame
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of

CASES = int(os.environ.get("SIEVE", "120"))
"""How many cases are played; more of them by ``SIEVE=5000``."""

NOW = at(600)
ROWS = 7
LIMIT = 3
"""The beginnings that are kept here; so few that what is written reaches behind them, too."""

moments = st.integers(0, 8).map(lambda step: at(60 * step))
maybe = st.none() | moments


@st.composite
def rows(draw: st.DrawFn) -> dict[str, Any]:
    """The columns of a conversation, as the constraints allow them; moments and numbers often the same."""
    state = draw(st.sampled_from([State.OPEN, State.ACTIVE, State.WAITING, State.WRAP_UP, State.CLOSED]))
    waited = draw(moments) if state == State.OPEN else draw(maybe)
    accepted = draw(st.none() | moments.map(lambda moment: max(moment, waited))) if waited is not None else None
    is_held = state in (State.ACTIVE, State.WRAP_UP)
    talking = [StateReason.IN_CONVERSATION, StateReason.AWAITING_AGENT_ACCEPTANCE]
    return {
        "state": state,
        "reason": draw(st.sampled_from(talking)) if state == State.ACTIVE else StateReason.AWAITING_AGENT_ASSIGNMENT,
        "agent": draw(st.sampled_from(["ana", "boris"])) if is_held else None,
        "last_agent": draw(st.sampled_from([None, "ana", "boris"])),
        "queue": draw(st.sampled_from(["billing", "returns"])),
        "channel": Channel.PERSISTENT_CHAT if state == State.WAITING else draw(st.sampled_from([*Channel])),
        "subject": draw(st.sampled_from(["Bill", "bill", "Zebra", "Änderung"])),
        "sentiment": draw(st.sampled_from([*Sentiment])),
        "priority": draw(st.integers(1, 3)),
        "transfer_count": draw(st.integers(0, 2)),
        "created_at": draw(moments),
        "first_wait_started_at": waited,
        "accepted_at": accepted,
        "state_changed_at": draw(moments),
        "last_activity_at": draw(moments),
        "unanswered_since": draw(maybe),
        "handled": timedelta(minutes=draw(st.integers(0, 3))),
        "handling_since": draw(maybe) if is_held else None,
        "wrapup_started_at": at(0) if state == State.WRAP_UP else None,
        "closed_at": draw(moments) if state == State.CLOSED else None,
        "holds_capacity": is_held,
    }


sorts = st.lists(
    st.builds(SortKey, st.sampled_from([column.key for column in COLUMNS]), st.booleans()),
    max_size=2,
    unique_by=lambda key: key.column,
).map(tuple)


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    """A filter that restricts one thing or nothing, so that something passes it."""
    tab = draw(st.sampled_from([Tab.ONGOING, Tab.ONGOING, Tab.ALL, Tab.CLOSED]))
    window = draw(st.sampled_from([Window.ALL, Window.ALL, Window.TWO_HOURS]))
    whole = Filter(tab=tab, window=window)
    match draw(st.sampled_from(["", "", "", "queue", "agent", "channel", "status", "sentiment", "search"])):
        case "queue":
            return replace(whole, queues=frozenset({1}))  # The first queue of the floor.
        case "agent":
            return replace(whole, agents=frozenset({1}), unassigned=draw(st.booleans()))
        case "channel":
            return replace(whole, channels=frozenset(draw(st.sets(st.sampled_from([*Channel]), min_size=1))))
        case "status":
            return replace(whole, statuses=frozenset(draw(st.sets(st.sampled_from([*Status]), min_size=1))))
        case "sentiment":
            return replace(whole, sentiments=frozenset(draw(st.sets(st.sampled_from([*Sentiment]), min_size=1))))
        case "search":
            return replace(whole, search="bill")
    return whole


@dataclass(frozen=True)
class Case:
    """What is there, what is shown of it, and what one of them becomes (or a new one is)."""

    before: list[dict[str, Any]]
    address: Address
    which: int
    after: dict[str, Any]


cases = st.builds(
    Case,
    st.lists(rows(), min_size=ROWS, max_size=ROWS),
    st.builds(Address, filter=filters(), sort=sorts),
    st.integers(0, ROWS),
    rows(),
)


class Stage:
    """Plays a case on a floor whose conversations it may dress as it likes."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.ids = [floor.start().pk for _ in range(ROWS + 1)]
        self.spared = self.moved = 0

    def dress(self, pk: int, values: dict[str, Any]) -> None:
        agents = {"ana": self.floor.ana.pk, "boris": self.floor.boris.pk, None: None}
        columns = dict(values)
        queue = {"billing": self.floor.billing, "returns": self.floor.returns}[columns.pop("queue")]
        columns |= {"queue_id": queue.pk, "agent_id": agents[columns.pop("agent")]}
        columns["last_agent_id"] = agents[columns.pop("last_agent")]
        Conversation.objects.filter(pk=pk).update(**columns)

    def placed(self, address: Address) -> Address:
        """With the ids of this floor."""
        filter_ = address.filter
        queues = frozenset({self.floor.billing.pk}) if filter_.queues else filter_.queues
        agents = frozenset({self.floor.ana.pk}) if filter_.agents else filter_.agents
        return replace(address, filter=replace(filter_, queues=queues, agents=agents))

    def ids_of(self, address: Address) -> list[int]:
        return page_ids(EVERYTHING, address, NOW, LIMIT)

    def play(self, case: Case) -> None:
        """Whatever moved was not spared."""
        with transaction.atomic():
            for pk, values in zip(self.ids, case.before, strict=False):
                self.dress(pk, values)
            newcomer = self.ids[-1]
            Conversation.objects.filter(pk=newcomer).update(channel=Channel.RECORD)  # Not there yet.
            address = self.placed(case.address)
            ids = self.ids_of(address)
            order = Order(tuple(ids), LIMIT, interest_of(EVERYTHING, address), frozenset(ids), NOW)
            touched = self.ids[case.which]
            self.dress(touched, case.after)
            what = Happening(touched, is_line=False, queues=frozenset())
            lasts = [order.last] if order.last is not None else []
            is_suspected = may_move(
                OrderKey(EVERYTHING, address.filter, address.sort), order, what, facts_of({touched, *lasts}), NOW
            )
            is_moved = self.ids_of(address) != ids
            transaction.set_rollback(True)
        self.spared += not is_suspected
        self.moved += is_moved
        assert is_suspected or not is_moved, f"{address} was spared"


def played(stage: Stage, examples: int) -> None:
    """So many cases, the same each time."""

    @seed(20)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
        report_multiple_bugs=False,
    )
    @given(cases)
    def test(case: Case) -> None:
        stage.play(case)

    test()


@pytest.mark.slow
def test_whatever_moves_the_beginning_of_a_list_is_suspected(floor: Floor) -> None:
    stage = Stage(floor)

    played(stage, CASES)

    assert stage.moved > 20, "much moved"
    assert stage.spared > 20, "and much was spared"


@contextmanager
def _wrong(monkeypatch: pytest.MonkeyPatch, name: str, by: Callable[..., object]) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(sieve, name, by)
        yield


_honest: Callable[..., bool] = sieve.is_behind

WRONG: dict[str, tuple[str, Callable[..., object]]] = {
    "nothing passes": ("may_pass", lambda *_: False),
    "all is behind": ("is_behind", lambda *_: True),
    "the other way round": ("is_behind", lambda row, last, sort, tab, now: _honest(last, row, sort, tab, now)),
    "the default order alone": ("is_behind", lambda row, last, sort, tab, now: _honest(row, last, (), tab, now)),
    "every column rises": ("_falling", lambda sort, tab: (False,) * (len(sort) + len(sieve.DEFAULTS[tab]))),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_sieve_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """The control: a sieve that spares too much loses a change, and the cases above show it."""
    stage = Stage(floor)

    with _wrong(monkeypatch, *WRONG[fault]), pytest.raises((AssertionError, FlakyFailure), match="spared"):
        played(stage, 120)


# --- what a process keeps ---------------------------------------------------------------------------------------------


class Process:
    """Reads views as a server process does, round after round, and keeps what it knows."""

    def __init__(self, floor: Floor, *queries: str) -> None:
        self.views = [View(0, query, "en") for query in queries]
        self.known = Known()
        self.looks: dict[View, Look] = {}
        self._user = floor.sara.pk
        self.round(is_check=True)

    def hear(self, event: ConversationEvent, *queues: int) -> None:
        topics = frozenset({"report:all", *(f"report:queue:{queue}" for queue in queues)})
        frame: Frame = {"type": "event", "code": event.code, "conversation": event.conversation_id}
        self.known.forget(happening_of(topics, frame))

    def round(self, *, is_check: bool = False, meanwhile: Callable[[], object] = lambda: None) -> None:
        before = {view: look.snapshot for view, look in self.looks.items()}
        jobs = [
            Job(view, Reader(view, self._user), before.get(view), frozenset({""}), None, is_check)
            for view in self.views
        ]

        def tell(job: Job, look: Look | None) -> None:
            assert look is not None
            self.looks[job.view] = look

        found = look_at(jobs, self.known.begin(), tell)
        meanwhile()
        looks = self.looks.values()
        shown = frozenset[int]().union(*(look.snapshot.rows for look in looks))
        self.known.take(found, shown, frozenset(look.order for look in looks))

    def order(self) -> Order:
        return self.known._orders[self.looks[self.views[0]].order]

    def false(self) -> list[str]:
        """The views that look otherwise when nothing is kept."""
        now = timezone.now()
        honest = {view: live.read(EVERYTHING, view, now=now, before=None).snapshot for view in self.views}
        return [view.query for view, snapshot in honest.items() if self.looks[view].snapshot != snapshot]


SORTED = [f"window=all&sort={'-' * (place % 2)}{column.key}" for place, column in enumerate(COLUMNS)]
NARROW = ["", "tab=closed", "status=open", "status=active", "status=open&status=offered", "agent=none", "q=hello"]


@pytest.mark.slow
def test_what_is_kept_shows_what_is_read_afresh(floor: Floor) -> None:
    """After each deed every view of a process is as if it had been read for the first time."""
    sara, ana = actor_of(floor.sara), actor_of(floor.ana)
    floor.active()
    one = floor.start()
    process = Process(floor, *SORTED, *(f"window=all&{query}" for query in NARROW), f"queue={floor.returns.pk}")

    def follow(event: ConversationEvent, *queues: int) -> None:
        process.hear(event, *queues)
        process.round()
        assert process.false() == [], event.code

    billing, returns = floor.billing.pk, floor.returns.pk
    follow(intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hello", queue_id=billing), billing)
    follow(messaging.receive(customer_of(one), one.pk, text="Hello?"), billing)
    version = fresh(one).version
    moved = assignment.assign_to_queue(sara, one.pk, queue_id=returns, version=version, confirmed=EVERY_CAUTION)
    follow(moved, billing, returns)
    offered = assignment.assign(sara, one.pk, agent_id=floor.ana.pk, version=moved.version, confirmed=EVERY_CAUTION)
    follow(offered, returns)
    follow(offers.accept(ana, offer_of(one).pk), returns)
    follow(closure.force_close(sara, one.pk, version=fresh(one).version, confirmed=EVERY_CAUTION), returns)


def test_a_list_that_a_change_cannot_have_moved_is_not_read_again(floor: Floor) -> None:
    floor.active()
    process = Process(floor, "window=all&status=active")
    before = process.order()

    process.hear(intake.start(workstream_id=floor.chat.pk, name="Maja", text="Hello", queue_id=floor.billing.pk))
    process.round()
    spared = process.order()
    process.hear(_accepted(floor))
    process.round()

    assert spared is before
    assert process.order() is not before


def test_a_check_reads_every_list_again(floor: Floor) -> None:
    floor.start()
    process = Process(floor, "window=all&sort=priority")
    before = process.order()

    process.round()
    kept = process.order()
    process.round(is_check=True)

    assert kept is before
    assert process.order() is not before


def test_what_happens_during_a_round_is_held_against_what_it_read(floor: Floor) -> None:
    floor.active()
    process = Process(floor, "window=all&status=active")

    process.round(meanwhile=lambda: process.hear(_accepted(floor)))
    late = process.order()
    process.round()

    assert process.order() is not late
    assert process.false() == []


def test_a_list_with_a_window_is_not_kept_for_long(floor: Floor) -> None:
    """Time alone takes conversations out of it."""
    keys = {query: order_key(EVERYTHING, Address.parse(Params(parse_qs(query)))) for query in ("", "window=all")}
    orders = {key: Order((), 50, interest_of(EVERYTHING, Address()), frozenset(), NOW) for key in keys.values()}

    soon = sieve.unmoved(orders, (), NOW + sieve.DRIFTS / 2)
    late = sieve.unmoved(orders, (), NOW + sieve.DRIFTS)

    assert set(soon) == set(orders)
    assert set(late) == {keys["window=all"]}


def test_any_number_of_lists_costs_one_query(floor: Floor) -> None:
    touched = floor.start().pk
    happened = [Happening(touched, is_line=False, queues=frozenset())]
    lasts = [floor.start().pk for _ in range(5)]
    orders = {
        OrderKey(EVERYTHING, Filter(window=Window.ALL), (SortKey(column.key),)): Order(
            (last,), 1, interest_of(EVERYTHING, Address()), frozenset({last}), NOW
        )
        for column in COLUMNS
        for last in lasts
    }

    with CaptureQueriesContext(connection) as queries:
        sieve.unmoved(orders, happened, NOW)

    assert len(queries) == 1


def _accepted(floor: Floor) -> ConversationEvent:
    one = floor.offered(to=floor.boris)
    return offers.accept(actor_of(floor.boris), offer_of(one).pk, now=at(20))
