"""Do the supervisor settings do what their page says, at once, with a record of who changed what? (domain.md 3.1, 7)"""

import re
from collections.abc import Iterable
from typing import Any

import pytest
from django.forms import Form
from django.test import Client
from django.urls import reverse

from conversations import selectors
from conversations.models import Participant, SettingChange, SupervisorSettings
from conversations.policy import Verb, why_not
from conversations.services import assignment, closure, supervision
from conversations.services import settings as service
from routing.models import Channel, User, Workstream
from supervisor_console.kernel.actor import SYSTEM, Role
from supervisor_console.kernel.errors import ActionRefused, NotVisible, Stale
from tests.cast import T0, Floor, actor_of, at, make_user

PAGE = "/admin/conversations/supervisorsettings/1/change/"
SWITCHES = ("monitor_enabled", "assign_enabled", "transfer_enabled", "force_close_enabled")


@pytest.fixture
def otto(client: Client, db: None) -> Client:
    """An administrator's browser, in a console that nobody has set up yet."""
    client.force_login(make_user("otto", Role.ADMINISTRATOR))
    return client


def form_of(client: Client) -> Form:
    form: Form = client.get(PAGE).context["adminform"].form
    return form


def posted(client: Client, **changes: Any) -> dict[str, Any]:
    """What a browser sends that opened the page and changed some values."""
    form = form_of(client)
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()} | changes
    return {name: "on" if value is True else value for name, value in values.items() if value is not False}


def save(client: Client, **changes: Any) -> Any:
    return client.post(PAGE, posted(client, **changes), follow=True)


def errors(answer: Any) -> dict[str, list[str]]:
    return {name: list(found) for name, found in answer.context["adminform"].form.errors.items()}


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def changes() -> list[tuple[str, Any, Any, str]]:
    return [
        (change.setting, change.old, change.new, change.by.username)
        for change in SettingChange.objects.select_related("by").order_by("pk")
    ]


# --- the page --------------------------------------------------------------------------------------------


def test_the_list_is_the_page(otto: Client) -> None:
    answer = otto.get(reverse("admin:conversations_supervisorsettings_changelist"))

    assert answer.headers["Location"] == PAGE


def test_the_first_visit_needs_no_saved_row_and_shows_the_defaults(otto: Client) -> None:
    form = form_of(otto)

    assert not SupervisorSettings.objects.exists()
    assert [form.get_initial_for_field(form.fields[name], name) for name in SWITCHES] == [True, False, False, False]


def test_the_four_switches_come_first(otto: Client) -> None:
    first = otto.get(PAGE).context["adminform"].fieldsets[0]

    assert first[1]["fields"] == SWITCHES


def test_every_setting_is_on_the_page_and_says_what_it_does(otto: Client) -> None:
    form = form_of(otto)

    assert set(service.LABELS) <= set(form.fields)
    assert [name for name in service.LABELS if not form.fields[name].help_text] == []


def test_a_switch_is_effective_at_once(otto: Client) -> None:
    before = selectors.switches()

    answer = save(otto, assign_enabled=True, monitor_enabled=False)

    after = selectors.switches()
    assert (before.monitor, before.assign, before.transfer, before.force_close) == (True, False, False, False)
    assert (after.monitor, after.assign, after.transfer, after.force_close) == (False, True, False, False)
    assert said(answer) == ["The supervisor settings were saved. They are effective now."]


@pytest.mark.parametrize("verb", [Verb.MONITOR, Verb.ASSIGN, Verb.TRANSFER, Verb.FORCE_CLOSE])
def test_what_is_switched_off_is_refused_with_the_name_of_the_switch(client: Client, floor: Floor, verb: Verb) -> None:
    client.force_login(floor.otto)
    conversation = floor.start() if verb == Verb.ASSIGN else floor.active()
    facts = selectors.facts(conversation, None)
    sara = actor_of(floor.sara)
    before = why_not(verb, sara, facts, selectors.switches())

    save(client, **{f"{verb.value}_enabled": False})

    refusal = why_not(verb, sara, facts, selectors.switches())
    assert before is None
    assert refusal is not None
    assert refusal.code.startswith("setting_off")


def test_who_changed_what_from_what_to_what_and_when_is_kept(otto: Client) -> None:
    save(otto, assign_enabled=True, decline_limit=2)
    save(otto, customer_notice="We may listen.")

    notice = SupervisorSettings().customer_notice
    assert changes() == [
        ("assign_enabled", False, True, "otto"),
        ("decline_limit", 3, 2, "otto"),
        ("customer_notice", notice, "We may listen.", "otto"),
    ]
    assert all(change.at is not None for change in SettingChange.objects.all())


def test_the_latest_changes_stand_on_the_page(otto: Client) -> None:
    answer = save(otto, assign_enabled=True)

    assert [(row.setting, row.old, row.new, row.by) for row in answer.context["changes"]] == [
        ("Supervisor Assign", "off", "on", "Otto Test")
    ]


def test_choices_are_listed_by_their_label(otto: Client) -> None:
    answer = save(otto, assign_agent_scope="current_queue")

    (row,) = answer.context["changes"]
    assert (row.old, row.new) == ("Any agent", "Members of the current queue")


def test_saving_without_a_change_keeps_no_change(otto: Client) -> None:
    answer = save(otto)

    assert changes() == []
    assert said(answer) == ["Nothing was changed."]


def test_two_administrators_do_not_undo_each_other(otto: Client) -> None:
    mine = posted(otto, transfer_enabled=True)
    theirs = Client()
    theirs.force_login(make_user("olga", Role.ADMINISTRATOR))
    save(theirs, force_close_enabled=True)

    answer = otto.post(PAGE, mine, follow=True)

    assert said(answer)[0].startswith("Olga Test changed these settings meanwhile.")
    assert (selectors.switches().force_close, selectors.switches().transfer) == (True, False)
    assert [setting for setting, *_ in changes()] == ["force_close_enabled"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("decline_limit", "0"),
        ("decline_limit", "6"),
        ("decline_limit", "many"),
        ("assign_agent_scope", "everybody"),
        ("customer_notice", ""),
        ("customer_notice", "x" * 601),
        ("agent_notice", "\x00"),
        ("seen_change", "soon"),
        ("seen_change", ""),
    ],
)
def test_a_tampered_value_is_refused_and_nothing_changes(otto: Client, field: str, value: str) -> None:
    answer = otto.post(PAGE, posted(otto, assign_enabled=True) | {field: value})

    assert answer.status_code == 200
    assert field in errors(answer)
    assert changes() == []
    assert not selectors.switches().assign


def test_the_texts_keep_what_people_write(otto: Client) -> None:
    text = "Pogovor lahko spremlja nadzornik. 🎧 <b>„Žur“</b>"

    answer = save(otto, customer_notice=text, agent_notice=text)

    assert (selectors.settings_row().customer_notice, selectors.settings_row().agent_notice) == (text, text)
    assert "<b>„Žur“</b>" not in answer.content.decode()


def test_the_settings_cannot_be_added_or_deleted(otto: Client) -> None:
    save(otto, assign_enabled=True)

    add = otto.post("/admin/conversations/supervisorsettings/add/", {})
    delete = otto.post("/admin/conversations/supervisorsettings/1/delete/", {"post": "yes"}, follow=True)
    other = otto.get("/admin/conversations/supervisorsettings/2/change/", follow=True)

    assert add.status_code == 403
    assert said(delete) == ["There is always one row of settings."]
    assert other.status_code == 200
    assert "adminform" not in other.context
    assert SupervisorSettings.objects.count() == 1


# --- timers (domain.md 2.3) --------------------------------------------------------------------------------


def test_times_are_shown_and_written_with_units(otto: Client) -> None:
    page = otto.get(PAGE).content.decode()

    answer = save(otto, close_live_chat_open="1 h 30 min", close_voice_active="90min")

    assert re.search(r'<input type="text" name="close_live_chat_open" value="20 min"', page)
    assert re.search(r'<input type="text" name="close_voice_open" value="30 d"', page)
    assert changes() == [("close_live_chat_open", 1200, 5400, "otto"), ("close_voice_active", 7200, 5400, "otto")]
    assert [(row.setting, row.old, row.new) for row in answer.context["changes"]] == [
        ("Voice, longest call", "2 h", "1 h 30 min"),
        ("Live chat, open", "20 min", "1 h 30 min"),
    ]


def test_a_time_that_is_written_otherwise_but_means_the_same_is_no_change(otto: Client) -> None:
    save(otto, close_live_chat_open="1200 s", close_voice_active="120 min")

    assert changes() == []


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("soon", "Write a length of time with its unit, such as 90 s, 20 min, 2 h or 30 d."),
        ("-5 min", "Write a length of time with its unit, such as 90 s, 20 min, 2 h or 30 d."),
        ("", "This field is required."),
        ("59 s", "From 1 min to 400 d."),
        ("401 d", "From 1 min to 400 d."),
        ("24000 d", "From 1 min to 400 d."),
    ],
)
def test_a_time_that_makes_no_sense_is_refused_with_what_would(otto: Client, written: str, sentence: str) -> None:
    answer = save(otto, close_live_chat_open=written)

    assert errors(answer) == {"close_live_chat_open": [sentence]}
    assert changes() == []


@pytest.mark.parametrize(
    ("name", "shown", "good", "seconds", "wrong", "sentence"),
    [
        ("monitor_disconnect", "30 s", "1 min", 60, "14 s", "From 15 s to 1 h."),
        ("bot_silence", "20 min", "5 min", 300, "59 s", "From 1 min to 1 d."),
        ("decline_pause", "30 s", "5 s", 5, "0 s", "From 1 s to 1 h."),
    ],
)
def test_no_wait_is_fixed(
    otto: Client, name: str, shown: str, good: str, seconds: int, wrong: str, sentence: str
) -> None:
    page = otto.get(PAGE).content.decode()
    assert f'name="{name}" value="{shown}"' in page
    assert f"Came with {shown}." in page

    assert errors(save(otto, **{name: wrong})) == {name: [sentence]}
    save(otto, **{name: good})

    assert [(change[0], change[2]) for change in changes()] == [(name, seconds)]


# --- traps (domain.md 4.3, P20) --------------------------------------------------------------------------

TRAPS = [("missed_sets_inactive", "away"), ("reject_sets_dnd", "busy_dnd")]


def allow(workstream: Workstream, *presences: str) -> None:
    Workstream.objects.filter(pk=workstream.pk).update(allowed_presences=["available", *presences])


@pytest.mark.parametrize(("setting", "presence"), TRAPS)
def test_a_setting_that_would_do_nothing_is_refused_with_the_workstreams(
    client: Client, floor: Floor, setting: str, presence: str
) -> None:
    client.force_login(floor.otto)
    allow(floor.chat, presence)
    allow(floor.sms, presence)

    answer = save(client, **{setting: True})

    (sentence,) = errors(answer)[setting]
    assert "Chat, SMS" in sentence
    assert "Account chat" not in sentence
    assert changes() == []


@pytest.mark.parametrize(("setting", "presence"), TRAPS)
def test_the_setting_is_fine_while_no_workstream_allows_the_presence(
    client: Client, floor: Floor, setting: str, presence: str
) -> None:
    client.force_login(floor.otto)
    other = "busy_dnd" if presence == "away" else "away"
    allow(floor.chat, other)

    save(client, **{setting: True})

    assert changes() == [(setting, False, True, "otto")]


@pytest.mark.parametrize(("setting", "presence"), TRAPS)
def test_a_workstream_cannot_allow_what_would_make_the_setting_useless(
    client: Client, floor: Floor, setting: str, presence: str
) -> None:
    client.force_login(floor.otto)
    save(client, **{setting: True})
    url = reverse("admin:routing_workstream_change", args=[floor.chat.pk])
    form = client.get(url).context["adminform"].form
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    sent = {name: value for name, value in values.items() if value not in (None, False)}

    answer = client.post(url, sent | {"allowed_presences": ["available", presence]})

    (sentence,) = errors(answer)["allowed_presences"]
    assert str(service.LABELS[setting]) in sentence
    assert Workstream.objects.get(pk=floor.chat.pk).allowed_presences == ["available", "busy"]


def test_a_trap_that_came_about_elsewhere_is_shown_and_stops_nothing_else(client: Client, floor: Floor) -> None:
    client.force_login(floor.otto)
    save(client, missed_sets_inactive=True)
    allow(floor.chat, "away")

    page = client.get(PAGE)
    answer = save(client, force_close_enabled=False)

    assert [trap["name"] for trap in page.context["without_effect"]] == ["A missed offer sets Inactive"]
    assert said(answer) == ["The supervisor settings were saved. They are effective now."]
    assert not selectors.switches().force_close


# --- the service -----------------------------------------------------------------------------------------


def test_only_settings_that_exist_and_differ_are_changed(floor: Floor) -> None:
    event = service.change(
        actor_of(floor.otto), values={"monitor_enabled": True, "decline_limit": 5, "pk": 7, "nonsense": 1}, now=T0
    )

    assert event.settings == ("decline_limit",)
    assert changes() == [("decline_limit", 3, 5, "otto")]


def test_a_service_call_that_saw_older_settings_is_stale(floor: Floor) -> None:
    seen = service.last_change_id()
    service.change(actor_of(floor.otto), values={"decline_limit": 5}, now=T0)

    with pytest.raises(Stale):
        service.change(actor_of(floor.otto), values={"decline_limit": 1}, seen_change=seen, now=T0)

    assert selectors.settings_row().decline_limit == 5


def test_nobody_in_particular_changes_no_setting(db: None) -> None:
    with pytest.raises(NotVisible):
        service.change(SYSTEM, values={"decline_limit": 5})


# --- an administrator without the supervisor role (domain.md 1.3) ------------------------------------------


def attempts(floor: Floor) -> Iterable[tuple[str, Any]]:
    otto = actor_of(floor.otto)
    active, opened = floor.active(), floor.start(Channel.SMS)
    yield "monitor", lambda: supervision.monitor(otto, active.pk, now=at(50))
    yield (
        "assign",
        lambda: assignment.assign(otto, opened.pk, agent_id=floor.ana.pk, version=opened.version, now=at(50)),
    )
    yield (
        "transfer",
        lambda: assignment.transfer(otto, active.pk, agent_id=floor.boris.pk, version=active.version, now=at(50)),
    )
    yield "force_close", lambda: closure.force_close(otto, active.pk, version=active.version, now=at(50))


@pytest.mark.parametrize("is_superuser", [False, True])
def test_an_administrator_without_the_supervisor_role_cannot_act(floor: Floor, is_superuser: bool) -> None:
    User.objects.filter(pk=floor.otto.pk).update(is_superuser=is_superuser)
    refused = []

    for name, attempt in attempts(floor):
        with pytest.raises(ActionRefused):
            attempt()
        refused.append(name)

    assert refused == ["monitor", "assign", "transfer", "force_close"]
    assert not Participant.objects.filter(user=floor.otto).exists()


@pytest.mark.parametrize("is_superuser", [False, True])
def test_an_administrator_without_the_supervisor_role_sees_no_conversation(
    client: Client, floor: Floor, is_superuser: bool
) -> None:
    conversation = floor.active()
    User.objects.filter(pk=floor.otto.pk).update(is_superuser=is_superuser)
    client.force_login(floor.otto)

    report = client.get(reverse("conversations:ongoing"))
    page = client.get(reverse("conversations:conversation", args=[conversation.pk]))

    assert not selectors.visible(actor_of(floor.otto)).exists()
    assert report.status_code in (302, 403, 404)
    assert page.status_code in (302, 403, 404)
