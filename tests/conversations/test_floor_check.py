"""What the background work finds wrong with the floor: who sees it, and how is it put right? (domain.md 2.5, P18)"""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations import selectors
from conversations.models import Conversation, Finding, HistoryEntry, Participant
from conversations.reports.needs import lane
from conversations.services import closure, floor_check, repair
from routing.models import Queue
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh
from tests.conversations.hearing import hearing
from tests.invariants import broken


def break_one(floor: Floor) -> Conversation:
    """Ana talks with the customer, but nothing says that she sits in it."""
    chat = floor.active()
    Participant.objects.filter(conversation=chat, mode="primary").update(left_at=at(25), left_reason="left")
    return chat


def needs(floor: Floor) -> list[tuple[int, str, str]]:
    found = lane(actor_of(floor.sara), Queue.objects.in_bulk(), selectors.settings_row(), at(200))
    return [(item.id, item.need, item.action) for item in found.items]


def test_a_floor_that_is_well_has_no_findings(floor: Floor) -> None:
    floor.active()
    floor.start()

    assert floor_check.look(now=at(30)) == 0
    assert not Finding.objects.exists()


def test_what_two_looks_find_is_in_the_lane_and_repaired_from_there(floor: Floor, client: Client) -> None:
    chat = break_one(floor)
    client.force_login(floor.sara)
    url = f"/conversations/{chat.pk}/repair/"

    assert floor_check.look(now=at(30)) == 1
    assert needs(floor) == [], "one look may see a half move"
    with hearing() as heard:
        floor_check.look(now=at(95))
    assert heard.by("floor.checked") == {"every supervisor"}
    assert needs(floor) == [(chat.pk, "Records disagree", "Repair")]
    dialog = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'data-name="repair"' in dialog
    assert Finding.objects.get().code in dialog

    response = client.post(url, headers={"HX-Request": "true"})

    assert (response.status_code, "dialog:close" in response.headers["HX-Trigger"]) == (204, True)
    assert broken(at(200), fresh(chat)) == []
    assert needs(floor) == []
    assert HistoryEntry.objects.filter(conversation=chat, code="conversation.repaired", actor_name="Sara Test").exists()
    assert client.post(url, headers={"HX-Request": "true"}).status_code == 409
    assert "as it must be by now" in client.get(url).content.decode()


def test_one_process_looks_for_all_once_a_minute(floor: Floor) -> None:
    break_one(floor)

    assert [floor_check.look(now=at(second)) for second in (30, 31, 89, 90, 91)] == [1, 0, 0, 1, 0]


def test_what_is_well_again_or_over_is_forgotten(floor: Floor) -> None:
    chat = break_one(floor)
    floor_check.look(now=at(30))
    floor_check.look(now=at(95))
    closure.force_close(
        actor_of(floor.sara), chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION, now=at(100)
    )

    floor_check.look(now=at(160))

    assert not Finding.objects.exists()


@pytest.mark.parametrize("who", ["ana", "api"])
def test_only_supervisors_who_see_it_repair_it(floor: Floor, who: str) -> None:
    chat = break_one(floor)

    with pytest.raises((NotVisible, ActionRefused)):
        repair.repair_conversation(actor_of(getattr(floor, who)), chat.pk, now=at(60))

    assert not HistoryEntry.objects.filter(code="conversation.repaired").exists()


def test_a_supervisor_of_other_queues_neither_sees_nor_repairs_it(floor: Floor) -> None:
    chat = break_one(floor)
    Conversation.objects.filter(pk=chat.pk).update(queue=floor.returns)

    with pytest.raises(NotVisible):
        repair.repair_conversation(actor_of(floor.stefan), chat.pk, now=at(60))


def test_six_findings_cost_as_many_queries_as_three(floor: Floor) -> None:
    def cost(more: int, second: int) -> int:
        for _number in range(more):
            break_one(floor)
        floor_check.look(now=at(second))
        with CaptureQueriesContext(connection) as queries:
            floor_check.look(now=at(second + 70))
            needs(floor)
        return len(queries)

    assert cost(3, 100) == cost(3, 300)
