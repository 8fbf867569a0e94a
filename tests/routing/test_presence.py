"""Who may set whose presence, to what, and what is kept of it? (domain.md 1.3)"""

import pytest
from django.db import IntegrityError, transaction

from conversations import wording
from conversations.models import Notice
from routing.models import Agent, BasePresence, Presence, PresenceChange, SetBy
from routing.models.presence import INACTIVE
from routing.services.presence import set_presence
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from tests.cast import Floor, actor_of, at
from tests.conversations.hearing import hearing


def presence(base: str) -> Presence:
    return Presence.objects.get(code=base)


def test_the_six_presences_come_with_the_product(db: None) -> None:
    assert set(Presence.objects.values_list("code", "base", "is_selectable")) == {
        *((base.value, base.value, True) for base in BasePresence),
        (INACTIVE, BasePresence.AWAY.value, False),
    }


def test_an_agent_sets_the_own_presence(floor: Floor) -> None:
    set_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence("busy_dnd").pk, now=at(60))

    ana = Agent.objects.select_related("presence").get(pk=floor.ana.pk)
    assert (ana.presence.code, ana.presence_since, ana.presence_set_by) == ("busy_dnd", at(60), SetBy.AGENT)


def test_a_supervisor_sets_anybody_s_and_it_is_kept_who_did(floor: Floor) -> None:
    event = set_presence(actor_of(floor.sara), floor.cene.pk, presence_id=presence("away").pk, now=at(60))

    stay = PresenceChange.objects.get(agent=floor.cene, ended_at=None)
    assert (stay.presence.code, stay.set_by, stay.set_by_user) == ("away", SetBy.SUPERVISOR, floor.sara)
    assert (event.from_presence, event.to_presence) == ("Available", "Away")


def test_an_agent_sets_nobody_else_s(floor: Floor) -> None:
    with pytest.raises(NotVisible):
        set_presence(actor_of(floor.ana), floor.boris.pk, presence_id=presence("away").pk)

    assert Agent.objects.get(pk=floor.boris.pk).presence.base == BasePresence.AVAILABLE


def test_an_administrator_is_no_supervisor_here_either(floor: Floor) -> None:
    with pytest.raises(NotVisible):
        set_presence(actor_of(floor.otto), floor.ana.pk, presence_id=presence("away").pk)


def test_inactive_cannot_be_chosen(floor: Floor) -> None:
    with pytest.raises(ActionRefused) as refused:
        set_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence(INACTIVE).pk)

    assert refused.value.refusal.code == "presence_not_selectable"


@pytest.mark.parametrize("missing", ["agent", "presence"])
def test_what_does_not_exist_is_not_visible(floor: Floor, missing: str) -> None:
    agent_id = 0 if missing == "agent" else floor.ana.pk
    presence_id = 0 if missing == "presence" else presence("away").pk

    with pytest.raises(NotVisible):
        set_presence(actor_of(floor.sara), agent_id, presence_id=presence_id)


def test_the_history_is_one_stay_after_the_other(floor: Floor) -> None:
    for seconds, code in ((60, "busy"), (120, "away"), (180, "available")):
        set_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence(code).pk, now=at(seconds))

    stays = list(PresenceChange.objects.filter(agent=floor.ana).order_by("pk"))
    assert [stay.ended_at for stay in stays[:-1]] == [stay.started_at for stay in stays[1:]]
    assert stays[-1].ended_at is None


def test_nobody_is_in_two_presences_at_once(floor: Floor) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        PresenceChange.objects.create(
            agent=floor.ana, presence=presence("away"), started_at=at(60), set_by=SetBy.SYSTEM
        )


def test_setting_a_presence_takes_no_work_away(floor: Floor) -> None:
    conversation = floor.active(by=floor.ana)

    set_presence(actor_of(floor.ana), floor.ana.pk, presence_id=presence("offline").pk, now=at(60))

    conversation.refresh_from_db()
    assert (conversation.agent, conversation.state) == (floor.ana, "active")


def test_a_custom_presence_counts_as_its_base(floor: Floor) -> None:
    lunch = Presence.objects.create(name="Lunch", base=BasePresence.AWAY)

    set_presence(actor_of(floor.ana), floor.ana.pk, presence_id=lunch.pk, now=at(60))

    assert Agent.objects.get(pk=floor.ana.pk).presence.base == BasePresence.AWAY


def test_a_supervisor_of_some_queues_sets_that_of_their_members_only(floor: Floor) -> None:
    away = presence("away").pk

    set_presence(actor_of(floor.stefan), floor.ana.pk, presence_id=away, now=at(60))
    with pytest.raises(NotVisible):
        set_presence(actor_of(floor.stefan), floor.cene.pk, presence_id=away, now=at(60))

    assert Agent.objects.get(pk=floor.ana.pk).presence.base == BasePresence.AWAY
    assert Agent.objects.get(pk=floor.cene.pk).presence.base == BasePresence.AVAILABLE


def test_an_agent_is_told_who_set_their_presence_and_nobody_is_told_of_their_own_deed(floor: Floor) -> None:
    with hearing() as heard:
        set_presence(actor_of(floor.sara), floor.ana.pk, presence_id=presence("away").pk, now=at(60))
        set_presence(actor_of(floor.boris), floor.boris.pk, presence_id=presence("away").pk, now=at(60))

    assert heard.notices == [("ana", "presence_set")]
    assert heard.by("presence_set") == {"ana"}
    notice = Notice.objects.get()
    assert wording.notice(notice.code, notice.params) == "Sara Test set your presence to Away."
    assert notice.conversation is None
