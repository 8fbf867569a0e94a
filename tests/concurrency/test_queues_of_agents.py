"""Two supervisors change the queues of agents at once: no queue loses its last member, nothing is written twice."""

from routing import selectors
from routing.models import QueueMembership, StaffingChange
from routing.services.staffing import change_queues
from supervisor_console.kernel.errors import ActionRefused
from tests.cast import Floor, actor_of
from tests.concurrency.together import losers, together, winners


def take_out_both(floor: Floor) -> list[object]:
    """Ana and Boris are the members of Calls; somebody takes out Ana, somebody else Boris."""
    sara, stella = actor_of(floor.sara), actor_of(floor.sara)
    calls = frozenset({floor.calls.pk})
    return together(
        lambda: change_queues(sara, floor.ana.pk, remove=calls),
        lambda: change_queues(stella, floor.boris.pk, remove=calls),
    )


def test_of_two_last_members_one_stays(floor: Floor) -> None:
    outcomes = take_out_both(floor)

    [refused] = losers(outcomes)
    assert isinstance(refused, ActionRefused)
    assert refused.refusal.code == "last_member"
    assert selectors.member_count(floor.calls) == 1
    assert StaffingChange.objects.count() == len(winners(outcomes)) == 1


def test_an_agent_is_added_once(floor: Floor) -> None:
    sara, returns = actor_of(floor.sara), frozenset({floor.returns.pk})

    outcomes = together(*[lambda: change_queues(sara, floor.ana.pk, add=returns)] * 2)

    [refused] = losers(outcomes)
    assert isinstance(refused, ActionRefused)
    assert refused.refusal.code == "queues_unchanged"
    assert QueueMembership.objects.filter(agent=floor.ana, queue=floor.returns).count() == 1
    assert StaffingChange.objects.count() == 1
