"""Is everything as it must be? The rules of domain.md 2.5 over all data, and what breaks them.

Each rule is a statement or a few that the database answers piece by piece, so that a million conversations need no
more memory than ten. What a constraint of the database refuses already needs no rule: at most one open session, open
segment, live primary and pending offer; no agent but while Active or Wrap-up, and one then; capacity held while
Active and never while Open, Waiting or Closed; closed with a time; handle time only with an agent; accepted after the
wait began (``conversations/models``, ``tests/conversations/test_constraints.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from conversations.invariants import capacity, history, offers, people, states
from routing import invariants as routing_invariants
from supervisor_console.kernel.invariants import About, Rule, Scope, Violation

CONVERSATION_RULES: tuple[Rule, ...] = (
    *states.RULES,
    *people.RULES,
    *offers.RULES,
    *history.RULES,
)

RULES: tuple[Rule, ...] = (*CONVERSATION_RULES, *capacity.RULES, *routing_invariants.RULES)

BY_CODE = {rule.code: rule for rule in RULES}

assert len(BY_CODE) == len(RULES), "every rule has a code of its own"


def violations(scope: Scope) -> Iterator[Violation]:
    """Everything that is not as it must be, rule after rule."""
    for rule in RULES:
        yield from rule.violations(scope)


def faults_of(conversation_id: int, now: datetime) -> list[Violation]:
    """What is wrong with one conversation."""
    mine = Scope(now=now, conversation_ids=frozenset({conversation_id}))
    return [found for rule in CONVERSATION_RULES for found in rule.violations(mine)]


__all__ = ["BY_CODE", "CONVERSATION_RULES", "RULES", "About", "Rule", "Scope", "Violation", "faults_of", "violations"]
