"""The Assign dialog: whom it offers, what it says, and what it does with what is sent (domain.md 3.5)."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, HistoryEntry, State, SupervisorSettings
from conversations.services import assignment
from routing.models import BasePresence, OperatingHours, Queue, QueueType, Skill
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh, make_agent, set_presence

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sara(floor: Floor, client: Client) -> Client:
    client.force_login(floor.sara)
    return client


def address(conversation: Conversation, verb: str = "assign") -> str:
    return f"/conversations/{conversation.pk}/{verb}/"


def names(html: str) -> list[str]:
    """The agents of a dialog, in order."""
    return re.findall(r'class="agent">.*?<span>([^<]+)</span></span>', html, re.DOTALL)


def choosable(html: str) -> list[str]:
    """Those of them who can be chosen, by id."""
    return re.findall(r'name="agent" value="(\d+)"(?! disabled)', html)


def test_the_agents_of_the_current_queue_are_offered(floor: Floor, sara: Client) -> None:
    page = sara.get(address(floor.start()), headers=HTMX).content.decode()

    assert names(page) == ["Ana Test", "Boris Test"]
    assert "2 agents can be chosen." in page


def test_the_queue_filter_can_be_cleared(floor: Floor, sara: Client) -> None:
    page = sara.get(address(floor.start()), {"queue": ""}, headers=HTMX).content.decode()

    assert names(page) == ["Ana Test", "Boris Test", "Cene Test"]


def test_a_search_finds_agents_of_every_queue_without_accents(floor: Floor, sara: Client) -> None:
    zan = make_agent("žan", floor.returns)

    page = sara.get(address(floor.start()), {"q": "ZAN te"}, headers=HTMX).content.decode()

    assert names(page) == ["Žan Test"]
    assert choosable(page) == [str(zan.pk)]


def test_an_agent_outside_the_presences_needs_the_switch(floor: Floor, sara: Client) -> None:
    set_presence(floor.boris, BasePresence.AWAY)
    conversation = floor.start()

    without = sara.get(address(conversation), headers=HTMX).content.decode()
    looked_at = sara.get(address(conversation), {"others": "1"}, headers=HTMX).content.decode()
    switched = sara.get(address(conversation), {"outside": "1"}, headers=HTMX).content.decode()

    assert names(without) == ["Ana Test"]
    assert "Show 1 who cannot be chosen" in without
    assert choosable(looked_at) == [str(floor.ana.pk)]
    assert 'data-code="presence_override_off"' in looked_at
    assert choosable(switched) == [str(floor.ana.pk), str(floor.boris.pk)]
    assert f'name="confirmed-{floor.boris.pk}" value="presence_override"' in switched


def test_an_offline_agent_comes_last_and_only_where_the_setting_allows_it(floor: Floor, sara: Client) -> None:
    set_presence(floor.ana, BasePresence.OFFLINE)
    conversation = floor.start()

    refused = sara.get(address(conversation), {"outside": "1", "others": "1"}, headers=HTMX).content.decode()
    SupervisorSettings.objects.update(allow_assign_offline=True)
    allowed = sara.get(address(conversation), {"outside": "1"}, headers=HTMX).content.decode()

    assert 'data-code="agent_offline"' in refused
    assert choosable(refused) == [str(floor.boris.pk)]
    assert choosable(allowed) == [str(floor.boris.pk), str(floor.ana.pk)]
    assert "the offer will time out" in allowed


def test_the_units_exceeded_are_shown_and_confirmed_before(floor: Floor, sara: Client) -> None:
    floor.boris.max_units = 40
    floor.boris.save()
    floor.active(by=floor.boris)
    conversation = floor.start()

    page = sara.get(address(conversation), {"q": "boris"}, headers=HTMX).content.decode()

    assert "after: 60/40" in page
    assert "over by 20 units" in page
    assert "exceeds the capacity of Boris Test by 20 units" in page


def test_agents_are_ranked_by_match_then_free_capacity_then_name(floor: Floor, sara: Client) -> None:
    french = Skill.objects.create(type="Language", name="French")
    floor.boris.agent_skills.create(skill=french, proficiency=4)
    conversation = floor.start()
    conversation.required_skills.create(skill=french, minimum=3)
    make_agent("zora", floor.billing, units=200)

    page = sara.get(address(conversation), headers=HTMX).content.decode()

    assert names(page) == ["Boris Test", "Zora Test", "Ana Test"]
    assert "match 100" in page
    assert "French ≥ 3" in page


def test_skill_and_presence_narrow_the_list(floor: Floor, sara: Client) -> None:
    french = Skill.objects.create(type="Language", name="French")
    floor.boris.agent_skills.create(skill=french, proficiency=4)
    conversation = floor.start()

    by_skill = sara.get(address(conversation), {"skill": french.pk}, headers=HTMX).content.decode()
    by_presence = sara.get(address(conversation), {"presence": "busy"}, headers=HTMX).content.decode()

    assert names(by_skill) == ["Boris Test"]
    assert names(by_presence) == []
    assert 'data-emptied="presence"' in by_presence


@pytest.mark.parametrize(
    ("presence", "query", "code", "remedy"),
    [
        (BasePresence.AVAILABLE, {"q": "nobody"}, "search", "Clear the search"),
        (BasePresence.AVAILABLE, {"queue": "empty"}, "queue", "Show agents of all queues"),
        (BasePresence.AVAILABLE, {"skill": "french"}, "skill", "Clear the skill filter"),
        (BasePresence.AVAILABLE, {"presence": "busy"}, "presence", "Clear the presence filter"),
        (BasePresence.AWAY, {}, "allowed_presence", "Also show agents outside the allowed presences"),
        (BasePresence.OFFLINE, {}, "offline", "Show them with the reasons"),
    ],
)
def test_an_empty_list_says_which_condition_emptied_it(
    floor: Floor, sara: Client, presence: BasePresence, query: dict[str, str], code: str, remedy: str
) -> None:
    french = Skill.objects.create(type="Language", name="French")
    ids = {"empty": str(floor.empty.pk), "french": str(french.pk)}
    for agent in (floor.ana, floor.boris):
        set_presence(agent, presence)

    query = {name: ids.get(value, value) for name, value in query.items()}
    page = sara.get(address(floor.start()), query, headers=HTMX).content.decode()

    assert f'data-emptied="{code}"' in page
    assert remedy in page
    assert choosable(page) == []


def test_more_agents_are_shown_on_demand_and_none_is_cut_off(floor: Floor, sara: Client) -> None:
    for number in range(45):
        make_agent(f"agent{number:02}", floor.billing)
    conversation = floor.start()

    first = sara.get(address(conversation), headers=HTMX).content.decode()
    all_of_them = sara.get(address(conversation), {"limit": "60"}, headers=HTMX).content.decode()

    assert len(names(first)) == 20
    assert "Show more (27 left)" in first
    assert len(names(all_of_them)) == 47
    assert "Show more" not in all_of_them


def test_whoever_was_chosen_stays_in_sight(floor: Floor, sara: Client) -> None:
    page = sara.get(address(floor.start()), {"q": "cene", "agent": str(floor.ana.pk)}, headers=HTMX).content.decode()

    assert names(page) == ["Ana Test", "Cene Test"]
    assert f'name="agent" value="{floor.ana.pk}" checked' in page


def test_the_dialog_costs_the_same_with_twice_the_agents(floor: Floor, sara: Client) -> None:
    french = Skill.objects.create(type="Language", name="French")
    conversation = floor.start()
    conversation.required_skills.create(skill=french, minimum=3)

    def add(numbers: range) -> None:
        for number in numbers:
            agent = make_agent(f"agent{number}", floor.billing, floor.returns)
            agent.agent_skills.create(skill=french, proficiency=number % 5 + 1)
            floor.active(by=agent)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page = sara.get(address(conversation), {"outside": "1", "limit": "100"}, headers=HTMX).content.decode()
        found.append(len(names(page)))
        return len(queries)

    found: list[int] = []
    add(range(8))
    sara.get(address(conversation), headers=HTMX)
    with_ten = cost()
    add(range(8, 18))
    with_twenty = cost()

    assert found == [10, 20]
    assert with_twenty == with_ten


# --- what is sent ------------------------------------------------------------------------------------------


def test_an_agent_is_assigned_and_the_dialog_closes(floor: Floor, sara: Client) -> None:
    conversation = floor.start()

    answer = sara.post(
        address(conversation), {"agent": floor.ana.pk, "version": conversation.version, "note": "VIP"}, headers=HTMX
    )

    assert answer.status_code == 204
    assert "dialog:close" in answer.headers["HX-Trigger"]
    assert "Offered to Ana Test." in answer.headers["HX-Trigger"]
    assert fresh(conversation).agent == floor.ana
    assert HistoryEntry.objects.filter(conversation=conversation).latest("pk").data["note"] == "VIP"


def test_without_script_one_is_led_to_the_conversation(floor: Floor, sara: Client) -> None:
    conversation = floor.start()

    answer = sara.post(address(conversation), {"agent": floor.ana.pk, "version": conversation.version})

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/conversations/{conversation.pk}/"


def test_an_override_that_was_not_confirmed_is_asked_for(floor: Floor, sara: Client) -> None:
    set_presence(floor.boris, BasePresence.AWAY)
    conversation = floor.start()
    sent = {"agent": floor.boris.pk, "version": conversation.version, "note": "Please"}

    answer = sara.post(address(conversation), sent, headers=HTMX)
    page = answer.content.decode()

    assert answer.status_code == 409
    assert f'name="confirmed-{floor.boris.pk}" value="presence_override"' in page
    assert f'name="agent" value="{floor.boris.pk}" checked' in page
    assert "Please" in page
    assert fresh(conversation).state == State.OPEN

    answer = sara.post(address(conversation), sent | {f"confirmed-{floor.boris.pk}": "presence_override"}, headers=HTMX)

    assert answer.status_code == 204
    assert HistoryEntry.objects.filter(conversation=conversation).latest("pk").data["overrides"] == [
        "presence_override"
    ]


def test_a_caution_confirmed_for_one_agent_says_nothing_about_another(floor: Floor, sara: Client) -> None:
    set_presence(floor.boris, BasePresence.AWAY)
    conversation = floor.start()

    answer = sara.post(
        address(conversation),
        {
            "agent": floor.boris.pk,
            "version": conversation.version,
            f"confirmed-{floor.ana.pk}": "presence_override",
            "confirmed": "presence_override",
        },
        headers=HTMX,
    )

    assert answer.status_code == 409
    assert fresh(conversation).state == State.OPEN


def test_a_caution_that_arose_meanwhile_is_asked_for(floor: Floor, sara: Client) -> None:
    conversation = floor.start()
    before = sara.get(address(conversation), headers=HTMX).content.decode()
    set_presence(floor.ana, BasePresence.AWAY)

    answer = sara.post(address(conversation), {"agent": floor.ana.pk, "version": conversation.version}, headers=HTMX)

    assert f"confirmed-{floor.ana.pk}" not in before
    assert answer.status_code == 409
    assert f'name="confirmed-{floor.ana.pk}" value="presence_override"' in answer.content.decode()


def test_whoever_comes_second_is_told_what_it_is_now(floor: Floor, sara: Client) -> None:
    conversation = floor.start()
    assignment.assign(
        actor_of(floor.sara),
        conversation.pk,
        agent_id=floor.ana.pk,
        version=conversation.version,
        confirmed=EVERY_CAUTION,
        now=at(5),
    )

    answer = sara.post(address(conversation), {"agent": floor.boris.pk, "version": conversation.version}, headers=HTMX)

    assert answer.status_code == 409
    assert '"code": "stale_version"' in answer.headers["HX-Trigger"]
    assert "Ana Test" in answer.headers["HX-Trigger"]
    assert 'data-code="already_assigned"' in answer.content.decode()
    assert fresh(conversation).agent == floor.ana


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 422),
        ({"agent": "ana"}, 422),
        ({"agent": "-1"}, 422),
        ({"agent": "9" * 40}, 422),
        ({"agent": "9" * 18}, 404),
        ({"agent": "right", "version": "many"}, 422),
        ({"agent": "right", "version": "0"}, 422),
        ({"agent": "right", "version": "9" * 30}, 422),
        ({"agent": "right", "version": "999"}, 409),
        ({"agent": "right", "note": "x" * 501}, 422),
        ({"agent": "right", "note": "a\x00b"}, 422),
    ],
)
def test_a_form_that_was_tampered_with_changes_nothing(
    floor: Floor, sara: Client, sent: dict[str, str], status: int
) -> None:
    conversation = floor.start()
    right = {"right": str(floor.ana.pk)}
    data = {"version": str(conversation.version)} | {name: right.get(value, value) for name, value in sent.items()}

    with_script = sara.post(address(conversation), data, headers=HTMX)
    without = sara.post(address(conversation), data)

    assert with_script.status_code == without.status_code == status
    assert fresh(conversation).state == State.OPEN
    assert fresh(conversation).version == conversation.version


@pytest.mark.parametrize(
    "query",
    [
        {"queue": "x"},
        {"queue": "9" * 30},
        {"skill": "'; drop"},
        {"presence": "sleeping"},
        {"limit": "-5"},
        {"limit": "9" * 30},
        {"agent": "x"},
        {"q": "\x00 %_\\ 😀"},
        {"tab": "nothing"},
    ],
)
def test_an_odd_address_shows_a_dialog_all_the_same(floor: Floor, sara: Client, query: dict[str, str]) -> None:
    assert sara.get(address(floor.start()), query, headers=HTMX).status_code == 200


def test_nobody_out_of_scope_finds_the_dialog(floor: Floor, client: Client) -> None:
    conversation = floor.start()
    assignment.assign_to_queue(
        actor_of(floor.sara), conversation.pk, queue_id=floor.returns.pk, version=conversation.version, now=at(5)
    )
    client.force_login(floor.stefan)

    assert client.get(address(conversation), headers=HTMX).status_code == 404
    assert client.post(address(conversation), {"agent": floor.cene.pk, "version": 2}, headers=HTMX).status_code == 404


def test_agents_have_no_dialogs(floor: Floor, client: Client) -> None:
    client.force_login(floor.ana.user)
    conversation = floor.start()

    for verb in ("assign", "assign-to-queue", "transfer", "force-close"):
        assert client.get(address(conversation, verb), headers=HTMX).status_code == 403


def test_a_refused_verb_shows_the_reason_and_what_to_do_instead(floor: Floor, sara: Client) -> None:
    page = sara.get(address(floor.active()), headers=HTMX).content.decode()

    assert 'data-code="already_assigned"' in page
    assert "Transfer conversation" in page
    assert "<form" not in page


def test_a_switch_that_is_off_is_the_reason(floor: Floor, sara: Client) -> None:
    SupervisorSettings.objects.update(assign_enabled=False)

    assert 'data-code="setting_off:assign"' in sara.get(address(floor.start()), headers=HTMX).content.decode()


def test_the_dialog_is_a_page_too(floor: Floor, sara: Client) -> None:
    page = sara.get(address(floor.start())).content.decode()

    assert "<!doctype html>" in page
    assert 'method="post"' in page
    assert 'id="dialog-form"' in page


# --- queues ---------------------------------------------------------------------------------------------------


def test_the_other_queues_of_the_type_are_offered(floor: Floor, sara: Client) -> None:
    page = sara.get(address(floor.start()), {"tab": "queue"}, headers=HTMX).content.decode()

    assert "Returns" in page
    assert f'name="queue" value="{floor.returns.pk}"' in page
    assert f'name="queue" value="{floor.billing.pk}"' not in page
    assert f'name="queue" value="{floor.calls.pk}"' not in page
    assert f'name="queue" value="{floor.empty.pk}" disabled' in page
    assert 'data-code="queue_without_members"' in page


def test_a_queue_says_what_waits_there(floor: Floor, sara: Client) -> None:
    moved = floor.start()
    assignment.assign_to_queue(
        actor_of(floor.sara), moved.pk, queue_id=floor.returns.pk, version=moved.version, now=at(5)
    )

    page = sara.get(address(floor.start()), {"tab": "queue"}, headers=HTMX).content.decode()
    row = page[page.index(f'value="{floor.returns.pk}"') :]

    assert "1 of 1 member can take work now" in row
    assert "1 open" in row
    assert "longest wait" in row


def test_a_conversation_moves_to_another_queue(floor: Floor, sara: Client) -> None:
    conversation = floor.start()

    answer = sara.post(
        address(conversation, "assign-to-queue"),
        {"queue": floor.returns.pk, "version": conversation.version},
        headers=HTMX,
    )

    assert answer.status_code == 204
    assert fresh(conversation).queue == floor.returns


def test_a_queue_outside_its_hours_needs_a_confirmation(floor: Floor, sara: Client) -> None:
    never = Queue.objects.create(name="Night", type=QueueType.MESSAGING)
    make_agent("nina", never)
    OperatingHours.objects.create(queue=never, weekday=1, opens="00:00", closes="00:01")
    conversation = floor.start()
    sent = {"queue": never.pk, "version": conversation.version}

    shown = sara.get(address(conversation), {"tab": "queue"}, headers=HTMX).content.decode()
    refused = sara.post(address(conversation, "assign-to-queue"), sent, headers=HTMX)
    done = sara.post(
        address(conversation, "assign-to-queue"), sent | {f"confirmed-{never.pk}": "queue_closed_hours"}, headers=HTMX
    )

    assert "Outside its hours" in shown
    assert refused.status_code == 409
    assert done.status_code == 204


@pytest.mark.parametrize("queue", ["billing", "empty", "calls"])
def test_a_queue_that_cannot_be_chosen_is_refused(floor: Floor, sara: Client, queue: str) -> None:
    conversation = floor.start()

    answer = sara.post(
        address(conversation, "assign-to-queue"),
        {"queue": getattr(floor, queue).pk, "version": conversation.version},
        headers=HTMX,
    )

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert fresh(conversation).queue == floor.billing


def test_the_queues_cost_the_same_however_many_there_are(floor: Floor, sara: Client) -> None:
    def add(numbers: range) -> None:
        for number in numbers:
            queue = Queue.objects.create(name=f"Queue {number}", type=QueueType.MESSAGING)
            make_agent(f"agent{number}", queue)
            OperatingHours.objects.create(queue=queue, weekday=1, opens="08:00", closes="16:00")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            sara.get(address(conversation), {"tab": "queue"}, headers=HTMX)
        return len(queries)

    conversation = floor.start()
    add(range(8))
    cost()
    with_ten = cost()
    add(range(8, 18))

    assert cost() == with_ten
