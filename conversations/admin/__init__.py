"""What can administrators see of conversations, and set for supervisors? (domain.md 3.1, 3.10, 7)"""

from conversations.admin import floor, records, settings, workstreams

__all__ = ["floor", "records", "settings", "workstreams"]
