"""What a database can hold of domain.md 2.5 it holds: each constraint refuses its violation, past all our code."""

from collections.abc import Callable, Iterable
from datetime import time

import pytest
from django.apps import apps
from django.db import IntegrityError, models

from conversations.models import (
    CallLeg,
    Conversation,
    Finding,
    FullCheck,
    Message,
    Offer,
    Participant,
    QueueSegment,
    RequiredSkill,
    Session,
    SupervisorSettings,
)
from conversations.services import assignment
from routing.models import (
    AgentProfile,
    AgentSkill,
    CapacityProfile,
    Channel,
    OperatingHours,
    Presence,
    PresenceChange,
    Queue,
    QueueMembership,
    Skill,
    Workstream,
    WorkstreamProfile,
)
from tests.cast import T0, Floor, actor_of, at

Violation = Callable[[Floor], object]
VIOLATIONS: dict[str, Violation] = {}


def violates(name: str) -> Callable[[Violation], Violation]:
    """This breaks the constraint of this name."""

    def keep(violation: Violation) -> Violation:
        VIOLATIONS[name] = violation
        return violation

    return keep


def change(chat: Conversation, **values: object) -> int:
    return Conversation.objects.filter(pk=chat.pk).update(**values)


# --- conversations ---------------------------------------------------------------------------------------------

VIOLATIONS |= {
    "conversation_state_is_known": lambda floor: change(floor.start(), state="paused"),
    "conversation_reason_is_known": lambda floor: change(floor.start(), reason="Whatever"),
    "conversation_closed_means_closed_at": lambda floor: change(floor.start(), closed_at=T0),
    "conversation_agent_only_while_active_or_wrap_up": lambda floor: change(floor.start(), agent=floor.ana),
    "conversation_waiting_only_where_chats_persist": lambda floor: change(floor.start(), state="waiting"),
    "conversation_wrap_up_has_a_start": lambda floor: change(floor.wrap_up(), wrapup_started_at=None),
    "conversation_holds_capacity_only_with_agent": lambda floor: change(floor.start(), holds_capacity=True),
    "conversation_active_holds_capacity": lambda floor: change(floor.active(), holds_capacity=False),
    "conversation_abandoned_was_never_accepted": lambda floor: change(floor.closed(), is_abandoned=True),
    "conversation_accepted_after_wait_started": lambda floor: change(floor.active(), accepted_at=at(-1)),
    "conversation_elevated_is_a_live_chat_that_goes_on": lambda floor: change(floor.wrap_up(), is_elevated=True),
    "conversation_open_waits": lambda floor: change(floor.start(), first_wait_started_at=None),
    "conversation_handled_only_with_agent": lambda floor: change(floor.start(), handling_since=T0),
}


@violates("required_skill_unique")
def needs_a_skill_twice(floor: Floor) -> None:
    skill = Skill.objects.create(type="Language", name="French")
    chat = floor.start()
    for minimum in (1, 2):
        RequiredSkill.objects.create(conversation=chat, skill=skill, minimum=minimum)


# --- sessions and segments -----------------------------------------------------------------------------------


@violates("session_one_open")
def a_second_open_session(floor: Floor) -> None:
    chat = floor.start()
    Session.objects.create(conversation=chat, queue=chat.queue, created_at=T0)


@violates("segment_one_open")
def a_second_open_segment(floor: Floor) -> None:
    chat = floor.start()
    QueueSegment.objects.create(conversation=chat, queue=chat.queue, started_at=T0)


VIOLATIONS |= {
    "session_closed_has_a_reason": lambda floor: floor.start().sessions.update(closed_at=T0),
    "session_assigned_has_an_agent": lambda floor: floor.start().sessions.update(agent_assigned_at=T0),
    "session_accepted_after_assigned": lambda floor: (
        floor.offered().sessions.filter(closed_at=None).update(agent_accepted_at=T0)
    ),
    "segment_ends_after_start": lambda floor: floor.start().segments.update(ended_at=at(-1)),
}


# --- participants -----------------------------------------------------------------------------------------------


def take_part(chat: Conversation, user_id: int, mode: str, **values: object) -> Participant:
    return Participant.objects.create(
        conversation=chat, user_id=user_id, mode=mode, assign_reason="SystemAssign", added_at=T0, **values
    )


VIOLATIONS |= {
    "participant_one_primary": lambda floor: take_part(floor.active(), floor.boris.user_id, "primary"),
    "participant_once_per_person": lambda floor: take_part(floor.active(), floor.ana.user_id, "monitor"),
    "participant_left_has_a_reason": lambda floor: floor.active().participants.update(left_at=at(99)),
    "participant_leaves_after_coming": lambda floor: floor.active().participants.update(
        left_at=at(-1), left_reason="left"
    ),
    "participant_monitor_has_no_read_marker": lambda floor: take_part(
        floor.active(), floor.sara.pk, "monitor", read_at=T0
    ),
}


# --- offers -----------------------------------------------------------------------------------------------------


@violates("offer_one_pending")
def a_second_pending_offer(floor: Floor) -> None:
    chat = floor.offered()
    Offer.objects.create(conversation=chat, agent=floor.boris, kind="transfer", offered_at=T0, expires_at=at(9))


VIOLATIONS |= {
    "offer_settled_has_a_time": lambda floor: floor.offered().offers.update(status="rejected"),
    "offer_expires_after_offered": lambda floor: floor.offered().offers.update(expires_at=T0),
}


# --- messages ---------------------------------------------------------------------------------------------------


@violates("message_client_key_once")
def a_line_twice(floor: Floor) -> None:
    chat = floor.start()
    for _ in range(2):
        Message.objects.create(
            conversation=chat, sender_kind="customer", text="Hello", client_key="line-1", created_at=T0
        )


VIOLATIONS |= {
    "message_has_a_text_or_a_code": lambda floor: Message.objects.create(
        conversation=floor.start(), sender_kind="system", text="No code", created_at=T0
    ),
    "message_of_a_customer_is_public": lambda floor: floor.start().messages.update(visibility="internal"),
}


# --- settings ---------------------------------------------------------------------------------------------------

VIOLATIONS |= {
    "supervisor_settings_one_row": lambda floor: SupervisorSettings.objects.create(pk=2),
    "supervisor_settings_decline_limit_1_to_5": lambda floor: SupervisorSettings.objects.update(decline_limit=6),
}


# --- people, queues, workstreams ----------------------------------------------------------------------------------


def twice(model: type[models.Model], **values: object) -> None:
    for _ in range(2):
        model._default_manager.create(**values)


@violates("agent_skill_unique")
def a_skill_twice(floor: Floor) -> None:
    twice(AgentSkill, agent=floor.ana, skill=Skill.objects.create(type="Language", name="French"))


@violates("agent_skill_proficiency_1_to_5")
def too_proficient(floor: Floor) -> None:
    skill = Skill.objects.create(type="Language", name="French")
    AgentSkill.objects.create(agent=floor.ana, skill=skill, proficiency=6)


@violates("agent_profile_unique")
def a_profile_twice(floor: Floor) -> None:
    twice(AgentProfile, agent=floor.ana, profile=CapacityProfile.objects.create(name="Chats", limit=1))


@violates("workstream_profile_unique")
def a_workstream_profile_twice(floor: Floor) -> None:
    twice(WorkstreamProfile, workstream=floor.chat, profile=CapacityProfile.objects.create(name="Chats", limit=1))


@violates("operating_hours_unique_start")
def hours_twice(floor: Floor) -> None:
    twice(OperatingHours, queue=floor.billing, weekday=1, opens=time(8), closes=time(9))


VIOLATIONS |= {
    "capacity_profile_limit_positive": lambda floor: CapacityProfile.objects.create(name="None", limit=0),
    "capacity_profile_reset_is_known": lambda floor: CapacityProfile.objects.create(name="Odd", limit=1, reset="never"),
    "presence_base_is_known": lambda floor: Presence.objects.create(name="Odd", base="asleep"),
    "presence_inactive_is_away_and_not_selectable": lambda floor: Presence.objects.filter(code="inactive").update(
        is_selectable=True
    ),
    "presence_change_one_current": lambda floor: PresenceChange.objects.create(
        agent=floor.ana, presence=floor.ana.presence, started_at=T0, set_by="system"
    ),
    "presence_change_ends_after_start": lambda floor: PresenceChange.objects.update(ended_at=at(-1)),
    "queue_type_is_known": lambda floor: Queue.objects.create(name="Odd", type="smoke"),
    "queue_one_default_per_type": lambda floor: Queue.objects.create(name="Odd", type="voice", is_default=True),
    "queue_critical_after_warning": lambda floor: Queue.objects.update(wait_critical_seconds=1),
    "queue_membership_unique": lambda floor: QueueMembership.objects.create(queue=floor.billing, agent=floor.ana),
    "operating_hours_close_after_open": lambda floor: OperatingHours.objects.create(
        queue=floor.billing, weekday=1, opens=time(9), closes=time(8)
    ),
    "skill_type_and_name_unique": lambda floor: twice(Skill, type="Language", name="French"),
    "workstream_channel_is_known": lambda floor: Workstream.objects.update(channel="smoke"),
    "workstream_units_positive": lambda floor: Workstream.objects.update(units=0),
    "workstream_custom_wrapup_30s_to_60min": lambda floor: Workstream.objects.update(
        wrapup_block="custom", wrapup_block_seconds=29
    ),
    "workstream_voice_is_pushed": lambda floor: Workstream.objects.filter(channel=Channel.VOICE).update(
        distribution="pick"
    ),
    "workstream_bots_write": lambda floor: Workstream.objects.filter(channel=Channel.VOICE).update(bot=floor.ana),
    "workstream_critical_after_warning": lambda floor: Workstream.objects.update(unanswered_critical_seconds=60),
    "workstream_opens_what_is_assigned": lambda floor: Workstream.objects.update(auto_accepts=True),
}


# --- the legs of calls -------------------------------------------------------------------------------------------


def legs(floor: Floor, party: str, **values: object) -> int:
    return floor.active(Channel.VOICE).legs.filter(party=party).update(**values)


def another_leg(call: Conversation, party: str, participant: Participant | None) -> CallLeg:
    return CallLeg.objects.create(conversation=call, participant=participant, party=party, state="ringing", began_at=T0)


@violates("leg_one_primary")
def two_primaries_on_the_line(floor: Floor) -> None:
    call = floor.active(Channel.VOICE)
    another_leg(call, "primary", call.participants.create(user=floor.sara, mode="consult", added_at=T0))


@violates("leg_one_per_participant")
def two_lines_of_one_person(floor: Floor) -> None:
    call = floor.active(Channel.VOICE)
    another_leg(call, "consult", call.participants.get())


def check(floor: Floor, **values: object) -> FullCheck:
    return FullCheck.objects.create(asked_by=floor.otto, asked_at=T0, **values)


@violates("full_check_one_at_a_time")
def two_checks_at_a_time(floor: Floor) -> None:
    check(floor)
    check(floor)


VIOLATIONS |= {
    "full_check_over_means_ended": lambda floor: check(floor, is_over=True),
    "finding_once": lambda floor: twice(
        Finding, conversation=floor.start(), code="open_is_alone", is_repairable=True, found_at=T0
    ),
    "leg_one_customer": lambda floor: another_leg(floor.active(Channel.VOICE), "customer", None),
    "leg_state_is_known": lambda floor: legs(floor, "primary", state="humming"),
    "leg_of_the_customer_or_a_participant": lambda floor: legs(floor, "primary", participant=None),
    "leg_of_a_monitor_has_no_microphone": lambda floor: legs(floor, "primary", has_microphone=False),
    "leg_hung_up_means_ended_at": lambda floor: legs(floor, "primary", state="hung_up"),
    "leg_on_hold_means_held_since": lambda floor: legs(floor, "primary", state="on_hold"),
    "leg_that_talks_is_connected": lambda floor: legs(floor, "primary", connected_at=None),
    "leg_ends_after_begin": lambda floor: legs(floor, "primary", state="hung_up", ended_at=at(-99)),
}


def constraints() -> Iterable[models.BaseConstraint]:
    for label in ("routing", "conversations"):
        for model in apps.get_app_config(label).get_models():
            yield from model._meta.constraints


def columns_of(name: str) -> list[str]:
    [found] = [constraint for constraint in constraints() if constraint.name == name]
    return list(found.fields) if isinstance(found, models.UniqueConstraint) else []


def test_every_constraint_has_its_violation() -> None:
    # Those that come with Django's own user model are Django's to test.
    assert {constraint.name for constraint in constraints()} == set(VIOLATIONS)


@pytest.mark.parametrize("name", sorted(VIOLATIONS))
def test_the_database_refuses(floor: Floor, name: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        VIOLATIONS[name](floor)

    # SQLite names the columns of a unique index instead of the index.
    said = str(refused.value)
    assert name in said or ("UNIQUE" in said and all(column in said for column in columns_of(name)))


# --- nobody disappears -----------------------------------------------------------------------------------------------


def test_people_with_a_past_cannot_be_deleted(floor: Floor) -> None:
    chat = floor.closed()
    assignment.assign(actor_of(floor.sara), floor.start().pk, agent_id=floor.boris.pk, version=1, now=at(50))

    for row in (floor.ana, floor.ana.user, floor.sara, chat.customer, chat.queue, chat.workstream, floor.stefan):
        with pytest.raises(models.ProtectedError):
            row.delete()


def test_a_conversation_cannot_be_deleted(floor: Floor) -> None:
    chat = floor.closed()

    with pytest.raises(models.ProtectedError):
        chat.delete()

    assert Conversation.objects.filter(pk=chat.pk).exists()
