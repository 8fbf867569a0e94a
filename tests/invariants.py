"""Is everything as it must be after this test? The product's own rules (``conversations/invariants``), as sentences."""

from datetime import datetime

from conversations.invariants import CONVERSATION_RULES, RULES, Scope
from conversations.models import Conversation


def broken(now: datetime, touched: Conversation | None = None) -> list[str]:
    """Everything that is not as it must be; empty where all is well. Of one conversation and the agents if given.

    What is overdue is left out: a test drives the clock, and runs the background work when it wants to.
    """
    scope = Scope(now=now, conversation_ids=None if touched is None else frozenset({touched.pk}))
    assert CONVERSATION_RULES, "a checker without rules finds nothing"
    return [
        f"{found.about.value} {found.id}: {found}"
        for rule in RULES
        if not rule.is_deadline
        for found in rule.violations(scope)
    ]
