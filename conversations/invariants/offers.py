"""Is exactly the right agent being asked, in time? (domain.md 2.5, 4; 3.6; 4.1)"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from conversations import wording
from conversations.invariants.rows import OF_CONVERSATION, is_offered, ongoing, pending_offers, told, without
from conversations.models import Notice, Offer, OfferKind, OfferStatus, State
from routing.invariants import person
from supervisor_console.kernel.invariants import GRACE, About, Row, Rule, Scope

IS_TRANSFER = Q(kind=OfferKind.TRANSFER)
NOBODY_WAITS = [State.OPEN.value, State.WRAP_UP.value, State.CLOSED.value]


def _nobody_asked(scope: Scope) -> Iterator[Row]:
    rows = without(ongoing(scope).filter(is_offered()), pending_offers(scope))
    return told(rows, agent=person("agent__user__"))


def _left_over(scope: Scope) -> Iterator[Row]:
    """An offer of something that is not on offer; what is talked about, or waits, can only be transferred."""
    not_offered = ~IS_TRANSFER & ~is_offered(OF_CONVERSATION)
    rows = pending_offers(scope).filter(Q(conversation__state__in=NOBODY_WAITS) | not_offered)
    return told(rows, agent=person("agent__user__"))


def _to_another(scope: Scope) -> Iterator[Row]:
    rows = pending_offers(scope).filter(~IS_TRANSFER, is_offered(OF_CONVERSATION))
    rows = rows.exclude(agent=F("conversation__agent"))
    return told(rows, asked=person("agent__user__"), agent=person("conversation__agent__user__"))


def _to_primary(scope: Scope) -> Iterator[Row]:
    rows = pending_offers(scope).filter(IS_TRANSFER, agent=F("conversation__agent"))
    return told(rows, agent=person("agent__user__"))


def _overdue(scope: Scope) -> Iterator[Row]:
    rows = pending_offers(scope).filter(expires_at__lt=scope.now - GRACE)
    return told(rows, agent=person("agent__user__"), until=F("expires_at"))


def _old_notices(scope: Scope) -> Iterator[Row]:
    """Unread words about an offer that is over: they ask for what cannot be done any more."""
    still_asked = Offer.objects.filter(
        conversation=OuterRef("conversation"), agent__user=OuterRef("user"), status=OfferStatus.PENDING
    )
    rows = Notice.objects.filter(code__in=wording.ASKS, read_at__isnull=True, conversation__isnull=False)
    return told(scope.narrow(rows, "conversation_id").filter(~Exists(still_asked)), name=person("user__"))


RULES = (
    Rule(
        "offer_missing",
        About.CONVERSATION,
        _("«%(subject)s» waits for %(agent)s to accept, but they are not being asked."),
        _nobody_asked,
    ),
    Rule(
        "offer_left_over",
        About.CONVERSATION,
        _("%(agent)s is still asked to take «%(subject)s», which is not on offer."),
        _left_over,
    ),
    Rule(
        "offer_to_another",
        About.CONVERSATION,
        _("«%(subject)s» waits for %(agent)s to accept, but %(asked)s is being asked."),
        _to_another,
    ),
    Rule(
        "transfer_to_primary",
        About.CONVERSATION,
        _("%(agent)s is asked to take over «%(subject)s», which they have already."),
        _to_primary,
    ),
    Rule(
        "offer_overdue",
        About.CONVERSATION,
        _("%(agent)s should have answered the offer of «%(subject)s» by %(until)s. Is the background work running?"),
        _overdue,
        is_deadline=True,
    ),
    Rule(
        "notice_out_of_date",
        About.CONVERSATION,
        _("%(name)s has an unread notice that offers «%(subject)s», which is not offered to them any more."),
        _old_notices,
    ),
)
