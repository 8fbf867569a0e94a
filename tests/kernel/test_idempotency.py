"""Is a request that is sent twice carried out once, and answered twice?"""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, HistoryEntry, Participant
from conversations.services import assignment, offers, supervision
from supervisor_console.kernel import idempotency
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.models import IdempotencyKey
from tests.cast import Floor, actor_of, at, fresh, make_floor, offer_of
from tests.concurrency.together import together

KEY = "4f4c1d8e-0000-4000-8000-000000000001"


@pytest.fixture
def floor(db: None) -> Floor:
    return make_floor()


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def codes(conversation: Conversation) -> list[str]:
    return list(HistoryEntry.objects.filter(conversation=conversation).order_by("pk").values_list("code", flat=True))


def test_the_same_request_again_gets_the_event_of_the_first_time(floor: Floor) -> None:
    chat = floor.start()
    sara = actor_of(floor.sara)

    with idempotency.request_key(KEY):
        first = assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, note="Known here")
        again = assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, note="Known here")

    assert again == first
    assert codes(chat) == ["conversation.created", "conversation.assigned"]
    assert fresh(chat).version == first.version


def test_without_a_key_the_second_is_refused(floor: Floor) -> None:
    chat = floor.active()
    sara = actor_of(floor.sara)
    supervision.monitor(sara, chat.pk)

    with pytest.raises(ActionRefused, match="already_monitoring"):
        supervision.monitor(sara, chat.pk)


def test_a_key_is_worth_nothing_in_other_hands(floor: Floor) -> None:
    chat = floor.active()
    with idempotency.request_key(KEY):
        supervision.monitor(actor_of(floor.sara), chat.pk)
        supervision.monitor(actor_of(floor.stefan), chat.pk)

    watching = Participant.objects.filter(conversation=chat, mode="monitor").values_list("user_id", flat=True)
    assert set(watching) == {floor.sara.pk, floor.stefan.pk}


def test_a_key_is_worth_nothing_for_another_choice(floor: Floor) -> None:
    chat = floor.start()
    sara = actor_of(floor.sara)

    with idempotency.request_key(KEY):
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version)
        with pytest.raises(ActionRefused, match="stale_version"):
            assignment.assign(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version)

    assert fresh(chat).agent == floor.ana


def test_what_was_refused_may_be_tried_again(floor: Floor) -> None:
    chat = floor.offered()
    sara = actor_of(floor.sara)
    with idempotency.request_key(KEY):
        with pytest.raises(ActionRefused, match="awaiting_acceptance"):
            supervision.monitor(sara, chat.pk)
        assert not IdempotencyKey.objects.exists()

        offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(20))
        supervision.monitor(sara, chat.pk)

    assert Participant.objects.filter(conversation=chat, mode="monitor").count() == 1


def test_a_request_is_remembered_for_a_day(floor: Floor) -> None:
    chat = floor.active()
    with idempotency.request_key(KEY):
        supervision.monitor(actor_of(floor.sara), chat.pk)

    assert idempotency.prune(timezone.now() + timedelta(hours=23)) == 0
    assert idempotency.prune(timezone.now() + timedelta(hours=25)) == 1


@pytest.mark.parametrize("how", ["field", "header"])
def test_a_retry_after_a_lost_answer_is_answered_as_the_first_time(floor: Floor, how: str) -> None:
    chat = floor.active()
    client = signed_in(floor.sara)
    url = f"/conversations/{chat.pk}/monitor/"
    data = {"idempotency_key": KEY} if how == "field" else {}
    headers = {"HX-Request": "true"} | ({"Idempotency-Key": KEY} if how == "header" else {})

    first = client.post(url, data, headers=headers)
    again = client.post(url, data, headers=headers)

    assert (again.status_code, again.headers["HX-Redirect"]) == (first.status_code, first.headers["HX-Redirect"])
    assert codes(chat).count("conversation.monitoring_started") == 1


def test_every_form_of_a_verb_carries_a_key_of_its_own(floor: Floor) -> None:
    chat = floor.active()
    page = signed_in(floor.sara).get(f"/conversations/{chat.pk}/").content.decode()
    dialog = signed_in(floor.sara).get(f"/conversations/{chat.pk}/force-close/").content.decode()

    assert page.count('name="idempotency_key"') >= 1
    assert dialog.count('name="idempotency_key"') == 1
    mark = 'name="idempotency_key" value="'
    assert page.split(mark)[1][:36] != dialog.split(mark)[1][:36]


def twice_at_once(floor: Floor, key: str) -> list[Any]:
    chat = floor.active()
    sara = actor_of(floor.sara)

    def act() -> Any:
        with idempotency.request_key(key):
            return supervision.monitor(sara, chat.pk)

    return together(act, act)


@pytest.mark.django_db(transaction=True)
def test_two_of_one_request_at_the_same_time_are_one() -> None:
    first, second = twice_at_once(make_floor(), KEY)

    assert first == second
    assert Participant.objects.filter(mode="monitor").count() == 1
    assert HistoryEntry.objects.filter(code="conversation.monitoring_started").count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_a_key_one_of_two_at_the_same_time_is_refused() -> None:
    """The control: what the key is there for."""
    outcomes = twice_at_once(make_floor(), "")

    assert [isinstance(outcome, ActionRefused) for outcome in outcomes].count(True) == 1
