"""Is the demo contact centre what it promises: lively, lawful, and shut outside demo mode?"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.contrib.auth import authenticate
from django.db.models import F, Max, Min, Q
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from conversations import policy, selectors
from conversations.demo.doors import LOG_INS, PASSWORD
from conversations.demo.transcripts import Voice, transcripts
from conversations.models import (
    Conversation,
    HistoryEntry,
    Message,
    Notice,
    Offer,
    OfferKind,
    OfferStatus,
    Participant,
    QueueSegment,
    Sentiment,
    Session,
    SettingChange,
    State,
)
from conversations.policy import Phase, Verb
from conversations.services import timers
from routing import selectors as routing_selectors
from routing.models import Agent, BasePresence, Channel, PresenceChange, Queue, QueueType, User, Workstream
from routing.services import presence
from supervisor_console import settings as product_settings
from tests.conftest import as_migrated
from tests.demo import DEMO, actor, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo, loaded once for all tests of this module."""
    with django_db_blocker.unblock():
        load()
        yield
        as_migrated()


@pytest.fixture
def demo(loaded: None, db: None) -> None:
    """A test that looks at the demo; what it changes is undone."""


def phases() -> Counter[Phase]:
    return Counter(policy.phase(row.state, row.reason) for row in Conversation.objects.ongoing())


def answers(verb: Verb, username: str = "supervisor") -> Counter[str]:
    """How often each answer comes for a verb, over all ongoing rows that this person sees; «» means yes."""
    who = actor(username)
    found: Counter[str] = Counter()
    for row in selectors.visible(who).filter(closed_at=None).select_related("agent__user"):
        facts = selectors.facts(row, selectors.pending_offer(row))
        refusal = policy.why_not(verb, who, facts, selectors.switches())
        found[refusal.code if refusal else ""] += 1
    return found


# --- what is there --------------------------------------------------------------------------------------------


def test_a_hundred_and_twenty_conversations_go_on_in_every_state(demo: None) -> None:
    found = phases()

    assert 115 <= found.total() <= 130
    assert 14 <= found[Phase.OPEN] <= 20
    assert found[Phase.OFFERED] == 4
    assert 62 <= found[Phase.IN_CONVERSATION] <= 76
    assert 18 <= found[Phase.WAITING] <= 24
    assert found[Phase.WRAP_UP] == 10
    assert Conversation.objects.closed().count() == 63
    assert Conversation.objects.filter(state="active", agent__is_bot=True).count() == 2
    assert Conversation.objects.filter(reason="EndedByBot").count() == 2


def test_every_channel_has_its_workstream_and_its_conversations(demo: None) -> None:
    channels = {Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.SMS, Channel.WHATSAPP, Channel.VOICE}

    assert set(Workstream.objects.values_list("channel", flat=True)) == channels
    counts = Counter(Conversation.objects.ongoing().values_list("channel", flat=True))
    assert set(counts) == channels
    assert min(counts.values()) >= 10


def test_the_customers_are_in_every_mood(demo: None) -> None:
    moods = set(Conversation.objects.ongoing().values_list("sentiment", flat=True))

    assert moods == set(Sentiment) - {Sentiment.NOT_AVAILABLE}


def test_the_staff_is_free_busy_full_over_and_away(demo: None) -> None:
    staff = list(routing_selectors.agents())
    loads = selectors.loads([agent.pk for agent in staff], timezone.now())
    used = {agent.pk: (loads[agent.pk].units, agent.max_units) for agent in staff}

    assert 23 <= len(staff) <= 27
    assert any(units == 0 for units, _ in used.values())
    assert any(0 < units < most for units, most in used.values())
    assert any(units > most for units, most in used.values())
    assert {agent.presence.base for agent in staff} == set(BasePresence)
    assert {"Lunch", "Coaching", "Inactive"} <= {agent.presence.name for agent in staff}


def test_the_desks_of_the_log_ins_are_ready_for_work(demo: None) -> None:
    players = Agent.objects.filter(user__username__startswith="agent").select_related("presence")
    loads = selectors.loads([agent.pk for agent in players], timezone.now())

    assert len(players) == 8
    assert {agent.presence.base for agent in players} == {BasePresence.AVAILABLE}
    assert all(loads[agent.pk].conversations <= 2 for agent in players)
    assert all(agent.memberships.exists() for agent in players)


def test_one_queue_is_closed_and_one_has_no_members(demo: None) -> None:
    queues = Queue.objects.filter(is_default=False, type=QueueType.MESSAGING)

    assert [queue.name for queue in queues if not routing_selectors.queue_is_open(queue)] == ["Accounts"]
    assert [queue.name for queue in queues if not routing_selectors.member_count(queue)] == ["Partners"]


def test_some_conversations_are_older_than_a_day_and_none_comes_from_the_future(demo: None) -> None:
    now = timezone.now()

    assert Conversation.objects.ongoing().filter(created_at__lt=now - timedelta(days=1)).count() >= 4
    for newest in (
        HistoryEntry.objects.aggregate(at=Max("at"))["at"],
        Message.objects.aggregate(at=Max("created_at"))["at"],
        PresenceChange.objects.aggregate(at=Max("started_at"))["at"],
    ):
        assert newest <= now


def test_pending_offers_last_for_minutes(demo: None) -> None:
    pending = Offer.objects.filter(status=OfferStatus.PENDING)

    assert pending.filter(kind=OfferKind.TRANSFER).count() == 2
    assert pending.filter(kind=OfferKind.SUPERVISOR_ASSIGN).count() == 4
    assert pending.aggregate(first=Min("expires_at") - Max("offered_at"))["first"] > timedelta(minutes=2)


def test_nothing_was_due_when_the_demo_began(demo: None) -> None:
    began = HistoryEntry.objects.aggregate(at=Max("at"))["at"]

    assert timers.run_due(now=began) == 0


def test_the_transcripts_can_be_read(demo: None) -> None:
    lines = [line for script in transcripts() for line in script.opening + script.dialogue]

    assert len(transcripts()) > 45
    assert {line.voice for line in lines} == set(Voice)
    assert not Message.objects.filter(Q(text__contains="{") | Q(text__contains="}")).exists()
    spoken = Message.objects.exclude(sender_kind="system").values_list("conversation", flat=True)
    assert max(Counter(spoken).values()) <= 14


# --- what can be done with it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "refusals"),
    [
        (Verb.MONITOR, {"state_open", "awaiting_acceptance", "own_conversation"}),
        (Verb.ASSIGN, {"already_assigned", "state_not_open"}),
        (
            Verb.TRANSFER,
            {"state_open", "state_wrap_up", "transfer_pending", "elevated_voice_video", "voice_channel"},
        ),
    ],
)
def test_each_verb_has_rows_where_it_works_and_rows_for_each_refusal(
    demo: None, verb: Verb, refusals: set[str]
) -> None:
    found = answers(verb)

    assert found[""] >= 10
    assert refusals <= set(found)


def test_every_ongoing_row_can_be_force_closed_and_no_closed_one(demo: None) -> None:
    assert set(answers(Verb.FORCE_CLOSE)) == {""}
    row = Conversation.objects.closed().first()
    assert row is not None
    refusal = policy.why_not(Verb.FORCE_CLOSE, actor("supervisor"), selectors.facts(row, None), selectors.switches())
    assert refusal is not None
    assert refusal.code == "state_closed"


def test_open_rows_have_candidates_with_and_without_an_override(demo: None) -> None:
    now = timezone.now()
    staff = list(routing_selectors.agents())
    found: Counter[str] = Counter()
    for row in Conversation.objects.filter(state=State.OPEN).select_related("workstream", "queue"):
        for target in selectors.targets(row, staff, now).values():
            refusal = policy.why_not_assign_to(target, selectors.switches())
            cautions = policy.cautions_assign(target, selectors.cost_of(row), row.workstream.allowed_presences)
            found.update([refusal.code] if refusal else [caution.code for caution in cautions] or ["free"])

    assert set(found) == {
        "free",
        "agent_in_call",
        "presence_override",
        "capacity_override",
        "profile_override",
        "agent_offline",
    }


def test_the_second_supervisor_sees_the_own_queues_only(demo: None) -> None:
    seen = set(selectors.visible(actor("supervisor2")).values_list("queue__name", flat=True))

    assert {"Technical", "Returns", "Calls"} <= seen
    assert not {"Billing", "Sales"} & seen


def test_the_story_has_transfers_rejections_monitoring_and_changed_settings(demo: None) -> None:
    codes = set(HistoryEntry.objects.values_list("code", flat=True))

    assert {
        "conversation.transferred",
        "conversation.transfer_rejected",
        "conversation.rejected",
        "conversation.timed_out",
        "conversation.released",
        "conversation.revived",
        "conversation.customer_returned",
        "conversation.assigned_to_queue",
        "conversation.monitoring_started",
        "conversation.monitoring_stopped",
        "conversation.joined",
        "conversation.force_closed",
    } <= codes
    assert SettingChange.objects.filter(setting="missed_sets_inactive").count() == 2
    assert not Participant.objects.filter(mode="monitor", left_at=None).exists()
    assert Participant.objects.filter(mode="consult", left_at=None).count() >= 4


# --- the invariants of domain.md 2.5 over all of it ------------------------------------------------------------


def test_capacity_recounted_row_by_row_is_what_the_console_shows(demo: None) -> None:
    now = timezone.now()
    staff = list(Agent.objects.all())
    shown = selectors.loads([agent.pk for agent in staff], now)
    counted: Counter[int] = Counter()
    for row in Conversation.objects.select_related("workstream"):
        working = row.state == State.ACTIVE
        if row.state == State.WRAP_UP:
            assert row.wrapup_started_at is not None
            block = row.workstream.wrapup_block
            until = row.wrapup_started_at + timedelta(seconds=row.workstream.wrapup_block_seconds or 0)
            working = block == "always" or (block == "custom" and until > now)
        if working and row.agent_id is not None:
            counted[row.agent_id] += row.workstream.units
    for offer in Offer.objects.filter(status="pending", kind="transfer").select_related("conversation__workstream"):
        counted[offer.agent_id] += offer.conversation.workstream.units

    assert counted.total() > 1000
    assert {agent.pk: shown[agent.pk].units for agent in staff} == {agent.pk: counted[agent.pk] for agent in staff}


def test_every_conversation_stands_as_its_state_says(demo: None) -> None:
    rows = Conversation.objects.all()

    assert not rows.filter(state__in=["open", "waiting", "closed"], agent__isnull=False).exists()
    assert not rows.filter(state__in=["active", "wrap_up"], agent=None).exists()
    assert not rows.filter(state="waiting", last_agent=None).exists()
    assert not rows.filter(Q(closed_at=None) ^ ~Q(state="closed")).exists()
    for rows_of, live in (
        (Session.objects.filter(closed_at=None), "conversation"),
        (QueueSegment.objects.filter(ended_at=None), "conversation"),
        (Participant.objects.filter(left_at=None, mode="primary"), "conversation"),
    ):
        counts = Counter(rows_of.values_list(live, flat=True))
        assert max(counts.values()) == 1


def test_a_closed_conversation_leaves_nothing_alive(demo: None) -> None:
    closed = Conversation.objects.closed()

    assert closed.exists()
    assert not Session.objects.filter(conversation__in=closed, closed_at=None).exists()
    assert not QueueSegment.objects.filter(conversation__in=closed, ended_at=None).exists()
    assert not Participant.objects.filter(conversation__in=closed, left_at=None).exists()
    assert not Offer.objects.filter(conversation__in=closed, status=OfferStatus.PENDING).exists()


def test_the_history_of_every_conversation_leads_to_its_state(demo: None) -> None:
    for row in Conversation.objects.prefetch_related("history"):
        entries = sorted(row.history.all(), key=lambda entry: entry.pk)

        assert entries[0].code == "conversation.created"
        assert entries[-1].to_state == row.state
        assert all(after.from_state == before.to_state and after.at >= before.at for before, after in pairwise(entries))


def test_every_presence_has_a_history_without_gaps(demo: None) -> None:
    for agent in Agent.objects.prefetch_related("presence_changes"):
        stays = sorted(agent.presence_changes.all(), key=lambda stay: stay.pk)

        assert stays[-1].ended_at is None
        assert stays[-1].presence_id == agent.presence_id
        assert all(before.ended_at == after.started_at for before, after in pairwise(stays))


def test_whoever_accepted_was_waited_for(demo: None) -> None:
    assert not Conversation.objects.filter(accepted_at__lt=F("first_wait_started_at")).exists()
    by_people = Conversation.objects.exclude(agent__is_bot=True)
    assert not by_people.filter(state="active", reason="InConversation", accepted_at=None).exists()


# --- the command ----------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing_and_tells_the_log_ins_again(demo: None) -> None:
    before = list(Conversation.objects.order_by("pk").values_list("pk", "version")), User.objects.count()

    said = load()

    assert (list(Conversation.objects.order_by("pk").values_list("pk", "version")), User.objects.count()) == before
    assert "http://127.0.0.1:8000/chat/" in said
    assert "supervisor" in said
    assert f"Password  {PASSWORD}" in said


def test_the_addresses_follow_the_port(demo: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")

    assert "http://127.0.0.1:8123/admin/" in load()


def test_every_log_in_opens_in_the_demo_and_nowhere_else(demo: None) -> None:
    with override_settings(**DEMO):
        assert all(authenticate(username=name, password=PASSWORD) for name in LOG_INS)
    with override_settings(PASSWORD_HASHERS=product_settings.PASSWORD_HASHERS):
        assert not any(authenticate(username=name, password=PASSWORD) for name in LOG_INS)


def test_the_administrator_gets_in_by_the_role_alone(demo: None) -> None:
    admin = User.objects.get(username="admin")

    assert admin.is_staff
    assert not User.objects.filter(is_superuser=True).exists()


def test_the_supervisor_is_not_offered_work_until_she_takes_it(demo: None) -> None:
    petra = Agent.objects.get(user__username="supervisor")
    presence.sign_out(petra.pk)

    presence.sign_in(petra.pk, load_of=lambda agent_id, now: selectors.loads([agent_id], now)[agent_id])

    assert Agent.objects.get(pk=petra.pk).presence.base == "away"


def test_the_supervisor_finds_a_few_new_notices(demo: None) -> None:
    notices = Notice.objects.filter(user__username="supervisor")

    assert 1 <= notices.filter(read_at=None).count() <= 8
    assert notices.exclude(read_at=None).exists()


def test_nobody_but_the_log_ins_has_a_password(demo: None) -> None:
    assert {user.username for user in User.objects.all() if user.has_usable_password()} == set(LOG_INS)
