"""How is a conversation held out to an agent: who says yes, and may they say no? Pure (domain.md 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from routing.models.presence import BasePresence
from supervisor_console.kernel.errors import Refusal

REJECT_OFF = Refusal(
    "reject_off", _("Offers of this workstream cannot be rejected. Accept it, or let its time run out.")
)
REJECT_ASSIGNED = Refusal(
    "reject_assigned",
    _("This conversation is assigned to you and cannot be rejected. Open it, or let its time run out."),
)
OPENS_BY_ITSELF = Refusal(
    "reject_assigned",
    _(
        "This conversation is assigned to you and opens by itself, so it cannot be rejected. "
        "Open it; if you cannot serve it, release it to its queue."
    ),
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a workstream says of its offers.

    ``auto_assigns``: nobody is asked, so it cannot be rejected; it still has to be opened in time. ``auto_accepts``:
    where the time runs out it is accepted for the agent. A request to take over is a question whatever they say (S1).
    """

    auto_assigns: bool = False
    auto_accepts: bool = False
    offers_reject: bool = True

    def assigns(self, *, is_request: bool) -> bool:
        """Whether the agent is told rather than asked."""
        return self.auto_assigns and not is_request

    def accepts(self, *, is_request: bool) -> bool:
        """Whether it opens by itself when the countdown ends."""
        return self.auto_accepts and self.assigns(is_request=is_request)


def why_not_reject(terms: Terms, *, is_request: bool) -> Refusal | None:
    """Why an offer cannot be rejected (domain.md 4.1, 4.2)."""
    if not terms.offers_reject:
        return REJECT_OFF
    if not terms.assigns(is_request=is_request):
        return None
    return OPENS_BY_ITSELF if terms.accepts(is_request=is_request) else REJECT_ASSIGNED


def is_accepted_in_the_end(terms: Terms, presence: BasePresence, *, is_request: bool, takes_work: bool) -> bool:
    """Whether an offer whose time is over is accepted for its agent (T6), rather than timed out (T8).

    Not for somebody who is gone, or takes no work any more: the customer would talk to nobody.
    """
    return terms.accepts(is_request=is_request) and takes_work and presence != BasePresence.OFFLINE
