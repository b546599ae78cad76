"""Shapes in a listing's own units, so that a figure reads as a short list of ovals, bars and outlines.

The sheet is 100 wide and 75 high, y grows downward and things stand at about y = 66.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

UNIT = 10
SHEET = (100 * UNIT, 75 * UNIT)

Colour = tuple[int, int, int]
Point = tuple[float, float]

STONE: Sequence[Colour] = ((205, 190, 160), (190, 178, 155), (214, 202, 180))
CLAY: Sequence[Colour] = ((186, 120, 78), (170, 104, 70), (196, 142, 100))
BRONZE: Sequence[Colour] = ((104, 122, 92), (120, 104, 70), (92, 110, 98))
PAINTS: Sequence[Colour] = ((178, 58, 54), (48, 84, 140), (58, 118, 86), (214, 164, 62), (92, 92, 104), (126, 78, 122))
WOODS: Sequence[Colour] = ((146, 96, 56), (120, 76, 44), (176, 126, 78))
DARK: Colour = (44, 46, 52)
STEEL: Colour = (168, 174, 182)
CREAM: Colour = (236, 228, 208)
WHITE: Colour = (244, 244, 242)
GOLD: Colour = (206, 166, 74)


def shade(colour: Colour, factor: float) -> Colour:
    """The colour made darker (factor below 1) or lighter (above 1)."""
    red, green, blue = (max(0, min(255, round(part * factor))) for part in colour)
    return red, green, blue


class Brush:
    """Draws one figure on a transparent sheet; `random` is seeded, so the same seed draws the same figure."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.sheet = Image.new("RGBA", SHEET, (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.sheet)

    def pick(self, colours: Sequence[Colour]) -> Colour:
        return shade(self.random.choice(colours), self.random.uniform(0.9, 1.08))

    def poly(self, points: Sequence[Point], colour: Colour) -> None:
        self._draw.polygon([(x * UNIT, y * UNIT) for x, y in points], fill=colour)

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self._draw.ellipse(((x - rx) * UNIT, (y - ry) * UNIT, (x + rx) * UNIT, (y + ry) * UNIT), fill=colour)

    def ring(self, x: float, y: float, rx: float, ry: float, colour: Colour, width: float) -> None:
        box = ((x - rx) * UNIT, (y - ry) * UNIT, (x + rx) * UNIT, (y + ry) * UNIT)
        self._draw.ellipse(box, outline=colour, width=round(width * UNIT))

    def arc(
        self, x: float, y: float, rx: float, ry: float, start: float, end: float, colour: Colour, width: float
    ) -> None:
        """Part of an oval; angles in degrees, clockwise from three o'clock."""
        box = ((x - rx) * UNIT, (y - ry) * UNIT, (x + rx) * UNIT, (y + ry) * UNIT)
        self._draw.arc(box, start, end, fill=colour, width=round(width * UNIT))

    def bar(self, x0: float, y0: float, x1: float, y1: float, colour: Colour, radius: float = 0) -> None:
        box = (x0 * UNIT, y0 * UNIT, x1 * UNIT, y1 * UNIT)
        self._draw.rounded_rectangle(box, radius=radius * UNIT, fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        scaled = [(x * UNIT, y * UNIT) for x, y in points]
        self._draw.line(scaled, fill=colour, width=max(1, round(width * UNIT)), joint="curve")

    def turned(self, profile: Sequence[Point], colour: Colour, x: float = 50) -> None:
        """A vessel as from a potter's wheel: `profile` gives (y, half width) from the rim down."""
        left, right = [], []
        for (y0, w0), (y1, w1) in itertools.pairwise(profile):
            for step in range(12):
                part = step / 12
                ease = (1 - math.cos(math.pi * part)) / 2
                width = w0 + (w1 - w0) * ease
                y = y0 + (y1 - y0) * part
                left.append((x - width, y))
                right.append((x + width, y))
        y, width = profile[-1]
        self.poly([*left, (x - width, y), (x + width, y), *reversed(right)], colour)


Figure = Callable[[Brush], None]
