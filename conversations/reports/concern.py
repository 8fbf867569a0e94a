"""Does what happened concern somebody's view of the report? If not, reading it again can be spared.

This decides about work only, never about what is shown: a view that is read without need costs a few milliseconds,
and one that was wrongly spared is put right by its next self-check. Whoever is not sure says yes.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from conversations import selectors
from conversations.events import MessageSent
from conversations.reports.address import Address
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.realtime import Frame

LINES = frozenset({MessageSent.code, *selectors.COMING_AND_GOING})
"""What leaves state, queue, agent and offer of a conversation as they are: no list and no counter but …"""

MOVED_BY_LINES = frozenset({"activity", "unanswered", "sentiment"})
"""… those that are sorted by what a line changes."""

QUEUE_TOPIC = "report:queue:"


@dataclass(frozen=True, slots=True)
class Happening:
    """What the push says of a change; ``conversation`` is None for what is not of one (presence, settings).

    ``queues`` are those that it touches: the one where the conversation was and the one where it is.
    """

    conversation: int | None
    is_line: bool
    queues: frozenset[int]
    agent: int | None = None


def happening_of(topics: frozenset[str], frame: Frame) -> Happening:
    """Understand a frame of the push."""
    conversation, agent = frame.get("conversation"), frame.get("agent")
    return Happening(
        conversation if isinstance(conversation, int) else None,
        frame.get("code") in LINES,
        frozenset(int(topic.removeprefix(QUEUE_TOPIC)) for topic in topics if topic.startswith(QUEUE_TOPIC)),
        agent if isinstance(agent, int) else None,
    )


@dataclass(frozen=True, slots=True)
class Interest:
    """What a view depends on: the queues it is restricted to (empty: all), and whether lines change its order."""

    queues: frozenset[int]
    by_lines: bool

    def concerns(self, what: Happening, shown: Container[int]) -> bool:
        """Whether the view may look different now; ``shown`` are the conversations whose rows it has.

        What a supervisor monitors outside the own queues may move there unseen by this: its row is noticed, the
        counters wait for the self-check.
        """
        if what.conversation is None or what.conversation in shown:
            return True
        if what.is_line:
            return self.by_lines
        return not self.queues or not what.queues or not self.queues.isdisjoint(what.queues)


def interest_of(actor: Actor, address: Address) -> Interest:
    """What a view depends on: ``address`` is the one that was shown, without what does not exist or is out of scope."""
    return Interest(
        queues=address.filter.queues or actor.supervised_queue_ids or frozenset(),
        by_lines=bool(address.filter.sentiments or MOVED_BY_LINES & {key.column for key in address.sort}),
    )
