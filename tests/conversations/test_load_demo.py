"""Does `manage.py load_demo` leave alone what is not its own?"""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from routing.models import User


def load_in_demo_mode(*arguments: str) -> None:
    with override_settings(DEMO=True):
        call_command("load_demo", *arguments, stdout=StringIO())


@pytest.mark.django_db
def test_outside_demo_mode_nothing_is_loaded() -> None:
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("load_demo", stdout=StringIO())

    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [[], ["--reset"]])
def test_a_database_with_other_accounts_is_left_alone(arguments: list[str]) -> None:
    User.objects.create_user("somebody", password="of their own")

    with pytest.raises(CommandError, match="not the demo's"):
        load_in_demo_mode(*arguments)

    assert User.objects.get().username == "somebody"


@pytest.mark.django_db
def test_a_demo_that_was_not_finished_is_not_taken_for_a_whole_one() -> None:
    half = User(username="supervisor")
    half.set_unusable_password()
    half.save()

    with pytest.raises(CommandError, match="--reset"):
        load_in_demo_mode()
