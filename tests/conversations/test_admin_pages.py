"""Do all pages of the administrators open, for whom, and at a price that does not grow with the rows?"""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from conversations.models import Conversation, Finding, Message, Notice, Participant, SettingChange
from conversations.services import settings as service
from conversations.services import supervision
from routing.models import (
    CapacityProfile,
    Channel,
    Presence,
    PresenceChange,
    Queue,
    QueueType,
    SetBy,
    Skill,
    User,
)
from supervisor_console.kernel.actor import Role
from tests.cast import T0, Floor, actor_of, at, make_agent, make_workstream

pytestmark = pytest.mark.slow

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
READ_ONLY = [
    "conversations.Conversation",
    "conversations.Customer",
    "conversations.Finding",
    "conversations.HistoryEntry",
    "conversations.Offer",
    "conversations.Participant",
    "conversations.QueueSegment",
    "conversations.Session",
    "conversations.SettingChange",
    "routing.PresenceChange",
]


def label(model: type[Model]) -> str:
    return model._meta.label


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def row_url(model: type[Model], pk: object, page: str = "change") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=[pk])


@pytest.fixture
def otto(client: Client, floor: Floor) -> Client:
    """Otto the administrator's browser."""
    client.force_login(floor.otto)
    return client


@pytest.fixture
def busy(floor: Floor) -> Floor:
    """Something of everything, so that no list is empty."""
    grow(floor, 0)
    service.change(actor_of(floor.otto), values={"decline_limit": 4}, now=T0)
    return floor


def grow(floor: Floor, number: int) -> None:
    """One more of everything."""
    queue = Queue.objects.create(name=f"Queue {number}", type=QueueType.MESSAGING)
    make_workstream(f"Stream {number}", Channel.LIVE_CHAT, queue)
    skill = Skill.objects.create(type="Language", name=f"Language {number}")
    profile = CapacityProfile.objects.create(name=f"Profile {number}", limit=2)
    agent = make_agent(f"agent-{number}", queue, floor.billing)
    agent.agent_skills.create(skill=skill, proficiency=4)
    agent.agent_profiles.create(profile=profile)
    Presence.objects.create(name=f"Lunch {number}", base="away")
    conversation = floor.active(by=agent)
    supervision.monitor(actor_of(floor.sara), conversation.pk, now=at(20))
    floor.offered(to=agent)
    SettingChange.objects.create(setting="decline_limit", old=3, new=4, by=agent.user, at=T0)
    Finding.objects.create(conversation=conversation, code="a_rule", is_repairable=True, found_at=T0)


def test_an_administrator_opens_every_list(otto: Client, busy: Floor) -> None:
    for model in MODELS:
        answer = otto.get(list_url(model), follow=True)

        assert answer.status_code == 200, label(model)
        assert answer.context["title"], label(model)


def test_an_administrator_opens_a_row_of_every_kind(otto: Client, busy: Floor) -> None:
    for model in MODELS:
        row = model._base_manager.first()
        assert row is not None, label(model)

        answer = otto.get(row_url(model, row.pk))

        assert answer.status_code == 200, label(model)


def test_the_first_page_is_by_subject(otto: Client) -> None:
    page = otto.get(reverse("admin:index"))

    assert [section["name"] for section in page.context["app_list"]] == [
        "Supervision",
        "People",
        "Routing",
        "Conversations",
        "Operation",
    ]
    assert [str(entry["name"]) for entry in page.context["app_list"][0]["models"]] == [
        "Supervisor settings",
        "Monitoring record",
        "Setting changes",
    ]


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_a_list_costs_the_same_with_more_rows(otto: Client, busy: Floor, model: type[Model]) -> None:
    otto.get(list_url(model))  # What is read once per process is read now.

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            otto.get(list_url(model))
        return len(queries)

    before = cost()
    for number in range(1, 6):
        grow(busy, number)

    assert cost() == before


def test_a_conversation_s_page_costs_the_same_with_more_history(otto: Client, floor: Floor) -> None:
    conversation = floor.active()
    url = row_url(Conversation, conversation.pk)
    watch(floor, conversation)
    otto.get(url)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert otto.get(url).status_code == 200
        return len(queries)

    before = cost()
    for _ in range(5):
        watch(floor, conversation)

    assert cost() == before


def watch(floor: Floor, conversation: Conversation) -> None:
    """Sara monitors it for a minute."""
    supervision.monitor(actor_of(floor.sara), conversation.pk, now=at(40))
    supervision.stop_monitoring(actor_of(floor.sara), conversation.pk, now=at(100))


@pytest.mark.parametrize("name", ["sara", "stefan", "api"])
def test_who_is_no_administrator_does_not_get_in(client: Client, floor: Floor, name: str) -> None:
    client.force_login(getattr(floor, name))

    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.status_code == 403


def test_an_agent_does_not_get_in(client: Client, floor: Floor) -> None:
    client.force_login(floor.ana.user)

    assert client.get(list_url(User), follow=True).status_code == 403


def test_a_visitor_is_led_to_the_log_in_of_the_console(client: Client, db: None) -> None:
    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.redirect_chain[-1][0] == "/login/?next=/admin/"


def test_an_administrator_who_is_deactivated_is_out(otto: Client, floor: Floor) -> None:
    User.objects.filter(pk=floor.otto.pk).update(is_active=False)

    assert "login" in otto.get(reverse("admin:index"), follow=True).redirect_chain[-1][0]


def test_messages_and_notices_are_not_to_be_read_here(otto: Client) -> None:
    assert Message not in admin.site._registry
    assert Notice not in admin.site._registry


def test_the_key_of_a_customer_is_on_no_page(otto: Client, floor: Floor) -> None:
    conversation = floor.start()
    key = conversation.customer.key

    for url in (
        row_url(type(conversation.customer), conversation.customer.pk),
        row_url(type(conversation), conversation.pk),
    ):
        assert key not in otto.get(url).content.decode()


def read_only_models() -> list[type[Model]]:
    return [model for model in MODELS if label(model) in READ_ONLY]


@pytest.mark.parametrize("model", read_only_models(), ids=label)
@pytest.mark.parametrize("who", ["otto", "superuser"])
def test_the_record_cannot_be_changed_by_anybody(client: Client, busy: Floor, model: type[Model], who: str) -> None:
    user = busy.otto if who == "otto" else User.objects.create_superuser("root")
    client.force_login(user)
    row = model._base_manager.order_by("pk").first()
    assert row is not None
    before = list(model._base_manager.order_by("pk").values())

    change = client.post(row_url(model, row.pk), {"_save": "Save", "mode": "primary", "code": "x"})
    add = client.post(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add"), {})
    delete = client.post(row_url(model, row.pk, "delete"), {"post": "yes"}, follow=True)
    bulk = client.post(
        list_url(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}, follow=True
    )

    assert (change.status_code, add.status_code) == (403, 403)
    assert "cannot be" in str(next(iter(delete.context["messages"]))) or "not changed" in delete.content.decode()
    assert bulk.status_code in (200, 403)
    assert list(model._base_manager.order_by("pk").values()) == before


def test_the_administrator_role_may_only_look_at_the_record(floor: Floor) -> None:
    codes = set(Group.objects.get(name=Role.ADMINISTRATOR.value).permissions.values_list("codename", flat=True))

    assert "view_participant" in codes
    assert not {code for code in codes if code.endswith(("_participant", "_historyentry")) and code[:4] != "view"}
    assert {"view_message", "delete_user", "delete_agent", "view_all_queues"} & codes == set()


def test_the_monitoring_record_says_who_what_from_and_to(otto: Client, floor: Floor) -> None:
    conversation = floor.active()
    supervision.monitor(actor_of(floor.sara), conversation.pk, now=at(40))
    supervision.stop_monitoring(actor_of(floor.sara), conversation.pk, now=at(100))

    page = otto.get(list_url(Participant), {"mode__exact": "monitor"})

    assert page.context["title"].startswith("Monitoring record")
    rows = list(page.context["cl"].result_list)
    assert [(row.user, row.conversation, row.added_at, row.left_at) for row in rows] == [
        (floor.sara, conversation, at(40), at(100))
    ]
    assert "0:01:00" in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=" + "x" * 5000,
        "q=𝔘𝔫𝔦%20%F0%9F%98%80",
        "created_at__year=99999",
        "created_at__year=abc",
        "state__exact=nonsense",
        "p=-5",
        "p=999999",
        "o=99.x",
        "queue__id__exact=abc",
        "customer__key=x",
        "nonsense=1",
    ],
)
def test_a_tampered_address_of_a_list_is_answered(otto: Client, busy: Floor, query: str) -> None:
    answer = otto.get(f"{reverse('admin:conversations_conversation_changelist')}?{query}", follow=True)

    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize("pk", ["0", "999999999999999999999999", "abc", "-1", "%00"])
@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_a_row_that_is_not_there_is_answered(otto: Client, busy: Floor, pk: str, page: str) -> None:
    answer = otto.get(f"/admin/routing/queue/{pk}/{page}/", follow=True)

    assert answer.status_code in (200, 404)


def test_the_presence_history_is_a_list_of_stays(otto: Client, floor: Floor) -> None:
    page = otto.get(list_url(PresenceChange), {"set_by__exact": SetBy.SYSTEM.value})

    assert page.context["cl"].result_count == PresenceChange.objects.filter(set_by=SetBy.SYSTEM).count() > 0
