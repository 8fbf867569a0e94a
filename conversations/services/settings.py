"""Change the supervisor settings, and keep who changed what, from what to what, and when (domain.md 3.1, 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final

from django.utils.translation import gettext_lazy as _

from conversations import steps
from conversations.locks import lock_settings
from conversations.models import SettingChange, SupervisorSettings
from routing.models import BasePresence, Queue, Workstream
from supervisor_console.kernel import clock
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import Kind, NotVisible, Refusal, Stale
from supervisor_console.kernel.events import Event
from supervisor_console.kernel.realtime import action, announce

Value = bool | int | str

LABELS: Final = {
    field.name: field.verbose_name for field in SupervisorSettings._meta.concrete_fields if not field.primary_key
}
"""Every setting there is, and what it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(Event):
    """Supervisor settings have new values; the rows of ``SettingChange`` say which."""

    code: ClassVar[str] = "settings.changed"
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trap:
    """A setting that does nothing where a workstream allows this presence (domain.md 4.3, P20)."""

    setting: str
    presence: BasePresence
    refusal: Refusal
    """Why they do not go together; its sentence has a place for the names of the workstreams."""


TRAPS: Final = (
    Trap(
        "missed_sets_inactive",
        BasePresence.AWAY,
        Refusal(
            "inactive_with_away_allowed",
            _(
                "Inactive counts as Away, so this would do nothing for workstreams that allow Away: %(workstreams)s. "
                "Take Away from their allowed presences first."
            ),
            kind=Kind.INVALID,
        ),
    ),
    Trap(
        "reject_sets_dnd",
        BasePresence.BUSY_DND,
        Refusal(
            "dnd_with_dnd_allowed",
            _(
                "This would do nothing for workstreams that allow Do not disturb: %(workstreams)s. "
                "Take Do not disturb from their allowed presences first."
            ),
            kind=Kind.INVALID,
        ),
    ),
)


SENTIMENT_OFF: Final = Refusal(
    "setting_off:sentiment",
    _("This does nothing while sentiment analysis is switched off. Switch it on first."),
    kind=Kind.INVALID,
)
NEED_SENTIMENT: Final = ("sentiment_alert", "unhappy_notice", "agent_unhappy_notice")
"""Settings that do something only where sentiment is read (domain.md 7)."""


def why_without_effect(row: SupervisorSettings) -> dict[str, Refusal]:
    """Which of these settings are on and do nothing, each with the reason (domain.md 4.3, P20)."""
    found = {}
    for trap in TRAPS:
        if getattr(row, trap.setting):
            # There are few workstreams, and not every database can look into a JSON list.
            allowing = [
                name
                for name, allowed in Workstream.objects.order_by("name").values_list("name", "allowed_presences")
                if trap.presence.value in allowed
            ]
            if allowing:
                found[trap.setting] = replace(trap.refusal, numbers={"workstreams": ", ".join(allowing)})
    if not row.sentiment_enabled:
        found |= dict.fromkeys((name for name in NEED_SENTIMENT if getattr(row, name)), SENTIMENT_OFF)
    return found


def why_not_allow(presences: Iterable[str], row: SupervisorSettings) -> Refusal | None:
    """Why a workstream may not allow these presences beside the settings as they are (domain.md 4.3, P20)."""
    allowed = set(presences)
    for trap in TRAPS:
        if trap.presence.value in allowed and getattr(row, trap.setting):
            return Refusal(
                trap.refusal.code,
                _(
                    "%(presence)s cannot be allowed while «%(setting)s» is on in the supervisor settings, "
                    "which it would make useless."
                ),
                {
                    "presence": str(trap.presence.label),
                    "setting": str(LABELS[trap.setting]),
                },
                kind=Kind.INVALID,
            )
    return None


def last_change_id() -> int:
    """The newest change, which says what somebody who looks at the settings has seen; 0 before the first."""
    return SettingChange.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


@action()
def change(
    actor: Actor, *, values: Mapping[str, Value], seen_change: int | None = None, now: datetime | None = None
) -> SettingsChanged:
    """Give settings new values, effective at once (P17), and record each one that differs.

    With ``seen_change``, raises ``Stale`` where somebody changed a setting after that change was the
    newest: a page that shows older values does not undo theirs. Announced to every open report, whose
    buttons depend on it, and to every desk, which shows moods or does not. Who may do this is asked by the
    administrators' page, the only way here.
    """
    if actor.user_id is None:
        raise NotVisible
    now = now or clock.now()
    row = lock_settings()
    if seen_change is not None:
        _require_unchanged_since(seen_change)
    differing = {name: new for name, new in values.items() if name in LABELS and getattr(row, name) != new}
    for name, new in differing.items():
        SettingChange.objects.create(setting=name, old=getattr(row, name), new=new, by_id=actor.user_id, at=now)
        setattr(row, name, new)
    row.save(update_fields=list(differing))
    event = SettingsChanged(actor=actor, at=now, settings=tuple(sorted(differing)))
    if differing.keys() & {"distribution_enabled", "decline_limit", "decline_pause"}:
        steps.ask_to_distribute()
    if differing:
        queues = Queue.objects.values_list("pk", flat=True)
        topics = [f"{place}:{queue_id}" for queue_id in queues for place in ("report:queue", "open")]
        announce(["report:all", *topics], {"type": "event", "code": event.code, "at": now.isoformat()})
    return event


def _require_unchanged_since(seen_change: int) -> None:
    newer = SettingChange.objects.filter(pk__gt=seen_change).select_related("by").order_by("-pk").first()
    if newer is not None:
        raise Stale(
            Refusal(
                "stale_settings",
                _("%(name)s changed these settings meanwhile. Nothing was saved; look at the values and save again."),
                {"name": newer.by.display_name},
            )
        )
