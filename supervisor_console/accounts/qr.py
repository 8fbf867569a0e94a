"""What does a text look like as a QR code? Drawn here, so that no other machine hears the text."""

from __future__ import annotations

from dataclasses import dataclass

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

QUIET = 4
"""Light modules around the code, which readers need."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A code for an SVG: the path of its dark modules, one unit each, and how many units it is wide."""

    path: str
    size: int


def draw(text: str) -> Drawing:
    """The code of a text."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    dark = [(x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark]
    return Drawing("".join(f"M{x} {y}h1v1h-1z" for x, y in dark), len(rows))
