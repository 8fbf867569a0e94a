"""What could a simulated shift lead do now? Hand out whatever has waited longest. Only where it is asked for.

Supervisors are people; this one is for load tests and for seeing offers come without assigning anything oneself.
"""

from __future__ import annotations

from collections.abc import Iterator

from conversations.policy import Phase
from conversations.simulator.floor import Act, Chance, Deed, Scene, shared


def chances(scene: Scene) -> Iterator[Chance]:
    """The longest waiting conversation, to anybody who has room for it."""
    if not scene.habits.has_shift_lead:
        return
    open_ones = [chat for chat in scene.floor.chats if chat.phase == Phase.OPEN and chat.is_made_up]
    for chat in sorted(open_ones, key=lambda chat: (chat.since, chat.id)):
        able = [desk for desk in scene.floor.desks if desk.wants(chat) == 1.0]
        if able:
            weight = scene.scale / max(scene.fullness(Phase.OFFERED), 0.3) ** 2
            yield from shared(weight, [Act(Deed.ASSIGN, chat.id, desk.agent_id) for desk in able])
            return
