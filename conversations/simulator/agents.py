"""What could agents do now? They pick, answer offers (or not), write, end, wrap up, take breaks, come and go."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from conversations.policy import PERSISTS, Phase
from conversations.simulator.floor import Act, Chance, Chat, Deed, Invitation, Scene, shared

VISITORS_WAIT = 300.0
"""Seconds for which a visitor's own chat is left to people: whoever plays the customer may play the agent too."""

VISITORS_THINK = 180.0
"""Seconds of silence after which a visitor's chat may be ended."""

MOST_AWAY = 0.2
MOST_OFFLINE = 2


def chances(scene: Scene) -> Iterator[Chance]:
    """Everything that simulated agents could do."""
    for chat in scene.floor.chats:
        if chat.phase == Phase.OPEN:
            yield from _picks(scene, chat)
        elif chat.phase == Phase.WAITING:
            yield from _revival(scene, chat)
        elif _is_held(scene, chat):
            yield from _at_work(scene, chat)
    yield from _answers(scene)
    yield from _rarely(scene)
    for invitation in scene.floor.invitations:
        yield from _invited(scene, invitation)
    yield from _coming_and_going(scene)


def _picks(scene: Scene, chat: Chat) -> Iterator[Chance]:
    """Who takes it from the open list: whoever has room; soon if it is live, or has waited long."""
    waits = scene.waited(chat.since)
    if not chat.allows_pick or (not chat.is_made_up and scene.real_seconds(chat.since) < VISITORS_WAIT) or waits < 5:
        return
    urgency = (2.5 if chat.is_live else 0.7) * min(0.5 + waits / (300 if chat.is_live else 900), 3.0)
    weight = 0.37 * scene.fullness(Phase.OPEN) ** 2 * urgency
    wishes = [(desk.wants(chat), desk) for desk in scene.floor.desks]
    total = max(sum(wish for wish, _ in wishes), 1.0)
    for wish, desk in wishes:
        if wish:
            yield Chance(weight * wish / total, Act(Deed.PICK, chat.id, desk.agent_id))


def _revival(scene: Scene, chat: Chat) -> Iterator[Chance]:
    desk = scene.floor.desk_of.get(chat.last_agent_id or 0)
    if desk is not None and desk.wants(chat) == 1.0 and not chat.transfer_pending and scene.waited(chat.since) >= 60:
        yield Chance(0.05 * scene.fullness(Phase.WAITING) ** 2, Act(Deed.REVIVE, chat.id, desk.agent_id))


def _at_work(scene: Scene, chat: Chat) -> Iterator[Chance]:
    """What the primary does in a conversation, besides answering."""
    agent_id = chat.agent_id or 0
    if chat.phase == Phase.WRAP_UP:
        if scene.waited(chat.since) >= 20:
            weight = 0.43 * scene.fullness(Phase.WRAP_UP) ** 2
            yield Chance(0.85 * weight, Act(Deed.FINISH, chat.id, agent_id))
            yield Chance(0.15 * weight, Act(Deed.CLOSE_SESSION, chat.id, agent_id))
    elif chat.phase != Phase.IN_CONVERSATION or chat.unanswered_since is not None:
        return
    elif not chat.lines_left and _is_over(scene, chat):
        if chat.channel.kind in PERSISTS:
            rests = 1 / max(scene.fullness(Phase.WAITING), 0.3) ** 2
            yield Chance(0.25 * rests, Act(Deed.CLOSE_SESSION, chat.id, agent_id))
        yield Chance(0.3, Act(Deed.END, chat.id, agent_id))


def _is_over(scene: Scene, chat: Chat) -> bool:
    """Whether nobody has anything to add; a visitor is given time to think."""
    if chat.is_made_up:
        return scene.waited(chat.last_activity_at) >= 10
    return scene.real_seconds(chat.last_activity_at) >= VISITORS_THINK


def _answers(scene: Scene) -> Iterator[Chance]:
    """Lines that wait for an answer come first; where many do, something else happens in between all the same."""
    acts = [
        Act(Deed.ANSWER, chat.id, chat.agent_id or 0)
        for chat in scene.floor.chats
        if chat.phase == Phase.IN_CONVERSATION
        and chat.unanswered_since is not None
        and scene.waited(chat.unanswered_since) >= 4
        and _is_held(scene, chat)
    ]
    yield from shared(min(8.0 * len(acts), 24.0 * scene.scale), acts)


def _is_held(scene: Scene, chat: Chat) -> bool:
    """Whether a simulated agent has it, and is there."""
    desk = scene.floor.desk_of.get(chat.agent_id or 0)
    return desk is not None and desk.is_there


def _rarely(scene: Scene) -> Iterator[Chance]:
    """Given back to the queue, closed by mistake, left to the colleague who took over: now and then, by anybody."""
    held = [
        chat
        for chat in scene.floor.chats
        if chat.phase == Phase.IN_CONVERSATION and chat.is_made_up and _is_held(scene, chat)
    ]
    yield from shared(0.4 * scene.scale, [Act(Deed.RELEASE, chat.id, chat.agent_id or 0) for chat in held])
    live = [chat for chat in held if chat.is_live]
    yield from shared(0.2 * scene.scale, [Act(Deed.CLOSE_SESSION, chat.id, chat.agent_id or 0) for chat in live])
    unneeded = [
        consultant
        for consultant in scene.floor.consultants
        if scene.waited(consultant.since) >= 60 and scene.floor.desk_of[consultant.agent_id].is_there
    ]
    yield from shared(
        0.25 * scene.scale, [Act(Deed.LEAVE_CONSULT, found.chat_id, found.agent_id) for found in unneeded]
    )


def _invited(scene: Scene, invitation: Invitation) -> Iterator[Chance]:
    """Most offers are accepted after some hesitation, some rejected, and some not seen at all."""
    whim = Random(f"{scene.habits.seed} {invitation.offered_at.isoformat()}")  # noqa: S311  (a story, not a secret)
    mood, hesitates = whim.random(), whim.uniform(4, 40)
    desk = scene.floor.desk_of[invitation.agent_id]
    if mood >= 0.88 or not desk.is_there or scene.waited(invitation.offered_at) < hesitates:
        return
    deed = Deed.REJECT if mood >= 0.72 and invitation.can_reject else Deed.ACCEPT
    yield Chance(6.0, Act(deed, invitation.chat_id, invitation.agent_id, invitation.offer_id))


def _coming_and_going(scene: Scene) -> Iterator[Chance]:
    """Breaks and shifts: most people are there at any time."""
    floor, scale = scene.floor, scene.scale
    there = [desk for desk in floor.desks if desk.is_there]
    away = [desk for desk in floor.desks if desk.is_away]
    offline = [desk for desk in floor.desks if desk.is_offline]
    rested = [desk for desk in away if scene.waited(desk.presence_since) >= 360]
    slept = [desk for desk in offline if scene.waited(desk.presence_since) >= 900]
    yield from shared(0.6 * scale, [Act(Deed.RESUME, agent_id=desk.agent_id) for desk in rested])
    yield from shared(0.4 * scale, [Act(Deed.SIGN_IN, agent_id=desk.agent_id) for desk in slept])
    if len(away) < MOST_AWAY * len(floor.desks):
        yield from shared(0.5 * scale, [Act(Deed.PAUSE, agent_id=desk.agent_id) for desk in there])
    if len(offline) < MOST_OFFLINE:
        free = sorted(there, key=lambda desk: (desk.holds, desk.agent_id))[:3]
        yield from shared(0.3 * scale, [Act(Deed.SIGN_OUT, agent_id=desk.agent_id) for desk in free])
