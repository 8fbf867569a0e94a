"""What can administrators see of conversations, and set for supervisors? (domain.md 3.1, 3.10, 7)"""

from conversations.admin import records, settings, workstreams

__all__ = ["records", "settings", "workstreams"]
