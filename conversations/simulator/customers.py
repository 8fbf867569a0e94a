"""What could customers do now? They come, write, wait, lose patience, leave, and come back."""

from __future__ import annotations

from collections.abc import Iterator

from conversations.policy import Phase
from conversations.simulator.floor import MIX, Act, Chance, Chat, Deed, Scene

ARRIVALS = 0.042 * 120
"""How often somebody comes, beside everything else that happens on a floor of the demo's size."""

PATIENCE = 180.0
"""Seconds after which the first give up waiting for an agent."""

LONG = 120.0
"""Seconds without an answer after which customers ask whether anybody is there."""


def chances(scene: Scene) -> Iterator[Chance]:
    """Everything that simulated customers could do."""
    yield from _arrivals(scene)
    for chat in scene.floor.chats:
        if chat.is_made_up:
            yield from _of_customer(scene, chat)


def _arrivals(scene: Scene) -> Iterator[Chance]:
    """Somebody new, the likelier the emptier the floor; on the channels on which too little goes on."""
    floor, size = scene.floor, scene.habits.size
    wish = min((size / max(floor.ongoing, 1)) ** 6, 20.0)
    lacks = {
        channel: part * min((part * size / max(floor.channels.get(channel, 0), 1)) ** 3, 20.0)
        for channel, part in MIX.items()
    }
    for channel, lack in lacks.items():
        yield Chance(ARRIVALS * scene.scale * wish * lack / sum(lacks.values()), Act(Deed.START, channel=channel))


def _of_customer(scene: Scene, chat: Chat) -> Iterator[Chance]:
    silent = scene.waited(chat.last_activity_at)
    if chat.phase == Phase.WAITING:
        yield Chance(0.06 * scene.fullness(Phase.WAITING) ** 2, Act(Deed.RETURN, chat.id))
    elif chat.phase == Phase.WRAP_UP:
        return
    elif chat.opening_left:
        if silent >= 3:
            yield Chance(4.0, Act(Deed.WRITE, chat.id))
    elif chat.unanswered_since is not None:
        yield from _unanswered(scene, chat, scene.waited(chat.unanswered_since))
    elif chat.phase == Phase.IN_CONVERSATION and silent >= 5:
        if chat.lines_left:
            # A person who has just answered does not wait for minutes to see what happens.
            weight = 3.0 if scene.is_played(chat) else 0.5 if chat.is_live else 0.2
            yield Chance(weight, Act(Deed.WRITE, chat.id))
        elif chat.is_live:
            yield Chance(0.25, Act(Deed.LEAVE, chat.id))


def _unanswered(scene: Scene, chat: Chat, waits: float) -> Iterator[Chance]:
    """Waiting for a line. Nobody gives up whose agent may be a person: they will come."""
    if waits >= LONG and not chat.has_nudged:
        yield Chance(0.1, Act(Deed.NUDGE, chat.id))
    if chat.is_live and waits >= PATIENCE and not scene.is_played(chat):
        yield Chance(min(0.02 * (waits / PATIENCE), 0.5), Act(Deed.LEAVE, chat.id))
