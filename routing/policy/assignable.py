"""Will anybody ever be offered this work, whoever comes back and finishes what they have? Pure (domain.md 4.3, P23)."""

from __future__ import annotations

from collections.abc import Iterable

from routing.policy.distribution import DECLINED_BY_ALL, Contender, Work, why_never, why_not_distribute


def needs_supervisor(work: Work, members: Iterable[Contender]) -> bool:
    """Whether nobody will be offered it unless somebody changes something, assigns it or picks it.

    ``members`` are those of its queue who take work. Without any, or where too many declined it, it reaches nobody.
    What people pick, or hand out while distribution is off, does not wait for the rules. Looks no further than the
    first who can.
    """
    found = iter(members)
    first = next(found, None)
    if first is None:
        return True
    refusal = why_not_distribute(work)
    if refusal is not None:
        return refusal.code == DECLINED_BY_ALL.code
    return why_never(first, work) is not None and all(why_never(one, work) is not None for one in found)
