"""Bar charts as SVG inside the page: no script, no style of their own, and their numbers said to a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 120
STEP = 44
BAR = 30
TOP = 18
FOOT = 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in units of the drawing."""

    label: str
    value: int
    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        return self.x + BAR // 2


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws."""

    bars: Sequence[Bar]
    width: int
    height: int = TOP + HEIGHT + FOOT
    bar: int = BAR
    foot: int = TOP + HEIGHT + FOOT - 4

    @property
    def is_empty(self) -> bool:
        return not any(bar.value for bar in self.bars)


def bar_chart(values: Sequence[tuple[str, int]], *, right_to_left: bool = False) -> Chart:
    """One bar for each label, the highest as high as the drawing; the first on the side where reading begins."""
    highest = max((value for _, value in values), default=0) or 1
    bars = []
    for place, (label, value) in enumerate(values):
        column = len(values) - 1 - place if right_to_left else place
        height = round(HEIGHT * value / highest)
        bars.append(Bar(label, value, column * STEP + (STEP - BAR) // 2, TOP + HEIGHT - height, height))
    return Chart(bars, max(STEP, STEP * len(values)))
