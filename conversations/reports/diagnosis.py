"""Why is this conversation not assigned? For each agent of its queue the one reason, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from conversations import matching
from conversations.models import Conversation, State
from routing import selectors as routing_selectors
from routing.models import Agent
from routing.policy import (
    Contender,
    Remedy,
    Work,
    needs_supervisor,
    order,
    remedy_of,
    why_not_distribute,
    why_not_offer,
)
from supervisor_console.kernel.errors import Refusal

NOT_OPEN = Refusal("state_not_open", _("This conversation is not open, so it does not wait for an agent."))
NO_MEMBERS = Refusal(
    "queue_without_members",
    _("%(queue)s has no members who take work. Add members, or move the conversation to another queue."),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What distribution says to one agent; ``refusal`` is None for those who can be offered it."""

    contender: Contender
    refusal: Refusal | None

    @property
    def agent_id(self) -> int:
        """Who it is."""
        return self.contender.agent_id

    @property
    def name(self) -> str:
        """What others read."""
        return self.contender.candidate.name

    @property
    def remedy(self) -> Remedy:
        """What would change it; NONE where nothing has to."""
        return remedy_of(self.refusal) if self.refusal is not None else Remedy.NONE


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Why a conversation is not assigned at a moment.

    ``refusal`` is a reason that holds for everybody (it is picked, distribution is off, it is not open …). ``members``
    are the agents of its queue: those who can be offered it in the order in which they are asked, then the others,
    nearest first. ``others`` is how many agents are not of its queue, ``others_able`` how many of them could be
    offered it if they were. ``needs_supervisor`` says that nobody will ever be offered it unless somebody changes
    something (domain.md 4.3, P23).
    """

    conversation_id: int
    at: datetime
    refusal: Refusal | None
    needs_supervisor: bool
    members: tuple[Verdict, ...]
    others: int
    others_able: int

    @property
    def able(self) -> tuple[Verdict, ...]:
        """The members who can be offered it now, the first one first."""
        return tuple(verdict for verdict in self.members if verdict.refusal is None)


_HARDNESS = {
    code: number
    for number, code in enumerate(
        (
            "declined_lately",
            "capacity_short",
            "profile_full",
            "profile_blocks",
            "session_limit",
            "agent_presence",
            "agent_inactive",
            "agent_rejected",
            "agent_offline",
            "capacity_never_enough",
            "profile_lacking",
            "decline_limit",
            "skill_lacking",
        )
    )
}


def why_unassigned(conversation: Conversation, now: datetime) -> Diagnosis:
    """The diagnosis of one conversation; a fixed number of queries however many agents there are."""
    row = Conversation.objects.select_related("queue", "workstream").get(pk=conversation.pk)
    work = matching.work(row)
    agents = Agent.objects.filter(is_bot=False).select_related("user", "presence")
    everybody = matching.contenders(agents, now).values()
    takers = set(routing_selectors.agents().values_list("pk", flat=True))
    belong = [found for found in everybody if work.queue_id in found.queue_ids]
    if row.queue.is_default:  # Everybody with the role belongs to it, and nobody else.
        belong = [found for found in belong if found.agent_id in takers]
    outside = [found for found in everybody if found.agent_id in takers and work.queue_id not in found.queue_ids]
    taking = [found for found in belong if found.agent_id in takers]
    if row.state != State.OPEN:
        refusal: Refusal | None = NOT_OPEN
    elif not taking:
        refusal = Refusal(NO_MEMBERS.code, NO_MEMBERS.text, {"queue": work.queue_name})
    else:
        refusal = why_not_distribute(work)
    return Diagnosis(
        conversation_id=row.pk,
        at=now,
        refusal=refusal,
        needs_supervisor=row.state == State.OPEN and needs_supervisor(work, taking),
        members=_verdicts(belong, work, now),
        others=len(outside),
        others_able=sum(why_not_offer(_as_member(found, work), work, now) is None for found in outside),
    )


def _as_member(contender: Contender, work: Work) -> Contender:
    return Contender(contender.candidate, contender.queue_ids | {work.queue_id}, contender.skills, contender.past)


def _verdicts(members: list[Contender], work: Work, now: datetime) -> tuple[Verdict, ...]:
    verdicts = {found.agent_id: Verdict(found, why_not_offer(found, work, now)) for found in members}
    able = order([found for found in members if verdicts[found.agent_id].refusal is None], work)
    others = [verdict for verdict in verdicts.values() if verdict.refusal is not None]
    return (*(verdicts[found.agent_id] for found in able), *sorted(others, key=_nearness))


def _nearness(verdict: Verdict) -> tuple[int, int, str, int]:
    assert verdict.refusal is not None, "only those who are excluded are sorted by what excludes them"
    short = verdict.refusal.numbers.get("over", 0)
    hardness = _HARDNESS.get(verdict.refusal.code, len(_HARDNESS))
    return (hardness, int(short), verdict.name.casefold(), verdict.agent_id)
