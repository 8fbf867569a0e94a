"""The conversations' row locks: the only place that takes them. Always before the agents'."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType

from django.db import connection

from conversations.models import Conversation, Customer, Offer, SupervisorSettings
from supervisor_console.kernel import clock
from supervisor_console.kernel.errors import NotVisible

LockedConversation = NewType("LockedConversation", Conversation)
"""A conversation row whose lock this transaction holds; only this module makes one."""


def lock_conversation(conversation_id: int) -> LockedConversation:
    """Lock one conversation and read it afresh; raises ``NotVisible`` where there is none.

    Two statements: one that joins other tables and waits for the lock would go on with the joined
    rows of before the wait, and lose the conversation where its agent or queue changed meanwhile.
    On SQLite the immediate transaction has locked the whole database already. Customer and last agent are not
    read along: few actions look at them, and columns are what reading a row costs.
    """
    locked = Conversation.objects.select_for_update(no_key=True).filter(pk=conversation_id)
    if not locked.values_list("pk"):
        raise NotVisible
    row = Conversation.objects.select_related("queue", "workstream", "agent__user").get(pk=conversation_id)
    clock.saw(row.state_changed_at, row.last_activity_at)
    return LockedConversation(row)


def lock_offer(offer_id: int) -> tuple[LockedConversation, Offer]:
    """Lock the conversation of an offer, then read the offer; raises ``NotVisible`` where there is none."""
    conversation_id = Offer.objects.filter(pk=offer_id).values_list("conversation_id", flat=True).first()
    if conversation_id is None:
        raise NotVisible
    conversation = lock_conversation(conversation_id)
    return conversation, Offer.objects.select_related("agent__user", "requested_by").get(pk=offer_id)


def lock_customer(customer_id: int) -> Customer:
    """Lock one customer, so that two starts at once become one; raises ``NotVisible`` where there is none.

    Taken before the conversation begins to exist, so no other lock is held yet.
    """
    row = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if row is None:
        raise NotVisible
    return row


def lock_form(client_key: str) -> None:
    """Let one start with this key go first, so that a stranger's form that was sent twice at once begins one chat.

    A stranger has no row to lock yet. On SQLite the immediate transaction has locked everything already.
    """
    if client_key and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [client_key])


def lock_settings() -> SupervisorSettings:
    """Lock the one row of supervisor settings, made with the defaults where none was saved yet; taken alone."""
    SupervisorSettings.objects.get_or_create(pk=1)
    return SupervisorSettings.objects.select_for_update(no_key=True).get(pk=1)


def lock_free(conversation_ids: Iterable[int]) -> list[int]:
    """Those of these conversations that nobody holds, locked, in ascending order; waits for none.

    For what is looked at again soon: what somebody moves at this moment is left to the next look.
    """
    rows = Conversation.objects.select_for_update(no_key=True, skip_locked=True)
    return list(rows.filter(pk__in=list(conversation_ids)).order_by("pk").values_list("pk", flat=True))
