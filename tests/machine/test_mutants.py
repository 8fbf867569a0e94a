"""Do the defects by which the machine is measured still fit the code? That it finds them, ``mutants`` shows."""

import pytest

from tests.machine.mutants import MUTANTS, Mutant, mutated
from tests.servers import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_in_one_place(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text()

    compile(mutated(mutant, source), mutant.file, "exec")
