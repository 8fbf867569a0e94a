"""What does a supervisor change about people? One or many, with an outcome for each, with script and without."""

from collections.abc import Callable

import pytest
from django.test import Client

from routing.models import Agent, BasePresence, Presence, PresenceChange, User
from tests.cast import Floor

PRESENCE = "/agents/presence/"
RESET = "/agents/reset/"
QUEUES = "/agents/queues/"
HTMX = {"HX-Request": "true"}

pytestmark = pytest.mark.django_db
SignIn = Callable[[User], Client]


@pytest.fixture
def sign_in(client: Client) -> SignIn:
    def sign_in(who: User) -> Client:
        client.force_login(who)
        return client

    return sign_in


def presence_id(code: str) -> int:
    return Presence.objects.get(code=code).pk


def bases() -> dict[str, str]:
    return dict(Agent.objects.values_list("user__username", "presence__base"))


# --- set presence ---------------------------------------------------------------------------------------------------


def test_the_dialog_names_whom_it_is_about_and_what_can_be_chosen(floor: Floor, sign_in: SignIn) -> None:
    html = sign_in(floor.sara).get(PRESENCE, {"agent": [floor.ana.pk, floor.boris.pk]}, headers=HTMX).content.decode()

    assert "2 agents" in html
    assert "Ana Test" in html
    assert "Boris Test" in html
    assert "Do not disturb" in html
    assert f'value="{presence_id("inactive")}"' not in html


def test_the_presence_of_several_is_set_at_once(floor: Floor, sign_in: SignIn) -> None:
    sent = {"agent": [floor.ana.pk, floor.boris.pk], "presence": presence_id("away")}

    response = sign_in(floor.sara).post(PRESENCE, sent, headers=HTMX)

    assert response.status_code == 204
    assert "dialog:close" in response.headers["HX-Trigger"]
    assert "Presence of 2 agents: Away." in response.headers["HX-Trigger"]
    assert bases() | {"stefan": "offline"} == {
        "ana": "away",
        "boris": "away",
        "cene": "available",
        "stefan": "offline",
    }


def test_without_a_script_it_leads_back_and_says_what_was_done(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)
    page = client.get(PRESENCE, {"agent": floor.ana.pk})

    response = client.post(PRESENCE, {"agent": floor.ana.pk, "presence": presence_id("busy_dnd")}, follow=True)

    assert "<html" in page.content.decode()
    assert response.redirect_chain == [(f"/agents/{floor.ana.pk}/", 302)]
    assert "Presence of Ana Test: Do not disturb." in response.content.decode()


def test_one_who_is_refused_does_not_stop_the_others(floor: Floor, sign_in: SignIn) -> None:
    sent = {"agent": [floor.cene.pk, floor.ana.pk, floor.boris.pk], "presence": presence_id("away")}

    response = sign_in(floor.stefan).post(PRESENCE, sent, headers=HTMX)

    html = response.content.decode()
    assert response.status_code == 200
    assert "Done for 2 of 3 agents." in html
    assert html.count('data-code="not_found"') == 1
    assert "Cene" not in html
    assert bases() == {"ana": "away", "boris": "away", "cene": "available", "stefan": "offline"}


def test_a_presence_that_nobody_may_choose_is_refused_for_each_with_its_sentence(floor: Floor, sign_in: SignIn) -> None:
    sent = {"agent": floor.ana.pk, "presence": presence_id("inactive")}

    response = sign_in(floor.sara).post(PRESENCE, sent, headers=HTMX)

    assert response.status_code == 422
    assert 'data-code="presence_not_selectable"' in response.content.decode()
    assert bases()["ana"] == BasePresence.AVAILABLE


def test_the_presence_of_several_is_reset_with_an_outcome_for_each(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)
    client.post(PRESENCE, {"agent": floor.ana.pk, "presence": presence_id("away")}, headers=HTMX)
    sent = {"agent": [floor.ana.pk, floor.boris.pk]}

    dialog = client.get(RESET, sent, headers=HTMX).content.decode()
    response = client.post(RESET, sent, headers=HTMX)

    html = response.content.decode()
    assert "2 agents" in dialog
    assert "Done for 1 of 2 agents." in html
    assert html.count('data-code="presence_needs_no_reset"') == 1
    assert bases()["ana"] == "available"
    page = client.get(f"/agents/{floor.ana.pk}/").content.decode()
    assert "System, reset by Sara Test" in page
    assert client.post(RESET, {"agent": floor.ana.pk}, headers=HTMX).status_code == 409


def test_reset_is_offered_on_the_page_of_who_can_be_reset(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)
    client.post(PRESENCE, {"agent": floor.ana.pk, "presence": presence_id("away")}, headers=HTMX)

    assert 'data-name="reset"' in client.get(f"/agents/{floor.ana.pk}/").content.decode()
    assert 'data-name="reset"' not in client.get(f"/agents/{floor.boris.pk}/").content.decode()


@pytest.mark.parametrize(
    ("sent", "code", "status"),
    [
        ({}, "nobody_selected", 422),
        ({"agent": "nonsense"}, "nobody_selected", 422),
        ({"agent": [str(pk) for pk in range(1, 202)]}, "too_many_agents", 422),
        ({"agent": "999999"}, "not_found", 404),
    ],
)
def test_nobody_and_too_many_are_refused_as_a_whole(
    floor: Floor, sign_in: SignIn, sent: dict[str, str | list[str]], code: str, status: int
) -> None:
    client = sign_in(floor.sara)

    for response in (client.get(PRESENCE, sent, headers=HTMX), client.post(PRESENCE, sent, headers=HTMX)):
        assert response.status_code == status
        assert f'"code": "{code}"' in response.headers["HX-Trigger"]


def test_without_a_presence_the_dialog_asks_for_one(floor: Floor, sign_in: SignIn) -> None:
    response = sign_in(floor.sara).post(PRESENCE, {"agent": floor.ana.pk}, headers=HTMX)

    assert response.status_code == 422
    assert 'data-code="no_presence_chosen"' in response.content.decode()


def test_sending_the_form_twice_is_one_change(floor: Floor, sign_in: SignIn) -> None:
    sent = {
        "agent": [floor.ana.pk, floor.boris.pk],
        "presence": presence_id("away"),
        "idempotency_key": "2d0f3c1a-0000-4000-8000-000000000001",
    }
    client = sign_in(floor.sara)

    before = PresenceChange.objects.count()
    for _ in range(2):
        assert client.post(PRESENCE, sent, headers=HTMX).status_code == 204

    assert PresenceChange.objects.count() == before + 2


# --- edit queues ----------------------------------------------------------------------------------------------------


def queues_of(agent: Agent) -> set[str]:
    return set(agent.memberships.values_list("queue__name", flat=True))


def test_the_dialog_of_queues_says_how_many_belong_and_offers_what_changes_something(
    floor: Floor, sign_in: SignIn
) -> None:
    html = sign_in(floor.sara).get(QUEUES, {"agent": [floor.ana.pk, floor.cene.pk]}, headers=HTMX).content.decode()

    assert "1 of 2 belong to it" in html
    assert "Default messaging queue" not in html
    assert f'name="queue-{floor.returns.pk}" value="add"' in html
    assert f'name="queue-{floor.empty.pk}" value="remove"' not in html


def test_queues_of_several_are_changed_at_once(floor: Floor, sign_in: SignIn) -> None:
    sent = {
        "agent": [floor.ana.pk, floor.boris.pk],
        f"queue-{floor.returns.pk}": "add",
        f"queue-{floor.calls.pk}": "",
        f"queue-{floor.empty.pk}": "add",
    }

    response = sign_in(floor.sara).post(QUEUES, sent, headers=HTMX)

    assert response.status_code == 204
    assert "Queues of 2 agents changed." in response.headers["HX-Trigger"]
    assert queues_of(floor.ana) == queues_of(floor.boris) == {"Billing", "Calls", "Returns", "Nobody"}


def test_the_last_one_of_several_stays_and_it_is_said_why(floor: Floor, sign_in: SignIn) -> None:
    sent = {"agent": [floor.ana.pk, floor.boris.pk], f"queue-{floor.calls.pk}": "remove"}

    response = sign_in(floor.sara).post(QUEUES, sent, headers=HTMX)

    html = response.content.decode()
    assert "Done for 1 of 2 agents." in html
    assert html.count('data-code="last_member"') == 1
    assert "Boris Test is the last member of Calls" in html
    assert (queues_of(floor.ana), queues_of(floor.boris)) == ({"Billing"}, {"Billing", "Calls"})


def test_without_a_choice_the_dialog_of_queues_asks_for_one(floor: Floor, sign_in: SignIn) -> None:
    sent = {"agent": floor.ana.pk, f"queue-{floor.returns.pk}": "", "queue-nonsense": "add"}

    response = sign_in(floor.sara).post(QUEUES, sent, headers=HTMX)

    assert response.status_code == 422
    assert 'data-code="no_queue_chosen"' in response.content.decode()


def test_a_change_of_queues_stands_on_the_page_of_the_agent(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.sara)

    page = client.post(QUEUES, {"agent": floor.ana.pk, f"queue-{floor.returns.pk}": "add"}, follow=True)

    html = page.content.decode()
    assert "Queues of Ana Test changed." in html
    assert "Added to Returns" in html
    assert "by Sara Test" in html


def test_a_supervisor_of_some_queues_chooses_among_those(floor: Floor, sign_in: SignIn) -> None:
    client = sign_in(floor.stefan)

    html = client.get(QUEUES, {"agent": floor.ana.pk}, headers=HTMX).content.decode()
    response = client.post(QUEUES, {"agent": floor.ana.pk, f"queue-{floor.returns.pk}": "add"}, headers=HTMX)

    assert "Billing" in html
    assert "Returns" not in html
    assert response.status_code == 403
    assert 'data-code="queue_out_of_scope"' in response.content.decode()
