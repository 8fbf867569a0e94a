"""Who may see which conversation: one function, every role, every relation (domain.md D13, 1.3)."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from conversations import selectors
from conversations.models import Conversation, Customer
from conversations.services import assignment, closure, offers, supervision
from routing import selectors as routing_selectors
from routing.models import Channel, Queue, QueueMembership, User
from supervisor_console.kernel.actor import SYSTEM, Actor, Role, customer_actor
from supervisor_console.kernel.errors import NotVisible
from tests.cast import EVERY_CAUTION, Floor, actor_of, at, customer_of, fresh, make_agent, make_user, offer_of

Making = Callable[[Floor], Conversation]


def sees(actor: Actor, chat: Conversation) -> bool:
    """Whether this actor sees it: in lists, and when asked for directly, which must agree."""
    listed = selectors.visible(actor).filter(pk=chat.pk).exists()
    try:
        found = selectors.get_visible(actor, chat.pk).pk == chat.pk
        selectors.require_visible(actor, chat)
    except NotVisible:
        found = False
    assert listed == found
    return listed


def elsewhere(floor: Floor) -> Conversation:
    """An open one in Returns, where only Cene works."""
    chat = floor.start()
    assignment.assign_to_queue(actor_of(floor.sara), chat.pk, queue_id=floor.returns.pk, version=1, now=at(5))
    return fresh(chat)


def transfer_to_boris(floor: Floor) -> Conversation:
    chat = floor.active()
    assignment.transfer(actor_of(floor.sara), chat.pk, agent_id=floor.boris.pk, version=chat.version, now=at(30))
    return fresh(chat)


def transferred_to_boris(floor: Floor) -> Conversation:
    chat = transfer_to_boris(floor)
    offers.accept(actor_of(floor.boris), offer_of(chat).pk, now=at(40))
    return fresh(chat)


def left_by_ana(floor: Floor) -> Conversation:
    chat = transferred_to_boris(floor)
    supervision.leave(actor_of(floor.ana), chat.pk, now=at(50))
    return chat


def force_closed(floor: Floor) -> Conversation:
    chat = transferred_to_boris(floor)
    closure.force_close(actor_of(floor.sara), chat.pk, version=chat.version, confirmed=EVERY_CAUTION, now=at(60))
    return chat


def rejected_by_ana(floor: Floor) -> Conversation:
    chat = floor.offered()
    offers.reject(actor_of(floor.ana), offer_of(chat).pk, now=at(30))
    return chat


def taken_by_boris(floor: Floor) -> Conversation:
    chat = floor.active()
    assignment.release(actor_of(floor.ana), chat.pk, now=at(30))
    assignment.pick(actor_of(floor.boris), chat.pk, now=at(40))
    return chat


# What it is, and who sees it: sara supervises all, stefan Billing; ana and boris work in Billing, cene in Returns.
RELATIONS: list[tuple[str, Making, str]] = [
    ("open in Billing", lambda floor: floor.start(), "sara stefan ana boris"),
    ("open in Calls", lambda floor: floor.start(Channel.VOICE), "sara ana boris"),
    ("open in Returns", elsewhere, "sara cene"),
    ("offered to ana", lambda floor: floor.offered(), "sara stefan ana"),
    ("offered to cene", lambda floor: floor.offered(to=floor.cene), "sara stefan cene"),
    ("ana's", lambda floor: floor.active(), "sara stefan ana"),
    ("ana's wrap-up", lambda floor: floor.wrap_up(), "sara stefan ana"),
    ("kept by ana while it waits", lambda floor: floor.waiting(), "sara stefan ana"),
    ("closed by ana", lambda floor: floor.closed(), "sara stefan ana"),
    ("transfer to boris pending", transfer_to_boris, "sara stefan ana boris"),
    ("transferred to boris", transferred_to_boris, "sara stefan ana boris"),
    ("left by ana", left_by_ana, "sara stefan boris"),
    ("force closed with both in it", force_closed, "sara stefan ana boris"),
    ("rejected by ana", rejected_by_ana, "sara stefan ana boris"),
    ("taken by boris after ana", taken_by_boris, "sara stefan boris"),
]


@pytest.mark.parametrize(("what", "make", "expected"), RELATIONS, ids=[what for what, *_ in RELATIONS])
def test_who_sees_what(floor: Floor, what: str, make: Making, expected: str) -> None:
    chat = make(floor)
    people = {
        name: actor_of(getattr(floor, name)) for name in ("sara", "stefan", "otto", "api", "ana", "boris", "cene")
    }

    assert {name for name, actor in people.items() if sees(actor, chat)} == set(expected.split())
    assert sees(customer_of(chat), chat)
    assert not sees(customer_actor(Customer.objects.create(name="Eva").pk, "Eva"), chat)
    assert not sees(SYSTEM, chat)


def test_a_supervisor_who_is_an_agent_too_sees_both(floor: Floor) -> None:
    supa = make_agent("supa", floor.returns, roles=(Role.SUPERVISOR, Role.AGENT))
    own = floor.active(by=supa)  # in Billing, which supa does not supervise
    of_billing, of_returns = floor.active(by=floor.boris), elsewhere(floor)

    seen = {chat.pk for chat in (own, of_billing, of_returns) if sees(actor_of(supa), chat)}

    assert seen == {own.pk, of_returns.pk}


def test_the_permission_decides_how_far_a_supervisor_sees(floor: Floor) -> None:
    chat = elsewhere(floor)
    assert not sees(actor_of(floor.stefan), chat)

    everywhere = Permission.objects.get(codename="view_all_queues")
    floor.stefan.user_permissions.add(everywhere)
    assert sees(actor_of(floor.stefan), chat)
    floor.stefan.user_permissions.remove(everywhere)
    QueueMembership.objects.create(queue=floor.returns, agent=floor.stefan.agent)

    assert sees(actor_of(floor.stefan), chat)


def test_the_permission_without_the_role_is_nothing(floor: Floor) -> None:
    floor.otto.user_permissions.add(Permission.objects.get(codename="view_all_queues"))

    assert not sees(actor_of(floor.otto), floor.start())


def test_a_superuser_without_the_role_supervises_nothing(floor: Floor) -> None:
    root = User.objects.create_superuser("root")

    assert not sees(actor_of(root), floor.start())


def test_a_default_queue_is_everybody_s(floor: Floor) -> None:
    chat = floor.start()
    default = Queue.objects.get(type="messaging", is_default=True)
    assignment.assign_to_queue(actor_of(floor.sara), chat.pk, queue_id=default.pk, version=1, now=at(5))

    for who in (floor.sara, floor.stefan, floor.ana, floor.boris, floor.cene):
        assert sees(actor_of(who), chat)


def test_one_who_was_deactivated_sees_nothing(floor: Floor) -> None:
    chat = floor.active()
    for user in (floor.sara, floor.stefan, floor.ana.user):
        user.is_active = False
        user.save()
        assert not sees(actor_of(user), chat)


def test_one_who_lost_the_role_sees_nothing(floor: Floor) -> None:
    chat = floor.active()
    supervision.monitor(actor_of(floor.sara), chat.pk, now=at(30))
    for user in (floor.sara, floor.ana.user):
        user.groups.clear()
        assert not sees(actor_of(user), chat)


def test_a_monitor_sees_what_they_monitor_and_not_what_they_once_monitored(floor: Floor) -> None:
    stefan = actor_of(floor.stefan)
    chat = floor.active()
    supervision.monitor(stefan, chat.pk, now=at(30))
    QueueMembership.objects.filter(agent=floor.stefan.agent).delete()

    assert sees(actor_of(floor.stefan), chat)
    supervision.stop_monitoring(stefan, chat.pk, now=at(40))

    assert not sees(actor_of(floor.stefan), chat)


@pytest.mark.parametrize("unknown", [0, -1, 10**9, 2**63, 2**70, -(2**70)])
def test_what_does_not_exist_looks_like_what_one_may_not_see(floor: Floor, unknown: int) -> None:
    hidden = floor.active(by=floor.boris)

    with pytest.raises(NotVisible) as not_there:
        selectors.get_visible(actor_of(floor.sara), unknown)
    with pytest.raises(NotVisible) as not_allowed:
        selectors.get_visible(actor_of(floor.ana), hidden.pk)

    assert not_there.value.refusal == not_allowed.value.refusal


def test_scope_costs_the_same_however_much_there_is(
    floor: Floor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    actors = [actor_of(who) for who in (floor.sara, floor.stefan, floor.ana)]
    for count in (1, 5):
        for _ in range(count):
            floor.start()
        for actor in actors:
            with django_assert_num_queries(1):
                assert len(selectors.visible(actor)) >= count


# --- who somebody is -------------------------------------------------------------------------------------------------


def test_an_actor_is_what_the_database_says_now(floor: Floor) -> None:
    ana = actor_of(floor.ana)
    assert (ana.is_agent, ana.is_supervisor, ana.agent_id) == (True, False, floor.ana.pk)
    assert floor.billing.pk in ana.agent_queue_ids
    assert floor.returns.pk not in ana.agent_queue_ids

    stefan = actor_of(floor.stefan)
    assert stefan.supervised_queue_ids is not None
    assert floor.billing.pk in stefan.supervised_queue_ids
    assert stefan.agent_queue_ids == frozenset()
    assert not stefan.is_agent  # An agent profile without the role is none.
    assert actor_of(floor.sara).supervised_queue_ids is None


def test_a_bot_does_not_sign_in_as_an_agent(floor: Floor) -> None:
    bot = make_agent("bot", floor.billing, is_bot=True)

    assert not actor_of(bot).is_agent
    assert bot not in routing_selectors.agents()


def test_the_conflict_with_the_api_role_is_seen_at_once(floor: Floor) -> None:
    both = make_user("both", Role.SUPERVISOR, Role.API_ACCESS)

    assert actor_of(both).roles == {Role.SUPERVISOR, Role.API_ACCESS}
