"""Do people get the roles and the profile that they need, and nobody roles that do not go together?"""

from itertools import combinations

import pytest

from routing import selectors
from routing.models import BasePresence, PresenceChange, SetBy, User
from routing.services import staffing
from supervisor_console.kernel.actor import Role
from supervisor_console.kernel.errors import ActionRefused
from tests.cast import T0, Floor, actor_of, make_user

HUMAN = (Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR)
HUMAN_SETS = [frozenset(roles) for size in range(4) for roles in combinations(HUMAN, size)]


@pytest.mark.parametrize("roles", HUMAN_SETS, ids=lambda roles: "+".join(sorted(roles)) or "none")
def test_human_roles_go_together_and_api_access_goes_alone(roles: frozenset[Role]) -> None:
    beside = staffing.why_not_roles(roles | {Role.API_ACCESS})

    assert staffing.why_not_roles(roles) is None
    assert (beside.code if beside else None) == ("api_role_conflict" if roles else None)


def test_a_refused_combination_changes_nothing(floor: Floor) -> None:
    with pytest.raises(ActionRefused) as refused:
        staffing.give_roles(floor.sara.pk, frozenset({Role.SUPERVISOR, Role.API_ACCESS}))

    assert refused.value.refusal.code == "api_role_conflict"
    assert User.objects.get(pk=floor.sara.pk).role_set == {Role.SUPERVISOR}


def test_roles_are_replaced_as_a_whole(floor: Floor) -> None:
    staffing.give_roles(floor.sara.pk, frozenset({Role.AGENT}))

    assert User.objects.get(pk=floor.sara.pk).role_set == {Role.AGENT}


def test_the_door_of_the_administrators_follows_the_role(db: None) -> None:
    user = make_user("dora")

    staffing.give_roles(user.pk, frozenset({Role.ADMINISTRATOR}))
    let_in = User.objects.get(pk=user.pk).is_staff
    staffing.give_roles(user.pk, frozenset({Role.SUPERVISOR}))

    assert let_in
    assert not User.objects.get(pk=user.pk).is_staff


def test_a_superuser_keeps_the_door_without_the_role(db: None) -> None:
    root = User.objects.create_superuser("root")

    staffing.give_roles(root.pk, frozenset())

    assert User.objects.get(pk=root.pk).is_staff


def test_roles_given_are_read_at_once_from_the_same_person(floor: Floor) -> None:
    user = User.objects.get(pk=floor.sara.pk)
    before = user.role_set

    staffing.set_roles(user, frozenset({Role.SUPERVISOR, Role.AGENT}))

    assert before == {Role.SUPERVISOR}
    assert user.role_set == {Role.SUPERVISOR, Role.AGENT}


def test_a_new_agent_begins_offline_and_the_history_begins_with_it(db: None) -> None:
    user = make_user("dora", Role.AGENT)

    agent = staffing.make_agent(user.pk, max_units=60, now=T0)

    assert (agent.presence.base, agent.max_units, agent.is_bot) == (BasePresence.OFFLINE, 60, False)
    assert [
        (stay.presence, stay.started_at, stay.ended_at, stay.set_by)
        for stay in PresenceChange.objects.filter(agent=agent).select_related("presence")
    ] == [(agent.presence, T0, None, SetBy.SYSTEM)]


def test_an_agent_profile_without_the_role_takes_no_work(floor: Floor) -> None:
    assert floor.stefan.agent not in selectors.agents()
    assert not actor_of(floor.stefan).is_agent


def test_what_changed_about_agents_is_told_to_distribution(floor: Floor, told: list[int]) -> None:
    staffing.agents_changed([floor.boris.pk, floor.ana.pk, floor.ana.pk])

    assert told == sorted({floor.ana.pk, floor.boris.pk})
