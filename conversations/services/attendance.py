"""Come and go: what signing in and out, and pages that open, do to the presence of an agent (domain.md 1.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.http import HttpRequest

from conversations import selectors
from routing import selectors as routing_selectors
from routing.events import PresenceReset
from routing.models import User
from routing.policy import Load
from routing.services import presence
from supervisor_console.kernel.actor import Actor


def signed_in(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    """A receiver of Django's ``user_logged_in``."""
    actor = routing_selectors.actor_for(user)
    if actor.is_agent and actor.agent_id is not None:
        presence.sign_in(actor.agent_id, load_of=_load_of)


def signed_out(sender: object, request: HttpRequest, user: User | None, **_: object) -> None:
    """A receiver of Django's ``user_logged_out``; nobody signs out when a session is gone already."""
    actor = routing_selectors.actor_for(user) if user is not None else None
    if actor is not None and actor.is_agent and actor.agent_id is not None:
        presence.sign_out(actor.agent_id)


def connected(agent_id: int, key: UUID, *, process: UUID, now: datetime | None = None) -> bool:
    """A page of an agent is connected; see ``routing.services.presence.connected``.

    Who keeps the work, being back in time, keeps the presence, too: it is the same time (domain.md 2.3).
    """
    return presence.connected(
        agent_id,
        key,
        process=process,
        load_of=_load_of,
        remembered_for=timedelta(seconds=selectors.settings_row().agent_disconnect),
        now=now,
    )


def reset_presence(actor: Actor, agent_id: int, *, now: datetime | None = None) -> PresenceReset:
    """An agent's presence follows from their work again; see ``routing.services.presence.reset_presence``."""
    return presence.reset_presence(actor, agent_id, load_of=_load_of, now=now)


def _load_of(agent_id: int, now: datetime) -> Load:
    return selectors.loads([agent_id], now)[agent_id]
