"""Assign to an agent and to a queue: preconditions, overrides, effects, who hears (domain.md 3.5, T4, T5)."""

from datetime import time, timedelta

import pytest

from conversations.models import Offer, SupervisorSettings
from conversations.services import assignment, closure, messaging, offers, supervision
from routing.models import (
    Agent,
    AgentProfile,
    BasePresence,
    CapacityProfile,
    Channel,
    OperatingHours,
    Presence,
    Queue,
    SetBy,
    Skill,
    Workstream,
    WorkstreamProfile,
)
from routing.services.staffing import give_roles
from supervisor_console.kernel.actor import Actor, Role
from supervisor_console.kernel.errors import ActionRefused, ConfirmationNeeded, NotVisible, Stale
from tests.cast import (
    EVERY_CAUTION,
    T0,
    Floor,
    actor_of,
    at,
    customer_of,
    fresh,
    make_agent,
    make_user,
    offer_of,
    set_presence,
)
from tests.conversations.hearing import SUPERVISORS, hearing
from tests.conversations.looking import (
    attempts,
    departures,
    everything,
    history,
    last_entry,
    people,
    presence,
    said,
    stays,
    units,
)
from tests.invariants import broken

CHANNELS = [Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP, Channel.VOICE]


@pytest.fixture
def sara(floor: Floor) -> Actor:
    return actor_of(floor.sara)


def change_settings(**values: object) -> None:
    SupervisorSettings.objects.update(**values)


# --- to an agent: what happens --------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
def test_assign_offers_an_open_conversation_of_every_channel(floor: Floor, sara: Actor, channel: Channel) -> None:
    chat = floor.start(channel)

    event = assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=chat.version, now=at(10))

    chat = fresh(chat)
    assert (chat.state, chat.reason, chat.agent_id) == ("active", "AssignedBySupervisor", floor.ana.pk)
    assert chat.version == event.version == 2
    assert chat.accepted_at is None
    assert attempts(chat) == [("", "AgentReRouted"), ("ana", "open")]
    assert stays(chat) == [(chat.queue.name, "open")]
    assert people(chat) == {"ana": "primary"}
    assert said(chat) == ["assigned (internal)"]
    assert history(chat) == ["created", "assigned"]
    offer = offer_of(chat)
    assert (offer.kind, offer.agent_id, offer.requested_by_id) == ("supervisor_assign", floor.ana.pk, floor.sara.pk)
    assert offer.expires_at - offer.offered_at == timedelta(seconds=120)
    assert broken(at(10)) == []


def test_assign_takes_capacity_at_once_and_settles_presence(floor: Floor, sara: Actor) -> None:
    chat = floor.start()

    assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert units(floor.ana, at(10)) == 30
    assert presence(floor.ana) == "Busy"


def test_assign_is_heard_by_supervisors_the_agent_and_the_open_list_not_by_the_customer(
    floor: Floor, sara: Actor
) -> None:
    chat = floor.start()

    with hearing() as heard:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert heard.codes == ["conversation.assigned"]
    assert heard.by("conversation.assigned") == {
        SUPERVISORS,
        "supervisors of Billing",
        "open list of Billing",
        "ana",
        "sara",
    }
    assert heard.notices == [("ana", "assigned")]


def test_assign_keeps_the_note_for_the_agent(floor: Floor, sara: Actor) -> None:
    chat = floor.start()

    assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, note="  VIP\x00 ", now=at(10))

    assert offer_of(chat).note == "VIP"
    assert said(chat) == ["assigned (internal)", "handover_note (internal)"]
    assert last_entry(chat).data["note"] == "VIP"


def test_assign_leaves_monitors_attached(floor: Floor, sara: Actor) -> None:
    chat = floor.active()
    supervision.monitor(sara, chat.pk, now=at(30))
    assignment.release(actor_of(floor.ana), chat.pk, now=at(40))
    chat = fresh(chat)

    assignment.assign(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(50))

    assert people(chat) == {"sara": "monitor", "boris": "primary"}


def test_assign_can_go_to_oneself(floor: Floor) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    floor.sara.user_permissions.all()[0].user_set.add(supa.user)
    chat = floor.start()

    assignment.assign(actor_of(supa), chat.pk, agent_id=supa.pk, version=1, now=at(10))
    offers.accept(actor_of(supa), offer_of(chat).pk, now=at(20))

    assert people(chat) == {"supa": "primary"}
    with pytest.raises(ActionRefused, match="own_conversation"):
        supervision.monitor(actor_of(supa), chat.pk, now=at(30))


def test_a_monitor_who_is_assigned_the_conversation_is_its_primary_only(floor: Floor) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = floor.active()
    supervision.monitor(actor_of(supa), chat.pk, now=at(30))
    assignment.release(actor_of(floor.ana), chat.pk, now=at(40))
    chat = fresh(chat)

    assignment.assign(actor_of(supa), chat.pk, agent_id=supa.pk, version=chat.version, now=at(50))

    assert people(chat) == {"supa": "primary"}
    assert ("supa", "monitor", "moved_on") in departures(chat)


# --- to an agent: who can be chosen ---------------------------------------------------------------------------


def test_assign_reaches_agents_outside_the_queue(floor: Floor, sara: Actor) -> None:
    chat = floor.start()

    assignment.assign(sara, chat.pk, agent_id=floor.cene.pk, version=1, now=at(10))

    assert fresh(chat).agent_id == floor.cene.pk


def test_assign_keeps_to_the_queue_where_the_setting_says_so(floor: Floor, sara: Actor) -> None:
    change_settings(assign_agent_scope="current_queue")
    chat = floor.start()

    with pytest.raises(ActionRefused, match="agent_not_in_queue") as refused:
        assignment.assign(sara, chat.pk, agent_id=floor.cene.pk, version=1, confirmed=EVERY_CAUTION, now=at(10))

    assert "Cene Test" in str(refused.value.refusal)
    assert "Billing" in str(refused.value.refusal)
    assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))


def unavailable(name: str, floor: Floor) -> Agent:
    if name == "bot":
        return make_agent("bot", floor.billing, is_bot=True)
    if name == "deactivated":
        floor.boris.user.is_active = False
        floor.boris.user.save()
        return floor.boris
    if name == "api":
        floor.boris.user.groups.add(floor.api.groups.get())
        return floor.boris
    agent = make_agent("norole", floor.billing, roles=(Role.SUPERVISOR,))
    give_roles(agent.user_id, frozenset({Role.SUPERVISOR}))
    return agent


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("bot", "agent_is_bot"),
        ("deactivated", "agent_deactivated"),
        ("api", "agent_api_role_conflict"),
        ("without role", "agent_without_role"),
    ],
)
def test_some_agents_cannot_be_assigned_whatever_is_confirmed(floor: Floor, sara: Actor, name: str, code: str) -> None:
    chat, agent = floor.start(), unavailable(name, floor)
    before = everything(chat)

    with pytest.raises(ActionRefused, match=f"^{code}$"):
        assignment.assign(sara, chat.pk, agent_id=agent.pk, version=1, confirmed=EVERY_CAUTION, now=at(10))

    assert everything(chat) == before


def test_offline_agents_are_assigned_only_where_the_setting_allows_it(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    set_presence(floor.ana, BasePresence.OFFLINE)
    with pytest.raises(ActionRefused, match="agent_offline"):
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=EVERY_CAUTION, now=at(10))

    change_settings(allow_assign_offline=True)
    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))
    assert [caution.code for caution in asked.value.cautions] == ["presence_offline"]
    assignment.assign(
        sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"presence_offline"}), now=at(10)
    )

    assert presence(floor.ana) == "Offline"


# --- presence override ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [BasePresence.AWAY, BasePresence.BUSY_DND])
def test_an_agent_outside_the_allowed_presences_needs_a_confirmation(
    floor: Floor, sara: Actor, base: BasePresence
) -> None:
    chat = floor.start()
    set_presence(floor.ana, base, set_by=SetBy.AGENT)
    before = everything(chat)

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))
    assert [caution.code for caution in asked.value.cautions] == ["presence_override"]
    assert everything(chat) == before
    with pytest.raises(ConfirmationNeeded):
        assignment.assign(
            sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"capacity_override"}), now=at(10)
        )

    assignment.assign(
        sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"presence_override"}), now=at(10)
    )
    entry = last_entry(chat)
    assert entry.data["overrides"] == ["presence_override"]
    assert entry.data["presence"] == Presence.objects.get(code=base.value).name
    assert presence(floor.ana) == entry.data["presence"]


def test_a_custom_presence_is_judged_by_its_base(floor: Floor, sara: Actor) -> None:
    lunch = Presence.objects.create(name="Lunch", base=BasePresence.AWAY)
    training = Presence.objects.create(name="Training", base=BasePresence.BUSY)
    chat = floor.start()
    Agent.objects.filter(pk=floor.ana.pk).update(presence=lunch)
    Agent.objects.filter(pk=floor.boris.pk).update(presence=training)

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert "Lunch" in asked.value.cautions[0].sentence
    assignment.assign(sara, chat.pk, agent_id=floor.boris.pk, version=1, now=at(10))


# --- capacity override: the worked examples of domain.md 3.5 --------------------------------------------------


def holding(agent: Agent, floor: Floor, used: int) -> None:
    """Let the agent use so many units already, in one conversation."""
    workstream = Workstream.objects.create(
        name=f"Load {used}", channel=Channel.LIVE_CHAT, fallback_queue=floor.billing, units=used
    )
    chat = floor.start()
    type(chat).objects.filter(pk=chat.pk).update(units=used, workstream=workstream)
    assignment.assign(actor_of(floor.sara), chat.pk, agent_id=agent.pk, version=1, confirmed=EVERY_CAUTION, now=at(1))


@pytest.mark.parametrize(("used", "exceeded"), [(80, 10), (110, 40), (100, 30), (71, 1)])
def test_the_units_exceeded_are_shown_before_and_stored_after(
    floor: Floor, sara: Actor, used: int, exceeded: int
) -> None:
    holding(floor.ana, floor, used)
    set_presence(floor.ana, BasePresence.BUSY, now=at(5))
    chat = floor.start()

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    [caution] = asked.value.cautions
    assert caution.code == "capacity_override"
    assert caution.numbers["over"] == exceeded
    unit = "1 unit" if exceeded == 1 else f"{exceeded} units"
    assert caution.sentence == f"This exceeds the capacity of Ana Test by {unit}."
    event = assignment.assign(
        sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"capacity_override"}), now=at(10)
    )
    assert event.over_units == exceeded
    assert last_entry(chat).data["over_units"] == exceeded
    assert last_entry(chat).data["overrides"] == ["capacity_override"]
    assert units(floor.ana, at(10)) == used + 30
    assert presence(floor.ana) == "Do not disturb"


@pytest.mark.parametrize("used", [70, 30])
def test_an_agent_with_room_needs_no_confirmation(floor: Floor, sara: Actor, used: int) -> None:
    holding(floor.ana, floor, used)
    set_presence(floor.ana, BasePresence.BUSY, now=at(5))
    chat = floor.start()

    event = assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert event.overrides == ()
    assert event.over_units == 0


def test_each_exceeded_capacity_profile_is_named(floor: Floor, sara: Actor) -> None:
    chats = CapacityProfile.objects.create(name="Chats", limit=1)
    refunds = CapacityProfile.objects.create(name="Refunds", limit=5)
    for profile in (chats, refunds):
        WorkstreamProfile.objects.create(workstream=floor.chat, profile=profile)
    AgentProfile.objects.create(agent=floor.ana, profile=chats)
    set_presence(floor.ana, BasePresence.BUSY, now=at(5))
    first, second = floor.start(), floor.start()
    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(sara, first.pk, agent_id=floor.ana.pk, version=1, now=at(10))
    # A profile that the agent does not have leaves no room at all.
    assert [(caution.numbers["profile"], caution.numbers["over"]) for caution in asked.value.cautions] == [
        ("Refunds", 1)
    ]

    AgentProfile.objects.create(agent=floor.ana, profile=refunds)
    assignment.assign(sara, first.pk, agent_id=floor.ana.pk, version=1, now=at(10))
    set_presence(floor.ana, BasePresence.BUSY, now=at(5))
    event = assignment.assign(
        sara, second.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"profile_override"}), now=at(11)
    )

    assert event.overrides == ("profile_override",)
    assert last_entry(second).data["over_items"] == {"Chats": 1}
    assert event.over_units == 0


def test_a_custom_limit_of_an_agent_holds_instead_of_the_profile_s(floor: Floor, sara: Actor) -> None:
    chats = CapacityProfile.objects.create(name="Chats", limit=1)
    WorkstreamProfile.objects.create(workstream=floor.chat, profile=chats)
    AgentProfile.objects.create(agent=floor.ana, profile=chats, custom_limit=2)

    for _ in range(2):
        chat = floor.start()
        event = assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))
        assert event.overrides == ()


def test_the_tenth_conversation_of_an_agent_is_warned_of(floor: Floor, sara: Actor) -> None:
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=10_000)
    for _ in range(9):
        chat = floor.start()
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))
    chat = floor.start()

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert [(caution.code, caution.numbers["count"]) for caution in asked.value.cautions] == [("session_limit", 9)]
    assert presence(floor.ana) == "Busy"
    assignment.assign(
        sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"session_limit"}), now=at(10)
    )
    assert presence(floor.ana) == "Do not disturb"


def test_all_cautions_are_asked_at_once(floor: Floor, sara: Actor) -> None:
    holding(floor.ana, floor, 90)
    set_presence(floor.ana, BasePresence.AWAY, set_by=SetBy.AGENT, now=at(5))
    chat = floor.start()

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign(
            sara, chat.pk, agent_id=floor.ana.pk, version=1, confirmed=frozenset({"presence_override"}), now=at(10)
        )

    assert {caution.code for caution in asked.value.cautions} == {"presence_override", "capacity_override"}


# --- what does not fit ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phase", "code"),
    [
        ("offered", "already_assigned"),
        ("active", "already_assigned"),
        ("waiting", "state_not_open"),
        ("wrap_up", "state_not_open"),
        ("closed", "state_closed"),
    ],
)
def test_assign_needs_an_open_conversation(floor: Floor, sara: Actor, phase: str, code: str) -> None:
    chat = getattr(floor, phase)()
    before = everything(chat)

    for act in (
        lambda: assignment.assign(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(90)),
        lambda: assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=chat.version, now=at(90)),
    ):
        with pytest.raises(ActionRefused, match=f"^{code}$"):
            act()

    assert everything(chat) == before


def test_a_second_assign_of_the_same_form_is_stale(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))
    before = everything(chat)

    with pytest.raises(Stale) as refused:
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert "Ana Test" in refused.value.refusal.sentence
    assert everything(chat) == before


def test_who_comes_too_late_reads_who_did_what_and_what_it_is_now(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    assignment.pick(actor_of(floor.boris), chat.pk, now=at(10))

    with pytest.raises(Stale, match="stale_version") as refused:
        closure.force_close(sara, chat.pk, version=1, confirmed=EVERY_CAUTION, now=at(13))

    said = "Boris Test took it 3 s ago. It is active with Boris Test now."
    assert refused.value.refusal.sentence.startswith(said)


@pytest.mark.parametrize("version", [0, -1, 2, 999, 2**70, -(2**70)])
def test_a_version_that_was_never_seen_is_stale(floor: Floor, sara: Actor, version: int) -> None:
    chat = floor.start()

    with pytest.raises(Stale, match="stale_version"):
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=version, now=at(10))
    with pytest.raises(Stale, match="stale_version"):
        closure.force_close(sara, chat.pk, version=version, confirmed=EVERY_CAUTION, now=at(10))


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 2**70, -(2**70)])
def test_ids_that_do_not_exist_are_not_found(floor: Floor, sara: Actor, unknown: int) -> None:
    chat = floor.start()
    before = everything(chat)

    for act in (
        lambda: assignment.assign(sara, unknown, agent_id=floor.ana.pk, version=1, now=at(10)),
        lambda: assignment.assign(sara, chat.pk, agent_id=unknown, version=1, now=at(10)),
        lambda: assignment.assign_to_queue(sara, chat.pk, queue_id=unknown, version=1, now=at(10)),
        lambda: assignment.assign_to_queue(sara, unknown, queue_id=floor.returns.pk, version=1, now=at(10)),
    ):
        with pytest.raises(NotVisible):
            act()

    assert everything(chat) == before


def test_an_over_long_note_is_refused(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    before = everything(chat)

    with pytest.raises(ActionRefused, match="note_too_long"):
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, note="x" * 501, now=at(10))
    with pytest.raises(ActionRefused, match="note_too_long"):
        assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, note="x" * 501, now=at(10))

    assert everything(chat) == before


def test_assign_is_for_supervisors(floor: Floor) -> None:
    chat = floor.start()

    for who in (floor.ana, floor.otto, floor.api):
        with pytest.raises(ActionRefused) as refused:
            assignment.assign(actor_of(who), chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))
        assert refused.value.refusal.code in {"not_supervisor", "not_found"}

    both = make_user("both", Role.SUPERVISOR, Role.API_ACCESS)
    floor.sara.user_permissions.all()[0].user_set.add(both)
    with pytest.raises(ActionRefused, match="api_role_conflict"):
        assignment.assign(actor_of(both), chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))


def test_a_switch_works_at_once(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    change_settings(assign_enabled=False)

    with pytest.raises(ActionRefused, match="setting_off:assign"):
        assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    change_settings(assign_enabled=True)
    assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))


def test_a_supervisor_of_one_queue_does_not_find_another_one_s(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    stefan = actor_of(floor.stefan)
    assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(10))

    with pytest.raises(NotVisible):
        assignment.assign(stefan, chat.pk, agent_id=floor.ana.pk, version=2, now=at(20))


def test_lines_and_onlookers_do_not_make_a_dialog_stale(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    messaging.receive(customer_of(chat), chat.pk, text="Hello?", now=at(5))
    messaging.receive(customer_of(chat), chat.pk, text="Anybody?", now=at(6))

    event = assignment.assign(sara, chat.pk, agent_id=floor.ana.pk, version=1, now=at(10))

    assert event.version == 4


# --- to a queue -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP])
def test_assign_to_queue_moves_an_open_conversation(floor: Floor, sara: Actor, channel: Channel) -> None:
    chat = floor.start(channel)

    event = assignment.assign_to_queue(
        sara, chat.pk, queue_id=floor.returns.pk, version=1, note="Wrong door", now=at(10)
    )

    chat = fresh(chat)
    assert (chat.state, chat.queue_id, chat.agent_id) == ("open", floor.returns.pk, None)
    assert chat.first_wait_started_at == T0
    assert attempts(chat) == [("", "SupervisorAssignToQueue"), ("", "open")]
    assert stays(chat) == [("Billing", "SupervisorAssignToQueue"), ("Returns", "open")]
    old, new = chat.segments.order_by("pk")
    assert (old.target_queue_id, old.ended_at) == (floor.returns.pk, at(10))
    assert (new.source_queue_id, new.started_at) == (floor.billing.pk, at(10))
    assert said(chat) == ["assigned_to_queue (internal)", "handover_note (internal)"]
    assert event.data() == {
        "from_queue_id": floor.billing.pk,
        "from_queue": "Billing",
        "queue_id": floor.returns.pk,
        "queue": "Returns",
        "note": "Wrong door",
        "overrides": [],
    }
    assert broken(at(10)) == []


def test_assign_to_queue_is_heard_in_both_queues(floor: Floor, sara: Actor) -> None:
    chat = floor.start()

    with hearing() as heard:
        assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(10))

    assert heard.by("conversation.assigned_to_queue") == {
        SUPERVISORS,
        *("supervisors of Billing", "open list of Billing"),
        *("supervisors of Returns", "open list of Returns"),
        "sara",
    }
    assert heard.notices == []


def test_assign_to_queue_keeps_the_skills_that_are_needed(floor: Floor, sara: Actor) -> None:
    skill = Skill.objects.create(type="Language", name="French")
    chat = floor.start()
    chat.required_skills.create(skill=skill, minimum=3)

    assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(10))

    assert list(chat.required_skills.values_list("skill__name", "minimum")) == [("French", 3)]


@pytest.mark.parametrize(
    ("name", "code"),
    [("Billing", "queue_is_current"), ("Calls", "queue_type"), ("Nobody", "queue_without_members")],
)
def test_some_queues_cannot_be_chosen(floor: Floor, sara: Actor, name: str, code: str) -> None:
    chat = floor.start()
    before = everything(chat)

    with pytest.raises(ActionRefused, match=f"^{code}$") as refused:
        assignment.assign_to_queue(
            sara,
            chat.pk,
            queue_id=Queue.objects.get(name=name).pk,
            version=1,
            confirmed=EVERY_CAUTION,
            now=at(10),
        )

    assert name in refused.value.refusal.sentence
    assert everything(chat) == before


def test_a_call_moves_between_voice_queues_only(floor: Floor, sara: Actor) -> None:
    call = floor.start(Channel.VOICE)
    default = Queue.objects.get(type="voice", is_default=True)

    with pytest.raises(ActionRefused, match="queue_type"):
        assignment.assign_to_queue(sara, call.pk, queue_id=floor.returns.pk, version=1, now=at(10))
    assignment.assign_to_queue(sara, call.pk, queue_id=default.pk, version=1, now=at(10))

    assert fresh(call).queue_id == default.pk


def test_every_agent_is_a_member_of_a_default_queue(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    default = Queue.objects.get(type="messaging", is_default=True)

    assignment.assign_to_queue(sara, chat.pk, queue_id=default.pk, version=1, now=at(10))

    assignment.pick(actor_of(floor.cene), chat.pk, now=at(20))
    assert fresh(chat).agent_id == floor.cene.pk


def test_members_who_cannot_work_do_not_count(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    floor.cene.user.is_active = False
    floor.cene.user.save()

    with pytest.raises(ActionRefused, match="queue_without_members"):
        assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(10))


def test_a_queue_outside_its_hours_needs_a_confirmation(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    # T0 is a Monday, 10:00 in the zone of the tests.
    OperatingHours.objects.create(queue=floor.returns, weekday=1, opens=time(8), closes=time(10, 0))

    with pytest.raises(ConfirmationNeeded) as asked:
        assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(10))
    assert [caution.code for caution in asked.value.cautions] == ["queue_closed_hours"]
    event = assignment.assign_to_queue(
        sara, chat.pk, queue_id=floor.returns.pk, version=1, confirmed=frozenset({"queue_closed_hours"}), now=at(10)
    )

    assert event.overrides == ("queue_closed_hours",)


def test_a_queue_inside_its_hours_needs_none(floor: Floor, sara: Actor) -> None:
    chat = floor.start()
    OperatingHours.objects.create(queue=floor.returns, weekday=1, opens=time(10), closes=time(12))

    assignment.assign_to_queue(sara, chat.pk, queue_id=floor.returns.pk, version=1, now=at(10))

    assert fresh(chat).queue_id == floor.returns.pk


# --- a waiting conversation that nobody keeps (T26, the one extension) ----------------------------------------


def test_a_waiting_conversation_without_an_agent_can_be_assigned(floor: Floor, sara: Actor) -> None:
    one, other = floor.waiting(), floor.waiting(by=floor.boris)
    for chat in (one, other):
        type(chat).objects.filter(pk=chat.pk).update(last_agent=None)

    assignment.assign(sara, one.pk, agent_id=floor.boris.pk, version=one.version, now=at(60))
    assignment.assign_to_queue(sara, other.pk, queue_id=floor.returns.pk, version=other.version, now=at(60))

    assert fresh(one).agent_id == floor.boris.pk
    assert Offer.objects.filter(conversation=one, status="pending").count() == 1
    assert (fresh(other).state, fresh(other).queue_id) == ("open", floor.returns.pk)
    assert broken(at(60)) == []
