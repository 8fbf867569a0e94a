"""Do migrations come over a floor that lives, and not only over an empty database?"""

import pytest
from django.core.management import call_command

from conversations.models import Conversation
from tests.cast import make_floor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def places() -> list[tuple[int, int, int | None]]:
    return list(Conversation.objects.order_by("pk").values_list("pk", "status_place", "holder"))


def test_what_the_report_orders_by_is_added_to_conversations_that_go_on() -> None:
    """SQLite cannot add a stored column to a table with rows, so the table is made anew there."""
    floor = make_floor()
    floor.start()
    floor.active(by=floor.ana)
    before = places()
    call_command("migrate", "conversations", "0016_full_check", verbosity=0)

    call_command("migrate", verbosity=0)

    assert places() == before
    assert len(before) == 2
