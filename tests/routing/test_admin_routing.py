"""Can queues, workstreams, presences, skills and profiles be set up only in ways that hold? (domain.md 1.2 to 2.4)"""

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from routing.models import (
    AssignmentMethod,
    BasePresence,
    CapacityProfile,
    Channel,
    OperatingHours,
    Presence,
    Queue,
    QueueType,
    Skill,
    Workstream,
)
from routing.selectors import queue_is_open
from tests.cast import Floor, set_presence
from tests.routing.forms import errors, inline_errors, said, save

pytestmark = pytest.mark.slow

QUEUES = "/admin/routing/queue/"
WORKSTREAMS = "/admin/routing/workstream/"
PRESENCES = "/admin/routing/presence/"
PROFILES = "/admin/routing/capacityprofile/"


def page_of(row: Model, page: str = "change") -> str:
    return reverse(f"admin:routing_{row._meta.model_name}_{page}", args=[row.pk])


def delete(client: Client, row: Model) -> list[str]:
    return said(client.post(page_of(row, "delete"), {"post": "yes"}, follow=True))


def default_queue(kind: QueueType = QueueType.MESSAGING) -> Queue:
    return Queue.objects.get(is_default=True, type=kind)


# --- queues (domain.md 1.2) ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (QueueType.MESSAGING, AssignmentMethod.HIGHEST_CAPACITY),
        (QueueType.VOICE, AssignmentMethod.LEAST_ACTIVE),
        (QueueType.RECORD, AssignmentMethod.HIGHEST_CAPACITY),
    ],
)
def test_a_new_queue_has_the_method_that_is_usual_for_its_type(
    otto: Client, kind: QueueType, method: AssignmentMethod
) -> None:
    save(otto, f"{QUEUES}add/", name="New", type=kind.value)

    assert Queue.objects.get(name="New").assignment_method == method


def test_a_method_that_was_chosen_stays(otto: Client) -> None:
    save(otto, f"{QUEUES}add/", name="New", type="voice", assignment_method="advanced_round_robin")

    assert Queue.objects.get(name="New").assignment_method == AssignmentMethod.ADVANCED_ROUND_ROBIN


def test_a_queue_gets_its_members_and_distribution_hears_who_came_and_went(
    otto: Client, floor: Floor, told: list[int]
) -> None:
    save(otto, page_of(floor.billing), agents=[floor.ana.pk, floor.cene.pk])

    stefan = floor.stefan.agent.pk
    assert set(floor.billing.members.all()) == {floor.ana, floor.cene}
    assert told == sorted({floor.boris.pk, floor.cene.pk, stefan})


def test_the_type_of_a_queue_never_changes(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.billing), type="voice", priority="5")

    floor.billing.refresh_from_db()
    assert (floor.billing.type, floor.billing.priority) == (QueueType.MESSAGING, 5)


def test_of_a_default_queue_only_the_method_changes(otto: Client, floor: Floor) -> None:
    queue = default_queue()

    save(
        otto,
        page_of(queue),
        name="Mine",
        priority="1",
        type="voice",
        agents=[floor.ana.pk],
        is_default="",
        assignment_method="advanced_round_robin",
    )

    after = default_queue()
    assert (after.name, after.priority, after.assignment_method) == (queue.name, 1000, "advanced_round_robin")
    assert not after.memberships.exists()


@pytest.mark.parametrize("kind", list(QueueType))
def test_a_default_queue_stays(otto: Client, kind: QueueType) -> None:
    queue = default_queue(kind)

    (sentence,) = delete(otto, queue)

    assert sentence == f"“{queue.name}” is a default queue and cannot be deleted."
    assert default_queue(kind) == queue


def test_a_queue_in_use_stays_and_says_where_it_is_used(otto: Client, floor: Floor) -> None:
    floor.start()

    (sentence,) = delete(otto, floor.billing)

    assert sentence.startswith("“Billing” is in use (Conversations, Queue segments, Sessions, Workstreams) and stays.")
    assert Queue.objects.filter(pk=floor.billing.pk).exists()


def test_a_queue_that_nobody_uses_goes_with_its_members_and_hours(otto: Client, floor: Floor) -> None:
    OperatingHours.objects.create(queue=floor.returns, weekday=1, opens="08:00", closes="18:00")

    (sentence,) = delete(otto, floor.returns)

    assert "was deleted successfully" in sentence
    assert not Queue.objects.filter(pk=floor.returns.pk).exists()


def test_critical_comes_after_at_risk(otto: Client, floor: Floor) -> None:
    answer = save(otto, page_of(floor.billing), wait_warning_seconds="60", wait_critical_seconds="60")

    (sentence,) = errors(answer)["wait_critical_seconds"]
    assert "critical comes later" in sentence


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "Returns"), ("name", "x" * 81), ("priority", "-1"), ("assignment_method", "by_weight")],
)
def test_a_tampered_queue_is_refused(otto: Client, floor: Floor, field: str, value: str) -> None:
    answer = save(otto, page_of(floor.billing), **{field: value})

    assert field in errors(answer)
    assert Queue.objects.get(pk=floor.billing.pk).name == "Billing"


def spans(*rows: tuple[int, str, str]) -> dict[str, Any]:
    data = {"operating_hours-TOTAL_FORMS": str(len(rows))}
    for number, (weekday, opens, closes) in enumerate(rows):
        prefix = f"operating_hours-{number}"
        data |= {f"{prefix}-weekday": str(weekday), f"{prefix}-opens": opens, f"{prefix}-closes": closes}
    return data


def test_operating_hours_are_kept_and_decide_whether_a_queue_is_open(otto: Client, floor: Floor) -> None:
    all_week = spans(*((day, "00:00", "23:59") for day in range(1, 8)))
    save(otto, page_of(floor.returns), **all_week)

    assert OperatingHours.objects.filter(queue=floor.returns).count() == 7
    assert queue_is_open(floor.returns)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([(1, "18:00", "08:00")], "Choose a time after the opening."),
        ([(1, "08:00", "08:00")], "Choose a time after the opening."),
        ([(1, "08:00", "12:00"), (1, "11:00", "18:00")], "overlaps"),
        ([(1, "08:00", "18:00"), (1, "09:00", "10:00"), (1, "17:00", "19:00")], "overlaps"),
        ([(9, "08:00", "18:00")], "Select a valid choice"),
        ([(1, "25:00", "26:00")], "valid time"),
    ],
)
def test_operating_hours_that_do_not_hold_are_refused(
    otto: Client, floor: Floor, rows: list[tuple[int, str, str]], sentence: str
) -> None:
    answer = save(otto, page_of(floor.returns), **spans(*rows))

    assert any(sentence in found for found in inline_errors(answer))
    assert "Constraint" not in answer.content.decode()
    assert not OperatingHours.objects.exists()


def test_two_spans_of_a_day_may_touch(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.returns), **spans((1, "08:00", "12:00"), (1, "12:00", "18:00")))

    assert OperatingHours.objects.count() == 2


# --- workstreams (domain.md 1.1, 2.4) --------------------------------------------------------------------


def new_workstream(client: Client, floor: Floor, **changes: Any) -> Any:
    values = {"name": "New", "channel": "sms", "distribution": "push", "fallback_queue": str(floor.billing.pk)}
    return save(client, f"{WORKSTREAMS}add/", **(values | changes))


def test_a_workstream_begins_with_the_defaults(otto: Client, floor: Floor) -> None:
    new_workstream(otto, floor)

    made = Workstream.objects.get(name="New")
    assert (made.channel, made.allowed_presences) == (Channel.SMS, ["available", "busy"])
    assert (made.accept_seconds, made.waiting_close_days, made.wrapup_block) == (120, 28, "always")
    assert (made.distribution, made.is_pickable) == ("push", False)
    assert (made.offers_reject, made.shows_countdown, made.auto_assigns, made.auto_accepts) == (
        True,
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("channel", "chosen", "keeps"),
    [("sms", "", True), ("persistent_chat", "", True), ("live_chat", "", False), ("sms", "no", False)],
)
def test_whether_customers_keep_their_agent_is_as_usual_for_the_channel(
    otto: Client, floor: Floor, channel: str, chosen: str, keeps: bool
) -> None:
    new_workstream(otto, floor, channel=channel, keeps_agent=chosen)

    made = Workstream.objects.get(name="New")
    assert made.keeps_agent is keeps
    save(otto, page_of(made), keeps_agent=None if keeps else "on")
    assert Workstream.objects.get(name="New").keeps_agent is not keeps


def test_channel_and_distribution_never_change(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.chat), channel="voice", distribution="pick", units="40")

    floor.chat.refresh_from_db()
    assert (floor.chat.channel, floor.chat.distribution, floor.chat.units) == (Channel.LIVE_CHAT, "push", 40)


@pytest.mark.parametrize(
    ("channel", "kind", "fits"),
    [
        ("sms", QueueType.MESSAGING, True),
        ("live_chat", QueueType.VOICE, False),
        ("voice", QueueType.VOICE, True),
        ("voice", QueueType.MESSAGING, False),
        ("record", QueueType.RECORD, True),
        ("record", QueueType.MESSAGING, False),
    ],
)
def test_the_fallback_queue_is_of_the_type_of_the_channel(
    otto: Client, floor: Floor, channel: str, kind: QueueType, fits: bool
) -> None:
    new_workstream(otto, floor, channel=channel, fallback_queue=str(default_queue(kind).pk))

    assert Workstream.objects.filter(name="New").exists() is fits


def test_the_fallback_queue_keeps_the_right_type_later(otto: Client, floor: Floor) -> None:
    answer = save(otto, page_of(floor.chat), fallback_queue=str(floor.calls.pk))

    (sentence,) = errors(answer)["fallback_queue"]
    assert sentence == "Live chat needs a queue of the type Messaging; “Calls” is of the type Voice."


def test_voice_is_never_picked(otto: Client, floor: Floor) -> None:
    answer = new_workstream(otto, floor, channel="voice", distribution="pick", fallback_queue=str(floor.calls.pk))

    (sentence,) = errors(answer)["distribution"]
    assert sentence.startswith("Voice is always pushed")


@pytest.mark.parametrize(
    ("seconds", "fits"), [("30", True), ("3600", True), ("29", False), ("3601", False), ("", False), ("long", False)]
)
def test_custom_wrap_up_blocks_from_30_seconds_to_60_minutes(
    otto: Client, floor: Floor, seconds: str, fits: bool
) -> None:
    answer = save(otto, page_of(floor.chat), wrapup_block="custom", wrapup_block_seconds=seconds)

    floor.chat.refresh_from_db()
    assert (floor.chat.wrapup_block == "custom") is fits
    assert "Constraint" not in answer.content.decode()


def test_without_a_custom_time_no_time_is_kept(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.chat), wrapup_block="custom", wrapup_block_seconds="60")
    save(otto, page_of(floor.chat), wrapup_block="none")

    floor.chat.refresh_from_db()
    assert (floor.chat.wrapup_block, floor.chat.wrapup_block_seconds) == ("none", None)


@pytest.mark.parametrize(
    ("channel", "changes", "field", "begins"),
    [
        ("live_chat", {"auto_assigns": "on", "shows_countdown": "on"}, "", ""),
        ("persistent_chat", {"auto_assigns": "on", "shows_countdown": "on"}, "", ""),
        ("voice", {"auto_assigns": "on", "shows_countdown": "on"}, "", ""),
        ("sms", {"auto_assigns": "on", "shows_countdown": "on"}, "auto_accepts", "Only chats and calls"),
        (
            "live_chat",
            {"auto_assigns": None, "shows_countdown": "on"},
            "auto_accepts",
            "Choose “assign without asking”",
        ),
        ("live_chat", {"auto_assigns": "on", "shows_countdown": None}, "shows_countdown", "Show it"),
    ],
)
def test_what_opens_by_itself_is_a_chat_or_call_that_is_assigned_and_says_when(
    otto: Client, floor: Floor, channel: str, changes: dict[str, Any], field: str, begins: str
) -> None:
    stream = floor.workstream(Channel(channel))

    answer = save(otto, page_of(stream), auto_accepts="on", **changes)

    stream.refresh_from_db()
    assert stream.auto_accepts is not bool(field)
    assert "Constraint" not in answer.content.decode()
    if field:
        (sentence,) = errors(answer)[field]
        assert sentence.startswith(begins)


def test_a_new_workstream_cannot_open_messages_by_itself(otto: Client, floor: Floor) -> None:
    answer = new_workstream(otto, floor, auto_assigns="on", auto_accepts="on")

    assert "auto_accepts" in errors(answer)
    assert not Workstream.objects.filter(name="New").exists()


@pytest.mark.parametrize(
    ("warning", "critical", "sentence"),
    [
        ("30", "90", ""),
        ("", "", ""),
        ("30", "", "Fill in both, or leave both empty."),
        ("", "90", "Fill in both, or leave both empty."),
        ("90", "90", "Choose more seconds than for “at risk”: critical comes later."),
        ("0", "90", ""),
    ],
)
def test_when_a_line_is_unanswered_for_too_long_is_the_workstream_s(
    otto: Client, floor: Floor, warning: str, critical: str, sentence: str
) -> None:
    answer = save(otto, page_of(floor.chat), unanswered_warning_seconds=warning, unanswered_critical_seconds=critical)

    floor.chat.refresh_from_db()
    is_saved = not sentence and warning != "0"
    usual = (60, 180)
    written = (int(warning) if warning else None, int(critical) if critical else None)
    assert (floor.chat.unanswered_warning_seconds, floor.chat.unanswered_critical_seconds) == (
        written if is_saved else usual
    )
    if sentence:
        assert errors(answer)["unanswered_critical_seconds"] == [sentence]


def test_offers_have_labels_of_their_own(otto: Client, floor: Floor) -> None:
    labels = {"accept_label": "Take it", "reject_label": "Not now"}
    save(otto, page_of(floor.chat), **labels, shows_countdown=None, desktop_notification="never")

    floor.chat.refresh_from_db()
    assert floor.chat.desktop_notification == "never"
    assert (floor.chat.accept_label, floor.chat.reject_label, floor.chat.shows_countdown) == (
        "Take it",
        "Not now",
        False,
    )


@pytest.mark.parametrize("presences", [[], ["inactive"], ["available", "lunch"], ["__all__"]])
def test_only_base_presences_can_be_allowed_and_one_must_be(otto: Client, floor: Floor, presences: list[str]) -> None:
    answer = save(otto, page_of(floor.chat), allowed_presences=presences)

    assert "allowed_presences" in errors(answer)
    assert Workstream.objects.get(pk=floor.chat.pk).allowed_presences == ["available", "busy"]


def test_all_five_base_presences_can_be_allowed(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.chat), allowed_presences=[base.value for base in BasePresence])

    assert Workstream.objects.get(pk=floor.chat.pk).allowed_presences == [base.value for base in BasePresence]


def test_a_workstream_takes_units_and_profiles(otto: Client, floor: Floor) -> None:
    chats = CapacityProfile.objects.create(name="Chats", limit=3)

    save(otto, page_of(floor.chat), units="45", capacity_profiles=[chats.pk])
    with_profile = list(floor.chat.profiles.all())
    save(otto, page_of(floor.chat), capacity_profiles=[])

    floor.chat.refresh_from_db()
    assert (floor.chat.units, with_profile, list(floor.chat.profiles.all())) == (45, [chats], [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("units", "0"),
        ("units", "-3"),
        ("accept_seconds", "9"),
        ("accept_seconds", "601"),
        ("waiting_close_days", "0"),
        ("skill_matching", "roughly"),
        ("fallback_queue", "999999"),
        ("capacity_profiles", "999999"),
    ],
)
def test_a_tampered_workstream_is_refused(otto: Client, floor: Floor, field: str, value: str) -> None:
    answer = save(otto, page_of(floor.chat), **{field: value})

    assert field in errors(answer)


def test_a_workstream_in_use_stays(otto: Client, floor: Floor) -> None:
    floor.start()

    (sentence,) = delete(otto, floor.chat)

    assert sentence.startswith("“Chat” is in use (Conversations) and stays.")
    assert Workstream.objects.filter(pk=floor.chat.pk).exists()


def test_a_workstream_that_nobody_uses_goes(otto: Client, floor: Floor) -> None:
    delete(otto, floor.voice)

    assert not Workstream.objects.filter(pk=floor.voice.pk).exists()


# --- presences, skills, capacity profiles ----------------------------------------------------------------


def test_a_custom_presence_is_a_name_a_text_and_one_base(otto: Client) -> None:
    save(otto, f"{PRESENCES}add/", name="Lunch", text="Back soon", base="away", is_selectable="on")

    lunch = Presence.objects.get(name="Lunch")
    assert (lunch.base, lunch.text, lunch.is_system) == (BasePresence.AWAY, "Back soon", False)


@pytest.mark.parametrize(("name", "base"), [("", "away"), ("Available", "away"), ("Lunch", ""), ("Lunch", "inactive")])
def test_a_presence_without_a_name_of_its_own_or_a_base_is_refused(otto: Client, name: str, base: str) -> None:
    answer = save(otto, f"{PRESENCES}add/", name=name, base=base)

    assert errors(answer)
    assert Presence.objects.count() == 6


@pytest.mark.parametrize("code", [*BasePresence.values, "inactive"])
def test_presences_of_the_product_are_neither_changed_nor_deleted(otto: Client, code: str) -> None:
    presence = Presence.objects.get(code=code)

    change = otto.post(page_of(presence), {"name": "Mine", "base": "away"})
    (sentence,) = delete(otto, presence)

    assert change.status_code == 403
    assert sentence == f"“{presence.name}” came with the product and cannot be changed or deleted."
    assert Presence.objects.get(code=code).name == presence.name


def test_a_custom_presence_in_which_somebody_was_stays_with_its_base(otto: Client, floor: Floor) -> None:
    lunch = Presence.objects.create(name="Lunch", base=BasePresence.AWAY)
    floor.ana.presence_changes.filter(ended_at=None).update(presence=lunch)
    set_presence(floor.ana, BasePresence.BUSY)

    save(otto, page_of(lunch), name="Long lunch", base="available")
    (sentence,) = delete(otto, lunch)

    lunch.refresh_from_db()
    assert (lunch.name, lunch.base) == ("Long lunch", BasePresence.AWAY)
    assert sentence == "“Long lunch” is in use (Presence history) and stays. Clear “People can choose it” instead."


def test_a_custom_presence_that_nobody_used_goes(otto: Client) -> None:
    lunch = Presence.objects.create(name="Lunch", base=BasePresence.AWAY)

    delete(otto, lunch)

    assert not Presence.objects.filter(pk=lunch.pk).exists()


def test_the_reset_of_a_capacity_profile_is_chosen_once(otto: Client) -> None:
    save(otto, f"{PROFILES}add/", name="Chats", limit="3", reset="end_of_day")
    chats = CapacityProfile.objects.get(name="Chats")

    save(otto, page_of(chats), reset="immediate", limit="4", is_blocking="on")

    chats.refresh_from_db()
    assert (chats.reset, chats.limit, chats.is_blocking) == ("end_of_day", 4, True)


@pytest.mark.parametrize("limit", ["0", "-1", "", "many"])
def test_a_capacity_profile_has_a_limit(otto: Client, limit: str) -> None:
    answer = save(otto, f"{PROFILES}add/", name="Chats", limit=limit)

    assert "limit" in errors(answer)


def test_what_agents_and_conversations_have_stays(otto: Client, floor: Floor) -> None:
    french = Skill.objects.create(type="Language", name="French")
    chats = CapacityProfile.objects.create(name="Chats", limit=3)
    calls = CapacityProfile.objects.create(name="Calls", limit=1)
    floor.ana.agent_skills.create(skill=french, proficiency=3)
    floor.chat.profiles.add(chats)
    floor.start().profiles.add(calls)

    sentences = [delete(otto, row)[0] for row in (french, chats, calls)]

    assert all("is in use" in sentence for sentence in sentences)
    assert Skill.objects.filter(pk=french.pk).exists()
    assert CapacityProfile.objects.count() == 2


def test_a_skill_is_there_once(otto: Client) -> None:
    Skill.objects.create(type="Language", name="French")

    answer = save(otto, "/admin/routing/skill/add/", type="Language", name="French")

    assert "already exists" in answer.content.decode()
    assert Skill.objects.count() == 1


def test_the_history_of_a_queue_tells_who_changed_what(otto: Client, floor: Floor) -> None:
    save(otto, page_of(floor.billing), priority="5")

    page = otto.get(page_of(floor.billing, "history")).content.decode()

    assert "Changed Priority." in page
    assert "otto" in page
