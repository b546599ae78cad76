"""What matching says: two things may be one, how strongly, and why. Photographs, texts and registers say it alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Link:
    """One candidate for a query, strongest first among its like.

    `other`: what it may be the same as (a file, a listing, a register entry). `score`: 0 to 1. `links`: whether the
    evidence is enough to link the two without a person; a person can undo it. `reasons`: sentences for a reader.
    `parts`: the figures behind them, by the name of the evidence.
    """

    other: str
    score: float
    links: bool
    reasons: tuple[str, ...]
    parts: Mapping[str, float | int | str] = field(default_factory=dict)
