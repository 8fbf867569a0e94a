"""The floor on which conversations are tested."""

import pytest

from tests.cast import Floor, make_floor


@pytest.fixture
def floor(db: None) -> Floor:
    """The small contact centre of the cast."""
    return make_floor()
