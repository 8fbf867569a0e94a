"""Is a view that a change concerns always read again, and what is shared between views as true as what is not?"""

import json
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.consumers import board
from conversations.consumers.board import LiveView, Shown
from conversations.consumers.looking import Job, Kept, Known, Look, Reader, look_at
from conversations.models import Conversation, Sentiment
from conversations.reports import live
from conversations.reports.address import Address
from conversations.reports.concern import Happening, Interest, happening_of, interest_of
from conversations.reports.live import Snapshot, View
from conversations.reports.params import Params
from conversations.reports.scope import EVERYTHING
from conversations.reports.source import Source, order_key
from conversations.services import assignment, closure, messaging, supervision
from conversations.templatetags import report as report_tags
from supervisor_console.kernel.realtime import Frame
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of

NOW = at(60)


def interest(query: str, floor: Floor | None = None) -> Interest:
    actor = EVERYTHING if floor is None else actor_of(floor.stefan)
    return interest_of(actor, Address.parse(Params(parse_qs(query))))


def line(pk: int = 1, *queues: int) -> Happening:
    return Happening(pk, is_line=True, queues=frozenset(queues))


def move(pk: int = 1, *queues: int) -> Happening:
    return Happening(pk, is_line=False, queues=frozenset(queues))


# --- checks: what got lost is made good by the next one ---------------------------------------------------------


def test_every_check_is_told_however_early_it_comes() -> None:
    """A console that got nothing of what was sent shows something else: it learns of it by the digest of a check."""
    view = LiveView(View(0, "", "en"), 1)
    told: list[str] = []
    earliest = board.SELF_CHECK * (board.SELF_CHECK_EARLIEST - board.SELF_CHECK_TOGETHER)
    view.consoles[told.append] = Shown("fresh", told_at=time.monotonic() - earliest)
    order = order_key(EVERYTHING, Address())
    look = Look("", Snapshot("fresh", {}), interest(""), order, "", "", 0.01)

    view.end(view.begin(is_check=True), look)
    view.end(view.begin(is_check=True), look)

    assert [json.loads(text)["digest"] for text in told] == ["fresh"], "at the check, and not again at once"


# --- concern: what is spared -------------------------------------------------------------------------------------


def test_a_line_concerns_who_shows_the_row_and_who_sorts_by_what_a_line_changes() -> None:
    assert interest("").concerns(line(1), {1})
    assert not interest("").concerns(line(1), {2})
    for query in (
        "sort=-activity",
        "sort=unanswered",
        "sort=sentiment",
        "sort=created&sort=-activity",
        f"sentiment={max(Sentiment)}",
    ):
        assert interest(query).concerns(line(1), {2}), query


def test_a_move_concerns_whoever_looks_at_one_of_its_queues() -> None:
    assert interest("").concerns(move(1, 7), ())
    assert interest("queue=7").concerns(move(1, 7, 8), ())
    assert interest("queue=8").concerns(move(1, 7, 8), ())
    assert not interest("queue=9").concerns(move(1, 7, 8), ())
    assert interest("queue=9").concerns(move(1, 7, 8), {1}), "its row is shown"
    assert interest("queue=9").concerns(move(1), ()), "where it was is not known"


def test_what_is_not_of_a_conversation_concerns_everybody() -> None:
    assert interest("queue=9").concerns(Happening(None, is_line=False, queues=frozenset()), ())


def test_a_scope_is_a_restriction_to_its_queues(floor: Floor) -> None:
    scope = actor_of(floor.stefan).supervised_queue_ids
    assert scope
    foreign = max(scope) + 1000

    assert interest("", floor).concerns(move(1, min(scope)), ())
    assert not interest("", floor).concerns(move(1, foreign), ())


def test_the_push_is_understood() -> None:
    frame: Frame = {"type": "event", "code": "conversation.message_sent", "conversation": 5, "at": NOW.isoformat()}
    topics = frozenset({"report:all", "report:queue:3", "report:queue:4", "user:9"})

    assert happening_of(topics, frame) == Happening(5, is_line=True, queues=frozenset({3, 4}))
    assert not happening_of(topics, {**frame, "code": "conversation.assigned"}).is_line
    assert happening_of(topics, {"type": "event", "code": "settings.changed"}).conversation is None


QUERIES = [
    "window=all",
    "window=all&sort=-activity",
    "window=all&sort=sentiment",
    "window=all&status=open",
    "window=all&tab=all&sort=subject",
    "window=all&tab=closed",
    "window=all&q=nothing",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_view_that_is_spared_looks_as_before(floor: Floor, query: str) -> None:
    """Whatever a view is told not to read again has the same digest when it is read all the same."""
    for _ in range(3):
        floor.start()
    view = View(0, query, "en")
    deeds = Recorder(floor, view)

    deeds.go()

    assert deeds.spared_and_changed == []


class Recorder:
    """Reads a view after each deed, and notes where it changed although it had been spared."""

    def __init__(self, floor: Floor, view: View) -> None:
        self.floor, self.view = floor, view
        self.spared_and_changed: list[str] = []
        self._before: Snapshot | None = None
        self._interest = Interest(frozenset(), by_lines=True)

    def go(self) -> None:
        floor = self.floor
        sara = actor_of(floor.sara)
        one, two = floor.start(), floor.active()
        self._expect("", None, frozenset())
        heard = messaging.receive(customer_of(one), one.pk, text="Hello?", now=NOW)
        self._expect(heard.code, one.pk, frozenset({one.queue_id}))
        watched = supervision.monitor(sara, two.pk, now=NOW)
        self._expect(watched.code, two.pk, frozenset({two.queue_id}))
        moved = assignment.assign_to_queue(
            sara, one.pk, queue_id=floor.returns.pk, version=heard.version, confirmed=EVERY_CAUTION, now=NOW
        )
        self._expect(moved.code, one.pk, frozenset({one.queue_id, floor.returns.pk}))
        closed = closure.force_close(sara, two.pk, version=watched.version, confirmed=EVERY_CAUTION, now=NOW)
        self._expect(closed.code, two.pk, frozenset({two.queue_id}))

    def _expect(self, code: str, pk: int | None, queues: frozenset[int]) -> None:
        before = self._before
        now = live.read(EVERYTHING, self.view, now=NOW + timedelta(seconds=1), before=before)
        topics = frozenset({"report:all", *(f"report:queue:{queue}" for queue in queues)})
        happening = happening_of(topics, {"type": "event", "code": code, "conversation": pk})
        if before is not None and now.is_change and not self._interest.concerns(happening, before.rows):
            self.spared_and_changed.append(code)
        self._before = now.snapshot
        self._interest = interest_of(EVERYTHING, now.report.address)


# --- sharing: as true as alone ------------------------------------------------------------------------------------


def test_views_that_share_a_source_read_what_they_read_alone(floor: Floor) -> None:
    for _ in range(3):
        floor.start()
        floor.active()
    views = [View(0, query, "en") for query in QUERIES]
    shared = Source(NOW)

    together = [live.read(EVERYTHING, view, now=NOW, before=None, source=shared).snapshot for view in views]

    assert together == [live.read(EVERYTHING, view, now=NOW, before=None).snapshot for view in views]


@pytest.mark.parametrize(
    "query", [*QUERIES, "window=2h", "window=all&q=<b>&sort=-wait&cols=queue", "sort=subject&page=9"]
)
def test_a_region_that_is_kept_says_what_one_says_that_is_printed_afresh(floor: Floor, query: str) -> None:
    """Only its places are filled anew: whatever changed since it was printed first has one."""
    sara, view = actor_of(floor.sara), View(0, query, "en")
    one, two = floor.start(), floor.active()

    def shown() -> str:
        return live.render(view, live.read(EVERYTHING, view, now=NOW, before=None), whole=True)

    first = shown()
    assignment.assign_to_queue(sara, one.pk, queue_id=floor.returns.pk, version=1, confirmed=EVERY_CAUTION, now=NOW)
    closure.force_close(sara, two.pk, version=two.version, confirmed=EVERY_CAUTION, now=NOW)
    floor.start()
    kept = shown()
    for find in (report_tags._kept_region, report_tags._kept_tile, report_tags._kept_lane, report_tags._kept_pages):
        find.cache_clear()
    report_tags._kept_rows.clear()

    assert kept == shown()
    assert kept != first
    assert "\0" not in kept


def test_another_view_of_the_same_rows_costs_one_query(floor: Floor) -> None:
    floor.start()
    floor.active()
    shared = Source(NOW)
    live.read(EVERYTHING, View(0, "window=all", "en"), now=NOW, before=None, source=shared)

    with CaptureQueriesContext(connection) as queries:
        live.read(EVERYTHING, View(0, "window=all&sort=subject", "en"), now=NOW, before=None, source=shared)

    assert len(queries) == 1, "which rows, in which order"


def looked(
    floor: Floor, known: Known, before: Snapshot | None = None, *, is_check: bool = False, fresh: float = 0.0
) -> Look:
    view = View(0, "window=all", "en")
    job = Job(view, Reader(view, floor.sara.pk), before, frozenset({""}), None, is_check)
    looks: list[Look | None] = []
    found = look_at([job], known.begin(), lambda _job, look: looks.append(look), fresh)
    assert looks[0] is not None
    known.take(found, frozenset(looks[0].snapshot.rows), frozenset({looks[0].order}))
    return looks[0]


def test_a_known_row_is_read_again_after_something_happened_to_it(floor: Floor) -> None:
    one = floor.start()
    known = Known()
    first = looked(floor, known)
    Conversation.objects.filter(pk=one.pk).update(priority=7)  # nothing that the lane or a counter shows

    unheard = looked(floor, known, first.snapshot)
    known.forget(move(one.pk))
    heard = looked(floor, known, first.snapshot)

    assert unheard.snapshot.digest == first.snapshot.digest, "the control: a known row is not read"
    assert heard.snapshot.digest != first.snapshot.digest


def test_a_check_takes_nothing_for_known(floor: Floor) -> None:
    one = floor.start()
    known = Known()
    first = looked(floor, known)
    Conversation.objects.filter(pk=one.pk).update(subject="Changed")

    assert looked(floor, known, first.snapshot, is_check=True).snapshot.digest != first.snapshot.digest
    assert looked(floor, known, first.snapshot).snapshot.digest != first.snapshot.digest, "and tells the others"


def test_where_there_are_many_views_a_check_takes_for_known_what_was_read_a_moment_ago(floor: Floor) -> None:
    """So that views that are checked one after the other do not each read what they share."""
    one = floor.start()
    known = Known()
    first = looked(floor, known)
    Conversation.objects.filter(pk=one.pk).update(priority=7)  # nothing that the lane or a counter shows

    at_once = looked(floor, known, first.snapshot, is_check=True, fresh=60).snapshot.digest
    later = looked(floor, known, first.snapshot, is_check=True, fresh=0.0001).snapshot.digest

    assert at_once == first.snapshot.digest
    assert later != first.snapshot.digest


@pytest.mark.parametrize(("cost", "every", "fresh"), [(0.0, 5, 0), (0.01, 5, 0), (0.04, 5, 3), (5.0, 6, 6)])
def test_nothing_stays_unseen_for_longer_than_before_where_there_are_many_views(
    cost: float, every: float, fresh: float
) -> None:
    """With few of them, every check reads all; with any number of them, twelve seconds are the longest."""
    keeper = board.Board()
    for number in range(20):
        view = View(0, f"page={number}", "en")
        keeper._views[view] = LiveView(view, 1)
        keeper._views[view].cost = cost

    assert keeper._check_every() == pytest.approx((every, fresh))


def test_what_happens_during_a_round_makes_its_rows_unknown(floor: Floor) -> None:
    one = floor.start()
    known, view = Known(), View(0, "window=all", "en")
    job = Job(view, Reader(view, floor.sara.pk), None, frozenset({""}), None, is_check=True)
    found = look_at([job], known.begin(), lambda _job, _look: None)
    Conversation.objects.filter(pk=one.pk).update(subject="Changed meanwhile")
    known.forget(move(one.pk))

    known.take(found, frozenset({one.pk}), frozenset())

    after = looked(floor, known).snapshot
    assert after == looked(floor, known, is_check=True).snapshot


def test_a_presence_makes_every_row_unknown(floor: Floor) -> None:
    floor.active()
    known = Known()
    looked(floor, known)

    known.forget(Happening(None, is_line=False, queues=frozenset()))

    assert known.begin().rows == {}


def test_a_view_that_cannot_be_read_keeps_no_other_from_being_read(floor: Floor) -> None:
    view = View(0, "window=all", "en")
    broken = Job(View(-5, "", "en"), Reader(View(-5, "", "en"), -5), None, frozenset(), None, is_check=True)
    good = replace(broken, view=view, reader=Reader(view, floor.sara.pk))
    told: dict[int, Look | None] = {}

    look_at([broken, good], Kept(), lambda job, look: told.update({id(job): look}))

    assert told[id(broken)] is None
    assert told[id(good)] is not None
