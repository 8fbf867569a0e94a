"""What can administrators see and change of people, queues, presences and capacity? (domain.md 1.2 to 1.5, 7)"""

from routing.admin import abilities, agents, people, presences, queues, workstreams

__all__ = ["abilities", "agents", "people", "presences", "queues", "workstreams"]
