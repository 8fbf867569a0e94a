"""Who could take this conversation? The agents and queues of the Assign and Transfer dialogs (domain.md 3.5, 3.6).

A fixed number of queries however many agents there are. Whether somebody can be chosen, and what must be confirmed,
is policy's answer; here it is only filtered, ranked and made ready to print.
"""

from conversations.reports.candidates.agents import AgentList, assignable, holder, transferable
from conversations.reports.candidates.asked import (
    PAGE,
    Asked,
    presence_choices,
    presence_names,
    queue_choices,
    skill_choices,
)
from conversations.reports.candidates.queues import QueueRow, queues
from conversations.reports.candidates.rows import AgentRow, needs

__all__ = [
    "PAGE",
    "AgentList",
    "AgentRow",
    "Asked",
    "QueueRow",
    "assignable",
    "holder",
    "needs",
    "presence_choices",
    "presence_names",
    "queue_choices",
    "queues",
    "skill_choices",
    "transferable",
]
