"""Notices wait for their reader, lead where something can be done, and are read by POST only."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Notice
from conversations.services import assignment, closure, offers
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh, offer_of

PART = {"HX-Request": "true"}


def codes(floor: Floor, who: str) -> list[str]:
    user = floor.sara if who == "sara" else floor.ana.user
    return list(Notice.objects.filter(user=user, read_at=None).order_by("-pk").values_list("code", flat=True))


def test_what_happened_while_one_was_away_is_there_afterwards(floor: Floor, client: Client) -> None:
    chat = floor.active()
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    client.force_login(floor.ana.user)
    page = client.get("/notices/").content.decode()

    assert "Sara Test force closed «Hello»." in page
    assert f'href="/desk/{chat.pk}/"' in page
    assert 'data-title-count="1"' in page


def test_a_rejected_assignment_comes_with_reassign(floor: Floor, client: Client) -> None:
    chat = floor.offered()
    offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(20))

    client.force_login(floor.sara)
    page = client.get("/notices/").content.decode()

    assert "Ana Test rejected «Hello». It is open again." in page
    assert f'href="/conversations/{chat.pk}/assign/"' in page
    assert "Reassign" in page


def test_a_transfer_nobody_answered_comes_with_reassign(floor: Floor, client: Client) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.expire(offer_of(chat).pk, now=at(300))

    client.force_login(floor.sara)

    assert f'href="/conversations/{chat.pk}/transfer/"' in client.get("/notices/").content.decode()


def test_an_answered_offer_needs_no_notice_any_more(floor: Floor) -> None:
    chat = floor.offered()
    assert codes(floor, "ana") == ["assigned"]

    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(20))

    assert codes(floor, "ana") == []
    assert codes(floor, "sara") == ["assign_accepted"]


def test_what_left_the_agent_s_hands_has_no_link(floor: Floor, client: Client) -> None:
    chat = floor.offered()
    offers.expire(offer_of(chat).pk, now=at(300))
    assert codes(floor, "ana") == ["offer_missed"]

    client.force_login(floor.ana.user)

    assert f'href="/desk/{chat.pk}/"' not in client.get("/notices/").content.decode()


def test_looking_reads_nothing_and_marking_does(floor: Floor, client: Client) -> None:
    floor.active()
    notice = Notice.objects.get(user=floor.sara)
    client.force_login(floor.sara)
    client.get("/notices/")
    assert codes(floor, "sara") == ["assign_accepted"]

    assert client.post(f"/notices/{notice.pk}/read/", headers=PART).status_code == 204

    assert codes(floor, "sara") == []
    first = Notice.objects.get(pk=notice.pk).read_at
    client.post(f"/notices/{notice.pk}/read/")
    assert Notice.objects.get(pk=notice.pk).read_at == first


def test_all_are_marked_at_once_and_only_the_own_ones(floor: Floor, client: Client) -> None:
    floor.active()
    floor.active()
    floor.offered()
    client.force_login(floor.sara)

    assert client.post("/notices/read/").headers["Location"] == "/notices/"

    assert codes(floor, "sara") == []
    assert codes(floor, "ana") == ["assigned"]


@pytest.mark.parametrize("which", ["another's", "unknown", "huge"])
def test_somebody_else_s_notice_is_not_there(floor: Floor, client: Client, which: str) -> None:
    floor.offered()
    notice = Notice.objects.get(user=floor.ana.user)
    client.force_login(floor.sara)
    number = {"another's": notice.pk, "unknown": 10**6, "huge": 10**30}[which]

    assert client.post(f"/notices/{number}/read/", headers=PART).status_code == 404

    notice.refresh_from_db()
    assert notice.read_at is None


def test_notices_are_for_people_who_are_signed_in_and_marked_by_post_with_a_token(floor: Floor) -> None:
    floor.active()
    notice = Notice.objects.get(user=floor.sara)
    assert Client().get("/notices/").status_code == 302
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(floor.sara)

    for path in (f"/notices/{notice.pk}/read/", "/notices/read/"):
        assert browser.post(path).status_code == 403
        assert browser.get(path).status_code == 405
    assert codes(floor, "sara") == ["assign_accepted"]


def test_the_bell_is_a_region_of_its_own(floor: Floor, client: Client) -> None:
    floor.active()
    client.force_login(floor.sara)

    page = client.get("/notices/?bell=1", headers=PART).content.decode()

    assert page.strip().startswith("<a")
    assert 'data-live="notices"' in page
    assert 'data-title-count="1"' in page


def test_old_notices_are_on_later_pages(floor: Floor, client: Client) -> None:
    chat = fresh(floor.start())
    Notice.objects.bulk_create(
        Notice(user=floor.sara, conversation=chat, code="assign_accepted", params={"subject": str(n)}, created_at=at(n))
        for n in range(70)
    )
    client.force_login(floor.sara)

    first = client.get("/notices/").context["page"]
    second = client.get(f"/notices/?before={first.older}").context["page"]

    assert (len(first.rows), len(second.rows), second.older) == (50, 20, 0)
    assert first.rows[-1].id > second.rows[0].id
    for nonsense in ("x", "-1", "9" * 40, "²"):
        assert len(client.get("/notices/", {"before": nonsense}).context["page"].rows) == 50


def test_the_list_asks_as_often_for_twenty_as_for_ten(floor: Floor, client: Client) -> None:
    client.force_login(floor.sara)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            client.get("/notices/")
        return len(found)

    for _ in range(10):
        floor.active()
    few = queries()
    for _ in range(10):
        floor.active()
    assert queries() == few
