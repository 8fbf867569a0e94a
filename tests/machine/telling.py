"""Who must be told what, for each verb: written down from domain.md 3.3 to 3.7 and 4, not from the services.

A bot is never told anything, and nobody is told how they answered an offer of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from tests.machine.picture import Asked, Chat, Picture

Told = list[tuple[str, str]]


def of(
    verb: str, before: Picture, after: Picture, pk: int | None, actor: str | None, whom: str | None, now: datetime
) -> Told:
    """The notices that this verb must leave, no more and no less, as they stand in the picture from before."""
    chat = before.chats.get(pk or 0)
    if verb == "time_passes":
        away = before.away(now)
        told = [note for chat in before.chats.values() for note in _run_out(chat, before, away, now)]
    elif verb == "distribute":
        told = _handed_out(before, after)
    elif verb in OF_PEOPLE:
        told = _to(whom, OF_PEOPLE[verb], but=actor)  # 1.3, F55: every change by somebody else
    elif chat is not None and verb in VERBS:
        told = VERBS[verb](chat, before, actor, whom)
    else:
        told = []
    return sorted((name, code) for name, code in told if name not in before.bots)


OF_PEOPLE = {"presence": "presence_set", "join_queue": "queues_added", "leave_queue": "queues_removed"}


def _handed_out(before: Picture, after: Picture) -> Told:
    """4.1: whoever is offered something by itself is told, and nobody else."""
    new = [chat for pk, chat in after.chats.items() if chat.phase == "offered" and before.chats[pk].phase == "open"]
    return [note for chat in new for note in _to(chat.agent, "offered")]


def _to(name: str | None, code: str, *, but: str | None = None) -> Told:
    return [(name, code)] if name is not None and name != but else []


def _withdrawn(asked: Asked | None) -> Told:
    """3.6: who is asked in vain hears it, and so does the supervisor who asked for a transfer."""
    if asked is None:
        return []
    return _to(asked.name, "offer_withdrawn") + (_to(asked.by, "transfer_cancelled") if asked.is_transfer else [])


def _asked_again(chat: Chat) -> Told:
    """3.6 [R]: a transfer of what the first agent had not accepted comes to nothing, so they are asked anew."""
    return _to(chat.agent, "offered" if chat.asked_by_nobody else "assigned") if chat.phase == "offered" else []


def _assign(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    return _to(whom, "assigned")  # 3.5: the target agent


def _transfer(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    """3.6: agent 2 is asked, agent 1 is told; an offer that agent 1 had not answered is withdrawn."""
    told = _to(whom, "assigned") + _to(chat.agent, "transfer_requested")
    return told + (_to(chat.asked.name, "offer_withdrawn") if chat.asked is not None else [])


def _cancel(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    assert chat.asked is not None
    told = _to(chat.asked.name, "offer_withdrawn") + _to(chat.asked.by, "transfer_cancelled", but=actor)
    return told + _asked_again(chat)


def _accept(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    """3.5, 3.6: the supervisor hears the result; the first agent that it is taken over, as a consultant or for good."""
    asked = chat.asked
    assert asked is not None
    if not asked.is_transfer:
        return _to(asked.by, "assign_accepted", but=actor)
    told = _to(asked.by, "transfer_accepted", but=actor)
    if chat.phase == "in_conversation":
        return told + _to(chat.agent, "took_over")
    return told + _to(chat.agent or chat.last_agent, "taken_away", but=actor)


def _reject(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    asked = chat.asked
    assert asked is not None
    if asked.is_transfer:
        return _to(asked.by, "transfer_rejected", but=actor) + _asked_again(chat)
    return _to(asked.by, "assign_rejected", but=actor)


def _run_out(chat: Chat, before: Picture, away: Mapping[str, datetime], now: datetime) -> Told:
    """What time does to one conversation: its offer first, then its customer, its agent, and who cannot answer."""
    asked, told = chat.asked, list[tuple[str, str]]()
    is_offered, talks_to = chat.phase == "offered", chat.agent if chat.phase == "in_conversation" else None
    patience = timedelta(seconds=before.settings["customer_disconnect"])
    if asked is not None and asked.until <= now and _opens(chat, asked, before):  # 4.2, T6: who was not asked is told
        told += _to(asked.name, "opened_by_itself") + _to(asked.by, "assign_accepted", but=asked.name)
        is_offered, talks_to, asked = False, asked.name, None
    elif asked is not None and asked.until <= now:  # 4.3: who missed it is told, and the supervisor who asked
        told += _to(asked.name, "offer_missed")
        told += _to(asked.by, "transfer_timed_out" if asked.is_transfer else "assign_timed_out")
        told += _asked_again(chat) if asked.is_transfer else []
        if is_offered and asked.is_transfer:
            asked = Asked(0, chat.agent or "", False, None, now, now + timedelta(seconds=120))
        else:
            is_offered, asked = False, None
    left = chat.row["customer_left_at"]
    if left is not None and left <= now - patience:  # T9, T13
        return told + _withdrawn(asked)
    if asked is not None and asked.name in away and asked.since < away[asked.name]:  # P14: nobody can answer
        told += _to(asked.name, "offer_withdrawn")
        told += _to(asked.by, "transfer_unreachable" if asked.is_transfer else "assign_unreachable")
        return told + (_asked_again(chat) if asked.is_transfer and is_offered else [])
    return told + (_lost(chat, talks_to, before, away, now) if asked is None else [])


def _opens(chat: Chat, asked: Asked, before: Picture) -> bool:
    """4.2: chats and calls that are assigned without asking may open by themselves, but for nobody who is Offline."""
    stream = before.stream(chat)
    may = stream["auto_assigns"] and stream["auto_accepts"] and not asked.is_transfer
    return bool(may) and asked.name not in before.offline


def _lost(chat: Chat, talks_to: str | None, before: Picture, away: Mapping[str, datetime], now: datetime) -> Told:
    """T17: an agent who is away for too long (150 s) loses what they talk in, unless it can wait for its customer."""
    since = away.get(talks_to or "")
    is_lost = since is not None and since <= now - timedelta(seconds=before.settings["agent_disconnect"])
    waits = chat.kind in ("PC", "AM") and chat.row["unanswered_since"] is None
    return _to(talks_to, "lost_while_away") if is_lost and not waits else []


def _over(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    return _withdrawn(chat.asked)  # 3.6: customer leaves, End, X and release while pending cancel the request


def _force_close(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    """3.7: primary, consultants, and monitors; the agent who was only asked hears that they are not any more."""
    told = [note for name in chat.those("primary", "consult") for note in _to(name, "force_closed", but=actor)]
    told += [note for name in chat.those("monitor") for note in _to(name, "monitored_closed", but=actor)]
    if chat.phase == "offered" and chat.asked is not None and chat.asked.name != chat.agent:
        told += _to(chat.agent, "force_closed", but=actor)  # asked before the transfer was, and will be no more
    return told + _withdrawn(chat.asked)


def _monitor(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    is_told = before.settings["notify_agent_on_monitor"]
    return _to(chat.agent, "monitoring_started") if is_told else []  # 3.3: unseen, but for the option


def _join(chat: Chat, before: Picture, actor: str | None, whom: str | None) -> Told:
    return [note for name in chat.those("primary", "consult") for note in _to(name, "supervisor_joined", but=actor)]


VERBS: dict[str, Callable[[Chat, Picture, str | None, str | None], Told]] = {
    "assign": _assign,
    "transfer": _transfer,
    "cancel": _cancel,
    "accept": _accept,
    "reject": _reject,
    "release": _over,
    "end": _over,
    "close": _over,
    "finish": _over,
    "customer_ends": _over,
    "force_close": _force_close,
    "monitor": _monitor,
    "join": _join,
}
