"""Does open work find the right agent by itself, and only then?"""

from collections.abc import Callable, Iterable
from datetime import datetime

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations import matching, selectors
from conversations.models import (
    Conversation,
    HistoryEntry,
    Notice,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    QueueSegment,
    RequiredSkill,
    Session,
    State,
    SupervisorSettings,
)
from conversations.policy import Medium
from conversations.services import assignment, closure, distribution, elevation, messaging, offers
from conversations.services import settings as settings_service
from conversations.services.distribution import distribute, fall_back, offer
from routing.models import (
    Agent,
    BasePresence,
    CapacityProfile,
    Channel,
    Distribution,
    Queue,
    QueueMembership,
    SetBy,
    Skill,
    SkillMatching,
    Workstream,
)
from routing.policy import Contender, Work, choose
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.errors import ActionRefused
from supervisor_console.models import Announcement
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, make_agent, offer_of, set_presence
from tests.invariants import broken


@pytest.fixture(autouse=True)
def distribution_is_on(floor: Floor) -> None:
    SupervisorSettings.objects.update(distribution_enabled=True)


def look(now: datetime) -> int:
    return distribute(everywhere=True, now=now)


def holder(conversation: Conversation) -> str:
    """Who has it or is asked for it, by first name."""
    agent = fresh(conversation).agent
    return agent.user.first_name if agent is not None else "nobody"


def asked(conversation: Conversation) -> list[str]:
    """Who was offered it, one after the other."""
    rows = Offer.objects.filter(conversation=conversation).order_by("pk").select_related("agent__user")
    return [row.agent.user.first_name for row in rows]


def reject(conversation: Conversation, now: datetime) -> None:
    pending = offer_of(conversation)
    offers.reject(actor_of(pending.agent), pending.pk, now=now)


# --- what an offer is ----------------------------------------


def test_an_open_conversation_is_offered_to_an_agent_of_its_queue(floor: Floor) -> None:
    chat = floor.start()

    assert look(at(1)) == 1

    row, pending = fresh(chat), offer_of(chat)
    assert (row.state, row.reason) == (State.ACTIVE, "AwaitingAgentAcceptance")
    assert (pending.kind, pending.offered_at, pending.expires_at) == (OfferKind.INCOMING, at(1), at(121))
    assert selectors.loads([floor.ana.pk], at(1))[floor.ana.pk].units == 30
    assert Participant.objects.get(conversation=chat, left_at=None).assign_reason == "SystemAssign"
    assert Session.objects.get(conversation=chat, closed_at=None).agent_assigned_at == at(1)
    assert QueueSegment.objects.get(conversation=chat).agent_assigned_at == at(1)
    assert Notice.objects.get(user=floor.ana.user).code == "offered"
    entry = HistoryEntry.objects.filter(conversation=chat).latest("pk")
    assert (entry.code, entry.actor_kind, entry.data["agent"]) == ("conversation.offered", "system", "Ana Test")
    assert broken(at(1)) == []


def test_accepting_answering_and_ending_go_on_as_with_any_offer(floor: Floor) -> None:
    chat = floor.start()
    look(at(1))

    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(5))

    assert Notice.objects.get(user=floor.ana.user, code="offered").read_at == at(5)
    assert fresh(chat).reason == "InConversation"
    assert broken(at(6)) == []


def test_looking_again_changes_nothing(floor: Floor) -> None:
    chat = floor.start()
    look(at(1))
    before = fresh(chat).version

    assert look(at(2)) == 0
    assert fresh(chat).version == before
    assert asked(chat) == ["Ana"]


# --- who is asked ----------------------------------------


def test_work_goes_on_to_whoever_has_room_until_nobody_has(floor: Floor) -> None:
    chats = [floor.start() for _ in range(8)]

    look(at(1))

    assert [holder(chat) for chat in chats] == ["Ana", "Boris"] * 3 + ["nobody"] * 2
    assert look(at(2)) == 0
    assert broken(at(2)) == []


def test_capacity_that_comes_free_is_used(floor: Floor) -> None:
    chats = [floor.start() for _ in range(7)]
    look(at(1))
    offers.accept(actor_of(floor.ana), offer_of(chats[0]).pk, now=at(5))
    closure.force_close(
        actor_of(floor.sara), chats[0].pk, version=fresh(chats[0]).version, confirmed=EVERY_CAUTION, now=at(9)
    )

    assert look(at(10)) == 1
    assert holder(chats[6]) == "Ana"


@pytest.mark.parametrize("presence", [BasePresence.AWAY, BasePresence.BUSY_DND, BasePresence.OFFLINE])
def test_nobody_outside_the_allowed_presences_is_asked_until_they_are_back(
    floor: Floor, presence: BasePresence
) -> None:
    for agent in (floor.ana, floor.boris):
        set_presence(agent, presence, set_by=SetBy.AGENT)
    chat = floor.start()

    assert look(at(1)) == 0
    set_presence(floor.boris, BasePresence.AVAILABLE, set_by=SetBy.AGENT)
    assert look(at(2)) == 1
    assert holder(chat) == "Boris"


def test_a_new_member_is_asked(floor: Floor) -> None:
    for agent in (floor.ana, floor.boris):
        set_presence(agent, BasePresence.AWAY, set_by=SetBy.AGENT)
    chat = floor.start()
    assert look(at(1)) == 0

    QueueMembership.objects.create(queue=floor.billing, agent=floor.cene)

    assert look(at(2)) == 1
    assert holder(chat) == "Cene"


def test_every_agent_is_asked_for_what_waits_in_a_default_queue(floor: Floor) -> None:
    default = Queue.objects.get(type="messaging", is_default=True)
    Queue.objects.filter(pk=default.pk).update(priority=1)
    chats = [floor.start() for _ in range(3)]
    Conversation.objects.filter(pk__in=[chat.pk for chat in chats]).update(queue=default)

    look(at(1))

    assert sorted(holder(chat) for chat in chats) == ["Ana", "Boris", "Cene"]


# --- in which turn ----------------------------------------


def only_one_seat(floor: Floor) -> None:
    """Room for one conversation at Ana's, and nobody else."""
    set_presence(floor.boris, BasePresence.AWAY, set_by=SetBy.AGENT)
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=30)


def test_the_oldest_comes_first(floor: Floor) -> None:
    late, early = floor.start(now=at(20)), floor.start(now=at(10))
    only_one_seat(floor)

    look(at(30))

    assert (holder(early), holder(late)) == ("Ana", "nobody")


def test_a_queue_that_is_served_first_comes_before_an_older_conversation(floor: Floor) -> None:
    QueueMembership.objects.create(queue=floor.returns, agent=floor.ana)
    Queue.objects.filter(pk=floor.returns.pk).update(priority=1)
    early, late = floor.start(now=at(10)), floor.start(now=at(20))
    Conversation.objects.filter(pk=late.pk).update(queue=floor.returns)
    set_presence(floor.cene, BasePresence.AWAY, set_by=SetBy.AGENT)
    only_one_seat(floor)

    look(at(30))

    assert (holder(early), holder(late)) == ("nobody", "Ana")


def test_messages_wait_since_the_last_line_of_the_customer(floor: Floor) -> None:
    first, second = floor.start(Channel.SMS, now=at(10)), floor.start(Channel.SMS, now=at(20))
    messaging.receive(customer_of(first), first.pk, text="Hello?", now=at(25))
    only_one_seat(floor)

    look(at(30))

    assert (holder(first), holder(second)) == ("nobody", "Ana")


# --- who declined ----------------------------------------


def test_what_one_rejects_the_next_is_asked_for(floor: Floor) -> None:
    chat = floor.start()
    look(at(1))
    reject(chat, at(5))

    look(at(5))

    assert asked(chat) == ["Ana", "Boris"]


def test_when_everybody_declined_they_are_asked_again_until_the_limit(floor: Floor) -> None:
    SupervisorSettings.objects.update(decline_limit=2)
    chat = floor.start()
    for number in range(6):
        look(at(40 * number))
        if fresh(chat).state == State.ACTIVE:
            reject(chat, at(40 * number + 1))

    assert asked(chat) == ["Ana", "Boris", "Ana", "Boris"]
    assert fresh(chat).state == State.OPEN
    # They can still take it by hand, and a supervisor can still assign it.
    assignment.pick(actor_of(floor.ana), chat.pk, now=at(400))


@pytest.mark.parametrize("pause", [30, 5, 600])
def test_whoever_is_alone_is_not_rung_again_at_once(floor: Floor, pause: int) -> None:
    SupervisorSettings.objects.update(decline_pause=pause)
    set_presence(floor.boris, BasePresence.AWAY, set_by=SetBy.AGENT)
    chat = floor.start()
    look(at(0))
    reject(chat, at(10))

    assert [look(at(10 + seconds)) for seconds in (0, pause - 1, pause)] == [0, 0, 1]


def test_a_missed_offer_is_a_decline(floor: Floor) -> None:
    chat = floor.start()
    look(at(1))
    offers.expire(offer_of(chat).pk, now=at(121))

    look(at(121))

    assert asked(chat) == ["Ana", "Boris"]
    assert broken(at(122)) == []


def test_after_somebody_had_it_declines_begin_anew(floor: Floor) -> None:
    SupervisorSettings.objects.update(decline_limit=1)
    chat = floor.start()
    look(at(1))
    reject(chat, at(5))
    look(at(5))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(8))
    assignment.release(actor_of(floor.boris), chat.pk, now=at(60))
    set_presence(floor.boris, BasePresence.AWAY, set_by=SetBy.AGENT)

    look(at(61))

    assert asked(chat) == ["Ana", "Boris", "Ana"]


# --- who comes back ----------------------------------------


def keep_agents(*channels: Channel) -> None:
    Workstream.objects.filter(channel__in=channels).update(keeps_agent=True)


def come_back(floor: Floor, now: datetime, *, by: Agent | None = None) -> Conversation:
    """Maja writes again into an account chat that Ana left waiting."""
    chat = floor.waiting(Channel.PERSISTENT_CHAT, by=by)
    messaging.receive(customer_of(chat), chat.pk, text="One more thing", now=now)
    return chat


@pytest.mark.parametrize("presence", [BasePresence.AWAY, BasePresence.BUSY_DND])
def test_a_returning_customer_gets_the_same_agent_whatever_their_presence_and_capacity(
    floor: Floor, presence: BasePresence
) -> None:
    keep_agents(Channel.PERSISTENT_CHAT)
    chat = come_back(floor, at(100))
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=10)
    set_presence(floor.ana, presence, set_by=SetBy.AGENT)

    look(at(101))

    assert holder(chat) == "Ana"
    assert HistoryEntry.objects.filter(conversation=chat).latest("pk").data["returning"] is True
    assert broken(at(102)) == []


def test_a_returning_customer_comes_before_everybody_in_the_queue(floor: Floor) -> None:
    keep_agents(Channel.PERSISTENT_CHAT)
    back = come_back(floor, at(100))
    older = floor.start(now=at(50))
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=30)
    set_presence(floor.boris, BasePresence.AWAY, set_by=SetBy.AGENT)

    look(at(101))

    assert (holder(back), holder(older)) == ("Ana", "nobody")


def test_while_that_agent_is_offline_or_once_they_declined_others_are_asked(floor: Floor) -> None:
    keep_agents(Channel.PERSISTENT_CHAT)
    chat = come_back(floor, at(100))
    set_presence(floor.ana, BasePresence.OFFLINE, set_by=SetBy.AGENT)
    look(at(101))
    other = come_back(floor, at(100), by=floor.boris)
    look(at(102))
    reject(other, at(105))
    set_presence(floor.ana, BasePresence.AVAILABLE, set_by=SetBy.AGENT)

    look(at(106))

    assert asked(chat)[1:] == ["Boris"]
    assert asked(other)[1:] == ["Boris", "Ana"]


def test_who_gave_it_back_on_purpose_or_lost_it_to_another_queue_is_not_kept(floor: Floor) -> None:
    keep_agents(Channel.PERSISTENT_CHAT, Channel.SMS)
    Agent.objects.filter(pk=floor.boris.pk).update(max_units=500)
    released, moved = floor.active(Channel.SMS), come_back(floor, at(100))
    assignment.release(actor_of(floor.ana), released.pk, now=at(100))
    assignment.assign_to_queue(
        actor_of(floor.sara), moved.pk, queue_id=floor.returns.pk, version=fresh(moved).version, now=at(101)
    )

    look(at(102))

    assert (holder(released), holder(moved)) == ("Boris", "Cene")


def test_without_the_workstream_s_rule_nobody_is_kept(floor: Floor) -> None:
    chat = come_back(floor, at(100))
    Agent.objects.filter(pk=floor.boris.pk).update(max_units=500)

    look(at(101))

    assert holder(chat) == "Boris"


def test_of_a_live_chat_that_its_agent_closed_they_are_asked_first_where_they_can(floor: Floor) -> None:
    keep_agents(Channel.LIVE_CHAT)
    Agent.objects.filter(pk=floor.boris.pk).update(max_units=500)
    chat = floor.active()
    closure.close_session(actor_of(floor.ana), chat.pk, now=at(50))

    look(at(51))
    assert holder(chat) == "Ana"
    reject(chat, at(60))
    look(at(60))

    assert holder(chat) == "Boris"


# --- what is left to people ----------------------------------------


def test_what_is_picked_is_left_to_those_who_pick(floor: Floor) -> None:
    Workstream.objects.filter(pk=floor.chat.pk).update(distribution=Distribution.PICK)
    floor.start()

    assert look(at(1)) == 0


def test_with_the_switch_off_nothing_is_handed_out(floor: Floor) -> None:
    chat = floor.start()
    settings_service.change(actor_of(floor.otto), values={"distribution_enabled": False}, now=at(0))

    assert look(at(1)) == 0
    with pytest.raises(ActionRefused, match="setting_off:distribution"):
        offer(chat.pk, floor.ana.pk, now=at(1))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda floor, chat: set_presence(floor.ana, BasePresence.AWAY), "agent_presence"),
        (lambda floor, chat: Agent.objects.filter(pk=floor.ana.pk).update(max_units=29), "capacity_never_enough"),
        (lambda floor, chat: QueueMembership.objects.filter(agent=floor.ana).delete(), "agent_not_in_queue"),
        (lambda floor, chat: assignment.pick(actor_of(floor.boris), chat.pk, now=at(1)), "state_not_open"),
    ],
)
def test_under_the_lock_the_rules_are_asked_again(
    floor: Floor, spoil: Callable[[Floor, Conversation], object], code: str
) -> None:
    chat = floor.start()
    spoil(floor, chat)

    with pytest.raises(ActionRefused, match=code):
        offer(chat.pk, floor.ana.pk, now=at(2))

    assert not Offer.objects.filter(status=OfferStatus.PENDING).exists()


# --- queues without members ----------------------------------------


def test_what_waits_in_a_queue_without_members_goes_to_the_fallback_queue_and_on_to_an_agent(floor: Floor) -> None:
    chat = floor.start()
    QueueSegment.objects.filter(conversation=chat).update(queue=floor.empty)
    Session.objects.filter(conversation=chat).update(queue=floor.empty)
    Conversation.objects.filter(pk=chat.pk).update(queue=floor.empty)

    assert look(at(5)) == 1

    row = fresh(chat)
    assert (row.queue, holder(chat)) == (floor.billing, "Ana")
    assert [segment.closure_reason for segment in QueueSegment.objects.filter(conversation=chat).order_by("pk")] == [
        "OverflowQueueTransfer",
        "",
    ]
    assert broken(at(6)) == []


def test_it_stays_where_nobody_would_see_it_either(floor: Floor) -> None:
    chat = floor.start()
    Conversation.objects.filter(pk=chat.pk).update(queue=floor.empty)
    QueueMembership.objects.filter(queue=floor.billing).delete()

    assert look(at(5)) == 0

    assert fresh(chat).queue == floor.empty
    with pytest.raises(ActionRefused, match="queue_without_members"):
        fall_back(chat.pk, now=at(6))


def test_members_who_are_away_are_members(floor: Floor) -> None:
    chat = floor.start()
    for agent in (floor.ana, floor.boris):
        set_presence(agent, BasePresence.OFFLINE, set_by=SetBy.AGENT)
    Workstream.objects.filter(pk=floor.chat.pk).update(fallback_queue=floor.returns)

    look(at(5))

    assert fresh(chat).queue == floor.billing
    with pytest.raises(ActionRefused, match="queue_has_members"):
        fall_back(chat.pk, now=at(6))


# --- marks ----------------------------------------


def marks() -> list[tuple[int, int]]:
    """Agent and conversation of each mark in the outbox."""
    return [
        (entry["frame"]["agent"], entry["frame"]["conversation"])
        for row in Announcement.objects.order_by("pk")
        for entry in row.frames
        if entry["topics"] == ["distribution"]
    ]


def test_every_change_that_may_let_work_find_an_agent_leaves_a_mark(floor: Floor) -> None:
    def left_by(act: Callable[[], object]) -> set[tuple[int, int]]:
        before = len(marks())
        act()
        return set(marks()[before:])

    chat = floor.start()
    assert marks() == [(0, chat.pk)]
    look(at(1))
    ana, boris = floor.ana.pk, floor.boris.pk

    assert left_by(lambda: reject(chat, at(2))) == {(0, chat.pk), (ana, 0)}
    look(at(3))
    assert left_by(lambda: offers.expire(offer_of(chat).pk, now=at(200))) == {(0, chat.pk), (boris, 0)}
    look(at(300))
    offers.accept(actor_of(floor.ana), offer_of(chat).pk, now=at(301))
    assert left_by(lambda: assignment.release(actor_of(floor.ana), chat.pk, now=at(310))) == {(0, chat.pk), (ana, 0)}
    assert left_by(lambda: settings_service.change(actor_of(floor.otto), values={"decline_limit": 5}, now=at(320))) == {
        (0, 0)
    }
    pause = {"decline_pause": 5}
    assert left_by(lambda: settings_service.change(actor_of(floor.otto), values=pause, now=at(320))) == {(0, 0)}
    assert (
        left_by(lambda: settings_service.change(actor_of(floor.otto), values={"assign_enabled": False}, now=at(321)))
        == set()
    )


def test_a_mark_of_an_agent_is_a_look_at_their_queues_only(floor: Floor) -> None:
    chat = floor.start()
    call = floor.start(Channel.VOICE)

    assert distribute(agent_ids=[floor.cene.pk], now=at(1)) == 0
    assert distribute(conversation_ids=[chat.pk], now=at(1)) == 1
    assert holder(call) == "nobody"
    assert distribute(agent_ids=[floor.ana.pk], now=at(2)) == 1
    assert distribute(now=at(3)) == 0


# --- how much it costs ----------------------------------------


def test_a_look_at_many_agents_and_conversations_costs_no_query_more(floor: Floor) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert look(at(10)) == 0
        return len(queries)

    def fill(number: int) -> None:
        """An agent with room, and work that they lack the skill for."""
        make_agent(f"agent{number}", floor.billing)
        RequiredSkill.objects.create(conversation=floor.start(), skill=french, minimum=3)

    french = Skill.objects.create(type="Language", name="French")
    Workstream.objects.update(skill_matching=SkillMatching.EXACT)
    for number in range(4):
        fill(number)
    few = cost()
    for number in range(4, 24):
        fill(number)

    assert cost() == few


def test_an_offer_reads_nothing_twice(floor: Floor) -> None:
    chat = floor.start()

    with CaptureQueriesContext(connection) as queries:
        offer(chat.pk, floor.ana.pk, now=at(10))

    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    reads = [sql for sql in statements if sql.lstrip("(\n").startswith(("SELECT", "WITH"))]
    assert len(set(reads)) == len(reads)
    assert sum("SUM(units)" in sql for sql in reads) == 1, "one sum of what is held"
    assert len(statements) <= 33


def test_what_one_more_conversation_makes_of_a_load_is_what_is_held_then(floor: Floor) -> None:
    profile = CapacityProfile.objects.create(name="Difficult", limit=3)
    floor.ana.agent_profiles.create(profile=profile)
    for channel in (Channel.LIVE_CHAT, Channel.SMS):
        chat = floor.start(channel)
        chat.profiles.add(profile)
        before = selectors.loads([floor.ana.pk], at(10))[floor.ana.pk]
        offer(chat.pk, floor.ana.pk, now=at(10))
        after = selectors.loads([floor.ana.pk], at(10))[floor.ana.pk]

        assert before.plus(selectors.cost_of(chat)) == after


def test_who_is_asked_to_take_over_is_in_no_call(floor: Floor) -> None:
    chat = floor.active()
    assignment.transfer(
        actor_of(floor.sara),
        chat.pk,
        agent_id=floor.boris.pk,
        version=chat.version,
        confirmed=EVERY_CAUTION,
        now=at(25),
    )
    Conversation.objects.filter(pk=chat.pk).update(is_elevated=True)

    found = selectors.loads([floor.ana.pk, floor.boris.pk], at(30))

    assert [found[agent.pk].is_in_call for agent in (floor.ana, floor.boris)] == [True, False]


def test_an_offer_costs_the_same_however_many_agents_and_conversations_there_are(floor: Floor) -> None:
    def cost() -> int:
        chat = floor.start()
        with CaptureQueriesContext(connection) as queries:
            offer(chat.pk, floor.ana.pk, now=at(10))
        return len(queries)

    Agent.objects.update(max_units=1000)
    cost()
    few = cost()
    for number in range(20):
        make_agent(f"agent{number}", floor.billing)
        floor.start()

    assert cost() == few


def gone_home(floor: Floor) -> None:
    """Ana, to whom customers come back."""
    keep_agents(Channel.PERSISTENT_CHAT)
    come_back(floor, at(1))
    set_presence(floor.ana, BasePresence.OFFLINE)


def fails_to_take_work(floor: Floor) -> None:
    floor.ana.user.groups.add(Group.objects.get(name=Role.API_ACCESS.value))


def is_in_a_call(floor: Floor) -> None:
    elevation.elevate(actor_of(floor.ana), floor.active().pk, medium=Medium.VOICE, now=at(25))
    set_presence(floor.ana, BasePresence.BUSY, set_by=SetBy.AGENT)


@pytest.mark.parametrize("unable", [gone_home, fails_to_take_work, is_in_a_call])
def test_where_nobody_is_free_what_waits_is_not_read(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, unable: Callable[[Floor], None]
) -> None:
    unable(floor)
    Agent.objects.exclude(pk=floor.ana.pk).update(max_units=10)
    floor.start()
    monkeypatch.setattr(matching, "next_work", lambda *_: pytest.fail("somebody was taken for free"))

    assert look(at(60)) == 0


def test_what_nobody_can_be_offered_is_asked_once_however_often_it_waits(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    french = Skill.objects.create(type="Language", name="French")
    Workstream.objects.update(skill_matching=SkillMatching.EXACT)
    for _ in range(6):
        RequiredSkill.objects.create(conversation=floor.start(), skill=french, minimum=3)
    easy, questions = floor.start(), []

    def counted(contenders: Iterable[Contender], work: Work, now: datetime) -> Contender | None:
        questions.append(work.id)
        return choose(contenders, work, now)

    monkeypatch.setattr(distribution, "choose", counted)

    assert look(at(10)) == 1
    assert holder(easy) != "nobody"
    assert len(questions) == 2


def test_who_is_busy_since_an_offer_of_this_look_is_asked_where_busy_is_allowed(floor: Floor) -> None:
    floor.boris.memberships.all().delete()
    Workstream.objects.filter(channel=Channel.LIVE_CHAT).update(allowed_presences=["available"])
    Workstream.objects.filter(channel=Channel.SMS).update(allowed_presences=["busy"])
    first, chat, later = floor.start(Channel.SMS), floor.start(now=at(1)), floor.start(Channel.SMS, now=at(2))

    assert look(at(10)) == 2
    assert [holder(one) for one in (first, chat, later)] == ["nobody", "Ana", "Ana"]
    assert look(at(10)) == 1


def test_a_queue_in_which_somebody_has_room_since_an_offer_of_this_look_is_read_from_there(floor: Floor) -> None:
    floor.boris.memberships.all().delete()
    floor.ana.memberships.create(queue=floor.returns)
    Workstream.objects.filter(channel=Channel.LIVE_CHAT).update(allowed_presences=["available", "busy"])
    Workstream.objects.filter(channel=Channel.SMS).update(allowed_presences=["busy"])
    chats = [floor.start(now=at(second)) for second in (1, 3)]
    others = [floor.start(Channel.SMS, now=at(second)) for second in (0, 2)]
    Conversation.objects.filter(pk__in=[one.pk for one in others]).update(queue=floor.returns)

    assert look(at(10)) == 3
    assert [asked(one) for one in (others[0], chats[0], others[1], chats[1])] == [[], ["Ana"], ["Ana"], ["Ana"]]
    made = Offer.objects.order_by("pk").values_list("conversation", flat=True)
    assert list(made) == [chats[0].pk, others[1].pk, chats[1].pk], "in their turn"


def test_one_look_stops_at_so_many_offers_and_the_next_goes_on(floor: Floor) -> None:
    for _ in range(5):
        floor.start()

    assert distribute(everywhere=True, now=at(1), most=2) == 2
    assert distribute(everywhere=True, now=at(1), most=2) == 2
    assert distribute(everywhere=True, now=at(1), most=2) == 1
