"""Which open conversations can nobody take? The background work marks them for the supervisors (domain.md 4.3, P23).

Reports read the mark; they ask no rule for each conversation. It is at most some seconds old, and goes with every move.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from django.db.models import QuerySet

from conversations import matching
from conversations.locks import lock_free
from conversations.models import Conversation, Offer, OfferStatus, RequiredSkill, State
from routing import selectors as routing_selectors
from routing.models import Agent, Channel
from routing.policy import Contender, Work, needs_supervisor, why_never
from supervisor_console.kernel import clock
from supervisor_console.kernel.events import Json
from supervisor_console.kernel.realtime import action, announce

BLOCK = 1000
"""How many conversations are read at once."""

FEW = 20
"""So many members of a queue are asked first; in most queues one of them can."""

SINGLY = 20
"""So many changes are announced one by one; more of them as one that concerns every view."""


def mark(*, now: datetime | None = None) -> int:
    """Look at everything that is open, mark what nobody can take, and take the mark from the rest.

    A fixed number of queries, and some for each thousand that somebody declined or had before; what asks for the same
    is judged once. A few members of each queue are asked first, and all of them only where none of those can. Returns
    how many marks changed; reports hear of those.
    """
    now = now or clock.now()
    asking = list(_with_works(list(_groups())))
    _ask(asking, _few_members({group.queue_id for group, _ in asking}))
    doubtful = [(group, works) for group, works in asking if group.stuck]
    if doubtful:
        _ask(doubtful, _members({group.queue_id for group, _ in doubtful}))
    new = {pk: group.queue_id for group, _ in asking for pk in group.stuck - group.marked}
    over = {pk: group.queue_id for group, _ in asking for pk in group.marked - group.stuck}
    return _write(sorted(new), sorted(over), new | over, now) if new or over else 0


@dataclass(slots=True)
class _Group:
    """Open conversations that ask for the same: queue, workstream, units, profiles, skills.

    ``marked`` have the mark; ``special`` were declined by somebody, or somebody had them before; ``stuck`` can be taken
    by nobody who was asked.
    """

    queue_id: int
    ids: list[int] = field(default_factory=list)
    marked: set[int] = field(default_factory=set)
    special: set[int] = field(default_factory=set)
    stuck: set[int] = field(default_factory=set)


def _ask(asking: Sequence[tuple[_Group, Mapping[int, Work]]], members: Mapping[int, Sequence[Contender]]) -> None:
    """Say of each group which of it these members of its queue cannot take."""
    for group, works in asking:
        judge = _Judge(members[group.queue_id], works[group.ids[0]])
        group.stuck = {pk for pk in group.ids if (judge.needs_supervisor(works[pk]) if pk in works else judge.usual)}


class _Judge:
    """Whether anybody of a queue can take what a group asks for: looked for once, and only as far as needed."""

    def __init__(self, members: Sequence[Contender], work: Work) -> None:
        self._members = members
        self._work = replace(work, declines={}, returning_to=None)
        self._able: list[Contender] = []
        self._rest = (one for one in members if why_never(one, self._work) is None)
        self.usual = self.needs_supervisor(self._work)

    def needs_supervisor(self, work: Work) -> bool:
        """Whether one of the group reaches nobody: asked of one who usually can, and of all who are a special case."""
        special = {*work.declines, work.returning_to}
        usual = self._first_beside(special)
        asked = [one for one in self._members if one.agent_id in special] if special != {None} else []
        return needs_supervisor(work, [*([usual] if usual is not None else []), *asked, *self._members[:1]])

    def _first_beside(self, special: Collection[int | None]) -> Contender | None:
        """The first member who usually can and is no special case."""
        for one in chain(self._able, self._more()):
            if one.agent_id not in special:
                return one
        return None

    def _more(self) -> Iterator[Contender]:
        for one in self._rest:
            self._able.append(one)
            yield one


@action()
def _write(new: Sequence[int], over: Sequence[int], queues: Mapping[int, int], now: datetime) -> int:
    """Write the marks that differ, where nobody moves the conversation at this moment; announced to reports."""
    free = lock_free([*new, *over])
    fresh = Conversation.objects.filter(pk__in=free, state=State.OPEN)
    marked = set(fresh.filter(pk__in=new).values_list("pk", flat=True))
    changed = sorted(marked | set(fresh.filter(pk__in=over).values_list("pk", flat=True)))
    fresh.filter(pk__in=marked).update(unassignable_since=now)
    fresh.filter(pk__in=over).update(unassignable_since=None)
    topics = ["report:all", *(f"report:queue:{pk}" for pk in sorted({queues[pk] for pk in changed}))]
    frame: dict[str, Json] = {"type": "event", "code": "conversation.unassignable", "at": now.isoformat()}
    if len(changed) > SINGLY:
        announce(topics, frame)
    else:
        for pk in changed:
            announce(["report:all", f"report:queue:{queues[pk]}"], {**frame, "conversation": pk})
    return len(changed)


def _open() -> QuerySet[Conversation]:
    """What waits for an agent; records are offered to nobody."""
    return Conversation.objects.filter(closed_at__isnull=True, state=State.OPEN).exclude(channel=Channel.RECORD)


def _groups() -> Iterator[_Group]:
    """Everything that is open, by what it asks for. Four queries, whose rows are small."""
    ids = _open().order_by().values("pk")
    asks: dict[int, set[tuple[int, ...]]] = defaultdict(set)
    for pk, skill, minimum in RequiredSkill.objects.filter(conversation__in=ids).values_list(
        "conversation_id", "skill_id", "minimum"
    ):
        asks[pk].add((skill, minimum))
    for pk, profile in Conversation.profiles.through.objects.filter(conversation__in=ids).values_list(
        "conversation_id", "capacityprofile_id"
    ):
        asks[pk].add((profile,))
    declined = set(
        Offer.objects.filter(
            conversation__in=ids, status__in=[OfferStatus.REJECTED, OfferStatus.TIMED_OUT]
        ).values_list("conversation_id", flat=True)
    )
    found: dict[object, _Group] = {}
    rows = (
        _open()
        .order_by("pk")
        .values_list("pk", "queue_id", "workstream_id", "units", "last_agent_id", "unassignable_since")
    )
    for pk, queue_id, stream_id, units, last_agent_id, since in rows.iterator(chunk_size=BLOCK):
        group = found.setdefault((queue_id, stream_id, units, frozenset(asks[pk])), _Group(queue_id))
        group.ids.append(pk)
        if since is not None:
            group.marked.add(pk)
        if last_agent_id is not None or pk in declined:
            group.special.add(pk)
    yield from found.values()


def _with_works(groups: Sequence[_Group]) -> Iterator[tuple[_Group, Mapping[int, Work]]]:
    """Each group with one of its conversations as distribution sees it, and with all that are a special case."""
    wanted = [pk for group in groups for pk in (group.ids[0], *sorted(group.special - {group.ids[0]}))]
    works: dict[int, Work] = {}
    for start in range(0, len(wanted), BLOCK):
        rows = Conversation.objects.filter(pk__in=wanted[start : start + BLOCK]).select_related("queue", "workstream")
        works |= {work.id: work for work in matching.works(list(rows))}
    for group in groups:
        if group.ids[0] in works:
            yield group, works


def _members(queue_ids: set[int]) -> dict[int, list[Contender]]:
    """Those who take work in each of these queues, whatever they have to do now."""
    return _by_queue(routing_selectors.members_of(queue_ids), queue_ids)


def _few_members(queue_ids: set[int]) -> dict[int, list[Contender]]:
    """The first few of those."""
    return _by_queue(routing_selectors.some_members_of(queue_ids, FEW), queue_ids)


def _by_queue(agents: QuerySet[Agent], queue_ids: set[int]) -> dict[int, list[Contender]]:
    found = routing_selectors.contenders(agents, {}, {}).values()
    return {pk: [one for one in found if pk in one.queue_ids] for pk in queue_ids}
