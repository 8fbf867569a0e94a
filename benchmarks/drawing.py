"""A plot without a library: lines over a logarithmic scale, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 260, 20, 50
COLOURS = ("#0b62d6", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#0e7490")

Points = Sequence[tuple[float, float]]


def lines_of(lines: Mapping[str, Points], across: str, up: str) -> str:
    """One line for each name; ``across`` is logarithmic, ``up`` begins at 0. Later groups of colours are dashed."""
    xs = sorted({x for points in lines.values() for x, _y in points})
    top = max(y for points in lines.values() for _x, y in points) * 1.05
    low, high = log10(xs[0]), log10(xs[-1]) if len(xs) > 1 else log10(xs[0]) + 1

    def place(x: float, y: float) -> tuple[float, float]:
        share = (log10(x) - low) / (high - low)
        return LEFT + share * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            'font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for step in range(6):
        x, y = place(xs[0], top * step / 5)
        parts.append(f'<path d="M{x:.0f} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{top * step / 5:.0f}</text>')
    for x in xs:
        across_at, _y = place(x, 0)
        parts.append(f'<text x="{across_at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:,.0f}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 10}">{escape(across)}</text>')
    parts.append(f'<text x="{LEFT - 50}" y="{TOP - 6}">{escape(up)}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        style = f'stroke="{colour}" stroke-dasharray="{"6 4" if number // len(COLOURS) % 2 else "none"}"'
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke-width="2" {style}/>')
        y = TOP + 16 * number + 8
        parts.append(f'<path d="M{WIDTH - RIGHT + 16} {y}h24" stroke-width="2" {style}/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 46}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])
