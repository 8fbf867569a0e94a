"""What does the bot say next? A script: it greets, answers two questions, and hands over. Pure: words in, words out.

Keywords are English, as the sentiment scorer is; what it does not understand goes to a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ANSWERS = 2
"""How many lines of the customer the bot answers; the next one goes to a person."""


class Move(StrEnum):
    """What the bot does after it has spoken."""

    STAYS = "stays"
    ESCALATES = "escalates"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the bot: what it says, and whether it keeps the conversation."""

    text: str
    move: Move = Move.STAYS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WANTS_PERSON = _words("agent human person people somebody someone representative employee colleague operator advisor")
IS_DONE = _words("bye goodbye solved thanks thank")
"""Words of somebody who has what they came for, in a line of at most ``LAST_WORDS`` words."""

LAST_WORDS = 6

TOPICS: tuple[tuple[frozenset[str], object], ...] = (
    (
        _words("deliver delivered delivery parcel package shipping shipped track tracking arrive arrived"),
        gettext_lazy("Parcels arrive within three working days. The link in our last e-mail shows where yours is."),
    ),
    (
        _words("return returns returned refund refunded exchange"),
        gettext_lazy("You can send anything back within 30 days; the money is with you five days after it arrived."),
    ),
    (
        _words("pay paid payment card invoice bill receipt"),
        gettext_lazy(
            "You can pay by card, by transfer or on invoice. Every invoice lies in your account, under Orders."
        ),
    ),
    (
        _words("open opening hours closed weekend sunday"),
        gettext_lazy("Our people are here from 6 to 22 o’clock, seven days a week; I am here at any time."),
    ),
)


def greeting(bot: str, customer: str) -> str:
    """How the bot begins; it says what it is."""
    words: Mapping[str, str] = {"bot": bot, "customer": customer}
    return _("Hello %(customer)s, I am %(bot)s and answer by myself. Say “person” at any time to talk to one.") % words


def turn(text: str, answered: int) -> Turn:
    """The answer to a customer's line, after so many that were answered."""
    words = re.findall(r"\w+", text.casefold())
    said = frozenset(words)
    if said & WANTS_PERSON:
        return Turn(_("Of course. I am looking for somebody for you."), Move.ESCALATES)
    if answered and said & IS_DONE and len(words) <= LAST_WORDS:
        return Turn(_("You are welcome. Have a good day!"), Move.ENDS)
    if answered >= ANSWERS:
        return Turn(_("My colleagues can tell you more. I am looking for somebody for you."), Move.ESCALATES)
    known = next((answer for keywords, answer in TOPICS if said & keywords), None)
    if known is not None:
        return Turn(_("%(answer)s Does that help?") % {"answer": known})
    if answered:
        return Turn(_("That I cannot answer. I am looking for somebody for you."), Move.ESCALATES)
    return Turn(_("Is it about a delivery, a return, a payment or our opening hours?"))
