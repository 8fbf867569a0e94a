"""The floor on which people act at the same time: committed, so that every thread sees it."""

import pytest

from tests.cast import Floor, make_floor
from tests.concurrency import together


@pytest.fixture
def floor(transactional_db: None) -> Floor:
    """The small contact centre of the cast, visible to every connection."""
    return make_floor()


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same services in a database that gives no row locks: what the locks are there for."""
    from django.db.models import QuerySet

    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows.all())
    # Nobody is held up by a lock, so on a busy machine too all of them get as far as writing.
    monkeypatch.setattr(together, "PATIENCE", 5.0)
