"""Does a migrate bring what every installation has, and change nothing back? (domain.md 1.2, 1.3)"""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from supervisor_console.kernel.actor import Role


@pytest.fixture
def administrators(db: None) -> Group:
    return Group.objects.get(name=Role.ADMINISTRATOR.value)


def of(group: Group) -> set[str]:
    return set(group.permissions.values_list("codename", flat=True))


def test_what_a_migrate_brings_is_given_to_the_role_that_has_it_from_the_start(administrators: Group) -> None:
    before = of(administrators)
    Permission.objects.get(codename="view_finding").delete()
    assert of(administrators) == before - {"view_finding"}

    call_command("migrate", verbosity=0)

    assert of(administrators) == before


def test_what_somebody_took_away_stays_away(administrators: Group) -> None:
    administrators.permissions.remove(Permission.objects.get(codename="view_finding"))

    call_command("migrate", verbosity=0)

    assert "view_finding" not in of(administrators)
