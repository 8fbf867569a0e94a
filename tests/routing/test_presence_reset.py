"""Whose presence is reset by whom, to what, and what is kept of it? (domain.md 4.3)"""

from datetime import datetime

import pytest

from conversations import wording
from conversations.models import Notice, SupervisorSettings
from conversations.services import attendance, offers
from routing.models import Agent, BasePresence, Presence, PresenceChange, SetBy, StaffingChange
from routing.policy import Load, PresenceNow, Standing, presence_on_return, why_not_reset
from routing.policy.taking import Limits
from routing.services.presence import set_presence, sign_out
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import Floor, actor_of, at, offer_of
from tests.cast import set_presence as give_presence
from tests.conversations.hearing import hearing


def now_of(agent: Agent) -> tuple[str, str, str]:
    found = Agent.objects.select_related("presence").get(pk=agent.pk)
    return (found.presence.code or "", found.presence_set_by, found.presence_set_after)


def miss(floor: Floor) -> datetime:
    """Ana misses an offer, which sets her Inactive."""
    SupervisorSettings.objects.update(missed_sets_inactive=True)
    offer = offer_of(floor.offered())
    offers.expire(offer.pk, now=offer.expires_at)
    assert now_of(floor.ana) == ("inactive", "system", "missed")
    return offer.expires_at


# --- policy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("set_by", "needs_reset", "has_left", "code"),
    [
        (SetBy.SYSTEM, True, False, None),
        (SetBy.SUPERVISOR, False, False, None),
        (SetBy.SYSTEM, True, True, "agent_has_left"),
        (SetBy.SUPERVISOR, False, True, "agent_has_left"),
        (SetBy.AGENT, False, False, "presence_own_choice"),
        (SetBy.SYSTEM, False, False, "presence_needs_no_reset"),
    ],
)
def test_what_is_reset_and_why_not(set_by: SetBy, needs_reset: bool, has_left: bool, code: str | None) -> None:
    refusal = why_not_reset(Standing("Ana", "Away", set_by, needs_reset, has_left))

    assert (refusal.code if refusal else None) == code
    assert refusal is None or "Ana" in refusal.sentence


def test_who_comes_back_in_time_is_held_still() -> None:
    left = PresenceNow(BasePresence.BUSY_DND, SetBy.SYSTEM, needs_reset=True)

    assert presence_on_return(left, Load(), Limits(100)) is None


# --- service --------------------------------------------------------------------------------------------------------


def test_the_agent_resets_the_own_presence_to_what_follows_from_the_work(floor: Floor) -> None:
    floor.active()
    after = miss(floor)

    with hearing() as heard:
        event = attendance.reset_presence(actor_of(floor.ana), floor.ana.pk, now=after)

    assert now_of(floor.ana) == ("busy", "system", "reset")
    assert (event.from_presence, event.to_presence, event.after) == ("Inactive", "Busy", "missed")
    assert heard.by("agent.presence_changed") == {"agents", "ana"}
    assert heard.by("distribution.mark")
    assert heard.notices == []


def test_a_supervisor_resets_it_the_agent_is_told_and_it_is_kept(floor: Floor) -> None:
    after = miss(floor)

    with hearing() as heard:
        attendance.reset_presence(actor_of(floor.sara), floor.ana.pk, now=after)

    assert now_of(floor.ana) == ("available", "system", "reset")
    assert heard.notices == [("ana", "presence_reset")]
    told = Notice.objects.get(code="presence_reset")
    assert wording.notice(told.code, told.params) == "Sara Test reset your presence. You are Available now."
    kept = StaffingChange.objects.get()
    assert (kept.code, kept.agent, kept.actor_name, kept.data["after"]) == (
        "agent.presence_reset",
        floor.ana,
        "Sara Test",
        "missed",
    )
    stay = PresenceChange.objects.get(agent=floor.ana, ended_at=None)
    assert (stay.set_after, stay.set_by_user) == ("reset", floor.sara)


def test_what_a_supervisor_set_is_reset_by_the_agent(floor: Floor) -> None:
    away = Presence.objects.get(code="away")
    set_presence(actor_of(floor.sara), floor.ana.pk, presence_id=away.pk, now=at(5))

    attendance.reset_presence(actor_of(floor.ana), floor.ana.pk, now=at(10))

    assert now_of(floor.ana) == ("available", "system", "reset")


@pytest.mark.parametrize("who", ["boris", "otto", "api"])
def test_nobody_else_resets_it(floor: Floor, who: str) -> None:
    after = miss(floor)

    with pytest.raises(NotVisible):
        attendance.reset_presence(actor_of(getattr(floor, who)), floor.ana.pk, now=after)

    assert now_of(floor.ana)[0] == "inactive"


def test_a_supervisor_of_other_queues_does_not_reset_it(floor: Floor) -> None:
    with pytest.raises(NotVisible):
        attendance.reset_presence(actor_of(floor.stefan), floor.cene.pk)


def test_a_second_reset_is_refused_and_keeps_nothing(floor: Floor) -> None:
    after = miss(floor)
    attendance.reset_presence(actor_of(floor.sara), floor.ana.pk, now=after)

    with pytest.raises(ActionRefused) as refused:
        attendance.reset_presence(actor_of(floor.sara), floor.ana.pk, now=after)

    assert refused.value.refusal.code == "presence_needs_no_reset"
    assert StaffingChange.objects.count() == 1


@pytest.mark.parametrize("how", ["signed out", "closed the last page"])
def test_of_who_is_gone_nothing_is_reset(floor: Floor, how: str) -> None:
    after = miss(floor)
    if how == "signed out":
        sign_out(floor.ana.pk, now=after)
    else:
        Agent.objects.filter(pk=floor.ana.pk).update(left_at=after)

    with pytest.raises(ActionRefused) as refused:
        attendance.reset_presence(actor_of(floor.sara), floor.ana.pk, now=after)

    assert refused.value.refusal.code == "agent_has_left"


def test_the_own_choice_of_an_agent_is_not_reset(floor: Floor) -> None:
    give_presence(floor.ana, BasePresence.AWAY, set_by=SetBy.AGENT)

    with pytest.raises(ActionRefused, match="presence_own_choice"):
        attendance.reset_presence(actor_of(floor.sara), floor.ana.pk)
