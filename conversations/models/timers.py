"""How long until something happens by itself? The timers that administrators set (domain.md 2.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import State
from routing.models import ChannelKind
from supervisor_console.kernel.spans import span

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MINUTE, HOUR, DAY = 60, 3_600, 86_400
"""In seconds, as every field here."""


@deconstructible
class Between:
    """From so many seconds to so many."""

    def __init__(self, shortest: int, longest: int) -> None:
        self.shortest = shortest
        self.longest = longest

    def __call__(self, value: int) -> None:
        """Refuse what is outside, with both ends."""
        if not self.shortest <= value <= self.longest:
            ends = {"shortest": span(self.shortest), "longest": span(self.longest)}
            raise ValidationError(_("From %(shortest)s to %(longest)s."), code="out_of_range", params=ends)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Between) and (self.shortest, self.longest) == (other.shortest, other.longest)

    def __hash__(self) -> int:
        return hash((self.shortest, self.longest))


def _seconds(
    label: str | _StrPromise, default: int, *, shortest: int = MINUTE, longest: int = 400 * DAY
) -> models.PositiveIntegerField[int, int]:
    return models.PositiveIntegerField(label, default=default, validators=[Between(shortest, longest)])


class Timers(models.Model):
    """The organisation's timers, in seconds, with the defaults of domain.md 2.3.

    What a workstream has a time of its own for stands there: accepting, wrap-up block, waiting.
    """

    close_live_chat_open = _seconds(_("Live chat, open"), 20 * MINUTE)
    close_live_chat_wrap_up = _seconds(_("Live chat, wrap-up"), 15 * MINUTE)
    close_persistent_chat_open = _seconds(_("Persistent chat, open"), 30 * DAY)
    close_persistent_chat_wrap_up = _seconds(_("Persistent chat, wrap-up"), DAY)
    close_async_messaging_open = _seconds(_("Messaging, open"), 30 * DAY)
    close_async_messaging_active = _seconds(_("Messaging, active"), 30 * DAY)
    close_async_messaging_wrap_up = _seconds(_("Messaging, wrap-up"), DAY)
    close_voice_open = _seconds(_("Voice, open"), 30 * DAY)
    close_voice_active = _seconds(_("Voice, longest call"), 2 * HOUR)
    close_voice_wrap_up = _seconds(_("Voice, wrap-up"), DAY)

    silent_after = _seconds(_("A customer's line is unanswered for too long after"), 10 * MINUTE, longest=DAY)
    customer_disconnect = _seconds(_("Live chat, customer away"), 3 * MINUTE, shortest=10, longest=HOUR)
    agent_disconnect = _seconds(_("Agent away"), 150, shortest=10, longest=HOUR)
    monitor_disconnect = _seconds(_("Monitoring, page gone"), 30, shortest=15, longest=HOUR)
    bot_silence = _seconds(_("Customer silent with an assistant"), 20 * MINUTE, longest=DAY)
    decline_pause = _seconds(_("Pause after a decline"), 30, shortest=1, longest=HOUR)

    class Meta:
        abstract = True

    def closing(self) -> dict[tuple[ChannelKind, State], timedelta]:
        """After how long without activity a conversation of a kind closes in a state; a call in Active is ended.

        What is not in it goes on for ever: live and persistent chats in Active (domain.md 2.3). Waiting has the
        time of its workstream.
        """
        return {(kind, state): timedelta(seconds=getattr(self, name)) for (kind, state), name in CLOSING.items()}


CLOSING: Final = {
    (kind, state): name
    for kind in ChannelKind
    for state in State
    if hasattr(Timers, name := f"close_{kind.value}_{state.value}")
}
"""The field of each channel kind and state that has such a time."""
