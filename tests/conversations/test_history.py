"""History is added to and read, nothing else; each entry tells who, what, from where to where (domain.md 2.5, 6.2)."""

from typing import Any

import pytest
from django.db import transaction

from conversations import events, wording
from conversations.events import ConversationEvent
from conversations.models import HistoryEntry, Sentiment
from conversations.services import assignment, closure, messaging, offers, supervision
from supervisor_console.kernel.actor import SYSTEM
from supervisor_console.kernel.history import AppendOnlyError
from supervisor_console.models import Announcement
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, offer_of
from tests.conversations.looking import last_entry

ANNOUNCED_ONLY = {"conversation.message_sent", "conversation.sentiment_changed"}
"""What is kept in rows of its own, and is no entry of the history."""


def every_event() -> list[type[ConversationEvent]]:
    kinds = [found for found in vars(events).values() if isinstance(found, type)]
    return [kind for kind in kinds if issubclass(kind, ConversationEvent) and kind is not ConversationEvent]


def test_an_entry_cannot_be_changed_or_deleted(floor: Floor) -> None:
    entry = last_entry(floor.start())
    entry.code = "something.else"

    with pytest.raises(AppendOnlyError):
        entry.save()
    with pytest.raises(AppendOnlyError):
        entry.delete()
    with pytest.raises(AppendOnlyError):
        HistoryEntry.objects.update(code="something.else")
    with pytest.raises(AppendOnlyError):
        HistoryEntry.objects.filter(pk=entry.pk).delete()
    with pytest.raises(AppendOnlyError), transaction.atomic():
        HistoryEntry.objects.bulk_update([entry], ["code"])
    with pytest.raises(AppendOnlyError):
        entry.conversation.history.all().delete()
    with pytest.raises(AppendOnlyError), transaction.atomic():
        HistoryEntry.objects.update_or_create(pk=entry.pk, defaults={"code": "something.else"})

    assert HistoryEntry.objects.get(pk=entry.pk).code == "conversation.created"


def test_every_move_is_in_the_history_with_before_and_after(floor: Floor) -> None:
    chat = floor.active()
    sara, ana, boris = actor_of(floor.sara), actor_of(floor.ana), actor_of(floor.boris)
    assignment.transfer(sara, chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    offers.accept(boris, offer_of(chat).pk, now=at(40))
    supervision.leave(ana, chat.pk, now=at(45))
    assignment.release(boris, chat.pk, now=at(50))
    assignment.pick(ana, chat.pk, now=at(60))
    closure.customer_ends(customer_of(chat), chat.pk, now=at(70))
    closure.force_close(sara, chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION, now=at(80))

    rows = HistoryEntry.objects.filter(conversation=chat).order_by("pk")
    assert [
        (row.code.removeprefix("conversation."), row.actor_name, row.actor_kind, row.from_state, row.to_state)
        for row in rows
    ] == [
        ("created", "Maja", "customer", "", "open"),
        ("assigned", "Sara Test", "person", "open", "active"),
        ("accepted", "Ana Test", "person", "active", "active"),
        ("transfer_requested", "Sara Test", "person", "active", "active"),
        ("transferred", "Boris Test", "person", "active", "active"),
        ("left", "Ana Test", "person", "active", "active"),
        ("released", "Boris Test", "person", "active", "open"),
        ("picked", "Ana Test", "person", "open", "active"),
        ("ended", "Maja", "customer", "active", "wrap_up"),
        ("force_closed", "Sara Test", "person", "wrap_up", "closed"),
    ]
    assert [row.at for row in rows[1:4]] == [at(10), at(20), at(30)]
    assert [row.version for row in rows] == list(range(1, 11))


def test_the_name_of_an_actor_is_the_one_of_then(floor: Floor) -> None:
    chat = floor.closed()

    floor.ana.user.last_name = "Novak"
    floor.ana.user.save()

    assert last_entry(chat).actor_name == "Ana Test"


def test_an_action_that_is_refused_leaves_neither_entry_nor_announcement(floor: Floor) -> None:
    chat = floor.active()
    entries, announcements = HistoryEntry.objects.count(), Announcement.objects.count()

    for _ in range(2):
        with pytest.raises(Exception, match=r"^(stale_version|force_close|text_empty)"):
            closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, now=at(30))
        with pytest.raises(Exception, match="text_empty"):
            messaging.send(actor_of(floor.ana), chat.pk, text="", now=at(30))

    assert (HistoryEntry.objects.count(), Announcement.objects.count()) == (entries, announcements)


def test_what_is_announced_carries_ids_and_no_content(floor: Floor) -> None:
    chat = floor.start(text="my secret")
    Announcement.objects.all().delete()

    assignment.assign(
        actor_of(floor.sara), chat.pk, agent_id=floor.ana.pk, version=1, note="my secret note", now=at(10)
    )

    frames: list[dict[str, Any]] = [found["frame"] for row in Announcement.objects.all() for found in row.frames]
    [event] = [frame for frame in frames if frame["type"] == "event" and "conversation" in frame]
    assert event == {
        "type": "event",
        "code": "conversation.assigned",
        "conversation": chat.pk,
        "version": 2,
        "by": "person",
        "at": at(10).isoformat(),
    }
    assert "secret note" not in str(frames)


def test_every_event_has_a_code_of_its_own_and_a_sentence() -> None:
    codes = [event.code for event in every_event()]

    assert len(codes) == len(set(codes)) > 20
    assert set(wording.TIMELINE) == set(codes) - ANNOUNCED_ONLY


# --- sentences ----------------------------------------------------------------------------------------------------

PARAMS = {
    name: name.upper()
    for name in (
        "agent",
        "bot",
        "from",
        "medium",
        "name",
        "customer",
        "queue",
        "from_queue",
        "note",
        "subject",
        "presence",
        "added",
        "removed",
    )
}


@pytest.mark.parametrize("texts", [wording.LINES, wording.NOTICES, wording.TIMELINE, wording.CAUSES, wording.STAFFING])
def test_every_sentence_finds_its_words(texts: wording.Texts) -> None:
    for code in texts:
        known = {**PARAMS, "cause": "customer_left", "sentiment": Sentiment.NEGATIVE.value}
        found = wording.notice(code, known) if texts is wording.NOTICES else wording.sentence(texts, code, known)
        assert "%(" not in found
        assert "–" not in found, f"{code} has a place for a word that nobody gives: {found}"


def test_a_row_of_an_older_version_does_not_break_a_page() -> None:
    assert wording.line("agent_joined", {}) == "– joined the conversation."
    assert wording.line("something_old", {"agent": "Ana"}) == "something_old"
    assert wording.notice("offer_withdrawn", {"subject": "Bill", "cause": "something_old"})


def test_names_with_signs_are_names(floor: Floor) -> None:
    assert wording.line("agent_joined", {"agent": "%s %(name)s <b>"}) == "%s %(name)s <b> joined the conversation."


def test_what_services_say_and_tell_is_known(floor: Floor) -> None:
    """Every code that the services write has its sentence (read off what a full day wrote)."""
    chat = floor.active()
    sara = actor_of(floor.sara)
    supervision.monitor(sara, chat.pk, now=at(30))
    supervision.drop_lost_monitor(chat.participants.get(mode="monitor").pk, SYSTEM, now=at(300))
    closure.force_close(sara, chat.pk, version=fresh(chat).version, confirmed=EVERY_CAUTION, now=at(310))

    assert {row.code for row in chat.messages.exclude(code="")} <= set(wording.LINES)
    assert set(chat.notices.values_list("code", flat=True)) <= set(wording.NOTICES)
    assert set(chat.history.values_list("code", flat=True)) <= set(wording.TIMELINE)
