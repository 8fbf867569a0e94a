"""Does the report's benchmark say what it measured? By how much a view grows, and beside what; and is the SQL
by hand, beside which a page stands, at its best?"""

from collections.abc import Sequence

import pytest
from django.db import connection

from benchmarks.costs import Cost, Looked, Measured, Round, Served, growth, judged_growth
from benchmarks.report_tables import told as report
from benchmarks.views import bare_page, views
from conversations.models import SupervisorSettings


def cost(*seconds: float, rows: int = 50, page: Sequence[float] = ()) -> Cost:
    """A view that took so much CPU in each round; three quarters of it the database's."""
    rounds, beside = (
        [Round(whole=9.0, bare=1.0, ours=one / 4, theirs=one * 3 / 4, by_hand=1.0) for one in found]
        for found in (seconds, page)
    )
    return Cost(Looked(queries=16, rows=rows, plan="SEARCH"), rounds, beside)


def test_a_machine_that_becomes_slower_from_round_to_round_makes_nothing_grow() -> None:
    small, large = cost(1.0, 2.0, 4.0, 8.0, 16.0), cost(1.2, 2.4, 4.8, 9.6, 19.2)

    assert growth(small, large) == pytest.approx(1.2)


def test_one_round_that_was_disturbed_says_nothing() -> None:
    assert growth(cost(1.0, 4.0, 2.0), cost(3.0, 4.0, 2.2)) == pytest.approx(1.1)


def test_a_round_that_one_size_missed_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        growth(cost(1.0, 1.0), cost(1.0))


def test_more_rows_are_judged_beside_the_first_page_in_the_same_rounds() -> None:
    small, large = cost(1.0, 2.0, 4.0, rows=3, page=(2.0, 4.0, 8.0)), cost(2.6, 5.2, 10.4)

    assert growth(small, large) == pytest.approx(2.6)
    assert judged_growth(small, large) == pytest.approx(1.3)


def test_more_rows_of_what_is_dearer_than_the_first_page_are_judged_beside_itself() -> None:
    small, large = cost(1.0, 2.0, 6.0, rows=7, page=(0.8, 1.5, 5.0)), cost(1.4, 2.8, 8.4)

    assert judged_growth(small, large) == pytest.approx(1.4)


def test_as_many_rows_are_judged_by_themselves() -> None:
    small, large = cost(1.0, 1.0, page=(2.0, 2.0)), cost(1.8, 1.8)

    assert judged_growth(small, large) == pytest.approx(1.8)


def test_the_table_has_the_plain_ratio_and_the_bar_the_judged_one() -> None:
    served = {("agent", 1): Served(1, [2.0], [1.0])}
    small = Measured("sqlite", 1_000, {"agent": cost(1.0, 1.0, rows=3, page=(2.0, 2.0))}, served)
    large = Measured("sqlite", 100_000, {"agent": cost(3.2, 3.2)}, {})

    lines = report([small, large], 20_000, 2, (0.1, 0.1))

    assert [line for line in lines if "does not hold" in line and "agent 1.6 (50 rows, 3 before" in line]
    assert [line for line in lines if line.startswith("| agent |") and "| 3.20 |" in line]


@pytest.mark.django_db
def test_the_sql_by_hand_reads_no_whole_table() -> None:
    statements = [one for view in views(1, 1) for one in bare_page(view, connection.vendor, SupervisorSettings())]
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    plans = []
    with connection.cursor() as cursor:
        for statement in dict.fromkeys(statements):
            cursor.execute(f"{explain} {statement.replace('{ids}', '0')}")
            plans += [(str(row[-1]), statement) for row in cursor.fetchall()]

    assert plans
    if connection.vendor == "sqlite":  # Which goes by typical figures; PostgreSQL has counted that there is nothing.
        assert not [plan for plan in plans if plan[0] == "SCAN c"]
        used = {name for plan, _statement in plans for name in plan.split() if name.startswith("conv_count_")}
        assert used == {f"conv_count_{name}" for name in ("channel", "closed", "created", "queue", "sentiment")}
