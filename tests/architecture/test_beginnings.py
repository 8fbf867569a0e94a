"""Is a beginning that is put back the same as one that was worked out?"""

import pytest
from django.db import connection, transaction

from routing.models import Queue
from tests import cast
from tests.cast import Floor, make_floor
from tests.kept import Kept, Table, all_rows

SECONDS_OF_THE_CLOCK = {"date_joined", "at"}
"""What the real clock wrote."""


def contents() -> dict[str, Table]:
    """Every row, without what the real clock wrote."""
    found = {}
    for model, rows in all_rows().items():
        names = [column.attname for column in model._meta.local_concrete_fields]
        kept = [place for place, name in enumerate(names) if name not in SECONDS_OF_THE_CLOCK]
        found[model.__name__] = {key: tuple(row[place] for place in kept) for key, row in rows.items()}
    return found


def built() -> tuple[Floor, dict[str, Table]]:
    """A floor and all rows that there are with it; it is gone afterwards."""
    # Not atomic(): the actions in it are durable, and would refuse to be inside another transaction.
    before = transaction.savepoint()
    floor, found = make_floor(), contents()
    transaction.savepoint_rollback(before)
    return floor, found


@pytest.mark.skipif(connection.vendor == "postgresql", reason="there a sequence goes on: the ids would be others")
def test_a_floor_that_is_put_back_is_the_floor_that_was_worked_out(db: None) -> None:
    cast.forget_floor()

    worked_out, rows_worked_out = built()
    put_back, rows_put_back = built()

    assert put_back == worked_out
    assert put_back.ana.user is not worked_out.ana.user
    assert rows_put_back == rows_worked_out


def test_what_comes_after_a_floor_that_was_put_back_has_ids_of_its_own(db: None) -> None:
    built()

    floor = make_floor()

    assert cast.make_user("vida").pk not in {floor.sara.pk, floor.stefan.pk, floor.ana.user_id, floor.cene.user_id}


def test_where_somebody_is_already_a_floor_is_worked_out(db: None) -> None:
    built()
    early = cast.make_user("vida")

    floor = make_floor()

    assert early.pk not in {floor.sara.pk, floor.ana.user_id}


def test_a_beginning_that_changes_what_was_there_is_not_kept(db: None) -> None:
    renaming = Kept(lambda: Queue.objects.update(priority=7), key=lambda: None)

    with pytest.raises(RuntimeError, match="adds rows"):
        renaming(is_first=True)
