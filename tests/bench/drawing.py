"""
The plot, as SVG: bars of how long a call takes, and curves of how that grows; all axes are
logarithmic, because ratios are what carries over.  Pure: no input, no output.

Written by hand because it is a hundred lines, and a plotting library would be the largest thing
that this project installs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.quantities import Curve, Growth

WIDTH, PANEL, GAP = 820, 250, 56
LEFT, RIGHT = 210, 40
OURS = ("Run", "Execute")
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#8a6fb0")


def picture(bars: Sequence[tuple[str, float]], growths: Sequence[Growth]) -> str:
    """
    Bars are (name, milliseconds), and below them a panel for each growth.
    """
    parts = list(_bars(bars))
    top = 60 + 26 * len(bars) + GAP
    for growth in growths:
        parts += _panel(growth, top)
        top += PANEL + GAP
    style = "font-family='sans-serif' font-size='12' fill='#222'"
    size = f"width='{WIDTH}' height='{top}' viewBox='0 0 {WIDTH} {top}'"
    ground = f"<rect width='{WIDTH}' height='{top}' fill='white'/>"
    inside = "\n".join((ground, *parts))
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} {style}>\n{inside}\n</svg>\n"


class Scale:
    """
    A logarithmic axis from a value to a value, over so many pixels.
    """

    def __init__(self, values: Sequence[float], begin: float, end: float) -> None:
        self.lowest = 10 ** math.floor(math.log10(min(values)))
        highest = 10 ** math.ceil(math.log10(max(values) * 1.0001))
        self.decades = max(1, round(math.log10(highest / self.lowest)))
        self.begin, self.end = begin, end

    def at(self, value: float) -> float:
        share = math.log10(value / self.lowest) / self.decades
        return round(self.begin + share * (self.end - self.begin), 1)

    def ticks(self) -> Iterator[tuple[float, float]]:
        """
        Each decade: its value, and where it is.
        """
        for decade in range(self.decades + 1):
            value = self.lowest * 10**decade
            yield value, self.at(value)


def _bars(bars: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield _text(LEFT, 24, "One call at a time, p50 in ms (logarithmic)", weight="bold")
    if not bars:
        return
    scale = Scale([value for _, value in bars], LEFT, WIDTH - RIGHT - 50)
    bottom = 44 + 26 * len(bars)
    for value, x in scale.ticks():
        yield _stroke([(x, 38), (x, bottom)], "#ddd")
        yield _text(x, bottom + 16, f"{value:g}", anchor="middle")
    for number, (name, value) in enumerate(bars):
        y = 42 + 26 * number
        length = max(1.0, scale.at(value) - LEFT)
        colour = COLOURS[name in OURS]
        yield f"<rect x='{LEFT}' y='{y}' width='{length:.1f}' height='18' fill='{colour}'/>"
        yield _text(LEFT - 8, y + 13, name, anchor="end")
        yield _text(LEFT + length + 6, y + 13, f"{value:.2f}")


def _panel(growth: Growth, top: float) -> Iterator[str]:
    across = [x for curve in growth.curves for x, _ in curve.points]
    along = [y for curve in growth.curves for _, y in curve.points if not math.isnan(y)]
    yield _text(LEFT, top, f"{growth.title}: {growth.along}", weight="bold")
    if not along:
        return
    horizontal = Scale(across, LEFT, WIDTH - RIGHT)
    vertical = Scale(along, top + PANEL - 30, top + 14)
    for value, x in horizontal.ticks():
        yield _stroke([(x, vertical.begin), (x, vertical.end)], "#ddd")
        yield _text(x, vertical.begin + 16, f"{value:,.0f}", anchor="middle")
    for value, y in vertical.ticks():
        yield _stroke([(LEFT, y), (WIDTH - RIGHT, y)], "#ddd")
        yield _text(LEFT - 8, y + 4, f"{value:g}", anchor="end")
    yield _text(WIDTH - RIGHT, vertical.begin + 32, growth.across, anchor="end")
    for number, curve in enumerate(growth.curves):
        yield from _curve(curve, COLOURS[number % len(COLOURS)], horizontal, vertical)
        yield _text(8, top + 20 + 18 * number, curve.name, colour=COLOURS[number % len(COLOURS)])


def _curve(curve: Curve, colour: str, horizontal: Scale, vertical: Scale) -> Iterator[str]:
    points = [(horizontal.at(x), vertical.at(y)) for x, y in curve.points if not math.isnan(y)]
    yield _stroke(points, colour, width=2)
    for x, y in points:
        yield f"<circle cx='{x}' cy='{y}' r='3' fill='{colour}'/>"


def _stroke(points: Sequence[tuple[float, float]], colour: str, width: int = 1) -> str:
    path = " ".join(f"{x},{y}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='{width}'/>"


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "", colour: str = ""
) -> str:
    further = f" font-weight='{weight}'" if weight else ""
    further += f" fill='{colour}'" if colour else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'{further}>{escape(text)}</text>"
