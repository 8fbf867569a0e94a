"""What an agent finds on the desk: offers, own work, the open list, presence and load, and no trace of monitors."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Conversation, Offer, Participant, SupervisorSettings, Visibility
from conversations.reports import desk as desk_report
from conversations.services import assignment, closure, messaging, offers, supervision
from routing.models import Agent, BasePresence, Channel, Presence, SetBy, Workstream
from routing.policy import SESSION_LIMIT
from routing.services.presence import set_presence as choose_presence
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of, set_presence

PART = {"HX-Request": "true"}


@pytest.fixture
def ana(floor: Floor, client: Client) -> Client:
    """A browser in which Ana is signed in."""
    client.force_login(floor.ana.user)
    return client


def part(browser: Client, path: str, target: str) -> str:
    answer = browser.get(path, headers=PART | {"HX-Target": target})
    assert answer.status_code == 200
    return answer.content.decode()


def keep_open(conversation: Conversation) -> Offer:
    """Its offer, with time left by the real clock."""
    offer = offer_of(conversation)
    offer.offered_at = timezone.now()
    offer.expires_at = timezone.now() + timedelta(seconds=90)
    offer.save()
    return offer


def test_the_desk_is_for_agents(floor: Floor, client: Client) -> None:
    assert client.get("/desk/").headers["Location"].startswith("/login/")
    client.force_login(floor.sara)
    answer = client.get("/desk/")
    assert answer.status_code == 403
    assert b"needs the agent role" in answer.content


def test_an_offer_says_who_offers_what_and_how_long_the_customer_has_waited(floor: Floor, ana: Client) -> None:
    chat = floor.start(text="The app crashes")
    assignment.assign(
        actor_of(floor.sara),
        chat.pk,
        agent_id=floor.ana.pk,
        version=chat.version,
        note="He called twice",
        now=timezone.now(),
    )
    offer = offer_of(chat)

    page = ana.get("/desk/").content.decode()

    for words in ("Assigned to you by Sara Test", "The app crashes", "Maja", "Billing", "He called twice"):
        assert words in page
    assert f"/desk/offers/{offer.pk}/accept/" in page
    assert f"/desk/offers/{offer.pk}/reject/" in page
    assert f'data-until="{offer.expires_at.isoformat()}"' in page
    assert 'data-title-count="1"' in page


def test_reject_is_shown_only_where_the_workstream_has_it(floor: Floor, ana: Client) -> None:
    offer = keep_open(floor.offered())
    Workstream.objects.update(offers_reject=False)

    assert f"/desk/offers/{offer.pk}/reject/" not in part(ana, "/desk/", "desk-offers")


def test_an_offer_whose_time_is_up_is_not_shown(floor: Floor, ana: Client) -> None:
    floor.offered()

    assert "/accept/" not in part(ana, "/desk/", "desk-offers")


def test_a_transfer_says_from_whom_and_who_asked(floor: Floor, client: Client) -> None:
    chat = floor.active()
    assignment.transfer(
        actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=timezone.now()
    )
    client.force_login(floor.boris.user)

    assert "Transfer from Ana Test, asked for by Sara Test" in part(client, "/desk/", "desk-offers")


def test_my_conversations_stand_by_what_they_are_to_me(floor: Floor, ana: Client) -> None:
    floor.active(Channel.SMS)
    floor.wrap_up(Channel.LIVE_CHAT)
    floor.waiting(Channel.PERSISTENT_CHAT)
    handed_over = floor.active(Channel.WHATSAPP)
    assignment.transfer(
        actor_of(floor.sara),
        handed_over.pk,
        agent_id=floor.boris.pk,
        version=handed_over.version,
        confirmed=EVERY_CAUTION,
        now=at(50),
    )
    offers.accept(actor_of(floor.boris), offer_of(handed_over).pk, now=at(51))
    floor.offered(Channel.LIVE_CHAT)
    floor.closed(Channel.LIVE_CHAT)

    answer = ana.get("/desk/")

    assert [(group.code, len(group.items)) for group in answer.context["groups"]] == [
        ("active", 1),
        ("consult", 1),
        ("wrap_up", 1),
        ("waiting", 1),
    ]


@pytest.mark.parametrize(
    ("warning", "critical", "band"), [(60, 180, "warn"), (20, 90, "urgent"), (120, 180, ""), (None, None, "")]
)
def test_an_unanswered_line_is_warned_of_when_the_workstream_says(
    floor: Floor, warning: int | None, critical: int | None, band: str
) -> None:
    seconds = {"unanswered_warning_seconds": warning, "unanswered_critical_seconds": critical}
    Workstream.objects.filter(pk=floor.chat.pk).update(**seconds)
    floor.active()
    agent = desk_report.own_agent(actor_of(floor.ana))

    (group,) = desk_report.own(actor_of(floor.ana), agent, at(100))

    assert group.items[0].clock.text in ("1:40", "01:40")
    assert group.items[0].clock.band == band


def test_unread_lines_are_those_of_others_after_the_marker(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    customer, me = customer_of(chat), actor_of(floor.ana)

    def unread() -> int:
        return int(ana.get("/desk/").context["groups"][0].items[0].unread)

    assert unread() == 1  # the first line of the customer; system lines do not count
    messaging.send(me, chat.pk, text="Good morning", now=at(30))
    assert unread() == 0
    messaging.receive(customer, chat.pk, text="Hello", now=at(31))
    messaging.receive(customer, chat.pk, text="Are you there?", now=at(32))
    assert unread() == 2


def test_looking_reads_nothing_and_saying_so_does(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    part_of_ana = Participant.objects.get(conversation=chat, user=floor.ana.user)

    page = ana.get(f"/desk/{chat.pk}/").content.decode()
    part_of_ana.refresh_from_db()
    assert part_of_ana.read_at is None
    assert f'data-mark-read="/desk/{chat.pk}/read/"' in page

    assert ana.post(f"/desk/{chat.pk}/read/").status_code == 204
    part_of_ana.refresh_from_db()
    assert part_of_ana.read_at is not None
    assert "data-mark-read" not in ana.get(f"/desk/{chat.pk}/").content.decode()


def test_a_monitor_leaves_no_trace_at_the_desk(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    before = part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")

    supervision.monitor(actor_of(floor.sara), chat.pk)

    after = part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")
    assert "Sara" not in after.replace("Sara Test assigned this conversation", "")
    assert after.count("<li>") == before.count("<li>")

    supervision.join(actor_of(floor.sara), chat.pk)
    assert "Supervisor, joined" in part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")


def test_the_open_list_has_the_longest_waiting_first_and_only_the_own_queues(floor: Floor, ana: Client) -> None:
    second = floor.start(now=at(20))
    first = floor.start(Channel.SMS, now=at(10))
    elsewhere = floor.start(now=at(5))
    assignment.assign_to_queue(
        actor_of(floor.sara), elsewhere.pk, queue_id=floor.returns.pk, version=elsewhere.version, now=at(6)
    )

    shown = ana.get("/desk/").context["open_list"]

    assert [item.id for item in shown.items] == [first.pk, second.pk]
    assert (shown.count, shown.hidden) == (2, 0)
    assert all(item.refusal is None for item in shown.items)


@pytest.mark.parametrize(("case", "code"), [("off", "pick_off"), ("offline", "pick_offline")])
def test_what_cannot_be_picked_says_why(floor: Floor, ana: Client, case: str, code: str) -> None:
    chat = floor.start()
    if case == "off":
        Workstream.objects.update(allows_pick=False)
    else:
        set_presence(floor.ana, BasePresence.OFFLINE)

    page = part(ana, f"/desk/{chat.pk}/", "desk-lists")

    assert f'data-code="{code}"' in page
    assert f"/desk/{chat.pk}/pick/" not in page
    assert ana.post(f"/desk/{chat.pk}/pick/", headers=PART).status_code == 409
    assert fresh(chat).agent_id is None


def test_presence_and_load_are_always_in_sight(floor: Floor, ana: Client) -> None:
    floor.active()
    set_presence(floor.ana, BasePresence.AWAY, set_by=SetBy.AGENT, now=at(60))

    page = part(ana, "/desk/", "desk-me")

    assert "30/100" in page
    assert "Set by you at" in page
    assert "Presence: Away" in page
    assert "Inactive" not in page


@pytest.mark.parametrize(("how", "title"), [("expire", "You missed an offer."), ("reject", "You rejected an offer.")])
def test_after_a_decline_that_holds_the_presence_the_desk_says_so_and_resets_it(
    floor: Floor, ana: Client, how: str, title: str
) -> None:
    SupervisorSettings.objects.update(missed_sets_inactive=True, reject_sets_dnd=True)
    offer = offer_of(floor.offered())
    if how == "expire":
        offers.expire(offer.pk, now=offer.expires_at)
    else:
        offers.reject(actor_of(floor.ana), offer.pk, now=at(20))

    banner = part(ana, "/desk/", "desk-offers")
    answer = ana.post("/desk/presence/reset/", headers=PART)

    assert title in banner
    assert "For <" in banner
    assert "You are Available now." in answer.headers["HX-Trigger"]
    floor.ana.refresh_from_db()
    assert (floor.ana.presence.code, floor.ana.presence_set_by) == ("available", "system")
    assert "desk-held" not in part(ana, "/desk/", "desk-offers")
    assert ana.post("/desk/presence/reset/", headers=PART).status_code == 409


@pytest.mark.parametrize(
    ("base", "is_held"), [(BasePresence.AWAY, True), (BasePresence.BUSY_DND, True), (BasePresence.BUSY, False)]
)
def test_the_desk_names_the_supervisor_who_set_a_presence_that_keeps_work_away(
    floor: Floor, ana: Client, base: BasePresence, is_held: bool
) -> None:
    chosen = Presence.objects.get(code=base.value)
    choose_presence(actor_of(floor.sara), floor.ana.pk, presence_id=chosen.pk)

    assert ("Sara Test set your presence to" in part(ana, "/desk/", "desk-offers")) is is_held


def test_more_conversations_than_a_desk_shows_are_said_and_nothing_is_to_be_reset(floor: Floor, ana: Client) -> None:
    Agent.objects.filter(pk=floor.ana.pk).update(max_units=1000)
    for _ in range(SESSION_LIMIT):
        floor.active()
    assert "desk-held" not in part(ana, "/desk/", "desk-offers")

    floor.active()

    banner = part(ana, "/desk/", "desk-offers")
    assert "until you have 9 or fewer; now it is 10." in banner
    assert "Reset presence" not in banner


def test_the_agent_notice_is_on_the_desk(floor: Floor, ana: Client) -> None:
    SupervisorSettings.objects.update(agent_notice="You may be monitored <here>.")

    assert "You may be monitored &lt;here&gt;." in ana.get("/desk/").content.decode()


@pytest.mark.parametrize(
    ("state", "buttons", "refused"),
    [
        (
            "active",
            ["end", "elevate-voice", "elevate-video", "close-session", "release", "finish-wrap-up"],
            {"finish-wrap-up": "state_not_wrap_up"},
        ),
        ("wrap_up", ["finish-wrap-up", "end", "release"], {"end": "state_not_active", "release": "state_not_active"}),
        ("waiting", ["revive"], {}),
        ("start", ["pick"], {}),
        ("closed", [], {}),
    ],
)
def test_each_state_has_its_verbs_and_those_that_do_not_apply_say_why(
    floor: Floor, ana: Client, state: str, buttons: list[str], refused: dict[str, str]
) -> None:
    chat = floor.waiting() if state == "waiting" else getattr(floor, state)()

    shown = ana.get(f"/desk/{chat.pk}/").context["conversation"].buttons

    assert [button.verb for button in shown] == buttons
    assert {button.verb: button.refusal.code for button in shown if button.refusal} == refused


@pytest.mark.parametrize(
    ("channel", "words"), [(Channel.PERSISTENT_CHAT, "waits for the customer"), (Channel.LIVE_CHAT, "back to Billing")]
)
def test_closing_the_session_says_before_where_the_conversation_goes(
    floor: Floor, ana: Client, channel: Channel, words: str
) -> None:
    chat = floor.active(channel)

    (close,) = [
        button
        for button in ana.get(f"/desk/{chat.pk}/").context["conversation"].buttons
        if button.verb == "close-session"
    ]

    assert words in close.confirm


@pytest.mark.parametrize(
    ("state", "modes", "code"),
    [
        ("active", [("public", True), ("internal", False)], None),
        ("wrap_up", [("internal", True)], None),
        ("waiting", [("public", True), ("internal", False)], "not_participant"),
        ("start", [("public", True), ("internal", False)], "not_participant"),
        ("closed", [("public", True), ("internal", False)], "state_closed"),
    ],
)
def test_the_composer_fits_the_state(
    floor: Floor, ana: Client, state: str, modes: list[tuple[str, bool]], code: str | None
) -> None:
    chat = floor.waiting() if state == "waiting" else getattr(floor, state)()

    composer = ana.get(f"/desk/{chat.pk}/").context["conversation"].composer

    assert [(mode.value, mode.checked) for mode in composer.modes] == modes
    assert (composer.refusal.code if composer.refusal else None) == code


def test_a_pending_transfer_and_what_came_of_it_stand_above_the_transcript(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    pending = part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")
    assert "Sara Test is transferring this conversation to Boris Test." in pending
    assert "You keep it until they accept." in pending

    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(31))

    after = ana.get(f"/desk/{chat.pk}/").context["conversation"]
    assert [banner.title for banner in after.banners] == ["Boris Test took over. You are a consultant."]
    assert [button.verb for button in after.buttons] == ["leave-consult"]
    assert [(mode.value, mode.checked) for mode in after.composer.modes] == [("internal", True), ("public", False)]


def test_after_a_force_close_the_composer_is_locked_and_the_banner_says_who(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    page = part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")

    assert "Sara Test force closed this conversation." in page
    assert "<textarea" not in page
    assert 'data-code="state_closed"' in page


def test_a_conversation_that_left_the_desk_locks_where_it_lies_open_and_is_not_found_as_a_page(
    floor: Floor, ana: Client
) -> None:
    chat = floor.offered()
    keep_open(chat)
    chat = fresh(chat)
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version)

    page = part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")
    assert "This conversation has left your desk" not in page  # the transfer is pending, so it is still Ana's

    offers.accept(actor_of(floor.boris), offer_of(chat).pk)
    page = part(ana, f"/desk/{chat.pk}/", f"desk-conversation-{chat.pk}")
    assert "This conversation has left your desk" in page
    assert "data-live" not in page
    assert ana.get(f"/desk/{chat.pk}/").status_code == 404


def test_each_region_is_answered_alone(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    for target in ("desk-me", "desk-offers", "desk-lists", "desk-board", f"desk-conversation-{chat.pk}"):
        page = part(ana, f"/desk/{chat.pk}/", target).strip()
        assert f'id="{target}"' in page[:200]
        assert "<!doctype" not in page


def test_long_transcripts_are_shown_from_the_end_and_whole_on_demand(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    for number in range(230):
        messaging.receive(customer_of(chat), chat.pk, text=f"line {number}", now=at(100 + number))

    short = ana.get(f"/desk/{chat.pk}/")
    assert (len(short.context["conversation"].lines), short.context["conversation"].earlier) == (200, 33)
    assert "Show 33 earlier lines" in short.content.decode()
    assert len(ana.get(f"/desk/{chat.pk}/?all=1").context["conversation"].lines) == 233


def test_the_desk_asks_as_often_for_twenty_rows_as_for_ten(floor: Floor, ana: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert ana.get("/desk/").status_code == 200
        return len(found)

    def more(number: int) -> None:
        for _ in range(number):
            floor.start()
            messaging.send(
                actor_of(floor.ana), floor.active().pk, text="Hi", visibility=Visibility.INTERNAL, now=at(30)
            )

    more(5)
    few = queries()
    more(5)
    assert queries() == few
