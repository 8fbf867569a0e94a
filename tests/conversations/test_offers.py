"""The agent answers an offer, or does not (domain.md 4.1 to 4.3, T6 to T8)."""

import pytest

from conversations.models import Conversation, SupervisorSettings
from conversations.services import assignment, closure, offers, timers
from routing.models import Agent, BasePresence, Channel, PresenceChange, SetBy
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import T0, Floor, actor_of, at, customer_of, fresh, make_agent, offer_of, set_presence
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import attempts, departures, everything, history, people, presence, said, stays, units
from tests.invariants import broken

BILLING = {SUPERVISORS, "supervisors of Billing"}
CHANNELS = [channel for channel in Channel if channel != Channel.RECORD]


def supervisors_of(chat: Conversation) -> set[str]:
    return {SUPERVISORS, f"supervisors of {chat.queue.name}"}


@pytest.mark.parametrize("channel", CHANNELS)
def test_who_accepts_is_in_the_conversation(floor: Floor, channel: Channel) -> None:
    chat = floor.offered(channel)

    with hearing() as heard:
        offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(25))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", floor.ana.pk)
    assert (after.accepted_at, after.last_agent_id, after.first_wait_started_at) == (at(25), floor.ana.pk, T0)
    assert people(chat) == {"ana": "primary"}
    assert attempts(chat) == [("", "AgentReRouted"), ("ana", "open")]
    assert said(chat) == ["assigned (internal)", "agent_joined"]
    assert units(floor.ana, at(25)) == 30
    assert heard.by("conversation.accepted") == supervisors_of(chat) | {"ana", "sara", CUSTOMER}
    assert heard.notices == [("sara", "assign_accepted")]
    assert broken(at(25)) == []


@pytest.mark.parametrize(("how", "outcome"), [("reject", "rejected"), ("expire", "timed_out")])
@pytest.mark.parametrize("channel", CHANNELS)
def test_what_is_declined_is_open_again(floor: Floor, channel: Channel, how: str, outcome: str) -> None:
    chat = floor.offered(channel)
    offer = offer_of(chat)

    with hearing() as heard:
        if how == "reject":
            offers.reject(actor_of(floor.ana), offer.pk, now=at(25))
        else:
            offers.expire(offer.pk, now=at(130))

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("open", "AwaitingAgentAssignment", None)
    assert (after.accepted_at, after.last_agent_id) == (None, None)
    assert people(chat) == {}
    assert departures(chat) == [("ana", "primary", outcome)]
    closure = "AgentReject" if how == "reject" else "AgentTimeout"
    assert attempts(chat) == [("", "AgentReRouted"), ("ana", closure), ("", "open")]
    assert stays(chat) == [(chat.queue.name, "open")]
    assert said(chat)[-1] == f"{outcome} (internal)"
    assert history(chat)[-1] == outcome
    assert (units(floor.ana, at(130)), presence(floor.ana)) == (0, "Available")
    assert heard.by(f"conversation.{outcome}") == supervisors_of(chat) | {
        "ana",
        "sara",
        f"open list of {chat.queue.name}",
    }
    missed = [("ana", "offer_missed")] if how == "expire" else []
    assert heard.notices == [*missed, ("sara", f"assign_{outcome}")]
    assert broken(at(130)) == []


@pytest.mark.parametrize("how", ["accept", "reject"])
def test_nobody_is_told_what_they_answered_to_themselves(floor: Floor, how: str) -> None:
    supa = make_agent("supa", floor.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = floor.start()
    assignment.assign(actor_of(supa), chat.pk, agent_id=supa.pk, version=chat.version, now=at(10))

    with hearing() as heard:
        answer = offers.accept if how == "accept" else offers.reject
        answer(actor_of(supa), offer_of(chat).pk, now=at(20))

    assert heard.notices == []


def test_an_offer_is_answered_once(floor: Floor) -> None:
    chat = floor.offered()
    offer, ana = offer_of(chat), actor_of(floor.ana)
    offers.accept(ana, offer.pk, now=at(25))
    before = everything(chat)

    for act in (offers.accept, offers.reject):
        with pytest.raises(ActionRefused, match="offer_gone"):
            act(ana, offer.pk, now=at(26))
    assert offers.expire(offer.pk, now=at(500)) is None

    assert everything(chat) == before


def test_an_offer_whose_time_has_run_out_is_over_before_it_is_swept(floor: Floor) -> None:
    chat = floor.offered()

    with pytest.raises(ActionRefused, match="offer_gone"):
        offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(130))

    assert fresh(chat).agent_id == floor.ana.pk
    assert timers.run_due(now=at(130)) == 1
    assert fresh(chat).state == "open"


def test_an_offer_that_ran_out_during_a_standstill_can_be_answered_for_a_moment(floor: Floor) -> None:
    chat = floor.offered()

    with hearing() as heard:
        assert timers.resume(now=at(130)) == 1
    assert timers.resume(now=at(130)) == 0, "once, however many look again"
    assert timers.run_due(now=at(149)) == 0
    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(149))

    assert heard.by("offer.given_time") == {"ana"}
    assert fresh(chat).agent_id == floor.ana.pk
    assert presence(floor.ana) != "Inactive"


def test_an_offer_that_nobody_answers_after_a_standstill_either_is_missed(floor: Floor) -> None:
    floor.offered()
    timers.resume(now=at(130))

    assert timers.run_due(now=at(150)) == 1


def test_the_time_is_the_workstream_s(floor: Floor) -> None:
    floor.chat.accept_seconds = 30
    floor.chat.save()
    chat = floor.offered()

    assert offers.expire(offer_of(chat).pk, now=at(39.9)) is None
    assert timers.run_due(now=at(39)) == 0
    assert timers.run_due(now=at(40)) == 1


def test_only_the_agent_who_was_asked_answers(floor: Floor) -> None:
    chat = floor.offered()
    offer = offer_of(chat)
    before = everything(chat)

    for actor in (actor_of(floor.boris), actor_of(floor.sara), actor_of(floor.otto), customer_of(chat)):
        for act in (offers.accept, offers.reject):
            with pytest.raises(NotVisible):
                act(actor, offer.pk, now=at(25))
    floor.ana.user.is_active = False
    floor.ana.user.save()
    with pytest.raises(NotVisible):
        offers.accept(actor_of(floor.ana), offer.pk, now=at(25))
    floor.ana.user.is_active = True
    floor.ana.user.save()

    assert everything(chat) == before


@pytest.mark.parametrize("unknown", [0, -1, 10**6, 2**63, 2**70])
def test_an_unknown_offer_is_not_found(floor: Floor, unknown: int) -> None:
    for act in (offers.accept, offers.reject):
        with pytest.raises(NotVisible):
            act(actor_of(floor.ana), unknown, now=at(25))
    with pytest.raises(NotVisible):
        offers.expire(unknown, now=at(25))


def test_a_workstream_may_show_no_reject(floor: Floor) -> None:
    floor.chat.offers_reject = False
    floor.chat.save()
    chat = floor.offered()

    with pytest.raises(ActionRefused, match="reject_off"):
        offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(25))

    assert fresh(chat).agent_id == floor.ana.pk


# --- what a decline does to presence (domain.md 4.3) -------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "settings", "expected"),
    [
        ("reject", {}, "Available"),
        ("reject", {"reject_sets_dnd": True}, "Do not disturb"),
        ("reject", {"missed_sets_inactive": True}, "Available"),
        ("expire", {}, "Available"),
        ("expire", {"missed_sets_inactive": True}, "Inactive"),
        ("expire", {"reject_sets_dnd": True}, "Available"),
    ],
)
def test_a_decline_changes_presence_where_the_settings_say_so(
    floor: Floor, how: str, settings: dict[str, bool], expected: str
) -> None:
    if settings:
        SupervisorSettings.objects.update(**settings)
    decline(floor, how)

    assert presence(floor.ana) == expected
    assert Agent.objects.get(pk=floor.ana.pk).presence_set_by == "system"


def decline(floor: Floor, how: str) -> Conversation:
    chat = floor.offered()
    if how == "reject":
        offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(25))
    else:
        offers.expire(offer_of(chat).pk, now=at(130))
    return chat


@pytest.mark.parametrize(
    ("how", "settings", "allowed"),
    [
        ("reject", {"reject_sets_dnd": True}, BasePresence.BUSY_DND),
        ("expire", {"missed_sets_inactive": True}, BasePresence.AWAY),
    ],
)
def test_the_settings_have_no_effect_where_that_presence_is_allowed(
    floor: Floor, how: str, settings: dict[str, bool], allowed: BasePresence
) -> None:
    SupervisorSettings.objects.update(**settings)
    floor.chat.allowed_presences = ["available", "busy", allowed.value]
    floor.chat.save()

    decline(floor, how)

    assert presence(floor.ana) != "Inactive"


def test_a_missed_offer_leaves_who_is_offline_offline(floor: Floor) -> None:
    SupervisorSettings.objects.update(missed_sets_inactive=True)
    chat = floor.offered()
    set_presence(floor.ana, BasePresence.OFFLINE, set_by=SetBy.AGENT, now=at(15))

    offers.expire(offer_of(chat).pk, now=at(130))

    assert presence(floor.ana) == "Offline"


def test_a_second_miss_is_not_a_second_stay_in_inactive(floor: Floor) -> None:
    SupervisorSettings.objects.update(missed_sets_inactive=True)
    one, other = floor.offered(), floor.offered()

    offers.expire(offer_of(one).pk, now=at(130))
    offers.expire(offer_of(other).pk, now=at(140))

    assert PresenceChange.objects.filter(agent=floor.ana, presence__code="inactive").count() == 1


BOTH_HOLD = {"reject_sets_dnd": True, "missed_sets_inactive": True}


@pytest.mark.parametrize("how", ["reject", "expire"])
@pytest.mark.parametrize("base", [BasePresence.AWAY, BasePresence.BUSY_DND])
def test_who_chose_to_get_no_work_keeps_that_choice_after_a_decline(floor: Floor, how: str, base: BasePresence) -> None:
    SupervisorSettings.objects.update(**BOTH_HOLD)
    set_presence(floor.ana, base, set_by=SetBy.AGENT)

    decline(floor, how)

    ana = Agent.objects.select_related("presence").get(pk=floor.ana.pk)
    assert (ana.presence.code, ana.presence_set_by, ana.needs_reset) == (base.value, "agent", False)


@pytest.mark.parametrize(("how", "expected"), [("reject", "Do not disturb"), ("expire", "Inactive")])
def test_what_a_decline_set_is_held_while_other_work_comes_and_goes(floor: Floor, how: str, expected: str) -> None:
    SupervisorSettings.objects.update(**BOTH_HOLD)
    other = floor.active()
    decline(floor, how)

    closure.end(actor_of(floor.ana), other.pk, now=at(140))
    closure.finish_wrap_up(actor_of(floor.ana), other.pk, now=at(150))

    assert presence(floor.ana) == expected
    assert Agent.objects.get(pk=floor.ana.pk).needs_reset


def test_who_is_full_and_rejects_is_held_too(floor: Floor) -> None:
    SupervisorSettings.objects.update(**BOTH_HOLD)
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=30)

    decline(floor, "reject")

    assert presence(floor.ana) == "Do not disturb"
    assert Agent.objects.get(pk=floor.ana.pk).needs_reset


@pytest.mark.parametrize("how", ["reject", "expire"])
def test_a_decline_that_sets_nothing_leaves_what_was_chosen_by_hand(floor: Floor, how: str) -> None:
    set_presence(floor.ana, BasePresence.BUSY, set_by=SetBy.AGENT)

    decline(floor, how)

    assert presence(floor.ana) == "Busy"


def test_a_presence_set_by_hand_lasts_until_the_next_accept(floor: Floor) -> None:
    set_presence(floor.ana, BasePresence.BUSY, set_by=SetBy.AGENT)
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=30)
    chat = floor.offered()
    assert presence(floor.ana) == "Busy"

    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(25))

    assert presence(floor.ana) == "Do not disturb"


@pytest.mark.parametrize("base", [BasePresence.AWAY, BasePresence.BUSY_DND])
def test_away_and_do_not_disturb_by_hand_last_until_changed(floor: Floor, base: BasePresence) -> None:
    set_presence(floor.ana, base, set_by=SetBy.AGENT)
    before = presence(floor.ana)
    chat = floor.offered()

    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(25))

    assert presence(floor.ana) == before
