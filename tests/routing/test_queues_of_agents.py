"""Who may put whom into which queue, who is told, and what is kept of it? (domain.md 1.2, 1.3, F55)"""

import pytest

from conversations import wording
from conversations.models import Notice
from routing import selectors
from routing.models import Agent, Queue, QueueMembership, StaffingChange, User
from routing.services.staffing import change_queues
from supervisor_console.kernel.actor import Actor
from supervisor_console.kernel.errors import ActionRefused, NotVisible
from supervisor_console.kernel.history import AppendOnlyError
from tests.cast import Floor, actor_of, at, make_agent
from tests.conversations.hearing import hearing

pytestmark = pytest.mark.django_db


def queues_of(agent: Agent) -> set[str]:
    return set(Queue.objects.filter(memberships__agent=agent).values_list("name", flat=True))


def ids(*queues: Queue) -> frozenset[int]:
    return frozenset(queue.pk for queue in queues)


def refusal_of(actor: Actor, agent: Agent, *, add: frozenset[int] = ids(), remove: frozenset[int] = ids()) -> str:
    before = queues_of(agent)
    with pytest.raises(ActionRefused) as refused:
        change_queues(actor, agent.pk, add=add, remove=remove)
    assert queues_of(agent) == before
    assert not StaffingChange.objects.exists()
    return f"{refused.value.refusal.code}: {refused.value.refusal.sentence}"


def test_a_supervisor_adds_and_takes_out_at_once(floor: Floor) -> None:
    event = change_queues(
        actor_of(floor.sara), floor.ana.pk, add=ids(floor.returns, floor.empty), remove=ids(floor.billing), now=at(60)
    )

    assert queues_of(floor.ana) == {"Returns", "Nobody", "Calls"}
    assert (event.added, event.removed) == (("Returns", "Nobody"), ("Billing",))


def test_what_they_have_stays_with_them(floor: Floor) -> None:
    conversation = floor.active(by=floor.ana)

    change_queues(actor_of(floor.sara), floor.ana.pk, remove=ids(floor.billing), now=at(60))

    conversation.refresh_from_db()
    assert conversation.agent == floor.ana


def test_it_is_kept_who_changed_what_and_cannot_be_changed_later(floor: Floor) -> None:
    change_queues(actor_of(floor.sara), floor.ana.pk, add=ids(floor.returns), remove=ids(floor.billing), now=at(60))

    kept = StaffingChange.objects.get()
    assert (kept.agent, kept.actor_user, kept.actor_name, kept.at) == (floor.ana, floor.sara, "Sara Test", at(60))
    assert wording.staffing(kept.code, kept.data) == "Added to Returns, taken out of Billing"
    for change in (kept.delete, kept.save, StaffingChange.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            change()


@pytest.mark.parametrize(
    ("adds", "removes", "said"),
    [
        (True, False, "Sara Test added you to Returns."),
        (False, True, "Sara Test took you out of Billing. What you have stays with you."),
        (
            True,
            True,
            "Sara Test added you to Returns and took you out of Billing. What you have stays with you.",
        ),
    ],
)
def test_the_agent_is_told_by_whom(floor: Floor, adds: bool, removes: bool, said: str) -> None:
    add, remove = ids(floor.returns) if adds else ids(), ids(floor.billing) if removes else ids()

    with hearing() as heard:
        change_queues(actor_of(floor.sara), floor.ana.pk, add=add, remove=remove)

    notice = Notice.objects.get()
    assert (notice.user, wording.notice(notice.code, notice.params)) == (floor.ana.user, said)
    assert heard.by("agent.queues_changed") == {"agents", "ana"}
    codes = [code for code, _ in heard.frames]
    assert codes.index(notice.code) < codes.index("agent.queues_changed"), "the page goes away after it is told"


def test_distribution_hears_of_it(floor: Floor, told: list[int]) -> None:
    change_queues(actor_of(floor.sara), floor.ana.pk, add=ids(floor.returns))

    assert told == [floor.ana.pk]


# --- refusals -------------------------------------------------------------------------------------------------------


def test_nothing_asked_for(floor: Floor) -> None:
    assert refusal_of(actor_of(floor.sara), floor.ana).startswith("no_queue_chosen: Choose a queue")


def test_add_and_take_out_of_the_same(floor: Floor) -> None:
    said = refusal_of(actor_of(floor.sara), floor.ana, add=ids(floor.returns), remove=ids(floor.returns))

    assert said.startswith("queue_added_and_removed: Add to Returns or take away from it, not both.")


def test_a_default_queue(floor: Floor) -> None:
    default = Queue.objects.get(type="messaging", is_default=True)

    said = refusal_of(actor_of(floor.sara), floor.ana, remove=ids(default))

    assert said == "queue_is_default: Everybody belongs to Default messaging queue. Choose other queues."


def test_what_is_so_already(floor: Floor) -> None:
    said = refusal_of(actor_of(floor.sara), floor.ana, add=ids(floor.billing), remove=ids(floor.returns))

    assert said.startswith("queues_unchanged: Ana Test is where you wanted them already.")


def test_what_is_so_already_is_no_hindrance_beside_a_change(floor: Floor) -> None:
    event = change_queues(actor_of(floor.sara), floor.ana.pk, add=ids(floor.billing, floor.returns))

    assert event.added == ("Returns",)


def test_the_last_member_stays(floor: Floor) -> None:
    said = refusal_of(actor_of(floor.sara), floor.cene, remove=ids(floor.returns))

    assert said.startswith("last_member: Cene Test is the last member of Returns")


@pytest.mark.parametrize("other", ["a bot", "somebody deactivated"])
def test_who_takes_no_work_is_no_other_member(floor: Floor, other: str) -> None:
    agent = make_agent("other", floor.returns, is_bot=other == "a bot")
    User.objects.filter(pk=agent.user_id).update(is_active=other == "a bot")

    assert refusal_of(actor_of(floor.sara), floor.cene, remove=ids(floor.returns)).startswith("last_member")


def test_a_supervisor_of_some_queues_changes_only_those_and_only_their_members(floor: Floor) -> None:
    stefan = actor_of(floor.stefan)

    for add, remove in ((ids(floor.returns), ids()), (ids(), ids(floor.calls)), (frozenset({999_999}), ids())):
        assert refusal_of(stefan, floor.ana, add=add, remove=remove).startswith("queue_out_of_scope")
    with pytest.raises(NotVisible):
        change_queues(stefan, floor.cene.pk, add=ids(floor.billing))
    assert change_queues(stefan, floor.ana.pk, remove=ids(floor.billing)).removed == ("Billing",)


@pytest.mark.parametrize("who", ["ana", "otto", "api"])
def test_nobody_but_supervisors_may(floor: Floor, who: str) -> None:
    user = User.objects.get(username=who)

    with pytest.raises(NotVisible):
        change_queues(actor_of(user), floor.ana.pk, add=ids(floor.returns))


def test_whom_somebody_supervises_and_the_queues_are_one_scope(floor: Floor) -> None:
    stefan, ana = actor_of(floor.stefan), actor_of(floor.ana)

    assert set(selectors.supervised(stefan)) == {floor.ana, floor.boris}
    assert set(selectors.supervised_queues(stefan)) == {floor.billing}
    assert not selectors.supervised(ana).exists()
    assert not selectors.supervised_queues(ana).exists()


def test_taken_out_of_the_last_queue_an_agent_belongs_to_the_default_ones(floor: Floor) -> None:
    QueueMembership.objects.filter(agent=floor.ana, queue=floor.calls).delete()

    change_queues(actor_of(floor.sara), floor.ana.pk, remove=ids(floor.billing))

    assert queues_of(floor.ana) == set()
    assert actor_of(floor.ana).agent_queue_ids
