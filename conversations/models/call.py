"""The legs of a call: one line per person, from ringing to hanging up (domain.md 1.1, 3.3, 3.4; F73)."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from conversations.models.participant import Participant


class Party(models.TextChoices):
    """Whose leg it is: the customer's, or that of somebody who takes part, in their mode."""

    CUSTOMER = "customer", _("Customer")
    PRIMARY = "primary", _("Agent")
    CONSULT = "consult", _("Consultant")
    MONITOR = "monitor", _("Monitor")


class LegState(models.TextChoices):
    """What a leg does. Only a monitor's listens: it has no microphone (P12)."""

    RINGING = "ringing", _("Ringing")
    TALKING = "talking", _("Talking")
    ON_HOLD = "on_hold", _("On hold")
    LISTENING = "listening", _("Listening")
    HUNG_UP = "hung_up", _("Hung up")


class CallLeg(models.Model):
    """One line of a call. The customer's has no ``participant``; every other belongs to one participation.

    ``held`` is how long it was on hold, without a hold that still goes on since ``held_since``. Talk time is
    connected time without hold time; both of the primaries' legs make the handle time of a call (domain.md M21).
    """

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="legs")
    participant = models.ForeignKey(Participant, models.PROTECT, null=True, blank=True, related_name="legs")
    party = models.CharField(max_length=8, choices=Party.choices)
    state = models.CharField(max_length=9, choices=LegState.choices)
    has_microphone = models.BooleanField(default=True)
    began_at = models.DateTimeField()
    connected_at = models.DateTimeField(null=True, blank=True)
    held = models.DurationField(default=timedelta(0))
    held_since = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("call leg")
        verbose_name_plural = _("call legs")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(ended_at__isnull=True, party="customer"), name="leg_one_customer"
            ),
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(ended_at__isnull=True, party="primary"), name="leg_one_primary"
            ),
            models.UniqueConstraint(
                fields=["participant"], condition=Q(ended_at__isnull=True), name="leg_one_per_participant"
            ),
            models.CheckConstraint(condition=Q(state__in=LegState.values), name="leg_state_is_known"),
            models.CheckConstraint(
                condition=Q(party="customer", participant__isnull=True)
                | (~Q(party="customer") & Q(participant__isnull=False)),
                name="leg_of_the_customer_or_a_participant",
            ),
            models.CheckConstraint(
                condition=Q(party="monitor", has_microphone=False) | (~Q(party="monitor") & Q(has_microphone=True)),
                name="leg_of_a_monitor_has_no_microphone",
            ),
            models.CheckConstraint(
                condition=Q(state="hung_up", ended_at__isnull=False) | (~Q(state="hung_up") & Q(ended_at__isnull=True)),
                name="leg_hung_up_means_ended_at",
            ),
            models.CheckConstraint(
                condition=Q(state="on_hold", held_since__isnull=False)
                | (~Q(state="on_hold") & Q(held_since__isnull=True)),
                name="leg_on_hold_means_held_since",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["talking", "on_hold", "listening"]) | Q(connected_at__isnull=False),
                name="leg_that_talks_is_connected",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("began_at")), name="leg_ends_after_begin"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.conversation} · {self.get_party_display()} · {self.get_state_display()}"
