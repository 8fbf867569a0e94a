"""Can an administrator have all data checked, what is over too, without standing still for it? (domain.md 2.5)"""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, FullCheck, FullCheckFinding, HistoryEntry, Participant
from conversations.reports import full_check as report
from conversations.services import full_check
from conversations.services.full_check import NONE_UNDER_WAY, UNDER_WAY, go_on
from supervisor_console.kernel.errors import ActionRefused
from tests.cast import Floor, actor_of, at, fresh

pytestmark = pytest.mark.slow  # Every portion asks every rule.

LIST = "/admin/conversations/finding/"
PART = {"HX-Request": "true"}


@pytest.fixture
def otto(client: Client, floor: Floor) -> Client:
    client.force_login(floor.otto)
    return client


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions so small that a handful of rows are several."""
    monkeypatch.setattr(full_check, "CONVERSATIONS", 2)
    monkeypatch.setattr(full_check, "AGENTS", 6)


def ask(floor: Floor, *, repairs: bool = False) -> FullCheck:
    return FullCheck.objects.get(pk=full_check.ask(actor_of(floor.otto), repairs=repairs, now=at(100)))


def to_the_end(second: int = 110) -> int:
    """Portion after portion; returns how many there were."""
    portions = 0
    while go_on(now=at(second + portions)):
        portions += 1
        assert portions < 50, "it goes on for ever"
    return portions


def left_in(chat: Conversation) -> Conversation:
    """Somebody still takes part in what is over; it can be repaired."""
    Participant.objects.filter(conversation=chat).update(left_at=None, left_reason="")
    return chat


def shrunk(chat: Conversation) -> Conversation:
    """It was closed before it began; nobody can tell what is right."""
    Conversation.objects.filter(pk=chat.pk).update(closed_at=at(-5))
    return chat


def codes() -> list[tuple[str, int]]:
    return sorted(FullCheckFinding.objects.values_list("code", "subject_id"))


# --- portions ----------------------------------------------------------------------------------------------------


def test_everything_is_looked_at_in_portions(floor: Floor) -> None:
    for _number in range(5):
        floor.closed()
    broken = shrunk(floor.closed())
    check = ask(floor)

    portions = to_the_end()

    check.refresh_from_db()
    people = 1
    agents = 1 + -(-check.agents // 6)
    assert (check.is_over, check.conversations, check.found) == (True, 6, 1)
    assert portions == people + agents + 3 + 1
    assert codes() == [("times_out_of_order", broken.pk)]


def test_what_begins_meanwhile_is_left_to_the_next_check(floor: Floor) -> None:
    floor.closed()
    check = ask(floor)
    shrunk(floor.closed())

    to_the_end()

    check.refresh_from_db()
    assert (check.conversations, check.found) == (1, 0)


def test_nobody_looks_where_nobody_asked(floor: Floor) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert go_on(now=at(100)) is False
    assert len(queries) == 1


def test_a_portion_is_of_one_process_and_a_dead_one_leaves_it_behind(floor: Floor) -> None:
    check = ask(floor)
    FullCheck.objects.filter(pk=check.pk).update(taken_until=at(110) + full_check.LEASE)

    assert go_on(now=at(111)) is False
    assert go_on(now=at(111) + full_check.LEASE) is True


def test_a_portion_that_two_processes_looked_at_counts_once(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    shrunk(floor.closed())
    check = ask(floor)
    while FullCheck.objects.get(pk=check.pk).stage != "conversations":
        go_on(now=at(110))
    look = full_check._look

    def slowly(which: FullCheck, now: object) -> full_check.Portion:
        monkeypatch.setattr(full_check, "_look", look)
        assert go_on(now=at(110) + 2 * full_check.LEASE), "the other one takes it for dead"
        return look(which, at(110))

    monkeypatch.setattr(full_check, "_look", slowly)
    go_on(now=at(110))
    to_the_end(2000)

    check.refresh_from_db()
    assert (check.conversations, check.found, len(codes())) == (1, 1, 1)


def test_a_portion_that_fails_says_so_and_is_tried_again(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    check = ask(floor)
    look = full_check._look
    monkeypatch.setattr(full_check, "_look", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        go_on(now=at(110))
    said = report.latest(at(111))
    monkeypatch.setattr(full_check, "_look", look)
    to_the_end()

    assert said is not None
    assert "ZeroDivisionError" in said.error
    check.refresh_from_db()
    assert (check.is_over, check.error) == (True, "")


def test_what_is_kept_has_an_end(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_check, "MOST", 2)
    for _number in range(3):
        shrunk(floor.closed())
    ask(floor)
    to_the_end()

    said = report.latest(at(200))
    assert said is not None
    assert (len(said.faults), said.hidden) == (2, 1)


def test_twice_as_many_closed_ones_cost_as_much_a_portion(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_check, "CONVERSATIONS", 100)

    def cost(more: int) -> int:
        for _number in range(more):
            floor.closed()
        check = ask(floor)
        while FullCheck.objects.get(pk=check.pk).stage != "conversations":
            go_on(now=at(110))
        with CaptureQueriesContext(connection) as queries:
            go_on(now=at(110))
        to_the_end()
        return len(queries)

    assert cost(3) == cost(3)


# --- repair --------------------------------------------------------------------------------------------------------


def test_what_can_be_repaired_is_where_that_was_asked_for(floor: Floor) -> None:
    mended, lasting = left_in(floor.closed()), shrunk(floor.closed())
    ask(floor)
    to_the_end()
    before = codes()
    check = ask(floor, repairs=True)
    to_the_end(300)

    check.refresh_from_db()
    assert before == sorted([("participant_in_closed", mended.pk), ("times_out_of_order", lasting.pk)])
    assert codes() == [("times_out_of_order", lasting.pk)]
    assert (check.repaired, check.found) == (1, 1)
    entry = HistoryEntry.objects.get(conversation=mended, code="conversation.repaired")
    assert entry.actor_name == "Otto Test"


# --- one at a time -------------------------------------------------------------------------------------------------


def test_a_second_one_is_refused_while_one_is_under_way(floor: Floor) -> None:
    ask(floor)
    with pytest.raises(ActionRefused) as refused:
        ask(floor)
    assert refused.value.refusal is UNDER_WAY

    to_the_end()
    ask(floor)


def test_one_that_is_stopped_ends_and_keeps_what_it_found(floor: Floor) -> None:
    shrunk(floor.closed())
    floor.closed()
    floor.closed()
    check = ask(floor)
    while not FullCheck.objects.get(pk=check.pk).conversations:
        go_on(now=at(110))
    full_check.stop(actor_of(floor.otto), now=at(120))

    assert go_on(now=at(121)) is False
    assert len(codes()) == 1
    with pytest.raises(ActionRefused) as refused:
        full_check.stop(actor_of(floor.otto), now=at(122))
    assert refused.value.refusal is NONE_UNDER_WAY


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_page_asks_for_it_and_shows_how_far_it_is_and_what_came_of_it(otto: Client, floor: Floor) -> None:
    chat = shrunk(floor.closed())
    assert "Nobody has had all data checked yet." in otto.get(LIST).content.decode()

    page = otto.post(f"{LIST}all/check/", follow=True).content.decode()
    assert "Checking all data" in page
    assert 'hx-trigger="every' in page
    assert "Stop" in page
    while go_on():
        pass
    part = otto.get(f"{LIST}all/", headers=PART).content.decode()

    assert "1 thing is not as it must be." in part
    assert f'href="/admin/conversations/conversation/{chat.pk}/change/"' in part
    assert "1 conversation" in part
    assert "Asked for by Otto Test." in part
    assert "hx-trigger" not in part, "it stands still again"


def test_the_page_repairs_everything_and_says_how_much(otto: Client, floor: Floor) -> None:
    left_in(floor.closed())
    otto.post(f"{LIST}all/check/", {"repairs": "1"})
    while go_on():
        pass

    page = otto.get(LIST).content.decode()
    assert "Everything is as it must be." in page
    assert "1 thing was repaired." in page


def test_who_asks_twice_is_told_and_can_stop_it(otto: Client, floor: Floor) -> None:
    otto.post(f"{LIST}all/check/")

    assert "being checked already" in otto.post(f"{LIST}all/check/", follow=True).content.decode()
    assert "The check was stopped." in otto.post(f"{LIST}all/stop/", follow=True).content.decode()
    assert FullCheck.objects.get().was_stopped
    assert "No check of all data is under way" in otto.post(f"{LIST}all/stop/", follow=True).content.decode()


def test_where_nobody_begins_the_page_asks_for_the_background_work(floor: Floor) -> None:
    check = ask(floor)
    early, late = report.latest(check.asked_at + timedelta(seconds=5)), report.latest(at(200))

    assert early is not None
    assert late is not None
    assert early.error == ""
    assert "Is the background work running?" in late.error


def test_a_sentence_with_a_time_is_told_as_it_was_found(floor: Floor) -> None:
    floor.offered()
    FullCheck.objects.create(asked_by=floor.otto, asked_at=at(9000), up_to=fresh(floor.start()).pk)
    to_the_end(9001)

    said = report.latest(at(9100))
    assert said is not None
    assert any("should have answered the offer" in fault.sentence for fault in said.faults)
    assert not any("%" in fault.sentence for fault in said.faults)


def test_a_supervisor_has_no_business_there(client: Client, floor: Floor) -> None:
    client.force_login(floor.sara)
    client.post(f"{LIST}all/check/")

    assert not FullCheck.objects.exists()
