"""Every verb of an agent by its address: what it does, and how it refuses; bad input changes nothing."""

import uuid
from datetime import timedelta

import pytest
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, HistoryEntry, Message, Mode, Offer, Participant, State, Visibility
from conversations.models.message import TEXT_MAX
from conversations.services import assignment, closure, offers
from routing.models import Channel, Presence, Workstream
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, fresh, offer_of

PART = {"HX-Request": "true"}
VERBS = ["pick", "revive", "end", "close-session", "release", "finish-wrap-up", "leave-consult", "read", "messages"]


@pytest.fixture
def ana(floor: Floor, client: Client) -> Client:
    """A browser in which Ana is signed in."""
    client.force_login(floor.ana.user)
    return client


def keep_open(conversation: Conversation) -> Offer:
    """Its offer, with time left by the real clock."""
    offer = offer_of(conversation)
    Offer.objects.filter(pk=offer.pk).update(expires_at=timezone.now() + timedelta(seconds=90))
    return offer


def toast_of(answer: HttpResponseBase) -> str:
    return answer.headers.get("HX-Trigger", "")


def state_of_everything() -> tuple[object, ...]:
    """What a refused action must leave as it was."""
    return (
        list(Conversation.objects.order_by("pk").values_list("pk", "state", "agent_id", "version")),
        list(Participant.objects.order_by("pk").values_list("pk", "mode", "left_at", "read_at")),
        list(Offer.objects.order_by("pk").values_list("pk", "status")),
        Message.objects.count(),
        HistoryEntry.objects.count(),
    )


def test_accepting_opens_the_conversation_in_place(floor: Floor, ana: Client) -> None:
    chat = floor.offered()
    offer = keep_open(chat)

    answer = ana.post(f"/desk/offers/{offer.pk}/accept/", headers=PART)

    assert fresh(chat).agent_id == floor.ana.pk
    assert fresh(chat).accepted_at is not None
    assert answer.headers["HX-Retarget"] == "#desk-board"
    assert answer.headers["HX-Push-Url"] == f"/desk/{chat.pk}/"
    assert f'id="desk-conversation-{chat.pk}"' in answer.content.decode()


def test_without_javascript_a_verb_leads_to_the_conversation(floor: Floor, ana: Client) -> None:
    chat = floor.offered()

    answer = ana.post(f"/desk/offers/{keep_open(chat).pk}/accept/")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"/desk/{chat.pk}/")


def test_rejecting_puts_it_back(floor: Floor, ana: Client) -> None:
    chat = floor.offered()

    assert ana.post(f"/desk/offers/{keep_open(chat).pk}/reject/", headers=PART).status_code == 204

    assert fresh(chat).state == State.OPEN


def test_rejecting_where_reject_is_off_is_refused(floor: Floor, ana: Client) -> None:
    chat = floor.offered()
    Workstream.objects.update(offers_reject=False)
    before = state_of_everything()

    answer = ana.post(f"/desk/offers/{keep_open(chat).pk}/reject/", headers=PART)

    assert (answer.status_code, "reject_off" in toast_of(answer)) == (409, True)
    assert state_of_everything() == before


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_an_offer_that_is_over_is_refused_with_what_to_do(floor: Floor, ana: Client, verb: str) -> None:
    chat = floor.offered()
    offer = keep_open(chat)
    offers.accept(actor_of(floor.ana), offer.pk)
    before = state_of_everything()

    answer = ana.post(f"/desk/offers/{offer.pk}/{verb}/", headers=PART)

    assert (answer.status_code, "offer_gone" in toast_of(answer)) == (409, True)
    assert state_of_everything() == before


def test_somebody_else_s_offer_is_not_there(floor: Floor, ana: Client) -> None:
    offer = keep_open(floor.offered(to=floor.boris))
    before = state_of_everything()

    for verb in ("accept", "reject"):
        assert ana.post(f"/desk/offers/{offer.pk}/{verb}/", headers=PART).status_code == 404
    assert state_of_everything() == before


def test_picking_takes_it_and_a_second_one_is_too_late(floor: Floor, ana: Client) -> None:
    chat = floor.start()

    assert ana.post(f"/desk/{chat.pk}/pick/", headers=PART).status_code == 200
    assert fresh(chat).agent_id == floor.ana.pk
    again = ana.post(f"/desk/{chat.pk}/pick/", headers=PART)
    assert (again.status_code, "state_not_open" in toast_of(again)) == (409, True)


def test_who_picks_too_late_from_the_own_open_list_is_told_so(floor: Floor, ana: Client) -> None:
    chat = floor.start()
    assignment.pick(actor_of(floor.boris), chat.pk)
    before = state_of_everything()

    answer = ana.post(f"/desk/{chat.pk}/pick/", headers=PART)

    assert (answer.status_code, "state_not_open" in toast_of(answer)) == (409, True)
    assert state_of_everything() == before


def test_ending_keeps_it_on_the_desk_in_wrap_up_and_finishing_takes_it_off(floor: Floor, ana: Client) -> None:
    chat = floor.active()

    ended = ana.post(f"/desk/{chat.pk}/end/", headers=PART)
    assert fresh(chat).state == State.WRAP_UP
    assert ended.headers["HX-Push-Url"] == f"/desk/{chat.pk}/"

    finished = ana.post(f"/desk/{chat.pk}/finish-wrap-up/", headers=PART)
    assert fresh(chat).state == State.CLOSED
    assert finished.headers["HX-Push-Url"] == "/desk/"


@pytest.mark.parametrize(
    ("channel", "state", "address"),
    [(Channel.PERSISTENT_CHAT, State.WAITING, "/desk/{}/"), (Channel.LIVE_CHAT, State.OPEN, "/desk/")],
)
def test_closing_the_session(floor: Floor, ana: Client, channel: Channel, state: State, address: str) -> None:
    chat = floor.active(channel)

    answer = ana.post(f"/desk/{chat.pk}/close-session/", headers=PART)

    assert fresh(chat).state == state
    assert answer.headers["HX-Push-Url"] == address.format(chat.pk)


def test_a_waiting_one_is_taken_up_again(floor: Floor, ana: Client) -> None:
    chat = floor.waiting()

    assert ana.post(f"/desk/{chat.pk}/revive/", headers=PART).status_code == 200

    assert fresh(chat).state == State.ACTIVE


def test_releasing_puts_it_back(floor: Floor, ana: Client) -> None:
    chat = floor.active()

    assert ana.post(f"/desk/{chat.pk}/release/", headers=PART).headers["HX-Push-Url"] == "/desk/"

    assert fresh(chat).state == State.OPEN


def test_a_consultant_leaves(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(31))

    assert ana.post(f"/desk/{chat.pk}/leave-consult/", headers=PART).status_code == 200

    assert not Participant.objects.filter(user=floor.ana.user, mode=Mode.CONSULT, left_at=None).exists()


@pytest.mark.parametrize(
    ("mode", "visibility"), [("public", "public"), ("internal", "internal"), ("", "internal"), ("PUBLIC", "internal")]
)
def test_a_line_goes_to_the_customer_only_if_the_form_says_so(
    floor: Floor, ana: Client, mode: str, visibility: str
) -> None:
    chat = floor.active()

    assert ana.post(f"/desk/{chat.pk}/messages/", {"text": "Hi", "mode": mode}, headers=PART).status_code == 204

    assert Message.objects.filter(conversation=chat, text="Hi").get().visibility == visibility


def test_the_same_form_sent_twice_is_one_line(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    form = {"text": "Once", "mode": "public", "client_key": str(uuid.uuid4())}

    for _ in range(2):
        assert ana.post(f"/desk/{chat.pk}/messages/", form, headers=PART).status_code == 204

    assert Message.objects.filter(conversation=chat, text="Once").count() == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text_empty"), (" \n\t", "text_empty"), ("\x00\x07", "text_empty"), ("a" * (TEXT_MAX + 1), "text_too_long")],
)
def test_a_text_that_cannot_be_sent_is_refused(floor: Floor, ana: Client, text: str, code: str) -> None:
    chat = floor.active()
    before = state_of_everything()

    answer = ana.post(f"/desk/{chat.pk}/messages/", {"text": text, "mode": "public"}, headers=PART)

    assert (answer.status_code, code in toast_of(answer)) == (422, True)
    assert state_of_everything() == before


def test_odd_signs_are_kept_and_control_signs_are_not(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    odd = "🙂 e\u0301 \u202eabc\u202c ﷽ 中文 <b>&amp;</b> {{ 7|add:7 }}"

    ana.post(f"/desk/{chat.pk}/messages/", {"text": f"\x00{odd}\x1b", "mode": "public"}, headers=PART)

    assert Message.objects.filter(conversation=chat).latest("pk").text == odd
    assert "<b>&amp;" not in ana.get(f"/desk/{chat.pk}/").content.decode()


def test_after_the_dialogue_only_internal_lines_are_taken(floor: Floor, ana: Client) -> None:
    chat = floor.wrap_up()

    public = ana.post(f"/desk/{chat.pk}/messages/", {"text": "Bye", "mode": "public"}, headers=PART)
    internal = ana.post(f"/desk/{chat.pk}/messages/", {"text": "Note", "mode": "internal"}, headers=PART)

    assert (public.status_code, "internal_only" in toast_of(public)) == (409, True)
    assert internal.status_code == 204
    assert Message.objects.filter(conversation=chat).latest("pk").visibility == Visibility.INTERNAL


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("who", ["another agent's", "unknown", "huge"])
def test_a_foreign_or_unknown_conversation_is_not_there(floor: Floor, ana: Client, verb: str, who: str) -> None:
    chat = floor.active(by=floor.boris)
    Conversation.objects.filter(pk=chat.pk).update(queue=floor.returns)  # not one of Ana's queues
    number = {"another agent's": chat.pk, "unknown": 10**6, "huge": 10**30}[who]
    before = state_of_everything()

    answer = ana.post(f"/desk/{number}/{verb}/", {"text": "Hi"}, headers=PART)

    assert answer.status_code == 404
    assert state_of_everything() == before
    assert ana.get(f"/desk/{number}/").status_code == 404


@pytest.mark.parametrize("verb", VERBS)
def test_looking_at_a_verb_does_nothing(floor: Floor, ana: Client, verb: str) -> None:
    chat = floor.active()
    before = state_of_everything()

    assert ana.get(f"/desk/{chat.pk}/{verb}/").status_code == 405
    assert state_of_everything() == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_form_without_its_token_does_nothing(floor: Floor, verb: str) -> None:
    chat = floor.active()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(floor.ana.user)
    before = state_of_everything()

    assert browser.post(f"/desk/{chat.pk}/{verb}/", {"text": "Hi"}).status_code == 403
    assert state_of_everything() == before


@pytest.mark.parametrize("verb", ["end", "close-session", "release", "finish-wrap-up", "leave-consult", "revive"])
def test_a_verb_that_does_not_fit_is_refused_with_a_sentence(floor: Floor, ana: Client, verb: str) -> None:
    chat = floor.start()
    before = state_of_everything()

    answer = ana.post(f"/desk/{chat.pk}/{verb}/", headers=PART)

    assert answer.status_code == 409
    assert '"level": "error"' in toast_of(answer)
    assert state_of_everything() == before


@pytest.mark.parametrize("chosen", ["", "x", "-1", "0", "999999", "9" * 40, "²", "1; DROP"])
def test_a_presence_that_does_not_exist_is_not_set(floor: Floor, ana: Client, chosen: str) -> None:
    before = floor.ana.presence_id

    assert ana.post("/desk/presence/", {"presence": chosen}, headers=PART).status_code == 404

    floor.ana.refresh_from_db()
    assert floor.ana.presence_id == before


def test_inactive_is_set_by_the_product_only(floor: Floor, ana: Client) -> None:
    inactive = Presence.objects.get(code="inactive")

    answer = ana.post("/desk/presence/", {"presence": inactive.pk}, headers=PART)

    assert (answer.status_code, "presence_not_selectable" in toast_of(answer)) == (422, True)


def test_what_was_closed_under_the_agent_is_refused_with_that(floor: Floor, ana: Client) -> None:
    chat = floor.active()
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(40))

    answer = ana.post(f"/desk/{chat.pk}/end/", headers=PART)

    assert (answer.status_code, "state_closed" in toast_of(answer)) == (409, True)
