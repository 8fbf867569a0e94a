"""A workstream tells its agents rather than asks them, and opens what they do not open (domain.md 4.2, T6)."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from conversations import wording
from conversations.models import HistoryEntry, Notice, OfferStatus, SupervisorSettings
from conversations.services import assignment, closure, distribution, offers, timers
from routing.models import BasePresence, Channel, SetBy, Workstream
from routing.policy import Terms, is_accepted_in_the_end, why_not_reject
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.errors import ActionRefused, Stale
from tests.cast import Floor, actor_of, at, fresh, make_agent, offer_of, set_presence
from tests.conversations.hearing import CUSTOMER, SUPERVISORS, hearing
from tests.conversations.looking import attempts, history, people, presence, said, units
from tests.invariants import broken

DESK = "/desk/"


@pytest.fixture
def told(floor: Floor) -> Floor:
    """Nobody is asked about chats and calls, and they open by themselves when the time is over."""
    Workstream.objects.exclude(channel__in=["sms", "whatsapp"]).update(auto_assigns=True, auto_accepts=True)
    return floor


# --- the rule ------------------------------------------------------------------------------------------------


ASKED, TOLD, OPENED = Terms(), Terms(auto_assigns=True), Terms(auto_assigns=True, auto_accepts=True)


@pytest.mark.parametrize(
    ("terms", "is_request", "code"),
    [
        (ASKED, False, ""),
        (TOLD, False, "reject_assigned"),
        (OPENED, False, "reject_assigned"),
        (OPENED, True, ""),
        (Terms(offers_reject=False), False, "reject_off"),
        (Terms(auto_assigns=True, offers_reject=False), True, "reject_off"),
    ],
)
def test_what_is_assigned_cannot_be_rejected_but_a_request_can(terms: Terms, is_request: bool, code: str) -> None:
    refusal = why_not_reject(terms, is_request=is_request)

    assert (refusal.code if refusal is not None else "") == code


@pytest.mark.parametrize(
    ("terms", "presence", "is_request", "takes_work", "opens"),
    [
        (OPENED, BasePresence.AVAILABLE, False, True, True),
        (OPENED, BasePresence.AWAY, False, True, True),
        (OPENED, BasePresence.OFFLINE, False, True, False),
        (OPENED, BasePresence.AVAILABLE, True, True, False),
        (OPENED, BasePresence.AVAILABLE, False, False, False),
        (TOLD, BasePresence.AVAILABLE, False, True, False),
        (Terms(auto_accepts=True), BasePresence.AVAILABLE, False, True, False),
    ],
)
def test_what_opens_by_itself(
    terms: Terms, presence: BasePresence, is_request: bool, takes_work: bool, opens: bool
) -> None:
    assert is_accepted_in_the_end(terms, presence, is_request=is_request, takes_work=takes_work) is opens


# --- when the time is over ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [Channel.LIVE_CHAT, Channel.PERSISTENT_CHAT, Channel.VOICE])
def test_it_opens_when_the_countdown_ends_and_not_before(told: Floor, channel: Channel) -> None:
    chat = told.offered(channel)
    assert timers.run_due(now=at(129)) == 0

    with hearing() as heard:
        assert timers.run_due(now=at(130)) == 1
    assert timers.run_due(now=at(131)) == 0

    after = fresh(chat)
    assert (after.state, after.reason, after.agent_id) == ("active", "InConversation", told.ana.pk)
    assert (after.accepted_at, after.last_agent_id, after.handling_since) == (at(130), told.ana.pk, at(130))
    assert people(chat) == {"ana": "primary"}
    assert attempts(chat) == [("", "AgentReRouted"), ("ana", "open")]
    assert said(chat) == ["assigned (internal)", "agent_joined"]
    assert units(told.ana, at(130)) == 30
    assert heard.by("conversation.accepted") == {
        SUPERVISORS,
        f"supervisors of {chat.queue.name}",
        "ana",
        "sara",
        CUSTOMER,
    }
    assert heard.notices == [("sara", "assign_accepted"), ("ana", "opened_by_itself")]
    assert broken(at(130)) == []


def test_the_history_says_that_it_opened_by_itself(told: Floor) -> None:
    chat = told.offered()
    timers.run_due(now=at(130))

    entry = HistoryEntry.objects.filter(conversation=chat).order_by("pk").last()
    assert entry is not None
    assert (entry.code, entry.actor_name) == ("conversation.accepted", "System")
    assert wording.timeline(entry.code, entry.data) == "Opened by itself for Ana Test"
    assert wording.deed(entry.code, {**entry.data, "name": "System"}, 3) == "It opened by itself for Ana Test 3 s ago."


def test_who_opens_it_themselves_is_who_accepted(told: Floor) -> None:
    chat = told.offered()
    offers.accept(actor_of(told.ana), offer_of(chat).pk, now=at(25))

    assert timers.run_due(now=at(500)) == 0
    assert (fresh(chat).accepted_at, history(chat).count("accepted")) == (at(25), 1)


def test_who_opens_it_before_it_was_swept_is_not_too_late(told: Floor) -> None:
    chat = told.offered()

    offers.accept(actor_of(told.ana), offer_of(chat).pk, now=at(130.5))

    assert fresh(chat).accepted_at == at(130.5)


def test_who_opens_it_just_after_is_told_that_it_opened(told: Floor) -> None:
    chat = told.offered()
    offer = offer_of(chat)
    timers.run_due(now=at(130))

    with pytest.raises(ActionRefused) as refused:
        offers.accept(actor_of(told.ana), offer.pk, now=at(131))

    assert refused.value.refusal.code == "offer_gone"
    assert refused.value.refusal.sentence.startswith("It opened by itself for Ana Test 1 s ago.")


def test_messages_time_out_as_ever(told: Floor) -> None:
    chat = told.offered(Channel.SMS)

    timers.run_due(now=at(130))

    assert (fresh(chat).state, history(chat)[-1]) == ("open", "timed_out")


def test_what_is_assigned_without_opening_by_itself_times_out(floor: Floor) -> None:
    Workstream.objects.update(auto_assigns=True)
    chat = floor.offered()

    timers.run_due(now=at(130))

    assert (fresh(chat).state, history(chat)[-1]) == ("open", "timed_out")


def test_nothing_opens_for_somebody_who_went_offline(told: Floor) -> None:
    chat = told.offered()
    set_presence(told.ana, BasePresence.OFFLINE, set_by=SetBy.AGENT, now=at(100))

    timers.run_due(now=at(130))

    assert (fresh(chat).state, history(chat)[-1]) == ("open", "timed_out")
    assert broken(at(130)) == []


@pytest.mark.parametrize("how", ["inactive", "not_agent"])
def test_nothing_opens_for_somebody_who_takes_no_work_any_more(told: Floor, how: str) -> None:
    chat = told.offered()
    if how == "inactive":
        told.ana.user.is_active = False
        told.ana.user.save()
    else:
        told.ana.user.groups.clear()

    timers.run_due(now=at(130))

    assert (fresh(chat).state, history(chat)[-1]) == ("open", "timed_out")


def test_a_request_to_take_over_is_asked_whatever_the_workstream_says(told: Floor) -> None:
    chat = told.active()
    assignment.transfer(actor_of(told.sara), chat.pk, agent_id=told.boris.pk, version=chat.version, now=at(30))

    timers.run_due(now=at(150))

    assert (fresh(chat).agent_id, history(chat)[-1]) == (told.ana.pk, "transfer_timed_out")
    assignment.transfer(actor_of(told.sara), chat.pk, agent_id=told.boris.pk, version=fresh(chat).version, now=at(160))
    offers.reject(actor_of(told.boris), offer_of(chat).pk, now=at(170))
    assert history(chat)[-1] == "transfer_rejected"


def test_what_distribution_offers_opens_by_itself_too(told: Floor) -> None:
    SupervisorSettings.objects.update(distribution_enabled=True)
    chat = told.start()
    distribution.distribute(everywhere=True, now=at(5))
    agent = offer_of(chat).agent

    timers.run_due(now=at(125))

    assert (fresh(chat).reason, fresh(chat).agent_id) == ("InConversation", agent.pk)
    assert presence(agent) == "Busy"


def test_a_setting_that_changes_meanwhile_holds_at_once(told: Floor) -> None:
    chat = told.offered()
    Workstream.objects.update(auto_accepts=False)

    timers.run_due(now=at(130))

    assert fresh(chat).state == "open"


def test_it_does_not_open_after_a_force_close(told: Floor) -> None:
    chat = told.offered()
    closure.force_close(
        actor_of(told.sara), chat.pk, version=chat.version, confirmed=frozenset({"force_close"}), now=at(60)
    )

    assert timers.run_due(now=at(130)) == 0
    assert chat.offers.get().status == OfferStatus.CANCELLED
    assert broken(at(130)) == []


def test_who_assigned_it_to_themselves_reads_only_that_it_opened(told: Floor) -> None:
    supa = make_agent("supa", told.billing, roles=(Role.SUPERVISOR, Role.AGENT))
    chat = told.start()
    assignment.assign(actor_of(supa), chat.pk, agent_id=supa.pk, version=chat.version, now=at(10))

    with hearing() as heard:
        timers.run_due(now=at(130))

    assert heard.notices == [("supa", "opened_by_itself")]


def test_what_is_assigned_cannot_be_rejected(told: Floor) -> None:
    chat = told.offered()

    with pytest.raises(ActionRefused, match="reject_assigned"):
        offers.reject(actor_of(told.ana), offer_of(chat).pk, now=at(25))

    assert offer_of(chat).status == OfferStatus.PENDING


def test_the_database_keeps_what_opens_by_itself_assigned_and_shown(floor: Floor) -> None:
    for wrong in (
        {"auto_accepts": True},
        {"auto_accepts": True, "auto_assigns": True, "shows_countdown": False},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Workstream.objects.filter(pk=floor.chat.pk).update(**wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Workstream.objects.filter(pk=floor.sms.pk).update(auto_accepts=True, auto_assigns=True)


# --- the card ------------------------------------------------------------------------------------------------


def card(client: Client, floor: Floor) -> str:
    client.force_login(floor.ana.user)
    page = client.get(DESK).content.decode()
    begin = page.index('<section class="offer"')
    return page[begin : page.index("</section>", begin)]


def test_the_card_says_open_and_why_there_is_no_rejecting(told: Floor, client: Client) -> None:
    told_now(told)

    found = card(client, told)

    assert "</svg>Open</button>" in found
    assert "Accept" not in found
    assert 'aria-disabled="true" data-code="reject_assigned"' in found
    assert "/reject/" not in found
    assert "It cannot be rejected, and opens by itself when the time is over." in found
    assert "Assigned to you by Sara Test" in found


def test_the_card_bears_the_labels_of_the_workstream(floor: Floor, client: Client) -> None:
    Workstream.objects.update(accept_label="Take it", reject_label="Not now", shows_countdown=False)
    told_now(floor)

    found = card(client, floor)

    assert "</svg>Take it</button>" in found
    assert "</svg>Not now</button>" in found
    assert "data-ring" not in found
    assert "by itself" not in found


def told_now(floor: Floor) -> None:
    chat = floor.start()
    assignment.assign(actor_of(floor.sara), chat.pk, agent_id=floor.ana.pk, version=chat.version)


# --- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "by_boss", "by_itself"),
    [
        (Channel.LIVE_CHAT, "Sara Test assigned «Hello» to you.", "«Hello» is assigned to you."),
        (Channel.SMS, "Sara Test offers you «Hello».", "«Hello» is offered to you."),
    ],
)
def test_who_is_told_reads_that_it_was_assigned_and_who_is_asked_that_it_is_offered(
    told: Floor, channel: Channel, by_boss: str, by_itself: str
) -> None:
    SupervisorSettings.objects.update(distribution_enabled=True)
    told.offered(channel)
    chat = told.start(channel)

    distribution.offer(chat.pk, told.ana.pk, now=at(10))

    notices = Notice.objects.filter(user=told.ana.user).order_by("pk")
    assert [wording.notice(row.code, row.params) for row in notices] == [by_boss, by_itself]


def test_the_desk_the_page_and_the_history_say_that_it_was_assigned(told: Floor) -> None:
    SupervisorSettings.objects.update(distribution_enabled=True)
    chat = told.start()
    distribution.offer(chat.pk, told.ana.pk, now=at(10))

    at_desk, of_boss = Client(), Client()
    at_desk.force_login(told.ana.user)
    of_boss.force_login(told.sara)

    assert "This is assigned to you." in at_desk.get(f"{DESK}{chat.pk}/").content.decode()
    page = of_boss.get(f"/conversations/{chat.pk}/").content.decode()
    assert "Assigned to Ana Test, not opened yet." in page
    assert "Offered to Ana" not in page
    with pytest.raises(Stale) as stale:
        assignment.transfer(actor_of(told.sara), chat.pk, agent_id=told.boris.pk, version=chat.version, now=at(20))
    assert "It was assigned to Ana Test 10 s ago. It is assigned to Ana Test now." in stale.value.refusal.sentence


def test_who_did_not_open_it_in_time_reads_so(told: Floor) -> None:
    Workstream.objects.update(auto_accepts=False)
    told.offered()

    timers.run_due(now=at(130))

    missed = Notice.objects.get(code="offer_missed")
    assert wording.notice(missed.code, missed.params).startswith("You did not open «")
